/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ctl/ctl.h"

/*
 * The ids that @ctl's words (from the second on) and options select, in the
 * order given, the caller's. With @active an ended task is left out unless its
 * id stands there by itself. -EINVAL if nothing is selected, -ESRCH with its
 * trouble if no task matches.
 */
int selected_ids(Ctl *ctl, bool active, uint64_t **ret, size_t *ret_n);
