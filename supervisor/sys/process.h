/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Processes
 *
 * What /proc says of one, by its number. The number may belong to another
 * process by the time it is used: pidref.h is for whoever must be sure.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct ProcessStat {
        char name[32];          /* printable ASCII: whatever else a process calls itself is `?` */
        char state;             /* R, S, D, T, t, Z, X, I */
        pid_t parent;
        uint64_t start_ticks;
} ProcessStat;

/* -ESRCH: no such process. */
int process_read_stat(pid_t pid, ProcessStat *ret);
/* The same of one thread. */
int process_read_thread_stat(pid_t pid, pid_t thread, ProcessStat *ret);

/*
 * Which of @pid and its descendants are not below @cgroup_path (T-32), `1234
 * (name)` each, at most @max; the caller's vector. Looks at no more than the
 * first 4,096, and sees a moving crowd as well as one can.
 */
int process_find_outside(pid_t pid, const char *cgroup_path, size_t max, char ***ret);
