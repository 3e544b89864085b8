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

static size_t widths_sum(const size_t *widths, size_t n) {
        size_t sum = 0;

        for (size_t i = 0; i < n; i++)
                sum += widths[i] + (i > 0 ? strlen(GAP) : 0);
        return sum;
}

/* Takes from the widest column that may shrink until the line fits or none is left. */
static void widths_fit(size_t *widths, const Column *columns, size_t n, size_t limit) {
        while (widths_sum(widths, n) > limit) {
                size_t widest = n;

                for (size_t i = 0; i < n; i++)
                        if (columns[i].shrinks && widths[i] > WIDTH_MIN && (widest == n || widths[i] > widths[widest]))
                                widest = i;
                if (widest == n)
                        return;
                widths[widest]--;
        }
}

static void append_spaces(Text *text, size_t n) {
        while (n-- > 0)
                text_append_char(text, ' ');
}

/* One line; the last cell that says something ends it, without blanks behind. What does not fit is cut at the terminal's edge. */
static void append_line(Text *text, char *const *cells, const Column *columns, const size_t *widths, size_t n, const ColumnsStyle *style, bool is_heading) {
        size_t last = n, owed = 0, left = style->width > 0 ? style->width : SIZE_MAX;

        while (last > 0 && !*cells[last - 1])
                last--;
        for (size_t i = 0; i < last; i++) {
                _cleanup_(freep) char *cell = NULL;
                bool right = is_right_aligned(columns[i].kind);
                size_t width, blank;
                Text cut = {};

                visible_append_cut(&cut, cells[i], style->width > 0 && columns[i].shrinks ? widths[i] : SIZE_MAX);
                cell = text_take(&cut);
                width = cell ? visible_width(cell) : 0;
                blank = width < widths[i] ? widths[i] - width : 0;
                owed += right ? blank : 0;
                if (!cell || owed >= left)
                        break;
                append_spaces(text, owed);
                left -= owed;
                if (width > left)
                        visible_append_cut(text, cell, left);
                else if (columns[i].kind == CELL_STATE && !is_heading)
                        columns_append_state(text, cell, style->color);
                else
                        text_append(text, cell);
                if (width >= left)
                        break;
                left -= width;
                owed = strlen(GAP) + (right ? 0 : blank);
        }
        text_append_char(text, '\n');
}

/* Every cell of heading and rows, n_columns a line; NULL if out of memory. */
static char **cells_make(const Column *columns, size_t n_columns, const Value *rows, uint64_t now_usec) {
        char **cells = calloc((rows->n_items + 1) * n_columns + 1, sizeof *cells);
        bool complete = true;
        size_t k = 0;

        if (!cells)
                return NULL;
        for (size_t i = 0; i < n_columns; i++)
                complete &= (cells[k++] = strdup(columns[i].heading)) != NULL;
        for (size_t row = 0; complete && row < rows->n_items; row++)
                for (size_t i = 0; complete && i < n_columns; i++)
                        complete = (cells[k++] = cell_make(&columns[i], rows->items[row], now_usec)) != NULL;
        if (complete)
                return cells;
        while (k-- > 0)
                free(cells[k]);
        free(cells);
        return NULL;
}

void columns_append_table(Text *text, const Column *columns, size_t n_columns, const Value *rows, const ColumnsStyle *style) {
        _cleanup_(freep) size_t *widths = calloc(n_columns + 1, sizeof *widths);
        char **cells;

        if (rows->n_items == 0)
                return;
        cells = widths ? cells_make(columns, n_columns, rows, style->now_usec) : NULL;
        if (!cells) {
                text->failed = true;
                return;
        }

        for (size_t line = 0; line <= rows->n_items; line++)
                for (size_t i = 0; i < n_columns; i++) {
                        size_t width = visible_width(cells[line * n_columns + i]);

                        if (width > widths[i])
                                widths[i] = width;
                }
        if (style->width > 0)
                widths_fit(widths, columns, n_columns, style->width);
        for (size_t line = 0; line <= rows->n_items; line++)
                append_line(text, cells + line * n_columns, columns, widths, n_columns, style, line == 0);

        for (size_t i = 0; i < (rows->n_items + 1) * n_columns; i++)
                free(cells[i]);
        free(cells);
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
