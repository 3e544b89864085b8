/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Outputs
 *
 * Keeps files that tasks write near a bound, by punching out their oldest part.
 *
 * A quiet file costs nothing: a one-shot notice waits for the next write, and
 * a busy one is looked at every 20 ms, whatever is written. What is over its
 * bound is trimmed by a process of its own, one at a time for all files, since a
 * stalled disk may hold it for as long as it likes.
 *
 * The file is the task's: it may truncate it, make it exabytes long and empty,
 * and write anywhere. What counts is the disk space it takes. Writes through a
 * memory mapping give no notice and are found at the next one, or at the end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Output Output;
struct Output {
        int fd;                 /* -1: not bounded */
        int notice;             /* of inotify, -1 while none is set */
        int64_t kept;           /* bytes, whole blocks */
        int64_t limit;          /* a little more, so that not every line is a trim */
        int64_t seen;           /* space taken at the last look that found too much */
        unsigned n_vain;        /* trims that have not changed it */
        bool over;              /* waits for, or is in, a trim */
        bool resting;
        Output *rest_previous, *rest_next;      /* Outputs.resting */
        Output *notice_next;                    /* Outputs.bucket */
};

#define OUTPUT_NONE ((Output) { .fd = -1, .notice = -1 })
#define OUTPUT_BUCKETS 1024U

typedef struct Outputs {
        int epoll_fd;           /* borrowed */
        int inotify_fd;         /* -1: notices cannot be had, resting files are looked at once a second */
        int timer_fd;
        uint64_t armed_usec;    /* the interval the timer was set to, 0 while it is not set */
        int trimmer_pidfd;      /* -1: nothing is being trimmed */
        const int *brain_fd;    /* borrowed: a stalled trimmer must not hold the connection open */
        Output *resting;        /* to be looked at when the timer fires */
        Output *bucket[OUTPUT_BUCKETS];         /* by notice */
} Outputs;

int outputs_init(Outputs *outputs, int epoll_fd, const int *brain_fd);

/*
 * Takes @fd, a regular file open for writing, and keeps about its newest @bytes;
 * in place of what was bounded there before. -EBADF or -EINVAL for any other @fd.
 */
int output_bound(Outputs *outputs, Output *output, int fd, uint64_t bytes);

/* Has a look soon: its writer has ended. */
void output_touch(Outputs *outputs, Output *output);

/* Whether it is over its bound and a trim may help; it is trimmed soon then. */
bool output_is_over(Outputs *outputs, Output *output);
void output_drop(Outputs *outputs, Output *output);

/* What the watches of this name call. */
void outputs_on_change(Outputs *outputs);
void outputs_on_rest(Outputs *outputs);
void outputs_on_trimmed(Outputs *outputs);
