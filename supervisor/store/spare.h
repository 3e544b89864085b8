/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Spare
 *
 * What must outlive the database, in a small file beside it. The keeper refuses
 * a bgtd of an older epoch, and an id that it has seen; so a database that had
 * to be begun anew, or was put back from a backup, goes on from here instead of
 * from nothing. Ids are reserved in blocks, so that the file is written once in
 * a thousand tasks.
 */

#include <stdint.h>

#include "supervisor/store/state-directory.h"

#define SPARE_ID_BLOCK 1000

typedef struct Spare {
        int fd;
        uint64_t instance;
        uint64_t epoch;
        uint64_t ids;                   /* no id above this has been given out */
} Spare;

#define SPARE_NONE ((Spare) { .fd = -1 })

/* Opens or makes the file. One that says nothing sensible, or nothing yet, gives zeros. */
int spare_open(const StateDirectory *directory, Spare *ret);
void spare_close(Spare *spare);

/* Durable when it returns. */
int spare_write(Spare *spare);

/* Makes sure that @id is not above what is reserved. */
int spare_reserve(Spare *spare, uint64_t id);
