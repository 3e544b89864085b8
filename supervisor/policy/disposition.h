/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Availability
 *
 * Whether a request to a task makes sense now: the three properties of S0 and
 * the sentence for a request that does not.
 */

#include <stdbool.h>

#include "supervisor/model/task.h"

/* The phase that readers see: an ended one only when that is durable. */
TaskPhase disposition_visible_phase(const Task *task);

bool disposition_pause_is_available(const Task *task);
bool disposition_resume_is_available(const Task *task);
bool disposition_cancel_is_available(const Task *task);

/*
 * Whether the cancel verb works: wherever the property says so, on every task
 * that has not ended and does not run, and, with @force, on every one that has
 * not ended, whatever its type says.
 */
bool disposition_cancel_works(const Task *task, bool force);

/* Why not, in one sentence that says what is true and what would help; a literal. */
const char *disposition_pause_refusal(const Task *task);
const char *disposition_resume_refusal(const Task *task);
const char *disposition_cancel_refusal(const Task *task);
