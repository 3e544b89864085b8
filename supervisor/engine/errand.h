/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Errands
 *
 * A question about one task that is not in memory, so that the store has to be
 * asked and the answer comes later.
 */

#include "supervisor/engine/supervisor.h"

/* @task is borrowed, NULL if there is none of that id; @r < 0: the store cannot be read. @caller and @closure as given. */
typedef void (*ErrandOnRead)(Task *task, int r, uint64_t id, const Caller *caller, void *closure, void *userdata);

/* Copies @closure and @caller (NULL: nobody's). The callback comes later, once. */
int errand_run(Supervisor *sv, const Caller *caller, uint64_t id, ErrandOnRead on_read, const void *closure, size_t size, void *userdata);
void errand_forget(Supervisor *sv, void *userdata);
