/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "supervisor/engine/status.h"

static int process_open(pid_t pid) {
        char path[32];
        int fd;

        (void) snprintf(path, sizeof path, "/proc/%d", (int) pid);
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? result_errno() : fd;
}

static int process_namespaces(int process_fd, Outside *ret) {
        struct stat mount, user;

        if (fstatat(process_fd, "ns/mnt", &mount, 0) < 0 || fstatat(process_fd, "ns/user", &user, 0) < 0)
                return result_errno();
        *ret = (Outside) { .mount = mount.st_ino, .user = user.st_ino };
        return 0;
}

/* True also if it cannot be read. */
static bool process_has_no_new_privs(int process_fd) {
        _cleanup_(fd_closep) int fd = -1;
        char status[4096];
        const char *found;
        ssize_t n;

        fd = openat(process_fd, "status", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return true;
        n = read(fd, status, sizeof status - 1);
        if (n <= 0)
                return true;
        status[n] = '\0';

        found = strstr(status, "\nNoNewPrivs:\t");
        return !found || strncmp(found, "\nNoNewPrivs:\t0\n", strlen("\nNoNewPrivs:\t0\n")) != 0;
}

/* The process has ended, so its number may be another's by now. */
static bool process_is_gone(int pidfd) {
        struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

        return pidfd >= 0 && poll(&poll_fd, 1, 0) != 0;
}

static int outside_find(Supervisor *sv, Outside *ret) {
        _cleanup_(status_done) Status status = {};
        _cleanup_(fd_closep) int fd = -1;
        int r;

        r = status_take(sv, &status);
        if (r < 0)
                return r;
        if (status.keeper_pid <= 0)
                return -ESRCH;
        fd = process_open(status.keeper_pid);
        if (fd < 0)
                return fd;
        return process_namespaces(fd, ret);
}

static bool outside_equals(const Outside *a, const Outside *b) {
        return a->mount == b->mount && a->user == b->user;
}

bool sandbox_holds(Supervisor *sv, Outside *outside, pid_t pid, int pidfd) {
        _cleanup_(fd_closep) int fd = -1;
        Outside own;

        if (pid <= 0)
                return true;
        fd = process_open(pid);
        if (fd < 0 || process_has_no_new_privs(fd) || process_namespaces(fd, &own) < 0 || process_is_gone(pidfd))
                return true;

        /* The next keeper may live elsewhere: before anybody is refused, look again. */
        if (!outside_equals(&own, outside) && outside_find(sv, outside) < 0)
                *outside = (Outside) {};
        return !outside_equals(&own, outside);
}
