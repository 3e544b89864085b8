/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Spawning
 *
 * spawn() makes the process and returns at once; everything that can fail or
 * hang from there on happens in the child and is read from its entry when its
 * life pipe ends.
 */

#include "lib/wire/spawn-spec.h"
#include "supervisor/keeper/ward.h"

typedef struct SpawnOrder {
        const SpawnSpec *spec;
        int cgroup_fd;
        const int *fds;         /* become 0, 1, 2, 3 ... */
        int n_fds;
        int view_fd;            /* the mount namespace to enter; -1: ours */
} SpawnOrder;

/* Sets the ward's pid, pidfd and life_fd. A failure is that of the clone: there is no process then. */
int spawn(Ward *ward, const SpawnOrder *order);
