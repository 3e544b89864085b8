/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Wards
 *
 * What the keeper itself holds for each entry of the table: descriptors, the
 * bound of its output, and how much of it the brain has been told. A ward is
 * found by its key at once, however many there are.
 */

#include <stddef.h>

#include "supervisor/keeper/output.h"
#include "supervisor/keeper/table.h"

#define WARD_BUCKETS 16384U

typedef struct Ward Ward;
struct Ward {
        Entry *entry;           /* NULL while unused */
        _Atomic int32_t *pid;   /* 0 until there is a process */
        int pidfd;              /* -1: never made, or gone before this keeper came */
        int life_fd;            /* end of file: it has become its command, or has ended; -1 from then on */
        Output output;
        bool acknowledged;      /* stays only for the last trim of its output */

        bool known_due;         /* the brain has come since, and is owed a KNOWN */
        KeeperState told;       /* how far the brain has heard */
        bool queued;
        Ward *queue_previous, *queue_next;      /* Brain.first */

        Ward *bucket_next;      /* Wards.bucket; Wards.unused */
};

typedef struct Wards {
        Table *table;
        Ward *all;              /* KEEPER_CHILDREN_MAX, in the order of the table */
        Ward *bucket[WARD_BUCKETS];
        Ward *unused;
        size_t n;
} Wards;

/* Takes over what an earlier keeper has left: an entry without a pid was never started and is freed. */
int wards_init(Wards *wards, Table *table);

/* NULL if there is none. */
Ward *wards_find(const Wards *wards, const Key *key);

/* A ward that the table knows as claimed; NULL if there is no room. */
Ward *wards_claim(Wards *wards, const Key *key);

/* Forgets it; the key is remembered as acknowledged. All it held must have been dropped. */
void wards_release(Wards *wards, Ward *ward);

static inline uint32_t ward_index(const Wards *wards, const Ward *ward) {
        return (uint32_t) (ward - wards->all);
}
