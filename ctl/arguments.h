/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Arguments
 *
 * A command line taken apart by tables of options. Options may stand anywhere
 * before `--`, also before the verb; what is not an option is a word; what
 * follows `--` is left alone.
 */

#include <stdbool.h>
#include <stddef.h>

#include "ctl/trouble.h"

typedef struct Option {
        const char *name;       /* the long one, without its dashes; a table ends with NULL */
        char letter;            /* 0: none */
        bool repeatable;
        const char *value;      /* what its value is called in --help; NULL: it takes none */
        const char *help;
} Option;

typedef struct GivenOption {
        const Option *option;
        const char *value;      /* borrowed from argv; NULL for one that takes none */
} GivenOption;

typedef struct Arguments {
        GivenOption *given;
        size_t n_given;
        char **words;           /* borrowed strings, NULL at the end */
        size_t n_words;
        char **rest;            /* what follows `--`, part of argv; NULL without `--` */
} Arguments;

/*
 * Takes apart @argv, which does not hold the program's name. -EINVAL for an
 * unknown or contradictory option; *@ret holds what was understood also then,
 * so that the trouble can be told as --json and --wait ask.
 */
int arguments_parse(Arguments *ret, char **argv, const Option *const *tables, Trouble *trouble);
void arguments_done(Arguments *arguments);

/* By its long name. */
bool arguments_has(const Arguments *arguments, const char *name);
/* NULL if it was not given. */
const char *arguments_value(const Arguments *arguments, const char *name);

/* Usage trouble if more than one of the names in the NULL-terminated @names was given. */
int arguments_exclude(const Arguments *arguments, const char *const *names, Trouble *trouble);
