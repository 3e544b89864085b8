/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Filters
 *
 * What to read among the ended: a copy of a StoreFilter in its own memory, the
 * ids brought into order, and the statement that reads one range of them.
 */

#include "supervisor/store/arena.h"
#include "supervisor/store/connection.h"
#include "supervisor/store/store.h"

typedef struct IdRange {
        uint64_t from, to;              /* inclusive */
} IdRange;

typedef struct Filter {
        Arena arena;
        IdRange *ranges;                /* apart from one another, rising, or falling for newest first */
        size_t n_ranges;
        const char *type, *namespace, *label;   /* NULL: any */
        uint32_t phases;
        uint64_t limit;                 /* at most STORE_READ_MAX */
        size_t max_bytes;               /* STORE_READ_BYTES_MAX */
        bool oldest_first;
} Filter;

int filter_init(Filter *filter, const StoreFilter *from);
void filter_done(Filter *filter);

/* The statement, with everything bound but the range and how many rows it may give: filter_bind_range() does that. */
int filter_prepare(const Filter *filter, sqlite3 *db, sqlite3_stmt **ret);
int filter_bind_range(sqlite3_stmt *statement, const IdRange *range, uint64_t limit);
