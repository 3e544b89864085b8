/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A cgroup of a test's own, with processes in it: fresh for each test, gone
 * with everything in it afterwards, also when the test fails half-way (the
 * processes die with the test program).
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "supervisor/sys/cgroup.h"
#include "tests/kit/unit.h"

#define GROUP_DEADLINE_USEC (60 * USEC_PER_SEC)

typedef struct Group {
        int root_fd;            /* what it was made in */
        int fd;
        char name[64];
        char *path;
} Group;

/* The group that @pid 0, the caller, may make groups in: the root of the hierarchy. -1 with a reason on standard error. */
static inline int group_open_root(void) {
        _cleanup_(freep) char *mount = NULL;
        int fd;

        if (cgroup_find_mount(&mount) < 0) {
                fprintf(stderr, "skipped: no cgroup v2 hierarchy is mounted\n");
                return -1;
        }
        fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || faccessat(fd, ".", W_OK, AT_EACCESS) < 0) {
                fprintf(stderr, "skipped: %s is not writable: run as root\n", mount);
                return fd_close(fd);
        }
        return fd;
}

static inline bool group_make(int root_fd, Group *ret) {
        static unsigned n;
        Group g = { .root_fd = root_fd, .fd = -1 };

        (void) snprintf(g.name, sizeof g.name, "bgt-test-%d-%u", (int) getpid(), n++);
        if (cgroup_create(root_fd, g.name, &g.fd) != 0 || cgroup_path(g.fd, &g.path) < 0)
                return false;
        *ret = g;
        return true;
}

/*
 * A child in the group @fd (a v1 one as well) that runs @body and then waits to
 * be killed. It is there, and has not begun with @body, when this returns its pid.
 */
static inline pid_t group_spawn(int fd, void (*body)(void *argument), void *argument) {
        int ready[2], r;
        char byte;
        pid_t pid;

        if (pipe2(ready, O_CLOEXEC) < 0)
                return -1;
        pid = fork();
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                r = cgroup_write_file(fd, "cgroup.procs", "0");
                if (r < 0 || write(ready[1], "", 1) != 1)
                        _exit(99);
                if (body)
                        body(argument);
                (void) alarm(GROUP_DEADLINE_USEC / USEC_PER_SEC);       /* what it has forked does not die with the test */
                for (;;)
                        (void) pause();
        }
        (void) fd_close(ready[1]);
        r = pid > 0 && read(ready[0], &byte, 1) == 1 ? 0 : -1;
        (void) fd_close(ready[0]);
        return r < 0 ? -1 : pid;
}

/* Waits until cgroup.events says so: each is 0, 1, or -1 for either. False when the deadline is over. */
static inline bool group_await(int fd, int populated, int frozen) {
        uint64_t deadline = clock_now_usec(CLOCK_MONOTONIC) + GROUP_DEADLINE_USEC;
        _cleanup_(fd_closep) int events_fd = cgroup_open_events(fd);
        CgroupEvents events;

        while (events_fd >= 0 && cgroup_events_reread(events_fd, &events) == 0) {
                struct pollfd p = { .fd = events_fd, .events = POLLPRI };
                uint64_t now = clock_now_usec(CLOCK_MONOTONIC);

                if ((populated < 0 || events.populated == populated) && (frozen < 0 || events.frozen == frozen))
                        return true;
                if (now >= deadline)
                        return false;
                (void) poll(&p, 1, (int) ((deadline - now) / USEC_PER_MSEC) + 1);
        }
        return false;
}

/* Kills what is in it, collects what are children of the caller, and removes it, if the test has not. */
static inline bool group_end(Group *g) {
        CgroupEvents events;
        bool empty;
        int r;

        (void) cgroup_kill(g->fd);
        (void) cgroup_write_freeze(g->fd, false);
        empty = cgroup_read_events(g->fd, &events) == CGROUP_E_GONE || group_await(g->fd, 0, -1);
        do
                r = cgroup_remove(g->root_fd, g->name);
        while (r == CGROUP_E_MORE);
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        g->fd = fd_close(g->fd);
        free(g->path);
        g->path = NULL;
        return empty && (r == 0 || r == CGROUP_E_GONE);
}

/* For a test that signals through pidfds: not everything that runs programs has them, valgrind for one. */
static inline void group_need_pidfds(void) {
        int fd = pidfd_open(getpid(), 0);

        (void) fd_close(fd);
        if (fd < 0) {
                print_message("skipped: there are no pidfds here\n");
                skip();
        }
}

/* Whether @pid is there and not a zombie. */
static inline bool group_process_lives(pid_t pid) {
        siginfo_t info = {};

        if (waitid(P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
                return info.si_pid == 0;
        return kill(pid, 0) == 0;
}
