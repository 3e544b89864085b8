/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Verdicts
 *
 * How an attempt ended, from what is known when nothing of it is left: T-2,
 * T-3, T-6. Pure: the facts go in, the ending comes out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/model/task.h"
#include "supervisor/model/transition.h"

typedef struct EndFacts {
        /* The main process; known is false if its status could not be learnt. */
        bool status_known;
        int code;                       /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
        int status;                     /* exit status or signal */

        /* Why the command was never executed: positive errno, 0 if it was. */
        int spawn_error;
        unsigned spawn_step;            /* SpawnStep */
        const char *spawn_path;         /* what could not be executed or entered */

        bool cancel_requested;
        bool cancel_killed;             /* the cancel's kill went out while its main process was, or was becoming, alive */
        bool cancel_killed_rest;        /* it went out when the main process had ended and others had not (ExitType=cgroup) */
        bool cancel_signalled;          /* the cancel signal went out before it ended */
        bool timed_out;                 /* the cancel was a timeout's */
        bool interrupted;               /* why its status is not known: reboot, loss of the keeper */
        bool oom_killed;                /* the kernel's count of kills for want of memory grew */
        uint64_t n_left_processes;      /* still there after the kill's time was up */
        bool ran;                       /* the command had been executed */
} EndFacts;

/*
 * The event that ends the task, with *@ret_ending filled (the caller's). The
 * success exit statuses are @type's. -ENOMEM.
 */
int verdict_decide(const TaskType *type, const EndFacts *facts, TaskEvent *ret_event, Ending *ret_ending);
