/* SPDX-License-Identifier: MIT */
#pragma once

#include "ctl/ctl.h"

/*
 * Checks type files without a supervisor: those at @paths, or without any
 * every type and the settings of this machine. The exit status: EXIT_INVALID
 * if one is wrong.
 */
int type_check_files(Ctl *ctl, char *const *paths);
