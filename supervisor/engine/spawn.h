/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Spawns
 *
 * Makes what an attempt needs while its claim is being written to the disk, and
 * hands it to the keeper when that is durable.
 */

#include "supervisor/engine/run.h"

/*
 * A run with cgroup, limits, output and description. -EOPNOTSUPP: a limit that
 * this machine cannot set. Why it failed is in @task->ending.final_status then,
 * and nothing is left of it.
 */
int spawn_prepare(Supervisor *sv, Task *task);

/* To the keeper. What fails ends the task. */
void spawn_send(Run *run);

/* Streams the client gave: borrowed and duplicated; -1: none. To be called before the claim. */
typedef struct SpawnStreams {
        int input, output, error;
} SpawnStreams;

int spawn_prepare_with(Supervisor *sv, Task *task, const SpawnStreams *streams);
