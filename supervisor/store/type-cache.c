/* SPDX-License-Identifier: MIT */
#include "supervisor/store/type-cache.h"

#include <string.h>

#include "lib/base/result.h"
#include "supervisor/store/connection.h"

void type_cache_done(TypeCache *cache) {
        for (size_t i = 0; i < cache->n_types; i++)
                (void) task_type_unref(cache->types[i].type);
        free(cache->types);
        cache->types = NULL;
        cache->n_types = cache->n_allocated = 0;
}

static int type_cache_parse(TypeCache *cache, uint64_t id, TaskType **ret) {
        const char *name, *text;
        int r, rc;

        (void) sqlite3_reset(cache->select);
        (void) sqlite3_bind_int64(cache->select, 1, (sqlite3_int64) id);
        rc = sqlite3_step(cache->select);
        if (rc == SQLITE_DONE)
                return -EBADMSG;
        if (rc != SQLITE_ROW)
                return connection_result(sqlite3_db_handle(cache->select), rc);

        name = (const char *) sqlite3_column_text(cache->select, 0);
        text = (const char *) sqlite3_column_text(cache->select, 1);
        r = name && text ? cache->parse(name, text, ret) : -ENOMEM;
        (void) sqlite3_reset(cache->select);
        if (r < 0)
                return r;
        (*ret)->definition_id = id;
        return 0;
}

/* Where @id is, or where it belongs. */
static size_t type_cache_place(const TypeCache *cache, uint64_t id) {
        size_t low = 0, high = cache->n_types;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (cache->types[middle].id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

int type_cache_get(TypeCache *cache, uint64_t id, TaskType **ret) {
        size_t place = type_cache_place(cache, id);
        TaskType *type = NULL;
        int r;

        if (place < cache->n_types && cache->types[place].id == id) {
                *ret = cache->types[place].type;
                return 0;
        }
        if (cache->n_types == cache->n_allocated) {
                size_t n = cache->n_allocated ? cache->n_allocated * 2 : 16;
                CachedType *grown = reallocarray(cache->types, n, sizeof *grown);

                if (!grown)
                        return -ENOMEM;
                cache->types = grown;
                cache->n_allocated = n;
        }

        r = type_cache_parse(cache, id, &type);
        if (r < 0)
                return r;
        memmove(cache->types + place + 1, cache->types + place, (cache->n_types - place) * sizeof *cache->types);
        cache->types[place] = (CachedType) { id, type };
        cache->n_types++;
        *ret = type;
        return 0;
}
