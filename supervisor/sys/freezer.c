/* SPDX-License-Identifier: MIT */
#include "supervisor/sys/freezer.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/sys/cgroup-directory.h"
#include "supervisor/sys/process.h"

/* How long it is worth to read again rather than to wait for the notice. */
#define READ_AGAIN_USEC 300
/* A pause never lasts less than the timer's slack of 50 us: before that it is quicker to just read again. */
#define READ_AT_ONCE_USEC 60

/* For one sentence nobody looks at more threads than this. */
#define CULPRIT_THREADS_MAX 16384

int freezer_state_frozen(int cgroup_fd) {
        CgroupEvents events;
        int r;

        r = cgroup_read_events(cgroup_fd, &events);
        if (r < 0)
                return r;
        if (r == CGROUP_E_GONE || !events.populated)
                return FREEZER_E_EMPTY;
        return events.frozen ? 0 : FREEZER_E_PENDING;
}

/* Whether a group above asks for the freeze: then `frozen 1` says nothing of what this one asks for. */
static int freezer_above(int cgroup_fd, bool *ret) {
        _cleanup_(fd_closep) int at = openat(cgroup_fd, "..", CGROUP_OPEN_FLAGS);
        bool frozen = false;

        while (at >= 0 && !frozen) {
                int r = cgroup_read_freeze(at, &frozen), next;

                if (r == -ENOENT)       /* the root of the hierarchy has no such file */
                        break;
                if (r < 0)
                        return r;
                next = openat(at, "..", CGROUP_OPEN_FLAGS);
                (void) fd_close(at);
                at = next;
        }
        if (at < 0 && errno != ENOENT)
                return result_errno();
        *ret = frozen;
        return 0;
}

int freezer_state_thawed(int cgroup_fd) {
        CgroupEvents events;
        bool own = false, above = false;
        int r;

        r = cgroup_read_events(cgroup_fd, &events);
        if (r < 0)
                return r;
        if (r == CGROUP_E_GONE || !events.populated)
                return FREEZER_E_EMPTY;

        r = cgroup_read_freeze(cgroup_fd, &own);
        if (r < 0)
                return r == -ENODEV ? FREEZER_E_EMPTY : r;
        if (own || !events.frozen)
                return own ? FREEZER_E_PENDING : 0;
        r = freezer_above(cgroup_fd, &above);
        if (r < 0)
                return r;
        return above ? 0 : FREEZER_E_PENDING;
}

/* Reads, and reads again, at first at once and then after pauses that double, until it is so or that has lasted too long. */
static int freezer_confirm(int cgroup_fd, int (*state)(int cgroup_fd)) {
        uint64_t begin = clock_now_usec(CLOCK_MONOTONIC), passed;
        long pause_usec = 10;

        for (;;) {
                struct timespec pause = { .tv_nsec = pause_usec * 1000 };
                int r;

                r = state(cgroup_fd);
                if (r != FREEZER_E_PENDING)
                        return r;
                passed = usec_sub(clock_now_usec(CLOCK_MONOTONIC), begin);
                if (passed + (uint64_t) pause_usec >= READ_AGAIN_USEC)
                        return FREEZER_E_PENDING;
                if (passed < READ_AT_ONCE_USEC)
                        continue;
                (void) nanosleep(&pause, NULL);
                pause_usec *= 2;
        }
}

static int freezer_ask(int cgroup_fd, bool frozen, int (*state)(int cgroup_fd)) {
        int r;

        r = cgroup_write_freeze(cgroup_fd, frozen);
        if (r == -ENODEV)
                return FREEZER_E_EMPTY;
        if (r == -ENOENT && state(cgroup_fd) == FREEZER_E_EMPTY)        /* the group, not the file, is missing */
                return FREEZER_E_EMPTY;
        if (r < 0)
                return r;
        return freezer_confirm(cgroup_fd, state);
}

int freezer_freeze(int cgroup_fd) {
        return freezer_ask(cgroup_fd, true, freezer_state_frozen);
}

int freezer_thaw(int cgroup_fd) {
        return freezer_ask(cgroup_fd, false, freezer_state_thawed);
}

/* 'D' or 'R' if a thread of @pid is in that state (D first), else 0. A frozen thread sleeps interruptibly. */
static char culprit_state(pid_t pid, unsigned *n_left) {
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        char path[32], worst = 0;

        (void) snprintf(path, sizeof path, "/proc/%d/task", (int) pid);
        dir = opendir(path);
        while (dir && *n_left > 0 && worst != 'D' && (entry = readdir(dir))) {
                ProcessStat stat;

                if (entry->d_name[0] == '.')
                        continue;
                (*n_left)--;
                if (process_read_thread_stat(pid, (pid_t) atoi(entry->d_name), &stat) < 0)
                        continue;
                if (stat.state == 'D' || (stat.state == 'R' && !worst))
                        worst = stat.state;
        }
        return worst;
}

int freezer_find_culprit(int cgroup_fd, pid_t *ret_pid, char *ret_name, size_t size) {
        _cleanup_(freep) pid_t *pids = NULL;
        unsigned n_left = CULPRIT_THREADS_MAX;
        ProcessStat stat = {};
        pid_t culprit = 0;
        char worst = 0;
        size_t n;
        int r;

        r = cgroup_list_processes(cgroup_fd, &pids, &n);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n && worst != 'D'; i++) {
                char state = culprit_state(pids[i], &n_left);

                if (state == 'D' || (state && !worst)) {
                        worst = state;
                        culprit = pids[i];
                }
        }
        if (culprit > 0 && process_read_stat(culprit, &stat) < 0)
                culprit = 0;
        text_copy(ret_name, size, culprit > 0 ? stat.name : "");
        *ret_pid = culprit;
        return 0;
}
