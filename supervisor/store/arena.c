/* SPDX-License-Identifier: MIT */
#include "supervisor/store/arena.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t) 16 * 1024)

struct ArenaChunk {
        ArenaChunk *next;
        max_align_t data[];
};

/* Larger than a chunk: one of its own, behind the newest, which stays in use. */
static void *arena_allocate_large(Arena *arena, size_t size) {
        ArenaChunk *chunk = malloc(sizeof *chunk + size), **link;

        if (!chunk)
                return NULL;
        link = arena->chunks ? &arena->chunks->next : &arena->chunks;
        chunk->next = *link;
        *link = chunk;
        return chunk->data;
}

void *arena_allocate(Arena *arena, size_t size) {
        ArenaChunk *chunk;
        void *p;

        if (size > (size_t) -1 - sizeof *chunk - sizeof(max_align_t))
                return NULL;
        size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);

        if (size > CHUNK_BYTES / 4 && size > arena->n_left)
                return arena_allocate_large(arena, size);
        if (size > arena->n_left) {
                chunk = malloc(sizeof *chunk + CHUNK_BYTES);
                if (!chunk)
                        return NULL;
                chunk->next = arena->chunks;
                arena->chunks = chunk;
                arena->next = (char *) chunk->data;
                arena->n_left = CHUNK_BYTES;
        }

        p = arena->next;
        arena->next += size;
        arena->n_left -= size;
        return p;
}

void *arena_copy(Arena *arena, const void *data, size_t size) {
        void *p = arena_allocate(arena, size);

        if (p && size > 0)
                memcpy(p, data, size);
        return p;
}

void arena_done(Arena *arena) {
        while (arena->chunks) {
                ArenaChunk *chunk = arena->chunks;

                arena->chunks = chunk->next;
                free(chunk);
        }
        *arena = (Arena) {};
}
