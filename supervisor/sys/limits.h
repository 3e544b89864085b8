/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Limits
 *
 * Makes the kernel keep a group within its Limits: by direct writes where the
 * unified hierarchy has the controller, by libcgroup where a v1 hierarchy has
 * it, in a group of the given name there, which the task joins before exec.
 *
 * From one thread only: libcgroup keeps its table of mounts, and its last
 * error, for the whole process.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/sys/cgroup.h"

/* 0 or UINT64_MAX as each field says: not set. */
typedef struct Limits {
        uint64_t memory_max_bytes;      /* UINT64_MAX: none */
        uint64_t memory_high_bytes;     /* UINT64_MAX: none */
        uint64_t cpu_quota_percent;     /* of one processor; 0: none */
        uint64_t cpu_weight;            /* 1 to 10000; 0: not set */
        uint64_t io_weight;             /* 1 to 10000; 0: not set */
        uint64_t tasks_max;             /* UINT64_MAX: none */
} Limits;

#define LIMITS_NONE ((Limits) { .memory_max_bytes = UINT64_MAX, .memory_high_bytes = UINT64_MAX, .tasks_max = UINT64_MAX })

/*
 * Lets the group @root_fd and each of the groups on the path @below it (`jobs/a`;
 * "" for none) hand on the controllers that @limits want, and those that
 * accounting does (memory, io, pids); @limits may be NULL. They are handed
 * from group to group, so this comes before limits_apply() for a group below.
 * What this hierarchy does not have is left out: limits_apply() names it.
 * -EBUSY: there are processes in one of these groups itself.
 */
int limits_enable(int root_fd, const char *below, const Limits *limits);

/*
 * Sets @limits for the group @cgroup_fd, a child of @parent_fd. *@ret_attach,
 * the caller's, are the cgroup.procs files the child has to write itself into
 * first (v1; NULL on v2). *@ret_v1_path, the caller's, is the name of its v1
 * group, @v1_name, and NULL if there is none. A path in @v1_name is made as far
 * as it is not there. It counts from the mount, with or without a slash before
 * it, and no part of it may be called `tasks`: a v1 group has a file of that
 * name. Nothing to set: 0 and nothing made.
 * -EOPNOTSUPP: a controller is missing. On each failure @ret_missing says which
 * controller and key it is about, `memory (MemoryMax=)`, or is "".
 */
int limits_apply(int parent_fd, int cgroup_fd, const char *v1_name, const Limits *limits,
                 char ***ret_attach, char **ret_v1_path, char *ret_missing, size_t missing_size);

/*
 * Removes the v1 groups of that name in all hierarchies, with what a task has
 * made in them; those that they are in stay, for their own call. Takes NULL.
 * The outcomes of cgroup_remove(): CGROUP_E_POPULATED, CGROUP_E_MORE; a group
 * that is not there is fine.
 */
int limits_release(const char *v1_path);

/* The v1 group of that name in the hierarchy of @controller (`memory`, `pids`, `cpu`, `blkio`). -ENOENT: none. */
int limits_open_group(const char *controller, const char *v1_path, int *ret_fd);

bool limits_any(const Limits *limits);
