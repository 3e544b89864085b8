/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Properties
 *
 * The properties of a task: in which group `show` puts them, what each is
 * called above a column, and how its value reads.
 */

#include <stdbool.h>

#include "ctl/cell.h"

typedef struct Property {
        const char *name;       /* as on the bus; the table ends with NULL */
        CellKind kind;
        const char *group;      /* heading in `show` */
        const char *heading;    /* above its column; NULL: its name in capitals */
        bool shrinks;           /* its column may be cut on a narrow terminal */
        const char *needs;      /* another property that its column looks at; NULL: none */
} Property;

extern const Property task_properties[];

/* In any case, as people write columns; NULL if there is none. */
const Property *property_find(const char *name);

/* Whether a `t` of this name, in a task or in the status, is a time since 1970. */
bool property_is_time(const char *name);
