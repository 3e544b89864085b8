/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keeper
 *
 * The parent of all children: starts them, sees them end, and reaps when the
 * brain has acknowledged the end. It knows nothing of tasks. What it cannot
 * go on without makes it exit: the guard starts another one, which finds
 * everything that matters in the table.
 */

#include "supervisor/keeper/cgroup-root.h"
#include "supervisor/keeper/table.h"

typedef struct KeeperSettings {
        Table *table;
        const CgroupRoot *root;
        int listen_fd;
        int guard_fd;           /* an eventfd: the guard has collected ends */
        bool transient;         /* leave when the brain has and nothing is left */
} KeeperSettings;

/* Returns 0 when there is nothing left to do, or a negative errno. */
int keeper_run(const KeeperSettings *settings);
