/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Packets
 *
 * One message of a sequenced-packet socket with the descriptors that travel
 * in it. Neither call ever waits: -EAGAIN means not now.
 */

#include <stddef.h>
#include <sys/types.h>

#define PACKET_FDS_MAX 16

/* Borrows @fds. */
int packet_send(int socket_fd, const void *data, size_t size, const int *fds, size_t n_fds);

/*
 * Returns the packet's size, 0 at the end of the stream. The descriptors are
 * the caller's, close-on-exec; *@ret_n_fds is at most PACKET_FDS_MAX.
 * -EMSGSIZE: larger than @size or more descriptors than fit; nothing is kept.
 */
ssize_t packet_receive(int socket_fd, void *data, size_t size, int ret_fds[static PACKET_FDS_MAX], size_t *ret_n_fds);
