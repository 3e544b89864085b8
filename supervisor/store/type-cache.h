/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Type cache
 *
 * For one read of tasks: makes of a definition's number the type again, each
 * once, however many tasks have it. Ended with the read, since the types go to
 * another thread with the tasks and their references are not counted atomically.
 */

#include <sqlite3.h>

#include "supervisor/store/store.h"

typedef struct CachedType {
        uint64_t id;
        TaskType *type;
} CachedType;

typedef struct TypeCache {
        sqlite3_stmt *select;           /* borrowed: name and text of a number; see TYPE_CACHE_SELECT */
        StoreParseType parse;
        CachedType *types;              /* by number */
        size_t n_types, n_allocated;
} TypeCache;

#define TYPE_CACHE_SELECT "SELECT name, text FROM definition WHERE id = ?"

/* Borrowed from the cache. -EBADMSG if there is no such number. */
int type_cache_get(TypeCache *cache, uint64_t id, TaskType **ret);
void type_cache_done(TypeCache *cache);
