/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Submissions
 *
 * What start and run have in common: the options of a new task, its id on
 * standard output, and staying with it where that is asked for.
 */

#include "ctl/ctl.h"

extern const Option submission_options[];

/* The options of the bus that both have, from the command line; the caller's. */
int submission_options_read(Ctl *ctl, Value **ret);

/* Opens @path (`-` is standard input) and adds it as @key. */
int submission_add_input(Ctl *ctl, Value *options, const char *key, const char *path);

/*
 * Calls @method, prints the id, and with --wait or --watch stays until the task
 * has ended. The exit status. @id_to_stderr: standard output is the task's.
 */
int submission_run(Ctl *ctl, const char *method, const char *signature, const Value *const *arguments, bool id_to_stderr);
