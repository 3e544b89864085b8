/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Usage
 *
 * What a cgroup has used so far, and whether the kernel has killed in it for
 * want of memory. What this machine's kernel does not tell is UINT64_MAX.
 */

#include <stdint.h>

/* Accounting of one attempt, from its cgroup. UINT64_MAX: the kernel does not tell here. */
typedef struct Usage {
        uint64_t cpu_usec;
        uint64_t memory_peak_bytes;
        uint64_t io_read_bytes, io_write_bytes;
        uint64_t tasks_peak;
} Usage;

#define USAGE_UNKNOWN ((Usage) { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX })

/* @v1_path is the group's name in the v1 hierarchies of a hybrid machine; NULL if there is none. */
int usage_read(int cgroup_fd, const char *v1_path, Usage *ret);

/* oom_kill of memory.events (memory.oom_control on v1); UINT64_MAX where there is none. */
int usage_read_oom_kills(int cgroup_fd, const char *v1_path, uint64_t *ret);
