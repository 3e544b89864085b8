/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Faults
 *
 * For tests only: a disk that is slow, or that stands still until told to go on.
 * Asked for by the environment of bgtd:
 *
 *   BGT_TEST_COMMIT_DELAY_MSEC   how long the writer waits before each commit
 *   BGT_TEST_COMMIT_GATE         a path; each commit waits while there is a file
 */

#include <stdint.h>

typedef struct Fault {
        uint64_t delay_usec;
        char *gate;             /* NULL: none */
} Fault;

int fault_init(Fault *fault);
void fault_done(Fault *fault);

/* Before a commit, in the writer's thread. */
void fault_before_commit(const Fault *fault);
