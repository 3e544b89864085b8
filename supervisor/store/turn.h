/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Turns
 *
 * What one turn of the loop put, and who waits for it: a list of operations
 * whose values are copies in the turn's own arena. The loop fills it, the
 * writer reads the operations and sets the result, the loop calls back and
 * frees it; at any moment only one of the two touches it.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "supervisor/store/arena.h"
#include "supervisor/store/database.h"
#include "supervisor/store/store.h"
#include "supervisor/store/value.h"

typedef struct Operation Operation;
struct Operation {
        Operation *next;                /* Turn.operations */
        Statement statement;
        size_t n_values;
        Value values[];
};

typedef struct Callback Callback;
struct Callback {
        Callback *next;                 /* Turn.callbacks */
        StoreOnDurable on_durable;      /* NULL: forgotten */
        void *userdata;
};

typedef struct Turn Turn;
struct Turn {
        Turn *next;                     /* Store.turns */
        Turn *next_queued;              /* Writer.queue */
        Arena arena;
        Operation *operations, **operations_end;
        Callback *callbacks, **callbacks_end;
        uint64_t highest_id;            /* of the tasks put; 0: none */
        uint64_t flush_usec;            /* CLOCK_MONOTONIC */
        int result;
        atomic_bool finished;           /* set last: from here on the turn is the loop's again */
};

Turn *turn_new(void);
Turn *turn_free(Turn *turn);
DEFINE_OWNED(Turn *, turn_free)

/* An operation whose values are to be filled in; NULL if out of memory. It is not part of the turn yet. */
Operation *turn_operation(Turn *turn, Statement statement, size_t n_values);
void turn_add(Turn *turn, Operation *operation);

/* Takes back what was added since `operations_end` was @mark. */
void turn_rewind(Turn *turn, Operation **mark);

/* A value that is a copy in the turn. NULL as @data gives the null value. -ENOMEM. */
int turn_copy_value(Turn *turn, ValueKind kind, const void *data, size_t size, Value *ret);

int turn_add_callback(Turn *turn, StoreOnDurable on_durable, void *userdata);
/* Calls them in the order they were added. One may forget another. */
void turn_call_back(Turn *turn);
void turn_forget(Turn *turn, const void *userdata);
