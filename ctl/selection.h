/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Selections
 *
 * Which tasks a verb is about, said the same way for every verb: ids, lists
 * and ranges (`1,4,10-20`, `self` inside a task), or --all, --namespace,
 * --type, --label and --state.
 */

#include <stddef.h>
#include <stdint.h>

#include "ctl/arguments.h"
#include "ctl/value.h"

extern const Option selection_options[];

typedef struct SelectionPart {
        uint64_t from, to;      /* equal: one id, which has to exist */
} SelectionPart;

typedef struct Selection {
        SelectionPart *parts;   /* in the order given */
        size_t n_parts;
        bool all;
        const char *namespace, *type, *label, *state;   /* borrowed from the arguments; NULL: any */
} Selection;

/* Reads @words and the options. -EINVAL for what names no tasks, or both ways at once. */
int selection_parse(Selection *ret, char *const *words, const Arguments *arguments, Trouble *trouble);
void selection_done(Selection *selection);

/* Whether one of the options that select tasks was given. */
bool selection_is_by_options(const Arguments *arguments);
/* Usage trouble if nothing was said about which tasks. */
int selection_require(const Selection *selection, Trouble *trouble);
/* It is one id and nothing else. */
bool selection_is_single(const Selection *selection);

/* The filter for the bus's List, the caller's; NULL if out of memory. */
Value *selection_filter(const Selection *selection);

/* The same for these ids. */
Value *selection_filter_of_ids(const uint64_t *ids, size_t n_ids);

/* Whether a state that is asked for is one of ended tasks. */
bool selection_state_has_ended(const char *state);
