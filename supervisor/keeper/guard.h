/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Guard
 *
 * The parent of the keeper and its understudy: if the keeper dies, its children
 * fall to the guard, which collects how they end, and starts another keeper. It
 * also reaps what tasks leave orphaned.
 *
 * On SIGTERM it takes the keeper with it and nobody else: tasks belong to
 * whoever owns their cgroups, and are ended there.
 */

#include <stdbool.h>

#define GUARD_STATUS_FAILED 1
#define GUARD_STATUS_USAGE 2
#define GUARD_STATUS_ALREADY_THERE 3
#define GUARD_STATUS_NO_CGROUP 4

typedef struct GuardSettings {
        const char *runtime_dir;        /* the socket is `keeper` in it */
        const char *cgroup_root;        /* NULL: the cgroup we are in */
        bool transient;
} GuardSettings;

/* Returns the exit status, in the guard; the keeper it forks does not return. */
int guard_run(const GuardSettings *settings);
