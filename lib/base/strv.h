/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * String vectors
 *
 * NULL-terminated arrays of strings, all owned: argv, environments, name=value
 * lists. NULL is the empty vector.
 *
 * On disk and in sealed memory a vector is its strings one after another, each
 * with its NUL, as in /proc/PID/cmdline.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/owned.h"

#define STRV_FOREACH(s, v) for (char **_i_##s = (v), *s = _i_##s ? *_i_##s : NULL; s; s = *++_i_##s)

/* An empty vector with room for @n strings, to be filled by index. NULL if out of memory. */
char **strv_new(size_t n);
size_t strv_length(char *const *v);
char **strv_free(char **v);
DEFINE_OWNED(char **, strv_free)

/* -ENOMEM, or 0. Takes nothing; @v grows by a copy. */
int strv_append(char ***v, const char *s);
/* Takes @s on success and on failure. */
int strv_consume(char ***v, char *s);
int strv_copy(char ***ret, char *const *v);

/* The value of the last entry `name=value`, or NULL. Borrowed. */
const char *strv_find(char *const *v, const char *name);
/* Sets or replaces `name=value`. */
int strv_set(char ***v, const char *name, const char *value);
bool strv_contains(char *const *v, const char *s);

/* Splits at any of @separators, leaving out empty parts. */
int strv_split(char ***ret, const char *s, const char *separators);

/* To and from the packed form. -EBADMSG if @data does not end in NUL. */
int strv_pack(char *const *v, void **ret_data, size_t *ret_size);
int strv_unpack(char ***ret, const void *data, size_t size);
