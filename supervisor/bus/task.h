/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The interface org.bgt1.Task
 *
 * Objects /org/bgt1/task/_ID, one for every task there is or was. Nothing is
 * registered for each of them: the path says which it is.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "supervisor/bus/link.h"

#define TASK_PATH_MAX 40

/* Writes it to @buffer and returns that. */
const char *task_path(uint64_t id, char buffer[static TASK_PATH_MAX]);
/* False: it is no task's path. */
bool task_path_parse(const char *path, uint64_t *ret_id);

int task_export(Link *link, sd_bus *connection);

/*
 * Properties and lists of objects come later than sd-bus would have them, since
 * the tasks are asked first: takes such a call before it gets there. 0: it is
 * none of these.
 */
int task_intercept(Link *link, sd_bus_message *message, sd_bus_error *error);
