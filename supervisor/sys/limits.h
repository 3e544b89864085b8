/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Limits
 *
 * Makes the kernel keep a task within its Limits: by direct writes where the
 * unified hierarchy has the controllers, by libcgroup where a v1 hierarchy has
 * them, in a group of the same name below @v1_root there, which the task joins
 * before exec.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
 * Sets @limits for the group @cgroup_fd, a child of @parent_fd. *@ret_attach,
 * the caller's, are the cgroup.procs files the child has to write itself into
 * first (v1; NULL on v2). *@ret_v1_path, the caller's, is the name of its v1
 * group, NULL if there is none. Nothing to set: 0 and nothing made.
 * -EOPNOTSUPP: a controller is missing; *@ret_missing names it and the key.
 */
int limits_apply(int parent_fd, int cgroup_fd, const char *v1_name, const Limits *limits,
                 char ***ret_attach, char **ret_v1_path, char *ret_missing, size_t missing_size);

/* Removes the v1 groups of that name, if they are empty. */
int limits_release(const char *v1_path);

bool limits_any(const Limits *limits);
