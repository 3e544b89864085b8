/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What stands in a stream of a task's output where bytes of it are missing,
 * since it passed its bound. Who reads on after an interruption finds its place
 * by it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_NOTE_MAX 96

/* A line, with its end: the first @bytes of the output are gone. */
void output_note_format(uint64_t bytes, char ret[static OUTPUT_NOTE_MAX]);

/* Whether @line, of @size bytes with its end, is one. */
bool output_note_parse(const char *line, size_t size, uint64_t *ret_bytes);
