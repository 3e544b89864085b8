/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A mount namespace of the test program's own, in which it may put other files
 * in the place of the machine's.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"

/* False with a reason on standard error. */
static inline bool private_enter(void) {
        if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0)
                return true;
        fprintf(stderr, "skipped: no mount namespace of its own: run as root\n");
        return false;
}

/* For the rest of this program @path holds @text. */
static inline bool private_replace_file(const char *path, const char *text) {
        char name[] = "/tmp/bgt-private-XXXXXX";
        _cleanup_(fd_closep) int fd = mkstemp(name);
        bool done;

        if (fd < 0)
                return false;
        done = fd_write_all(fd, text, strlen(text)) == 0 && fchmod(fd, 0644) == 0 &&
               mount(name, path, "none", MS_BIND, NULL) == 0;
        (void) unlink(name);
        return done;
}

/* For the rest of this program the directory @path is empty and its own. */
static inline bool private_replace_directory(const char *path) {
        return mount("bgt-private", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") == 0;
}
