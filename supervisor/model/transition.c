/* SPDX-License-Identifier: MIT */
#include "supervisor/model/transition.h"

#include "lib/base/result.h"

typedef struct Cell {
        bool allowed;
        Transition transition;
} Cell;

#define GO(phase, effects)  { true, { phase, effects } }

/* Waiting to run: it can be claimed, and a cancel just takes it off. */
#define WAITING \
        [EV_CLAIM]     = GO(TASK_STARTING,  EFFECT_PREPARE | EFFECT_SPAWN), \
        [EV_KILL]      = GO(TASK_CANCELLED, EFFECT_TEARDOWN)

/* Not yet anybody's turn: only a cancel ends it. */
#define IDLE \
        [EV_KILL]      = GO(TASK_CANCELLED, EFFECT_TEARDOWN)

static const Cell table[_TASK_PHASE_MAX][_TASK_EVENT_MAX] = {
        [TASK_REGISTERED]     = { IDLE },
        [TASK_DEFERRED]       = { IDLE },
        [TASK_HELD]           = { IDLE },
        [TASK_SCHEDULED]      = { IDLE },
        [TASK_BLOCKED]        = { IDLE },
        [TASK_READY]          = { WAITING },
        [TASK_WAITING_DEVICE] = { WAITING },
        [TASK_STARTING] = {
                [EV_EXECED]        = GO(TASK_RUNNING,   EFFECT_NONE),
                [EV_TERMINATE]     = GO(TASK_ENDING,    EFFECT_KILL),           /* nothing of its own runs yet that could be asked */
                [EV_KILL]          = GO(TASK_ENDING,    EFFECT_KILL),
                [EV_EXIT]          = GO(TASK_ENDING,    EFFECT_KILL),
        },
        [TASK_RUNNING] = {
                [EV_PAUSE]         = GO(TASK_PAUSING,   EFFECT_FREEZE),
                [EV_TERMINATE]     = GO(TASK_RUNNING,   EFFECT_SIGNAL),
                [EV_KILL]          = GO(TASK_ENDING,    EFFECT_KILL),
                [EV_EXIT]          = GO(TASK_ENDING,    EFFECT_KILL),
        },
        [TASK_PAUSING] = {
                [EV_FROZEN]        = GO(TASK_PAUSED,    EFFECT_NONE),
                [EV_FREEZE_FAILED] = GO(TASK_RUNNING,   EFFECT_THAW),
                [EV_RESUME]        = GO(TASK_RESUMING,  EFFECT_THAW),
                [EV_TERMINATE]     = GO(TASK_RESUMING,  EFFECT_SIGNAL | EFFECT_THAW),
                [EV_KILL]          = GO(TASK_ENDING,    EFFECT_KILL),
                [EV_EXIT]          = GO(TASK_ENDING,    EFFECT_KILL),
        },
        [TASK_PAUSED] = {
                [EV_RESUME]        = GO(TASK_RESUMING,  EFFECT_THAW),
                [EV_TERMINATE]     = GO(TASK_RESUMING,  EFFECT_SIGNAL | EFFECT_THAW),    /* a handler does not run in a frozen process */
                [EV_KILL]          = GO(TASK_ENDING,    EFFECT_KILL),           /* cgroup.kill needs no thaw */
                [EV_EXIT]          = GO(TASK_ENDING,    EFFECT_KILL),           /* killed from outside while frozen */
        },
        [TASK_RESUMING] = {
                [EV_THAWED]        = GO(TASK_RUNNING,   EFFECT_NONE),
                [EV_TERMINATE]     = GO(TASK_RESUMING,  EFFECT_SIGNAL),
                [EV_KILL]          = GO(TASK_ENDING,    EFFECT_KILL),
                [EV_EXIT]          = GO(TASK_ENDING,    EFFECT_KILL),
        },
        [TASK_ENDING] = {
                [EV_KILL]          = GO(TASK_ENDING,    EFFECT_KILL),           /* the main process is gone, others are being waited for */
                [EV_EXIT]          = GO(TASK_ENDING,    EFFECT_NONE),           /* what the kill was for */
                [EV_DONE]          = GO(TASK_DONE,      EFFECT_TEARDOWN),
                [EV_ERROR]         = GO(TASK_ERROR,     EFFECT_TEARDOWN),
                [EV_CANCELLED]     = GO(TASK_CANCELLED, EFFECT_TEARDOWN),
                [EV_EXITED]        = GO(TASK_EXITED,    EFFECT_TEARDOWN),
        },
};

bool transition_find(TaskPhase phase, TaskEvent event, Transition *ret) {
        const Cell *cell;

        assert(phase >= 0 && phase < _TASK_PHASE_MAX);
        assert(event >= 0 && event < _TASK_EVENT_MAX);

        cell = &table[phase][event];
        if (!cell->allowed)
                return false;
        *ret = cell->transition;
        return true;
}

static const char *const names[_TASK_EVENT_MAX] = {
        [EV_CLAIM]         = "claim",
        [EV_EXECED]        = "execed",
        [EV_PAUSE]         = "pause",
        [EV_FROZEN]        = "frozen",
        [EV_FREEZE_FAILED] = "freeze-failed",
        [EV_RESUME]        = "resume",
        [EV_THAWED]        = "thawed",
        [EV_TERMINATE]     = "terminate",
        [EV_KILL]          = "kill",
        [EV_EXIT]          = "exit",
        [EV_DONE]          = "done",
        [EV_ERROR]         = "error",
        [EV_CANCELLED]     = "cancelled",
        [EV_EXITED]        = "exited",
};

const char *task_event_to_string(TaskEvent event) {
        assert(event >= 0 && event < _TASK_EVENT_MAX);
        return names[event];
}
