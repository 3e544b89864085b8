/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Templates
 *
 * Text with ${parameter} in it, where `$$` stands for a dollar and every other
 * `$` is a mistake: a forgotten brace must not go unnoticed.
 */

#include <stddef.h>

/* Outcome of template_next(). */
#define TEMPLATE_E_END 1

#define TEMPLATE_MISTAKE "has a `$` that begins no ${name}; write $$ for a dollar"

typedef struct TemplatePart {
        const char *text;       /* literal, borrowed; NULL for a parameter */
        size_t length;
        char name[65];          /* of the parameter */
} TemplatePart;

/* The part at *@at, which moves behind it. -EINVAL for a mistake. */
int template_next(const char **at, TemplatePart *ret);
