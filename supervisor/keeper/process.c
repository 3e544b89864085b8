/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/process.h"

#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/result.h"

pid_t process_clone(int cgroup_fd, int exit_signal, _Atomic int32_t *ret_pid, int *ret_pidfd) {
        struct clone_args args = {
                .flags = CLONE_PIDFD,
                .exit_signal = (uint64_t) exit_signal,
                .pidfd = (uint64_t) (uintptr_t) ret_pidfd,
        };
        long pid;

        if (cgroup_fd >= 0) {
                args.flags |= CLONE_INTO_CGROUP;
                args.cgroup = (uint64_t) cgroup_fd;
        }
        if (ret_pid) {
                args.flags |= CLONE_PARENT_SETTID;
                args.parent_tid = (uint64_t) (uintptr_t) ret_pid;
        }

        pid = syscall(SYS_clone3, &args, sizeof args);
        if (pid < 0)
                return result_errno();
        return (pid_t) pid;
}

int process_open(pid_t pid) {
        long fd = syscall(SYS_pidfd_open, pid, 0);

        if (fd < 0)
                return result_errno();
        return (int) fd;
}

int process_kill(int pidfd) {
        if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
                return result_errno();
        return 0;
}

ProcessImage process_image(pid_t pid) {
        struct stat ours, st;
        char path[32];

        (void) snprintf(path, sizeof path, "/proc/%d/exe", (int) pid);
        if (stat(path, &st) < 0)
                /* a set-user-id program may refuse to be looked at: that is not ours */
                return errno == EACCES || errno == EPERM ? PROCESS_IMAGE_OTHER : PROCESS_IMAGE_NONE;
        if (stat("/proc/self/exe", &ours) < 0)
                return PROCESS_IMAGE_OTHER;
        return st.st_dev == ours.st_dev && st.st_ino == ours.st_ino ? PROCESS_IMAGE_OURS : PROCESS_IMAGE_OTHER;
}
