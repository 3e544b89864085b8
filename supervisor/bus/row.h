/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Rows
 *
 * A dictionary a{sv} on its way into a message: each call adds one key, or
 * none for what is null. Text that is no UTF-8, which the bus does not carry, is
 * made to be.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "supervisor/bus/user-name.h"

typedef struct Row {
        sd_bus_message *message;
        UserNames *user_names;  /* for row_user() */
        uint64_t n_bytes;       /* about how long all of it has become */
        unsigned n_put;
        bool bare;              /* the variants alone, without keys: for one property */
} Row;

/* The dictionary's brackets. */
int row_open(Row *row);
int row_close(Row *row);

/* One key with its variant's brackets; the value stands between. */
int row_begin(Row *row, const char *name, const char *signature);
int row_end(Row *row);

int row_flag(Row *row, const char *name, bool value);
int row_u32(Row *row, const char *name, uint32_t value);
int row_i32(Row *row, const char *name, int32_t value);
int row_u64(Row *row, const char *name, uint64_t value);
int row_i64(Row *row, const char *name, int64_t value);
int row_real(Row *row, const char *name, double value);

/* Null: NULL, 0, UINT64_MAX. */
int row_text(Row *row, const char *name, const char *value);
int row_time(Row *row, const char *name, uint64_t usec);
int row_known(Row *row, const char *name, uint64_t value);

/* The user's name. */
int row_user(Row *row, const char *name, uid_t uid);

/* as; NULL is the empty one. */
int row_words(Row *row, const char *name, char *const *words);

/* A text inside of a value, a word or one of a dictionary a{ss}. */
int row_add_text(Row *row, const char *value);
int row_add_pair(Row *row, const char *key, const char *value);
