/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Progress
 *
 * Read when somebody looks, never by itself: a task that nobody watches costs
 * nothing. A look that may hang is taken by a helper, at most once a second for
 * a task and four at a time.
 */

#include "supervisor/engine/supervisor.h"

typedef void (*ProgressOnFresh)(void *userdata);

/*
 * Brings @task's numbers up to date as its source allows. True: the callback
 * comes later, once; false: there is nothing to wait for.
 */
bool progress_refresh(Supervisor *sv, Task *task, ProgressOnFresh on_fresh, void *userdata);
void progress_forget(Supervisor *sv, void *userdata);

/* The task is going: what was under way is nobody's. */
void progress_drop(Supervisor *sv, Task *task);
