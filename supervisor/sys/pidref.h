/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Process references
 *
 * A process by pidfd: never mistaken for another one that got its number.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/sys/process.h"

typedef struct PidRef {
        pid_t pid;              /* 0: none */
        int fd;                 /* -1: none */
} PidRef;

#define PIDREF_NULL ((PidRef) { 0, -1 })

/* -ESRCH: no such process. */
int pidref_open(pid_t pid, PidRef *ret);
/* Takes @fd on success. -EBADF if it is no pidfd. */
int pidref_take(pid_t pid, int fd, PidRef *ret);
void pidref_done(PidRef *ref);

/* -ESRCH when it has been reaped; a zombie takes every signal. */
int pidref_signal(const PidRef *ref, int signal);

/* Field 22 of /proc/PID/stat, checked to be of the process meant. -ESRCH when it is gone. */
int pidref_start_ticks(const PidRef *ref, uint64_t *ret);
/* The pidfd's inode where it identifies the process (6.9 and later), else 0. */
uint64_t pidref_inode(const PidRef *ref);
