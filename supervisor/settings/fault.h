/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Faults
 *
 * What was wrong with a file, a value or a parameter, said for people:
 * `/etc/bgt/bgtd.conf:12: JobLimit=many is not a whole number.` A sentence is
 * one line of valid UTF-8, whatever the value holds that it quotes.
 */

#include <stddef.h>

/* Embedded; nothing to free. Empty until something is wrong. */
typedef struct SettingsFault {
        char sentence[1024];
} SettingsFault;

/* Where something was read. */
typedef struct SettingsOrigin {
        const char *path;       /* borrowed; NULL: from no file */
        unsigned line;          /* 0: the file as a whole */
} SettingsOrigin;

/* Each returns -EINVAL, so that a refusal is one statement. */
int fault_set(SettingsFault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same behind `PATH:LINE: `. */
int fault_at(SettingsFault *fault, SettingsOrigin origin, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A sentence that ends in the text of @r, which it returns. */
int fault_errno(SettingsFault *fault, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Passes @r on. One that nobody has explained so far, such as -ENOMEM, gets its sentence. */
int fault_explain(SettingsFault *fault, int r);

/* The beginning of a value, for a sentence: `excerpt(value).text`. */
typedef struct Excerpt {
        char text[88];
} Excerpt;

Excerpt excerpt(const char *value);
