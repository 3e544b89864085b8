/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Facts
 *
 * Instance, epoch and the last id: in the database, and in the spare for the
 * case that the database is lost. The greater of both counts.
 */

#include "supervisor/store/database.h"
#include "supervisor/store/spare.h"
#include "supervisor/store/store.h"

/* Begins a new epoch, durably in both, with an empty log. */
int facts_begin_epoch(Database *database, Spare *spare, StoreFacts *ret);
