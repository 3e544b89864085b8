/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The environment of a task
 *
 * T-70: what a login would give its user, what the type and the caller of an
 * ad-hoc command add, and what tells the task about itself. Nothing of bgtd's.
 */

#include "supervisor/engine/supervisor.h"
#include "supervisor/sys/account.h"

#define ENVIRONMENT_PARAMETER_MAX (64U * 1024)

/* @parameters_path: BGT_PARAMETERS. The caller owns the vector. */
int environment_make(const Task *task, const Account *account, size_t slot, const char *parameters_path, char ***ret);

/* The environment of a hook: the same without what only a running attempt has. */
int environment_make_hook(const Task *task, const Account *account, char ***ret);
