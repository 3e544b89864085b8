/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Definitions
 *
 * The texts of types. The loop knows which text has which number, so that each
 * is stored once.
 */

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/store/connection.h"

typedef struct Definition {
        uint64_t id;
        uint64_t hash;
        char *name, *text;
        bool durable;
        uint64_t turn;                  /* the last turn that puts it, while it is not durable */
} Definition;

typedef struct DefinitionTable {
        Definition **definitions;       /* by number */
        size_t n_definitions, n_allocated;
} DefinitionTable;

/* Fills the table, without what no task refers to any more: that is removed. */
int definition_table_load(DefinitionTable *table, sqlite3 *db);
void definition_table_done(DefinitionTable *table);

/* The number's definition, NULL if it has none; borrowed, and it stays where it is. */
Definition *definition_table_find(const DefinitionTable *table, uint64_t id);

/* The definition of this text, made under a new number if there is none. */
int definition_table_get(DefinitionTable *table, const char *name, const char *text, Definition **ret);
