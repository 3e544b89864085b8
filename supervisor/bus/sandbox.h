/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Sandboxes
 *
 * Whether a client is fenced in: it must not get out by asking somebody else
 * to run a command for it. What counts as outside are the namespaces of the
 * keeper, which the people of the machine share, and the view of the mounts that
 * it gives to tasks; not those of bgtd, which is fenced in itself.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "supervisor/engine/supervisor.h"

/* Identities of the namespaces outside; zeroed until known. */
typedef struct Outside {
        pid_t keeper_pid;
        ino_t mount, user;
        ino_t view;             /* the mounts as tasks see them; 0: as everybody does */
} Outside;

/* Looks what is outside; again only when the keeper is another one. To be done before anybody can ask for anything. */
int outside_look(Supervisor *sv, Outside *outside);

/*
 * Whatever cannot be found out counts as fenced in. @pidfd is the process's, -1
 * where the kernel gives none. No rights are needed beyond looking at it.
 */
bool sandbox_holds(Supervisor *sv, Outside *outside, pid_t pid, int pidfd);
