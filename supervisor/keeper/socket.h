/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The keeper's socket, and the word to systemd that it is there.
 */

#define SOCKET_NAME "keeper"

#define SOCKET_E_ANSWERED 1     /* a live keeper has it */

/* A listening socket in the directory; one that nobody answers is replaced. */
int socket_listen(int directory_fd, int *ret_fd);

/* READY=1 to $NOTIFY_SOCKET, if there is one. */
void socket_notify_ready(void);
