/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Sheets
 *
 * One thing with a line for each of its properties, under headings.
 */

#include "lib/base/text.h"

void sheet_append_heading(Text *text, const char *heading);

/* @value is not yet visible text. */
void sheet_append(Text *text, const char *key, const char *value);
