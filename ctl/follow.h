/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Following
 *
 * Staying with tasks until they have ended, also over a restart of bgtd.
 */

#include "ctl/ctl.h"

/* Outcome: the deadline came first. */
#define FOLLOW_E_TIME 1

/* For what somebody waits. */
typedef struct FollowGoal {
        const uint64_t *ids;
        size_t n_ids;
        const char *state;      /* each has been in this running state, or has ended; NULL: all have ended */
        uint64_t deadline_usec;
} FollowGoal;

/* Waits for it. *@ret is the list of the tasks' snapshots, the caller's. */
int follow_wait(Ctl *ctl, const FollowGoal *goal, Value **ret);

/*
 * After a call that failed with @r: connects again if bgtd has gone away, so
 * that the call can be made again. Returns 0 then, else @r.
 */
int follow_again(Ctl *ctl, int r, uint64_t deadline_usec);

/* Of those @tasks that have ended, in the order of @ids: the first exit status that is not 0. */
int follow_exit_status(const uint64_t *ids, size_t n_ids, const Value *tasks);

/* The snapshot of @id among @tasks; NULL if there is none. */
const Value *follow_find(const Value *tasks, uint64_t id);

/* When an answer has to be here: within the usual time, and not much later than the deadline. */
uint64_t follow_patience(const Ctl *ctl, uint64_t deadline_usec);

/* The value of --timeout as a deadline for the tasks; USEC_INFINITY without it. */
int follow_deadline(Ctl *ctl, uint64_t *ret_usec);
