/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The guard
 *
 * Where no unit owns guard and keeper, bgtd starts them itself, detached, so
 * that they and the tasks outlive it.
 */

#include "supervisor/engine/keeper-link.h"
#include "supervisor/engine/supervisor.h"

/*
 * Connects to the keeper, starting a guard if nobody answers and none is to be
 * expected from a unit. On failure *@ret_sentence, the caller's, says why;
 * -ENOMEDIUM and -EROFS: no usable cgroup v2.
 */
int guard_reach(Supervisor *sv, const char *cgroup_root, const KeeperNews *news, KeeperLink **ret, char **ret_sentence);
