/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Trouble
 *
 * Why bgtctl could not do what it was asked: one sentence, the name of the
 * error, and the exit status that goes with it. Functions that fail fill it and
 * return a negative errno; the first trouble stays. Only main.c prints it.
 */

#include <stdint.h>

/* bgtctl's own exit statuses; those of bgtd's errors are in lib/wire/bus-names.h. */
enum {
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_NO_SUCH = 3,
        EXIT_TIMED_OUT = 6,
        EXIT_INVALID = 8,
        EXIT_NOT_REACHABLE = 10,
        EXIT_TIME_IS_UP = 124,          /* wait's --timeout */
        EXIT_OWN_TROUBLE = 125,         /* of a verb whose exit status is the task's */
};

typedef struct Trouble {
        int exit_status;                /* 0: none yet */
        char name[128];                 /* as on the bus: org.bgt1.Error.NoSuchTask */
        char sentence[2048];
} Trouble;

/* Wrong usage: exit status 2. Returns -EINVAL. */
int trouble_usage(Trouble *trouble, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Another trouble of bgtctl's own, with its exit status. Returns @r. */
int trouble_own(Trouble *trouble, int r, int exit_status, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Something failed with @r, whose text is added: exit status 1. Returns @r. */
int trouble_failed(Trouble *trouble, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* bgtd answered with an error. Returns -EREMOTEIO. */
int trouble_refused(Trouble *trouble, const char *name, const char *sentence);
