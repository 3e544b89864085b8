/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Resumption
 *
 * The output of a task is a stream that has no seeking. If it breaks off
 * because bgtd was started again, it is read once more from its beginning, and
 * what has been printed is left out: by counting, where printing began with the
 * beginning; else by looking for what was printed last.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/text.h"

#define RESUMPTION_TAIL 4096

typedef struct Resumption {
        bool counts;            /* the first stream was the whole output */
        uint64_t position;      /* counts: of the next byte to print */
        char tail[RESUMPTION_TAIL];     /* the last that was printed */
        size_t n_tail;

        enum {
                RESUMPTION_HEAD,        /* the stream's first line may say that something is gone */
                RESUMPTION_SKIP,        /* @skip bytes more have been printed already */
                RESUMPTION_SEARCH,      /* the tail has not come yet */
                RESUMPTION_PRINT,
        } state;
        uint64_t skip;
        Text held;              /* HEAD: the first line as far as it has come; SEARCH: what could be the tail's beginning */
} Resumption;

/* @whole: the first stream is all that there is, and not its last lines. */
void resumption_init(Resumption *resumption, bool whole);
void resumption_done(Resumption *resumption);

/* A stream of the whole output begins, after one that broke off. */
void resumption_again(Resumption *resumption);

/* Takes what came and appends what is to be printed to @out. */
void resumption_feed(Resumption *resumption, const char *data, size_t size, Text *out);

/* The stream has ended: appends what was held back. */
void resumption_end(Resumption *resumption, Text *out);
