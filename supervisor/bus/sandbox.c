/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/sandbox.h"

#include <dirent.h>
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

static void closedirp(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

/* The mount namespace that a process holds open without being in it; 0: none. */
static ino_t process_held_mounts(int process_fd) {
        _cleanup_(closedirp) DIR *directory = NULL;
        struct dirent *entry;
        int fd;

        fd = openat(process_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        directory = fdopendir(fd);
        if (!directory) {
                (void) fd_close(fd);
                return 0;
        }
        while ((entry = readdir(directory))) {
                char target[64];
                ssize_t n;
                unsigned long long inode;

                n = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
                if (n <= 0)
                        continue;
                target[n] = '\0';
                if (sscanf(target, "mnt:[%llu]", &inode) == 1)
                        return (ino_t) inode;
        }
        return 0;
}

/* The keeper opens the tasks' view when it begins, before it is sent anything. */
int outside_look(Supervisor *sv, Outside *outside) {
        _cleanup_(status_done) Status status = {};
        _cleanup_(fd_closep) int fd = -1;
        Outside found = {};
        int r;

        r = status_take(sv, &status);
        if (r < 0)
                return r;
        if (status.keeper_pid <= 0)
                return -ESRCH;
        if (status.keeper_pid == outside->keeper_pid)
                return 0;
        fd = process_open(status.keeper_pid);
        if (fd < 0)
                return fd;
        r = process_namespaces(fd, &found);
        if (r < 0)
                return r;
        found.view = process_held_mounts(fd);
        found.keeper_pid = status.keeper_pid;
        *outside = found;
        return 0;
}

static bool outside_holds(const Outside *outside, const Outside *own) {
        return own->user == outside->user && (own->mount == outside->mount || own->mount == outside->view);
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
        if (!outside_holds(outside, &own) && outside_look(sv, outside) < 0)
                *outside = (Outside) {};
        return !outside_holds(outside, &own);
}
