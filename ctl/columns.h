/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Columns
 *
 * Verbs choose columns and fill rows; here the same rows become a table for
 * people or a JSON document for programs, so that both always agree.
 */

#include "ctl/property.h"
#include "ctl/value.h"
#include "lib/base/text.h"

typedef struct Column {
        const char *name;       /* the key in the rows */
        const char *heading;
        CellKind kind;
        bool shrinks;           /* may be cut where the terminal is too narrow */
} Column;

typedef struct ColumnsStyle {
        size_t width;           /* columns of the terminal; 0: no limit */
        bool color;
        uint64_t now_usec;
} ColumnsStyle;

/* How a property of a task looks as a column. @heading holds its heading if it has none of its own. */
Column column_of_property(const Property *property, char heading[static 64]);

/* @rows is a list of dictionaries. A heading, then a line each; nothing for no rows. */
void columns_append_table(Text *text, const Column *columns, size_t n_columns, const Value *rows, const ColumnsStyle *style);

/* The same rows as an array of objects with these keys; null for what is absent. */
void columns_append_json(Text *text, const Column *columns, size_t n_columns, const Value *rows);

/* @string, coloured by what the state means if @color. */
void columns_append_state(Text *text, const char *string, bool color);
