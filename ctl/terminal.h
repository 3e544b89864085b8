/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Terminals
 *
 * What standard output is, and text on its way there: through a pager where it
 * is long and somebody reads it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "ctl/trouble.h"

typedef struct Terminal {
        bool is_terminal;
        size_t columns, lines;  /* 0 if it is none */
        bool color;
} Terminal;

/* @color: `auto`, `never`, `always`; NULL is auto. */
Terminal terminal_of_output(const char *color);

/* All of it to standard output. */
int terminal_write(const char *data, size_t size, Trouble *trouble);

/* The same, through $PAGER if it does not fit on the terminal. */
int terminal_page(const Terminal *terminal, const char *data, size_t size, Trouble *trouble);
