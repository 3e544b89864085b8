/* SPDX-License-Identifier: MIT */
#include "supervisor/store/turn.h"

#include <stdlib.h>

#include "lib/base/result.h"

Turn *turn_new(void) {
        Turn *turn = calloc(1, sizeof *turn);

        if (!turn)
                return NULL;
        turn->operations_end = &turn->operations;
        turn->callbacks_end = &turn->callbacks;
        return turn;
}

Turn *turn_free(Turn *turn) {
        if (!turn)
                return NULL;
        arena_done(&turn->arena);
        free(turn);
        return NULL;
}

Operation *turn_operation(Turn *turn, Statement statement, size_t n_values) {
        Operation *operation = arena_allocate(&turn->arena, sizeof *operation + n_values * sizeof *operation->values);

        if (!operation)
                return NULL;
        operation->next = NULL;
        operation->statement = statement;
        operation->n_values = n_values;
        return operation;
}

void turn_add(Turn *turn, Operation *operation) {
        *turn->operations_end = operation;
        turn->operations_end = &operation->next;
}

void turn_rewind(Turn *turn, Operation **mark) {
        *mark = NULL;
        turn->operations_end = mark;
}

int turn_copy_value(Turn *turn, ValueKind kind, const void *data, size_t size, Value *ret) {
        void *copy;

        if (!data) {
                *ret = (Value) { .kind = VALUE_NULL };
                return 0;
        }
        copy = arena_copy(&turn->arena, data, size);
        if (!copy)
                return -ENOMEM;
        *ret = (Value) { .kind = kind, .data = copy, .size = size };
        return 0;
}

int turn_add_callback(Turn *turn, StoreOnDurable on_durable, void *userdata) {
        Callback *callback = arena_allocate(&turn->arena, sizeof *callback);

        if (!callback)
                return -ENOMEM;
        *callback = (Callback) { .on_durable = on_durable, .userdata = userdata };
        *turn->callbacks_end = callback;
        turn->callbacks_end = &callback->next;
        return 0;
}

void turn_call_back(Turn *turn) {
        for (Callback *callback = turn->callbacks; callback; callback = callback->next)
                if (callback->on_durable)
                        callback->on_durable(turn->result, callback->userdata);
}

void turn_forget(Turn *turn, const void *userdata) {
        for (Callback *callback = turn->callbacks; callback; callback = callback->next)
                if (callback->userdata == userdata)
                        callback->on_durable = NULL;
}
