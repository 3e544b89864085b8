/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Refusals
 *
 * Why the store cannot be opened, for people: one sentence.
 */

/* Makes the sentence, if there is none yet and memory for it, and returns @r. */
int refuse(char **sentence, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The sentence for a failed @verb ("write") of @path: a full disk, a read-only one, no rights, whatever it is. Returns @r. */
int refuse_failed(char **sentence, int r, const char *verb, const char *path);
