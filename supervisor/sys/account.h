/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Accounts
 *
 * Users and groups of this machine by name and number. Asks the machine's
 * databases, which may be on the network: not for a loop's every turn.
 */

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/owned.h"

typedef struct Account {
        char *name;             /* never NULL: the number where there is no entry */
        char *home, *shell;     /* never NULL: / and /bin/sh where there is no entry */
        uid_t uid;
        gid_t gid;              /* without an entry the uid's number */
        gid_t *groups;          /* the first group among them */
        size_t n_groups;
} Account;

/*
 * By name, else by number in digits. A number without an entry is a user all
 * the same, but for those that mean "none" (-1 in 32 and in 16 bits). -ESRCH:
 * no such user.
 */
int account_find(const char *user, Account **ret);
int account_find_uid(uid_t uid, Account **ret);
Account *account_free(Account *account);
DEFINE_OWNED(Account *, account_free)

/* By name or number. -ESRCH: no such group. */
int account_find_group(const char *group, gid_t *ret);
