/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Arena
 *
 * Memory that is given back all at once. What is allocated is aligned for
 * anything, not cleared, and stays where it is.
 */

#include <stddef.h>

typedef struct ArenaChunk ArenaChunk;

typedef struct Arena {
        ArenaChunk *chunks;             /* the newest first; NULL while nothing is allocated */
        char *next;                     /* where the newest chunk is free */
        size_t n_left;                  /* bytes there */
} Arena;

/* NULL if out of memory. */
void *arena_allocate(Arena *arena, size_t size);
void *arena_copy(Arena *arena, const void *data, size_t size);

void arena_done(Arena *arena);
