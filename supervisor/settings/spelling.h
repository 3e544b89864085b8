/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Spelling
 *
 * Finds the known word that somebody probably meant: offer every candidate,
 * then ask for the hint.
 */

#include <stddef.h>

typedef struct Spelling {
        const char *word;
        const char *nearest;    /* borrowed from whoever offered it; NULL: nothing is near */
        size_t distance;
} Spelling;

void spelling_offer(Spelling *spelling, const char *candidate);

/* `; did you mean JobLimit?`, or `.` if nothing is near: the end of a sentence. */
typedef struct SpellingHint {
        char text[160];
} SpellingHint;

SpellingHint spelling_hint(const Spelling *spelling);
