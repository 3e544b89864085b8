/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Output
 *
 * Where a task writes: a journal stream, or a file of its own in a directory
 * that only bgtd can enter. Either needs nobody alive to read it.
 */

#include "supervisor/engine/supervisor.h"

/* What `auto` means on this machine. */
OutputMode output_resolve(const TaskType *type);

/* `bgt-42`. */
void output_identifier(uint64_t id, char ret[static 32]);

/*
 * Opens the streams of an attempt. *@ret_stream is standard output and error
 * together, the caller's; *@ret_bound is a second descriptor of the same file
 * for the keeper to keep it bounded, -1 if there is nothing to bound.
 */
int output_open(Supervisor *sv, const Task *task, int *ret_stream, int *ret_bound);

/* The file of an attempt, to be read. The caller's. -ENOENT: it has none. */
int output_open_file(const Supervisor *sv, uint64_t id, uint32_t attempt);
/* The same for a bound, after a restart of the keeper. */
int output_reopen_bound(const Supervisor *sv, const Task *task);

uint64_t output_max_bytes(const Supervisor *sv, const TaskType *type);

/* The greatest id that has an output file: ids are never given out twice, even if the store was lost. */
uint64_t output_greatest_id(const Supervisor *sv);
