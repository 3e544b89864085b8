/* SPDX-License-Identifier: MIT */
#include "ctl/columns.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "ctl/json.h"
#include "ctl/visible.h"
#include "lib/base/result.h"

#define GAP "  "
/* What a column that shrinks keeps. */
#define WIDTH_MIN 8

Column column_of_property(const Property *property, char heading[static 64]) {
        size_t n = 0;

        if (!property->heading)
                for (const char *p = property->name; *p && n < 63; p++)
                        heading[n++] = (char) toupper((unsigned char) *p);
        heading[n] = '\0';
        return (Column) { property->name, property->heading ? property->heading : heading, property->kind, property->shrinks };
}

static const struct {
        const char *word, *color;
} state_colors[] = {
        { "running",   "\x1b[32m" },
        { "InProcess", "\x1b[32m" },
        { "paused",    "\x1b[33m" },
        { "pausing",   "\x1b[33m" },
        { "held",      "\x1b[33m" },
        { "error",     "\x1b[31m" },
        { "exited",    "\x1b[31m" },
        { "failed",    "\x1b[31m" },
        { "cancelled", "\x1b[2m" },
        { "done",      "\x1b[2m" },
        { "succeeded", "\x1b[2m" },
};

void columns_append_state(Text *text, const char *string, bool color) {
        for (size_t i = 0; color && i < ELEMENTSOF(state_colors); i++) {
                if (strcasecmp(string, state_colors[i].word) != 0)
                        continue;
                text_append(text, state_colors[i].color);
                text_append(text, string);
                text_append(text, "\x1b[0m");
                return;
        }
        text_append(text, string);
}

static bool is_right_aligned(CellKind kind) {
        return kind == CELL_NUMBER || kind == CELL_BYTES || kind == CELL_SPAN || kind == CELL_RATE;
}

/* A bar is there only if there is something to be done: 0 % would be a lie for the others. */
static bool has_cell(const Column *column, const Value *row) {
        return column->kind != CELL_BAR || value_integer(value_get(row, "ProgressTotal")) > 0;
}

/* The visible text of one cell; NULL if out of memory. */
static char *cell_make(const Column *column, const Value *row, uint64_t now_usec) {
        CellKind kind = column->kind == CELL_TIME ? CELL_AGE : column->kind;
        _cleanup_(freep) char *raw = NULL;
        Text text = {};

        if (has_cell(column, row))
                cell_append(&text, kind, value_get(row, column->name), now_usec);
        raw = text_take(&text);
        if (!raw)
                return NULL;
        visible_append(&text, raw);
        return text_take(&text);
}

/* A table under way. */
typedef struct Table {
        const Column *columns;
        size_t n_columns;
        size_t *widths;                 /* of each column */
        char **cells;                   /* visible text of the heading and the rows, n_columns a line */
        size_t n_lines;
        const ColumnsStyle *style;
} Table;

static void table_done(Table *table) {
        for (size_t i = 0; table->cells && i < table->n_lines * table->n_columns; i++)
                free(table->cells[i]);
        free(table->cells);
        free(table->widths);
}

static size_t table_width(const Table *table) {
        size_t sum = 0;

        for (size_t i = 0; i < table->n_columns; i++)
                sum += table->widths[i] + (i > 0 ? strlen(GAP) : 0);
        return sum;
}

/* Takes from the widest column that may shrink until a line fits or none is left. */
static void table_fit(Table *table) {
        while (table_width(table) > table->style->width) {
                size_t widest = table->n_columns;

                for (size_t i = 0; i < table->n_columns; i++)
                        if (table->columns[i].shrinks && table->widths[i] > WIDTH_MIN &&
                            (widest == table->n_columns || table->widths[i] > table->widths[widest]))
                                widest = i;
                if (widest == table->n_columns)
                        return;
                table->widths[widest]--;
        }
}

static void append_spaces(Text *text, size_t n) {
        while (n-- > 0)
                text_append_char(text, ' ');
}

/* As much of the cell as its column allows; NULL if out of memory. */
static char *table_cell(const Table *table, size_t line, size_t column) {
        bool cuts = table->style->width > 0 && table->columns[column].shrinks;
        Text cell = {};

        visible_append_cut(&cell, table->cells[line * table->n_columns + column], cuts ? table->widths[column] : SIZE_MAX);
        return text_take(&cell);
}

/* Without blanks behind the last cell that says something. What does not fit is cut at the terminal's edge. */
static void table_append_line(Text *text, const Table *table, size_t line) {
        size_t last = table->n_columns, owed = 0, left = table->style->width > 0 ? table->style->width : SIZE_MAX;

        while (last > 0 && !*table->cells[line * table->n_columns + last - 1])
                last--;
        for (size_t i = 0; i < last; i++) {
                _cleanup_(freep) char *cell = table_cell(table, line, i);
                size_t width = cell ? visible_width(cell) : 0;
                size_t blank = width < table->widths[i] ? table->widths[i] - width : 0;
                bool right = is_right_aligned(table->columns[i].kind);

                owed += right ? blank : 0;
                if (!cell || owed >= left)
                        break;
                append_spaces(text, owed);
                left -= owed;
                if (width > left)
                        visible_append_cut(text, cell, left);
                else if (table->columns[i].kind == CELL_STATE && line > 0)
                        columns_append_state(text, cell, table->style->color);
                else
                        text_append(text, cell);
                if (width >= left)
                        break;
                left -= width;
                owed = strlen(GAP) + (right ? 0 : blank);
        }
        text_append_char(text, '\n');
}

static int table_fill(Table *table, const Value *rows) {
        size_t k = 0;

        table->widths = calloc(table->n_columns + 1, sizeof *table->widths);
        table->cells = calloc(table->n_lines * table->n_columns + 1, sizeof *table->cells);
        if (!table->widths || !table->cells)
                return -ENOMEM;
        for (size_t line = 0; line < table->n_lines; line++)
                for (size_t i = 0; i < table->n_columns; i++) {
                        char *cell = line == 0 ? strdup(table->columns[i].heading)
                                               : cell_make(&table->columns[i], rows->items[line - 1], table->style->now_usec);
                        size_t width = cell ? visible_width(cell) : 0;

                        if (!cell)
                                return -ENOMEM;
                        table->cells[k++] = cell;
                        if (width > table->widths[i])
                                table->widths[i] = width;
                }
        return 0;
}

void columns_append_table(Text *text, const Column *columns, size_t n_columns, const Value *rows, const ColumnsStyle *style) {
        _cleanup_(table_done) Table table = { .columns = columns, .n_columns = n_columns, .n_lines = rows->n_items + 1, .style = style };

        if (rows->n_items == 0)
                return;
        if (table_fill(&table, rows) < 0) {
                text->failed = true;
                return;
        }
        if (style->width > 0)
                table_fit(&table);
        for (size_t line = 0; line < table.n_lines; line++)
                table_append_line(text, &table, line);
}

static void append_json_row(Text *text, const Column *columns, size_t n_columns, const Value *row) {
        text_append_char(text, '{');
        for (size_t i = 0; i < n_columns; i++) {
                if (i > 0)
                        text_append_char(text, ',');
                json_append_member(text, columns[i].name, value_get(row, columns[i].name));
        }
        text_append_char(text, '}');
}

void columns_append_json(Text *text, const Column *columns, size_t n_columns, const Value *rows) {
        text_append_char(text, '[');
        for (size_t i = 0; i < rows->n_items; i++) {
                if (i > 0)
                        text_append_char(text, ',');
                append_json_row(text, columns, n_columns, rows->items[i]);
        }
        text_append_char(text, ']');
}
