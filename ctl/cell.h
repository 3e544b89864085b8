/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Cells
 *
 * One value as people read it. What a cell holds is not yet visible text: who
 * prints it passes it through visible_append().
 */

#include "ctl/value.h"
#include "lib/base/text.h"

typedef enum CellKind {
        CELL_TEXT,              /* strings as they are, lists by commas, dictionaries as key=value */
        CELL_WORDS,             /* a command: its words, quoted where a shell would need it */
        CELL_NUMBER,
        CELL_STATE,             /* a word, coloured by what it means */
        CELL_TIME,              /* microseconds since 1970: when, and how long ago */
        CELL_AGE,               /* the same: how long ago alone */
        CELL_SPAN,              /* microseconds */
        CELL_SECONDS,
        CELL_BYTES,
        CELL_RATE,              /* a number a second */
        CELL_BAR,               /* a percentage */
} CellKind;

/* Columns that a bar takes. */
#define CELL_BAR_WIDTH 12

/* Appends nothing for NULL. @now_usec: CLOCK_REALTIME, for ages. */
void cell_append(Text *text, CellKind kind, const Value *value, uint64_t now_usec);

/* `[####----]`, @width columns with its brackets. */
void cell_append_bar(Text *text, unsigned percent, unsigned width);

/* `1.2 MB/s`, `450k/s`; @units may be NULL. */
void cell_append_rate(Text *text, double rate, const char *units);

/* `5min ago`, `in 2h`, `now`. */
void cell_append_age(Text *text, uint64_t time_usec, uint64_t now_usec);

/* `2026-11-22T18:00:00.123456Z`. @ret holds at least 40 bytes. */
void cell_format_rfc3339(uint64_t time_usec, char ret[static 40]);
