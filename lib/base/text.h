/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text
 *
 * A string that grows, and questions about strings that come from outside.
 * A failed append makes the whole text failed: check once, at text_take().
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/owned.h"

typedef struct Text {
        char *data;             /* NULL while empty */
        size_t length;
        size_t allocated;
        bool failed;            /* out of memory at some append */
} Text;

void text_append(Text *text, const char *string);
void text_append_bytes(Text *text, const void *data, size_t size);
void text_append_char(Text *text, char c);
void text_appendf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends @string as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD. */
void text_append_json(Text *text, const char *string);

/* The string, the caller's; "" if nothing was appended; NULL if out of memory. */
char *text_take(Text *text);

void text_done(Text *text);

/* Printf into a new string, NULL if out of memory. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Strings that may be NULL: equal if both are, or if both hold the same. */
bool text_equal(const char *a, const char *b);

static inline const char *text_or_empty(const char *s) {
        return s ? s : "";
}

/* Valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool text_is_utf8(const char *string);

/* [A-Za-z0-9_.-]{1,63}, beginning with a letter or digit: types, namespaces, devices, queues. */
bool text_is_name(const char *string);

/* [A-Za-z_][A-Za-z0-9_]{0,63}: parameters, environment variables. */
bool text_is_identifier(const char *string);

/* In place: what stands between leading and trailing white space. */
char *text_strip(char *string);

/* Copies @source to @ret, cut at a character's edge if it does not fit; @size counts the NUL. */
void text_copy(char *ret, size_t size, const char *source);
