/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Quotas
 *
 * How much of bgtd each user's clients hold: connections, and bytes of
 * requests that are coming in or waiting for their answer and of answers that
 * nobody reads. Who floods or stalls meets its own bounds before anybody else
 * notices.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/owned.h"

#define QUOTA_CALLS_MAX 4000
#define QUOTA_SUBSCRIPTIONS_MAX 64      /* each makes every change of a task dearer */
#define QUOTA_REQUEST_BYTES_MAX (64ULL << 20)
#define QUOTA_ANSWER_BYTES_MAX (256ULL << 20)

typedef struct Quota {
        uid_t uid;
        size_t n_connections;
        size_t n_calls;                 /* that wait for their answer */
        size_t n_subscriptions;
        uint64_t n_request_bytes;
        uint64_t n_answer_bytes;        /* an estimate */
} Quota;

typedef struct Quotas {
        Quota **users;                  /* those with a connection */
        size_t n_users;
        size_t n_connections;           /* of all users but root */
        size_t n_connections_max;
} Quotas;

/* @n_fds: how many descriptors this process may have. */
void quotas_init(Quotas *quotas, uint64_t n_fds);
void quotas_done(Quotas *quotas);

/*
 * One more connection of @uid; *@ret stays until quota_leave(). -EDQUOT: it has
 * too many already, or there are too many in all. Root is not bounded.
 */
int quota_enter(Quotas *quotas, uid_t uid, Quota **ret);
void quota_leave(Quotas *quotas, Quota *quota);

/* False, and nothing is taken, if that would be more than the user may hold. */
bool quota_take_request(Quota *quota, uint64_t n_bytes);
void quota_give_request(Quota *quota, uint64_t n_bytes);
