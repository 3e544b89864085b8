/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Waiters
 *
 * Who waits for something to become a fact about a task. Answered by the step
 * that makes it so, or that makes it impossible.
 */

#include "supervisor/engine/control.h"

typedef enum WaiterWant {
        WAITER_PAUSED,          /* fails when it runs again, or ends */
        WAITER_RESUMED,         /* fails when it ends */
        WAITER_GONE,            /* nothing of it runs any more; a disk that is slow to remember that holds nobody up */
        WAITER_ENDED,           /* and that is durable */
        WAITER_HAS_RUN,         /* runs, or has ended */
        WAITER_HAS_PAUSED,      /* is paused, or has ended */
} WaiterWant;

/* The callback comes once; at once if it is so already. @note, copied, goes with it if it comes true. */
int waiter_add(Supervisor *sv, Task *task, WaiterWant want, const char *note, ControlOnDone on_done, void *userdata);

/* The same for what the next step is about to ask for: looks only when that has been taken. */
int waiter_expect(Task *task, WaiterWant want, const char *note, ControlOnDone on_done, void *userdata);

/* Looks whether somebody's wish has come true. @sentence: why the last request failed, NULL if it did not. */
void waiter_check(Task *task, const char *sentence);

/* No callback with @userdata any more. */
void waiter_forget(Supervisor *sv, void *userdata);
