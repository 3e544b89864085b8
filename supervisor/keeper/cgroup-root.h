/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The root of our cgroups
 *
 * R, below which keeper, jobs and hooks have their groups. It has two names: its
 * directory in the file system, and what /proc/PID/cgroup calls it.
 */

#include <stdbool.h>
#include <sys/types.h>

typedef struct CgroupRoot {
        char *path;     /* the directory */
        char *name;     /* "" for the root of the hierarchy */
} CgroupRoot;

#define CGROUP_ROOT_E_NONE 1            /* no cgroup v2 is mounted where we can see it */
#define CGROUP_ROOT_E_NOT_CGROUP 2      /* @path is no directory of a cgroup v2 */

/* @path, or NULL for the cgroup of this process. Fills in the path only. */
int cgroup_root_find(const char *path, CgroupRoot *ret);

/* Moves this process into R/keeper, which it makes, and learns R's name. */
int cgroup_root_enter(CgroupRoot *root);

/*
 * Whether the process is in a task's or a hook's group; @alive_fd, its pidfd
 * or -1, makes sure that it is still the same process. A process about which
 * nothing can be said counts as one of them.
 */
bool cgroup_root_holds(const CgroupRoot *root, pid_t pid, int alive_fd);

/*
 * Moves this process out again, to where R was made, and removes what is empty
 * of R. What is not, and what may not be done, stays as it is.
 */
void cgroup_root_leave(const CgroupRoot *root);

void cgroup_root_done(CgroupRoot *root);
