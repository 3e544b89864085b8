/* SPDX-License-Identifier: MIT */
#include "ctl/value.h"

#include <fcntl.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"

static Value *value_new(ValueType type) {
        Value *value = calloc(1, sizeof *value);

        if (value)
                value->type = type;
        return value;
}

Value *value_new_boolean(bool boolean) {
        Value *value = value_new(VALUE_BOOLEAN);

        if (value)
                value->boolean = boolean;
        return value;
}

Value *value_new_integer(ValueType type, int64_t integer) {
        Value *value = value_new(type);

        if (value)
                value->integer = integer;
        return value;
}

Value *value_new_natural(ValueType type, uint64_t natural) {
        Value *value = value_new(type);

        if (value)
                value->natural = natural;
        return value;
}

Value *value_new_double(double real) {
        Value *value = value_new(VALUE_DOUBLE);

        if (value)
                value->real = real;
        return value;
}

Value *value_new_string(const char *string) {
        _cleanup_(value_freep) Value *value = value_new(VALUE_STRING);

        if (!value)
                return NULL;
        value->string = strdup(string);
        if (!value->string)
                return NULL;
        return MOVE(value);
}

Value *value_new_fd(int fd) {
        _cleanup_(value_freep) Value *value = value_new(VALUE_FD);

        if (!value)
                return NULL;
        value->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (value->fd < 0)
                return NULL;
        return MOVE(value);
}

Value *value_new_list(void) {
        return value_new(VALUE_LIST);
}

Value *value_new_dictionary(void) {
        return value_new(VALUE_DICTIONARY);
}

Value *value_new_strings(char *const *strings) {
        _cleanup_(value_freep) Value *list = value_new_list();

        if (!list)
                return NULL;
        STRV_FOREACH(s, (char **) strings)
                if (value_add(list, value_new_string(s)) < 0)
                        return NULL;
        return MOVE(list);
}

Value *value_free(Value *value) {
        if (!value)
                return NULL;

        for (size_t i = 0; i < value->n_items; i++) {
                value_free(value->items[i]);
                if (value->keys)
                        free(value->keys[i]);
        }
        free(value->items);
        free(value->keys);
        if (value->type == VALUE_STRING)
                free(value->string);
        else if (value->type == VALUE_FD)
                fd_close(value->fd);
        free(value);
        return NULL;
}

/* Makes room for one more; doubles, so that long lists cost little. */
static int value_reserve(Value *value) {
        size_t n = value->n_items;
        void *items, *keys;

        if (n > 0 && (n < 4 || (n & (n - 1)) != 0))
                return 0;
        n = n < 4 ? 4 : 2 * n;

        items = reallocarray(value->items, n, sizeof *value->items);
        if (!items)
                return -ENOMEM;
        value->items = items;
        if (value->type != VALUE_DICTIONARY)
                return 0;

        keys = reallocarray(value->keys, n, sizeof *value->keys);
        if (!keys)
                return -ENOMEM;
        value->keys = keys;
        return 0;
}

int value_add(Value *list, Value *item) {
        _cleanup_(value_freep) Value *owned = item;
        int r;

        assert(list->type == VALUE_LIST);

        if (!owned)
                return -ENOMEM;
        r = value_reserve(list);
        if (r < 0)
                return r;
        list->items[list->n_items++] = MOVE(owned);
        return 0;
}

int value_set(Value *dictionary, const char *key, Value *item) {
        _cleanup_(value_freep) Value *owned = item;
        char *name;
        int r;

        assert(dictionary->type == VALUE_DICTIONARY);

        if (!owned)
                return -ENOMEM;
        r = value_reserve(dictionary);
        if (r < 0)
                return r;
        name = strdup(key);
        if (!name)
                return -ENOMEM;
        dictionary->keys[dictionary->n_items] = name;
        dictionary->items[dictionary->n_items++] = MOVE(owned);
        return 0;
}

const Value *value_get(const Value *dictionary, const char *key) {
        if (!dictionary || dictionary->type != VALUE_DICTIONARY)
                return NULL;
        for (size_t i = 0; i < dictionary->n_items; i++)
                if (strcmp(dictionary->keys[i], key) == 0)
                        return dictionary->items[i];
        return NULL;
}

const char *value_string(const Value *value) {
        return value && value->type == VALUE_STRING ? value->string : NULL;
}

bool value_boolean(const Value *value) {
        return value && value->type == VALUE_BOOLEAN && value->boolean;
}

uint64_t value_natural(const Value *value) {
        if (!value)
                return 0;
        if (value->type == VALUE_UINT32 || value->type == VALUE_UINT64)
                return value->natural;
        if ((value->type == VALUE_INT32 || value->type == VALUE_INT64) && value->integer > 0)
                return (uint64_t) value->integer;
        return 0;
}

int64_t value_integer(const Value *value) {
        if (!value)
                return 0;
        if (value->type == VALUE_INT32 || value->type == VALUE_INT64)
                return value->integer;
        if (value->type == VALUE_UINT32 || value->type == VALUE_UINT64)
                return value->natural > INT64_MAX ? INT64_MAX : (int64_t) value->natural;
        return 0;
}

double value_double(const Value *value) {
        if (value && value->type == VALUE_DOUBLE)
                return value->real;
        return (double) value_integer(value);
}

/* Long enough that no two 64-bit numbers become one. */
static long double value_number(const Value *value) {
        switch (value->type) {
        case VALUE_BOOLEAN:
                return value->boolean;
        case VALUE_INT32:
        case VALUE_INT64:
                return (long double) value->integer;
        case VALUE_UINT32:
        case VALUE_UINT64:
                return (long double) value->natural;
        default:
                return (long double) value->real;
        }
}

/* Null, numbers, strings, the rest. */
static int value_rank(const Value *value) {
        if (!value)
                return 0;
        if (value->type == VALUE_STRING)
                return 2;
        if (value->type == VALUE_LIST || value->type == VALUE_DICTIONARY || value->type == VALUE_FD)
                return 3;
        return 1;
}

int value_compare(const Value *a, const Value *b) {
        int rank = value_rank(a);
        long double x, y;

        if (rank != value_rank(b))
                return rank < value_rank(b) ? -1 : 1;
        if (rank == 2)
                return strcmp(a->string, b->string);
        if (rank != 1)
                return 0;
        x = value_number(a);
        y = value_number(b);
        return (x > y) - (x < y);
}
