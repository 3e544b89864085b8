/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Visible text
 *
 * Names, labels and details are written by tasks and other users. What is
 * printed for people shows their control characters instead of obeying them,
 * and takes as many columns as it seems to. Widths need visible_init().
 */

#include "lib/base/text.h"

/* Sets the locale for the widths of characters; UTF-8 is printed whatever the locale. */
void visible_init(void);

/*
 * Appends @string with control characters, marks that reorder text, what is not
 * printable and bytes that are no UTF-8 as \n, \x1b, \u202e.
 */
void visible_append(Text *text, const char *string);

/* The columns that a string made by visible_append() takes. */
size_t visible_width(const char *string);

/* Appends at most @width columns of such a string; what is cut off shows as … at the end. */
void visible_append_cut(Text *text, const char *string, size_t width);
