/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A file system that hangs: FUSE without anybody who answers. Whoever opens its
 * directory sleeps uninterruptibly (but for SIGKILL) until hang_end() breaks the
 * connection, which needs all children made since hang_make() to have left it.
 * It is mounted in a mount namespace of the test's own.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/base/fd.h"

typedef struct Hang {
        char path[32];
        int fuse_fd;
} Hang;

/* False: this machine has no FUSE, or no rights to it. */
static inline bool hang_make(Hang *ret) {
        Hang h = { .path = "/tmp/bgt-hang-XXXXXX", .fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC) };
        char options[96];

        if (h.fuse_fd < 0)
                return false;
        if (!mkdtemp(h.path)) {
                h.fuse_fd = fd_close(h.fuse_fd);
                return false;
        }
        (void) snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other", h.fuse_fd);
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("bgt-hang", h.path, "fuse.bgt-hang", MS_NOSUID | MS_NODEV, options) < 0) {
                (void) rmdir(h.path);
                h.fuse_fd = fd_close(h.fuse_fd);
                return false;
        }
        *ret = h;
        return true;
}

/* In a child of the test: its copy of the connection would keep that alive. */
static inline void hang_leave(Hang *h) {
        h->fuse_fd = fd_close(h->fuse_fd);
}

/* Every sleeper wakes up with an error. */
static inline void hang_end(Hang *h) {
        hang_leave(h);
        (void) umount2(h->path, MNT_DETACH);
        (void) rmdir(h->path);
}
