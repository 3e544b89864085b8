/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Recovery
 *
 * What the store remembers against what the keeper holds and the cgroups show,
 * after a start of bgtd and after a death of the keeper. Each task that has not
 * ended is one question: is it known to the keeper?
 */

#include "supervisor/engine/keeper-link.h"
#include "supervisor/engine/supervisor.h"

/* Takes a row of the store into the registry. */
int recovery_on_task(Task *task, void *userdata);

/* The keeper's list, one by one, and its end. */
void recovery_on_known(Supervisor *sv, const KeeperMessage *message, int pidfd);
void recovery_on_known_end(Supervisor *sv);
