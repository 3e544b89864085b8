/* SPDX-License-Identifier: MIT */
#include "supervisor/store/filter.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/store/row.h"
#include "supervisor/store/schema.h"

/* Places of the statement. */
enum { PLACE_FROM = 1, PLACE_TO, PLACE_LIMIT, PLACE_REST };

#define ID_MAX ((uint64_t) INT64_MAX)

static int range_compare(const void *a, const void *b) {
        const IdRange *x = a, *y = b;

        return x->from < y->from ? -1 : x->from > y->from;
}

/* One after another where they touch or overlap, so that no task comes twice. */
static void filter_join_ranges(Filter *filter) {
        size_t n = 0;

        for (size_t i = 0; i < filter->n_ranges; i++) {
                IdRange range = filter->ranges[i];

                if (n > 0 && range.from <= filter->ranges[n - 1].to + 1) {
                        if (range.to > filter->ranges[n - 1].to)
                                filter->ranges[n - 1].to = range.to;
                } else
                        filter->ranges[n++] = range;
        }
        filter->n_ranges = n;
}

static void filter_reverse_ranges(Filter *filter) {
        for (size_t i = 0, j = filter->n_ranges; i + 1 < j; i++) {
                IdRange range = filter->ranges[--j];

                filter->ranges[j] = filter->ranges[i];
                filter->ranges[i] = range;
        }
}

/* What cannot be an id is left out. */
static void filter_add_range(Filter *filter, uint64_t from, uint64_t to) {
        if (to > ID_MAX)
                to = ID_MAX;
        if (from <= to)
                filter->ranges[filter->n_ranges++] = (IdRange) { from, to };
}

static int filter_init_ranges(Filter *filter, const StoreFilter *from) {
        size_t n = from->n_ids + from->n_ranges;

        filter->ranges = arena_allocate(&filter->arena, (n > 0 ? n : 1) * sizeof *filter->ranges);
        if (!filter->ranges)
                return -ENOMEM;

        for (size_t i = 0; i < from->n_ids; i++)
                filter_add_range(filter, from->ids[i], from->ids[i]);
        for (size_t i = 0; i < from->n_ranges; i++)
                filter_add_range(filter, from->ranges[i][0], from->ranges[i][1]);
        if (n == 0)
                filter_add_range(filter, 0, ID_MAX);

        if (filter->n_ranges > 1)
                qsort(filter->ranges, filter->n_ranges, sizeof *filter->ranges, range_compare);
        filter_join_ranges(filter);
        if (!filter->oldest_first)
                filter_reverse_ranges(filter);
        return 0;
}

static int filter_copy_string(Filter *filter, const char *s, const char **ret) {
        if (!s)
                return 0;
        *ret = arena_copy(&filter->arena, s, strlen(s) + 1);
        return *ret ? 0 : -ENOMEM;
}

int filter_init(Filter *filter, const StoreFilter *from) {
        int r;

        filter->phases = from->phases;
        filter->oldest_first = from->oldest_first;
        filter->max_bytes = STORE_READ_BYTES_MAX;
        filter->limit = from->limit == 0 || from->limit > STORE_READ_MAX ? STORE_READ_MAX : from->limit;

        r = filter_init_ranges(filter, from);
        if (r < 0)
                return r;
        r = filter_copy_string(filter, from->type, &filter->type);
        if (r < 0)
                return r;
        r = filter_copy_string(filter, from->namespace, &filter->namespace);
        if (r < 0)
                return r;
        return filter_copy_string(filter, from->label, &filter->label);
}

void filter_done(Filter *filter) {
        arena_done(&filter->arena);
}

/* A condition on @column whose value is bound, if there is one; the places are numbered as filter_bind_strings() counts. */
static void filter_add_condition(Text *sql, const char *column, const char *value, int *place) {
        if (value)
                text_appendf(sql, " AND %s = ?%d", column, (*place)++);
}

/* The words come from our own table. */
static void filter_add_phases(Text *sql, uint32_t phases) {
        if (phases == 0)
                return;
        text_append(sql, " AND phase IN (''");
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++)
                if (phases & 1U << phase)
                        text_appendf(sql, ", '%s'", task_phase_to_string(phase));
        text_append(sql, ")");
}

static char *filter_sql(const Filter *filter) {
        _cleanup_(freep) char *columns = row_columns_sql("NULL");
        int place = PLACE_REST;
        Text sql = {};

        if (!columns)
                return NULL;
        text_appendf(&sql, "SELECT %s FROM task WHERE " SCHEMA_HAS_ENDED " AND id BETWEEN ?1 AND ?2", columns);
        filter_add_phases(&sql, filter->phases);
        filter_add_condition(&sql, "type", filter->type, &place);
        filter_add_condition(&sql, "namespace", filter->namespace, &place);
        filter_add_condition(&sql, "label", filter->label, &place);
        text_appendf(&sql, " ORDER BY id %s LIMIT ?3", filter->oldest_first ? "ASC" : "DESC");
        return text_take(&sql);
}

static int filter_bind_strings(const Filter *filter, sqlite3_stmt *statement) {
        const char *const strings[] = { filter->type, filter->namespace, filter->label };
        int place = PLACE_REST, rc;

        for (size_t i = 0; i < ELEMENTSOF(strings); i++) {
                if (!strings[i])
                        continue;
                rc = sqlite3_bind_text(statement, place++, strings[i], -1, SQLITE_STATIC);
                if (rc != SQLITE_OK)
                        return connection_result(sqlite3_db_handle(statement), rc);
        }
        return 0;
}

int filter_prepare(const Filter *filter, sqlite3 *db, sqlite3_stmt **ret) {
        _cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
        _cleanup_(freep) char *sql = filter_sql(filter);
        int r;

        if (!sql)
                return -ENOMEM;
        r = connection_prepare(db, sql, &statement);
        if (r < 0)
                return r;
        r = filter_bind_strings(filter, statement);
        if (r < 0)
                return r;
        *ret = MOVE(statement);
        return 0;
}

int filter_bind_range(sqlite3_stmt *statement, const IdRange *range, uint64_t limit) {
        const Value values[] = {
                [PLACE_FROM - 1] = value_u64(range->from),
                [PLACE_TO - 1] = value_u64(range->to),
                [PLACE_LIMIT - 1] = value_u64(limit),
        };

        (void) sqlite3_reset(statement);
        return statement_bind(statement, values, ELEMENTSOF(values));
}
