/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Watchers
 *
 * One line for each task: on a terminal drawn anew in its place, else printed
 * again when it has changed. bgtd tells of changes; once a second it is asked
 * for fresh numbers, so progress costs only while somebody watches.
 */

#include "ctl/ctl.h"

/* Until all have ended, the deadline (EXIT_TIME_IS_UP), or with @once for one frame. The exit status is the tasks'. */
int watcher_run(Ctl *ctl, const uint64_t *ids, size_t n_ids, uint64_t deadline_usec, bool once);
