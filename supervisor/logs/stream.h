/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Streams
 *
 * What the reader of a log is connected to: the client's pipe as standard
 * output, and as descriptor 3 the lifeline, whose other end bgtd closes when
 * the task has ended. While there is nothing to read, both are waited for with
 * whatever tells of more.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_LIFELINE 3

/* How a log is to be read. */
typedef struct StreamOptions {
        uint64_t n_lines;       /* the last so many; 0: all */
        bool follow;
} StreamOptions;

/* Outcomes of stream_wait(). */
#define STREAM_E_ENDED 1        /* the task has ended */
#define STREAM_E_GONE 2         /* the client has gone away */

/* All of it to the client. -EPIPE if it has gone. */
int stream_write(const void *data, size_t size);

/* Until @fd has @events, or for @msec milliseconds (-1: any time): 0, unless one of the outcomes came. */
int stream_wait(int fd, short events, int msec);
