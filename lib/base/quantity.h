/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Quantities
 *
 * Numbers as people write them in settings and on the command line. Every
 * parser wants the whole string and returns -EINVAL for anything else, -ERANGE
 * for what does not fit; *ret is untouched on failure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int quantity_parse_u64(const char *s, uint64_t *ret);
int quantity_parse_i64(const char *s, int64_t *ret);

/* yes/no, true/false, on/off, 1/0, y/n, t/f, in any case, as systemd reads them. */
int quantity_parse_boolean(const char *s, bool *ret);

/* A span as in systemd.time(7): `90`, `1min 30s`, `500ms`, `infinity`; a bare number counts seconds. */
int quantity_parse_span(const char *s, uint64_t *ret_usec);

/* `16M`: K, M, G, T are powers of 1024; `infinity` is UINT64_MAX. */
int quantity_parse_bytes(const char *s, uint64_t *ret);

/* `50%` to 50; more than 100 is fine. */
int quantity_parse_percent(const char *s, uint64_t *ret);

/* `1min 30s`, at most two parts; `0` for nothing. @ret holds at least 32 bytes. */
void quantity_format_span(uint64_t usec, char ret[static 32]);
/* `15.2M`. @ret holds at least 16 bytes. */
void quantity_format_bytes(uint64_t bytes, char ret[static 16]);
