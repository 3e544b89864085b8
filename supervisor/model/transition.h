/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Transitions
 *
 * The whole life of a task as one table: (phase, event) -> (phase, effects).
 * What is not in the table is not allowed. The machine only says what follows;
 * engine/step.c alone asks it and carries the effects out.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/wire/task-words.h"

typedef enum TaskEvent {
        EV_CLAIM,               /* it shall run now: its turn and a place are there */
        EV_EXECED,              /* the command has been executed */
        EV_PAUSE,
        EV_FROZEN,              /* the kernel confirms that every thread has stopped */
        EV_FREEZE_FAILED,       /* not in time */
        EV_RESUME,
        EV_THAWED,
        EV_TERMINATE,           /* cancel, politely first: the cancel signal */
        EV_KILL,                /* cancel, or time is up: nothing is left to run */
        EV_EXIT,                /* what makes it end has happened: the main process, or the last one, is gone */
        EV_DONE,                /* the verdict, when the group is empty or given up */
        EV_ERROR,
        EV_CANCELLED,
        EV_EXITED,
        _TASK_EVENT_MAX,
} TaskEvent;

typedef enum TaskEffect {
        EFFECT_NONE     = 0,
        /* At once: whoever pauses the task that stalls the disk must not wait for the disk. */
        EFFECT_PREPARE  = 1 << 0,       /* make cgroup, output and description while the claim is being written */
        EFFECT_FREEZE   = 1 << 1,
        EFFECT_THAW     = 1 << 2,
        EFFECT_SIGNAL   = 1 << 3,       /* the cancel signal to every process */
        EFFECT_KILL     = 1 << 4,
        /* When the new state is durable. */
        EFFECT_SPAWN    = 1 << 5,
        EFFECT_TEARDOWN = 1 << 6,       /* announce, drop the cgroup, acknowledge to the keeper */
} TaskEffect;

typedef struct Transition {
        TaskPhase next;
        unsigned effects;       /* TaskEffect, or-ed */
} Transition;

/* False if @event cannot happen in @phase; *@ret is untouched then. */
bool transition_find(TaskPhase phase, TaskEvent event, Transition *ret);

const char *task_event_to_string(TaskEvent event);
