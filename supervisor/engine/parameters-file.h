/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The parameters' file
 *
 * BGT_PARAMETERS: every parameter of a task, secrets included, as a JSON object
 * in DIR/task/ID.ATTEMPT/parameters.json, which only the task's user can read
 * and which goes with the task.
 */

#include "supervisor/engine/supervisor.h"

/* *@ret_path is the caller's. */
int parameters_file_write(Supervisor *sv, const Task *task, char **ret_path);
void parameters_file_remove(Supervisor *sv, const Task *task);

/* Those that a bgtd has left which was killed between an end and its teardown. */
void parameters_files_sweep(Supervisor *sv);
