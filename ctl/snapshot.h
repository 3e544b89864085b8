/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Snapshots
 *
 * What is known of one task at one moment, as it came from the bus: a
 * dictionary of its properties.
 */

#include "ctl/value.h"
#include "lib/base/text.h"

/*
 * The exit status that speaks for an ended task: 0 Done, its own for Error
 * (1 if that was 0 or is not known), 128+signal or 126 for Exited, 130
 * Cancelled. 0 for one that has not ended.
 */
int snapshot_exit_status(const Value *snapshot);

/* Whether it was ended because its time was up. */
bool snapshot_is_timeout(const Value *snapshot);

/* An object of every property, null for what is absent, then what else came with it. */
void snapshot_append_json(Text *text, const Value *snapshot);

/* `42 running [####------]  40%  4 of 10 MB  1.2 MB/s  5s left  name`: visible, without a newline, as wide as it gets. */
void snapshot_append_line(Text *text, const Value *snapshot, uint64_t now_usec);

/* `Task 42: Cancelled (Timeout): sentence`, for who waited for it. */
void snapshot_append_ending(Text *text, const Value *snapshot);
