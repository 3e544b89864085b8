/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Looking tasks up
 *
 * Every answer that is made of tasks' properties.
 */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

#include "supervisor/bus/peer.h"
#include "supervisor/bus/properties.h"
#include "supervisor/engine/query.h"

typedef enum LookupForm {
        LOOKUP_LIST,            /* aa{sv} */
        LOOKUP_WAITED,          /* b, aa{sv} */
        LOOKUP_PROPERTIES,      /* a{sv} of the one task */
        LOOKUP_PROPERTY,        /* v, the one column of the one task */
        LOOKUP_OBJECTS,         /* a{oa{sa{sv}}} */
} LookupForm;

typedef struct Lookup {
        LookupForm form;
        const Property *const *columns; /* NULL: all of them */
        size_t n_columns;
        bool done;                      /* LOOKUP_WAITED: what was waited for has come */
} Lookup;

/* Answers @message, now or later; fills @error if it does not even begin. Borrows what it is given. */
int lookup_answer(Peer *peer, sd_bus_message *message, const Lookup *lookup, const Query *query, sd_bus_error *error);
