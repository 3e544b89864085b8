/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/view.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <mntent.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"

/* `36 35 98:0 / / rw,noatime shared:1 - ext4 /dev/root rw`: whether the mount at / has peers. */
static bool root_is_shared(void) {
        FILE *file = fopen("/proc/self/mountinfo", "re");
        char *line = NULL, peers[2];
        size_t size = 0;
        bool shared = false;

        while (file && getline(&line, &size, file) > 0)
                if (sscanf(line, "%*u %*u %*s %*s / %*s shared:%1s", peers) == 1)
                        shared = true;
        free(line);
        if (file)
                (void) fclose(file);
        return shared;
}

static void protect_cgroups(void) {
        struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
        FILE *mounts = setmntent("/proc/self/mounts", "re");
        struct mntent *entry;

        while (mounts && (entry = getmntent(mounts)))
                if (strcmp(entry->mnt_type, "cgroup2") == 0 || strcmp(entry->mnt_type, "cgroup") == 0)
                        (void) syscall(SYS_mount_setattr, AT_FDCWD, entry->mnt_dir, 0, &read_only, sizeof read_only);
        if (mounts)
                (void) endmntent(mounts);
}

/* Its life is the namespace's until somebody holds that. */
static _Noreturn void view_child(int ready_fd) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNS) < 0)
                _exit(1);
        protect_cgroups();
        if (write(ready_fd, "", 1) != 1)
                _exit(1);
        for (;;)
                (void) pause();
}

int view_open(void) {
        _cleanup_(fd_closep) int ready = -1, ready_child = -1;
        int ends[2], view = -1;
        char path[64], byte;
        pid_t pid;

        if (!root_is_shared() || pipe2(ends, O_CLOEXEC) < 0)
                return -1;
        ready = ends[0];
        ready_child = ends[1];
        pid = fork();
        if (pid == 0)
                view_child(ready_child);
        ready_child = fd_close(ready_child);
        if (pid < 0)
                return -1;

        if (read(ready, &byte, 1) == 1) {
                (void) snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int) pid);
                view = open(path, O_RDONLY | O_CLOEXEC);
        }
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);
        return view;
}
