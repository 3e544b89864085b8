/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values
 *
 * What goes into one place of a prepared statement. Unsigned 64-bit numbers
 * are kept as the signed number of the same bits, so that UINT64_MAX, which
 * means "unknown" or "none" in many fields, comes back as it was.
 */

#include <stddef.h>
#include <stdint.h>

typedef enum ValueKind {
        VALUE_NULL,
        VALUE_INTEGER,
        VALUE_TEXT,
        VALUE_BLOB,
} ValueKind;

typedef struct Value {
        ValueKind kind;
        int64_t integer;
        const void *data;               /* borrowed */
        size_t size;
} Value;

static inline Value value_u64(uint64_t u) {
        return (Value) { .kind = VALUE_INTEGER, .integer = (int64_t) u };
}
