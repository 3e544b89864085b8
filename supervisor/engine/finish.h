/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The end of a task
 *
 * Nothing is left alive: read what there is to read, decide, make it durable,
 * and only then announce it, tear down and acknowledge to the keeper.
 */

#include "supervisor/engine/run.h"

/* The group is empty, or was given up: how did it end? */
void finish_decide(Run *run);

/*
 * The phase has become a final one: remembers that, as often as it takes, and
 * settles the task when it is durable. -ENOMEM.
 */
int finish_remember(Supervisor *sv, Task *task);

/* A start that did not become durable: leaves nothing of it. Frees @task. */
void finish_undo(Supervisor *sv, Task *task);
