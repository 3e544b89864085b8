/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writer
 *
 * The thread that commits turns, in their order. Turns that wait together are
 * committed together; if that fails, each is tried by itself, so that only those
 * fail that must. It wakes up for turns, and once after them to tidy the log.
 */

#include "supervisor/store/database.h"
#include "supervisor/store/spare.h"
#include "supervisor/store/turn.h"

typedef struct Writer Writer;

/*
 * Starts the thread. Takes @database and @spare on success. @done_fd, an
 * eventfd, is borrowed and told when turns are finished.
 */
int writer_new(Writer **ret, Database *database, const Spare *spare, int done_fd);

/* Finishes what was submitted, then ends the thread and closes the database. */
Writer *writer_free(Writer *writer);
DEFINE_OWNED(Writer *, writer_free)

/* Lends the turn to the writer until its `finished` is set. */
void writer_submit(Writer *writer, Turn *turn);
