/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Steps
 */

#include "supervisor/engine/supervisor.h"
#include "supervisor/model/transition.h"

#define STEP_E_NOT_NOW 1        /* the event cannot happen in this phase; nothing was done */

/*
 * The only way a task changes its phase: decide, do what must not wait for the
 * disk, remember, do the rest when that is durable, and tell who listens.
 * A negative errno only if a claim could not be prepared; nothing is
 * remembered then.
 */
int step(Supervisor *sv, Task *task, TaskEvent event);

/* Something that is no phase has changed (a request): remember it with this turn's commit and tell. */
void step_remember(Supervisor *sv, Task *task);

/* The same, but soon is good enough: no commit of its own. */
void step_remember_lazily(Supervisor *sv, Task *task);
void step_forget(Supervisor *sv, Task *task);
