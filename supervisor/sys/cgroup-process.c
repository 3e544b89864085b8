/* SPDX-License-Identifier: MIT */
/*
 * The processes of a group and of the groups below it: to list, to signal, to
 * kill.
 */
#include "supervisor/sys/cgroup.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "supervisor/sys/cgroup-directory.h"
#include "supervisor/sys/pidref.h"

#define SIGNAL_PASSES_MAX 16

/* A fork bomb must not keep the reader of its list for ever. */
#define PROCESSES_MAX 65536

DEFINE_OWNED(FILE *, fclose)

typedef struct PidList {
        pid_t *pids;
        size_t n, allocated;
} PidList;

static void pid_list_done(PidList *list) {
        free(list->pids);
        *list = (PidList) {};
}

static int pid_list_append(PidList *list, pid_t pid) {
        if (list->n == list->allocated) {
                size_t allocated = list->allocated ? list->allocated * 2 : 64;
                pid_t *pids = reallocarray(list->pids, allocated, sizeof *pids);

                if (!pids)
                        return -ENOMEM;
                list->pids = pids;
                list->allocated = allocated;
        }
        list->pids[list->n++] = pid;
        return 0;
}

static int pid_compare(const void *a, const void *b) {
        pid_t x = *(const pid_t *) a, y = *(const pid_t *) b;

        return (x > y) - (x < y);
}

/* Of the first @n, which are in order. */
static bool pid_list_contains(const PidList *list, size_t n, pid_t pid) {
        return n > 0 && bsearch(&pid, list->pids, n, sizeof pid, pid_compare);
}

/* Adds what one group lists. A threaded one (EOPNOTSUPP) has its processes in the list of one above it. */
static int pid_list_read(PidList *list, int group_fd) {
        _cleanup_(fd_closep) int fd = openat(group_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        _cleanup_(fclosep) FILE *f = NULL;
        _cleanup_(freep) char *line = NULL;
        size_t size = 0;

        if (fd < 0)
                return errno == ENOENT ? 0 : result_errno();
        f = fdopen(fd, "re");
        if (!f)
                return result_errno();
        (void) MOVE_FD(fd);

        while (list->n < PROCESSES_MAX && getline(&line, &size, f) >= 0) {
                pid_t pid = (pid_t) strtol(line, NULL, 10);
                int r;

                if (pid <= 0)
                        continue;
                r = pid_list_append(list, pid);
                if (r < 0)
                        return r;
        }
        return ferror(f) && errno != ENODEV && errno != EOPNOTSUPP ? result_errno() : 0;
}

/* The same for all groups below, at most @n_left of them. */
static int pid_list_walk(PidList *list, int fd, unsigned depth, unsigned *n_left) {
        _cleanup_(closedirp) DIR *dir = NULL;
        const char *name;
        int r;

        r = pid_list_read(list, fd);
        if (r < 0)
                return r;
        if (depth == 0 || !cgroup_directory_has_groups(fd))
                return 0;
        dir = cgroup_directory_open(fd);
        if (!dir)
                return errno == ENOENT ? 0 : result_errno();

        while (*n_left > 0 && (name = cgroup_directory_next(dir))) {
                _cleanup_(fd_closep) int child = openat(fd, name, CGROUP_OPEN_FLAGS);

                (*n_left)--;
                if (child < 0 && errno == ENOENT)
                        continue;
                if (child < 0)
                        return result_errno();
                r = pid_list_walk(list, child, depth - 1, n_left);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int pid_list_collect(PidList *list, int fd) {
        unsigned n_left = CGROUP_GROUPS_MAX;

        return pid_list_walk(list, fd, CGROUP_DEPTH_MAX, &n_left);
}

int cgroup_list_processes(int fd, pid_t **ret, size_t *ret_n) {
        _cleanup_(pid_list_done) PidList list = {};
        int r;

        r = pid_list_collect(&list, fd);
        if (r < 0)
                return r;
        *ret_n = list.n;
        *ret = MOVE(list.pids);
        return 0;
}

/* T-31: the descriptor first, then the question where it is. -ESRCH: gone, or no longer below @path. */
static int process_signal_inside(pid_t pid, const char *path, int signal) {
        _cleanup_(pidref_done) PidRef process = PIDREF_NULL;
        _cleanup_(freep) char *now = NULL;
        int r;

        r = pidref_open(pid, &process);
        if (r < 0)
                return r;
        r = cgroup_of_process(pid, &now);
        if (r < 0)
                return r;
        if (!cgroup_path_is_below(now, path))
                return -ESRCH;
        return pidref_signal(&process, signal);
}

/* One pass: signals those of @now that are not among @had, and adds them to it. *@refused keeps the first error. */
static int signal_pass(const PidList *now, PidList *had, const char *path, int signal, int *refused) {
        size_t n_before = had->n;

        for (size_t i = 0; i < now->n; i++) {
                int r;

                if (pid_list_contains(had, n_before, now->pids[i]))
                        continue;
                r = process_signal_inside(now->pids[i], path, signal);
                if (r == -ESRCH)
                        continue;
                if (r < 0 && *refused == 0)
                        *refused = r;
                r = pid_list_append(had, now->pids[i]);
                if (r < 0)
                        return r;
        }
        if (had->n > n_before)
                qsort(had->pids, had->n, sizeof *had->pids, pid_compare);
        return 0;
}

int cgroup_signal(int fd, const char *path, int signal, size_t *ret_n) {
        _cleanup_(pid_list_done) PidList had = {};
        int refused = 0, r;

        for (unsigned pass = 0; pass < SIGNAL_PASSES_MAX; pass++) {
                _cleanup_(pid_list_done) PidList now = {};
                size_t n_before = had.n;

                r = pid_list_collect(&now, fd);
                if (r < 0)
                        return r;
                r = signal_pass(&now, &had, path, signal, &refused);
                if (r < 0)
                        return r;
                if (had.n == n_before)
                        break;
        }
        if (refused < 0)
                return refused;
        *ret_n = had.n;
        return 0;
}

int cgroup_kill(int fd) {
        CgroupEvents events;
        int r;

        r = cgroup_write_file(fd, "cgroup.kill", "1");
        if (r != -ENOENT && r != -ENODEV)
                return r;
        /* no such group any more, or no such file before Linux 5.14 */
        r = cgroup_read_events(fd, &events);
        if (r != 0)
                return r;
        return cgroup_kill_each(fd);
}

int cgroup_kill_each(int fd) {
        _cleanup_(freep) char *path = NULL;
        bool was_frozen;
        size_t n;
        int r, k;

        r = cgroup_path(fd, &path);
        if (r < 0)
                return r;
        r = cgroup_read_freeze(fd, &was_frozen);
        if (r < 0)
                return r;
        r = cgroup_write_freeze(fd, true);      /* so that nobody forks meanwhile */
        if (r < 0)
                return r;

        k = cgroup_signal(fd, path, SIGKILL, &n);
        r = cgroup_write_freeze(fd, was_frozen);
        return k < 0 ? k : r;
}
