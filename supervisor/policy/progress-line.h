/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Progress for people
 *
 * T-51, T-52, T-56: what a task's two numbers look like.
 */

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/model/task.h"

/* The line, the caller's; NULL in *@ret when there is none to show. -ENOMEM. */
int progress_line(const Progress *progress, char **ret);

/* clamp(floor(100 * current / total), 0, 100), 0 without a positive total. */
int progress_percent(int64_t current, int64_t total);

/*
 * Units a second over @run_usec of running, and the time when @total would be
 * reached from @now_usec. False where that would be a guess: less than a second
 * of running, nothing done yet, a total that is not ahead.
 */
bool progress_rate(const Progress *progress, uint64_t run_usec, double *ret);
bool progress_eta(const Progress *progress, uint64_t run_usec, uint64_t now_usec, uint64_t *ret_usec);
