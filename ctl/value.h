/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values
 *
 * What travels on the bus, so that only the client knows sd-bus: the answers
 * that verbs print, and the options and filters that they send. A value keeps
 * its bus type; structures are lists; a dictionary keeps its order, and what
 * is absent in it is null.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/owned.h"

/* The letters of the bus's signatures. */
typedef enum ValueType {
        VALUE_BOOLEAN = 'b',
        VALUE_INT32 = 'i',
        VALUE_UINT32 = 'u',
        VALUE_INT64 = 'x',
        VALUE_UINT64 = 't',
        VALUE_DOUBLE = 'd',
        VALUE_STRING = 's',
        VALUE_FD = 'h',
        VALUE_LIST = 'a',
        VALUE_DICTIONARY = '{',
} ValueType;

typedef struct Value {
        ValueType type;
        union {
                bool boolean;
                int64_t integer;        /* INT32, INT64 */
                uint64_t natural;       /* UINT32, UINT64 */
                double real;
                char *string;
                int fd;                 /* owned */
        };
        struct Value **items;           /* LIST, DICTIONARY */
        char **keys;                    /* DICTIONARY: items[i] is called keys[i] */
        size_t n_items;
} Value;

/* Each returns NULL if out of memory. */
Value *value_new_boolean(bool boolean);
Value *value_new_integer(ValueType type, int64_t integer);
Value *value_new_natural(ValueType type, uint64_t natural);
Value *value_new_double(double real);
Value *value_new_string(const char *string);
/* A duplicate of @fd. */
Value *value_new_fd(int fd);
Value *value_new_list(void);
Value *value_new_dictionary(void);
/* A list of strings. */
Value *value_new_strings(char *const *strings);

Value *value_free(Value *value);
DEFINE_OWNED(Value *, value_free)

/* Both take @item on success and on failure, and fail with -ENOMEM for NULL: value_set(o, "name", value_new_string(s)). */
int value_add(Value *list, Value *item);
int value_set(Value *dictionary, const char *key, Value *item);

/* Borrowed; NULL if there is none, or if @dictionary is none. */
const Value *value_get(const Value *dictionary, const char *key);

/* What it says, or the empty answer (NULL, false, 0) if it is NULL or of another kind. */
const char *value_string(const Value *value);
bool value_boolean(const Value *value);
uint64_t value_natural(const Value *value);
int64_t value_integer(const Value *value);
double value_double(const Value *value);

/* The same of a dictionary's entry. */
static inline const char *value_get_string(const Value *dictionary, const char *key) {
        return value_string(value_get(dictionary, key));
}
static inline bool value_get_boolean(const Value *dictionary, const char *key) {
        return value_boolean(value_get(dictionary, key));
}
static inline uint64_t value_get_natural(const Value *dictionary, const char *key) {
        return value_natural(value_get(dictionary, key));
}

/* For sorting: null first, numbers by size whatever their type, then strings by bytes. */
int value_compare(const Value *a, const Value *b);
