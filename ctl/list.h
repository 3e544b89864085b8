/* SPDX-License-Identifier: MIT */
#pragma once

#include "ctl/ctl.h"

/* The active tasks as `list` shows them, to ctl->out; with --json without a newline. */
int list_append_active(Ctl *ctl);
