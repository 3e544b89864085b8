/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Queries
 *
 * Which tasks somebody wants to see: the live ones from memory, the ended ones
 * from the store.
 */

#include "supervisor/engine/outcome.h"
#include "supervisor/engine/supervisor.h"

typedef struct Query {
        const uint64_t *ids;            /* each has to exist */
        size_t n_ids;
        uint64_t (*ranges)[2];          /* from..to inclusive; may match nothing */
        size_t n_ranges;
        const char *namespace, *type, *label;
        const char *state;              /* a phase, a running state or a status */
        bool ended;                     /* only ended ones */
        bool every;                     /* ended and not; implied by ids and ranges */
        bool unsuccessful;              /* ended otherwise than Done */
        bool fresh;                     /* ask the progress sources first */
        uint64_t limit;                 /* the newest so many; 0: all */
} Query;

/* @tasks are borrowed for the callback, in order of id. */
typedef void (*QueryOnDone)(const Outcome *outcome, Task *const *tasks, size_t n_tasks, void *userdata);

/* Borrows @query for the call. The callback comes once, during the call or later. */
void query_run(Supervisor *sv, const Caller *caller, const Query *query, QueryOnDone on_done, void *userdata);
void query_forget(Supervisor *sv, void *userdata);

/* `1,4,10-20` into ids and ranges, both the caller's. -EINVAL. At most 10,000 parts. */
int query_parse_ids(const char *text, uint64_t **ret_ids, size_t *ret_n_ids, uint64_t (**ret_ranges)[2], size_t *ret_n_ranges);
