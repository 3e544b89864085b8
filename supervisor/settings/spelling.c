/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/spelling.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/result.h"

#define WORD_MAX 96

static size_t least(size_t a, size_t b, size_t c) {
        size_t ab = a < b ? a : b;

        return ab < c ? ab : c;
}

static bool same(char a, char b) {
        return tolower((unsigned char) a) == tolower((unsigned char) b);
}

/* Letters to insert, remove, replace or swap with their neighbour until @a is @b. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b) {
        size_t rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];

        for (size_t j = 0; j <= n_b; j++)
                last[j] = j;

        for (size_t i = 1; i <= n_a; i++) {
                size_t *free_row = before;

                row[0] = i;
                for (size_t j = 1; j <= n_b; j++) {
                        row[j] = least(last[j] + 1, row[j - 1] + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
                        if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                                row[j] = least(row[j], before[j - 2] + 1, row[j]);
                }
                before = last;
                last = row;
                row = free_row;
        }
        return last[n_b];
}

void spelling_offer(Spelling *spelling, const char *candidate) {
        size_t n_word = strlen(spelling->word), n_candidate = strlen(candidate), d;

        if (n_word > WORD_MAX || n_candidate > WORD_MAX)
                return;

        /* a third of the word may be wrong: more, and everything looks like everything */
        d = distance(spelling->word, n_word, candidate, n_candidate);
        if (d > (n_candidate + 2) / 3 || (spelling->nearest && d >= spelling->distance))
                return;
        spelling->nearest = candidate;
        spelling->distance = d;
}

SpellingHint spelling_hint(const Spelling *spelling) {
        SpellingHint hint = { "." };

        if (spelling->nearest)
                (void) snprintf(hint.text, sizeof hint.text, "; did you mean %s?", spelling->nearest);
        return hint;
}
