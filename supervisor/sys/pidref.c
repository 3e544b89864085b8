/* SPDX-License-Identifier: MIT */
#include "supervisor/sys/pidref.h"

#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"

/* Its own file system gives each process an inode for good; before, all pidfds shared one. */
#define PIDFS_MAGIC 0x50494446

int pidref_open(pid_t pid, PidRef *ret) {
        int fd = pidfd_open(pid, 0);

        if (fd < 0)
                return result_errno();
        *ret = (PidRef) { pid, fd };
        return 0;
}

int pidref_take(pid_t pid, int fd, PidRef *ret) {
        if (pid <= 0)
                return -EINVAL;
        if (pidfd_send_signal(fd, 0, NULL, 0) < 0 && errno == EBADF)
                return -EBADF;
        *ret = (PidRef) { pid, fd };
        return 0;
}

void pidref_done(PidRef *ref) {
        (void) fd_close(ref->fd);
        *ref = PIDREF_NULL;
}

int pidref_signal(const PidRef *ref, int signal) {
        if (pidfd_send_signal(ref->fd, signal, NULL, 0) < 0)
                return result_errno();
        return 0;
}

int pidref_start_ticks(const PidRef *ref, uint64_t *ret) {
        ProcessStat stat;
        int r;

        r = process_read_stat(ref->pid, &stat);
        if (r < 0)
                return r;
        /* still there: so the number was its own when it was read */
        r = pidref_signal(ref, 0);
        if (r < 0 && r != -EPERM)
                return r;
        *ret = stat.start_ticks;
        return 0;
}

uint64_t pidref_inode(const PidRef *ref) {
        struct statfs fs;
        struct stat st;

        if (fstatfs(ref->fd, &fs) < 0 || fs.f_type != PIDFS_MAGIC || fstat(ref->fd, &st) < 0)
                return 0;
        return st.st_ino;
}
