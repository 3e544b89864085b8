/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Start
 *
 * From a state directory to an open database: one that was found good, or, if
 * the file is damaged, a new one, with the damaged one kept under another name.
 */

#include "supervisor/store/database.h"
#include "supervisor/store/definition.h"
#include "supervisor/store/spare.h"
#include "supervisor/store/store.h"

typedef struct Start {
        const StateDirectory *directory;
        const char *path;               /* of the file in it */
        Spare *spare;
        DefinitionTable *definitions;   /* to be filled */
        StoreFacts *facts;              /* to be filled */
} Start;

#define START_DATABASE_NAME "tasks.db"

/* STORE_E_MOVED_ASIDE, 0, or why not; see start_refuse(). */
int start_database(const Start *start, Database **ret);

/* The sentence for what @path was refused for, unless there is one already. Returns @r. */
int start_refuse(char **sentence, int r, const char *path);
