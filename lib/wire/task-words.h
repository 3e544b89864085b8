/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The words of a task
 *
 * A task has one phase; what four kinds of readers call it (its running state,
 * its status, its list, the task manager's letter) follows from the phase and
 * is printed exactly as here. The phase is also what the store keeps.
 */

#include <stdbool.h>

typedef enum TaskPhase {
        TASK_REGISTERED,        /* waits for somebody's process to run it */
        TASK_DEFERRED,          /* its transaction is open */
        TASK_HELD,              /* created on hold, or put on hold */
        TASK_SCHEDULED,         /* unlock time ahead, between attempts, or the manager waits */
        TASK_BLOCKED,           /* a task it comes after has not ended */
        TASK_READY,             /* waits for a slot and nothing else */
        TASK_WAITING_DEVICE,
        TASK_STARTING,          /* claimed; hooks and spawn under way */
        TASK_RUNNING,
        TASK_PAUSING,           /* freeze asked, not yet confirmed */
        TASK_RESUMING,          /* thaw asked, not yet confirmed */
        TASK_PAUSED,
        TASK_ENDING,            /* main process gone or kill under way; group not empty or end not durable */
        TASK_DONE,
        TASK_ERROR,
        TASK_CANCELLED,
        TASK_EXITED,
        _TASK_PHASE_MAX,
        _TASK_PHASE_INVALID = -22,
} TaskPhase;

typedef enum TaskRequest {
        TASK_REQUEST_NONE = 0,
        TASK_REQUEST_PAUSE = 1,
        TASK_REQUEST_CANCEL = 2,
} TaskRequest;

/* The stored and printed word, `waiting-device`; and back, _TASK_PHASE_INVALID for any other. */
const char *task_phase_to_string(TaskPhase phase);
TaskPhase task_phase_from_string(const char *s);

/*
 * What the phase is called elsewhere. A task that is ending is still called
 * what it was before: @before is TASK_RUNNING, TASK_PAUSED or TASK_STARTING
 * then and is ignored for every other phase. The list is NULL for none.
 */
const char *task_phase_running_state(TaskPhase phase, TaskPhase before);
const char *task_phase_status(TaskPhase phase, TaskPhase before);
const char *task_phase_list(TaskPhase phase, TaskPhase before);
const char *task_phase_taskman_status(TaskPhase phase, TaskPhase before);

static inline bool task_phase_has_ended(TaskPhase phase) {
        return phase >= TASK_DONE && phase <= TASK_EXITED;
}
