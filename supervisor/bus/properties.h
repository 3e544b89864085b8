/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Properties
 *
 * The one table of what a task shows: names, types and where the values come
 * from. The interface's description, GetAll, lists and signals are made of it,
 * and here alone stands what others may see of a task (P-41).
 */

#include <stddef.h>

#include "supervisor/bus/row.h"
#include "supervisor/engine/snapshot.h"

enum {
        PROPERTY_PUBLIC = 1 << 0,       /* for everybody */
        PROPERTY_NEWS = 1 << 1,         /* part of the signal Changed */
        PROPERTY_USAGE = 1 << 2,        /* the snapshot has to look at the cgroup's accounting */
        PROPERTY_ASKED = 1 << 3,        /* costs more than a look: only for who names it as a column */
};

typedef struct Property {
        const char *name;
        const char *signature;
        unsigned flags;
        /* Puts it into @row under its name; nothing if it is null. */
        int (*put)(Row *row, const char *name, const Snapshot *snapshot);
} Property;

/* In the order of the manual. */
extern const Property properties_table[];
extern const size_t n_properties;

const Property *property_find(const char *name);

/* Nothing if the caller of the snapshot may not see it. */
int property_put(const Property *property, Row *row, const Snapshot *snapshot);

/* The whole dictionary: @columns, or with NULL every property that has all of @flags. */
int properties_put(Row *row, const Snapshot *snapshot, const Property *const *columns, size_t n_columns, unsigned flags);
