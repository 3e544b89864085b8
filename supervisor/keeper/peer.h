/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Peers
 *
 * Who may give orders: a process of our own user that is in no task's and no
 * hook's cgroup, since those of our user could otherwise connect as well.
 */

#include <stdbool.h>

#include "supervisor/keeper/cgroup-root.h"

/* What the kernel says of the other end of the connection. */
bool peer_may_command(int socket_fd, const CgroupRoot *root);
