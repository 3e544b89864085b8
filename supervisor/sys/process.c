/* SPDX-License-Identifier: MIT */
#include "supervisor/sys/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/sys/cgroup.h"

/* A task decides how many descendants it has; nobody reads more of them than this for one sentence. */
#define DESCENDANTS_MAX 4096

DEFINE_OWNED(FILE *, fclose)
DEFINE_OWNED(DIR *, closedir)

/* `1234 (name) S 1 ...`: the name may hold anything, so its end is the last parenthesis. */
static int process_parse_stat(const char *text, ProcessStat *ret) {
        const char *name = strchr(text, '('), *end = strrchr(text, ')');
        ProcessStat stat = {};
        int parent;

        if (!name || !end || end < name)
                return -EBADMSG;
        name++;
        for (size_t i = 0; i < sizeof stat.name - 1 && name + i < end; i++)
                stat.name[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';

        /* state, ppid, and 17 more before the start */
        if (sscanf(end + 1, " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
                   &stat.state, &parent, &stat.start_ticks) != 3)
                return -EBADMSG;
        stat.parent = parent;
        *ret = stat;
        return 0;
}

static int process_read_stat_file(const char *path, ProcessStat *ret) {
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char text[1024];
        ssize_t n;

        if (fd < 0)
                return errno == ENOENT ? -ESRCH : result_errno();
        n = read(fd, text, sizeof text - 1);
        if (n < 0)
                return result_errno();
        text[n] = '\0';
        return n == 0 ? -ESRCH : process_parse_stat(text, ret);
}

int process_read_stat(pid_t pid, ProcessStat *ret) {
        char path[64];

        (void) snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
        return process_read_stat_file(path, ret);
}

int process_read_thread_stat(pid_t pid, pid_t thread, ProcessStat *ret) {
        char path[64];

        (void) snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int) pid, (int) thread);
        return process_read_stat_file(path, ret);
}

/* Processes still to be looked at; the first is whose descendants they are. */
typedef struct Descendants {
        pid_t pids[DESCENDANTS_MAX];
        size_t n;
} Descendants;

/* The children that one thread has made. */
static void descendants_add_children(Descendants *d, pid_t pid, const char *thread) {
        _cleanup_(fclosep) FILE *f = NULL;
        char path[sizeof "/proc/12345678901/task//children" + NAME_MAX];
        int child;

        (void) snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int) pid, thread);
        f = fopen(path, "re");
        while (f && d->n < DESCENDANTS_MAX && fscanf(f, "%d", &child) == 1)
                d->pids[d->n++] = child;
}

static void descendants_add(Descendants *d, pid_t pid) {
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        char path[32];

        (void) snprintf(path, sizeof path, "/proc/%d/task", (int) pid);
        dir = opendir(path);
        while (dir && d->n < DESCENDANTS_MAX && (entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        descendants_add_children(d, pid, entry->d_name);
}

static int outside_append(char ***outside, pid_t pid, const char *cgroup_path) {
        _cleanup_(freep) char *path = NULL;
        ProcessStat stat;

        if (cgroup_of_process(pid, &path) < 0 || cgroup_path_is_below(path, cgroup_path))
                return 0;
        if (process_read_stat(pid, &stat) < 0 || stat.state == 'Z')
                return 0;
        return strv_consume(outside, text_format("%d (%s)", (int) pid, stat.name));
}

int process_find_outside(pid_t pid, const char *cgroup_path, size_t max, char ***ret) {
        _cleanup_(freep) Descendants *d = calloc(1, sizeof *d);
        _cleanup_(strv_freep) char **outside = NULL;

        if (!d)
                return -ENOMEM;

        d->pids[d->n++] = pid;
        for (size_t i = 0; i < d->n && strv_length(outside) < max; i++) {
                int r;

                descendants_add(d, d->pids[i]);
                r = outside_append(&outside, d->pids[i], cgroup_path);
                if (r < 0)
                        return r;
        }
        *ret = MOVE(outside);
        return 0;
}
