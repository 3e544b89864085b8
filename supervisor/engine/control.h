/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Control
 *
 * Requests to tasks: pause, resume, cancel, signal. Checked when they are
 * carried out; answered when what was asked for is a fact.
 */

#include "supervisor/engine/outcome.h"
#include "supervisor/engine/supervisor.h"

typedef enum ControlVerb {
        CONTROL_PAUSE,
        CONTROL_RESUME,
        CONTROL_CANCEL,
        CONTROL_SIGNAL,
} ControlVerb;

typedef struct ControlOptions {
        bool force;             /* cancel: direct whatever the type says; admins */
        bool no_wait;           /* answer at once */
        int signal;             /* CONTROL_SIGNAL */
} ControlOptions;

typedef void (*ControlOnDone)(uint64_t id, const Outcome *outcome, void *userdata);

/* The callback comes exactly once for each call, during it or later. */
void control_request(Supervisor *sv, const Caller *caller, uint64_t id, ControlVerb verb, const ControlOptions *options,
                     ControlOnDone on_done, void *userdata);

typedef enum WaitFor {
        WAIT_ENDED,             /* and that is durable */
        WAIT_RUNNING,           /* runs or has run */
        WAIT_PAUSED,            /* is paused or has ended */
} WaitFor;

/* The same for a wait; an ended task is done at once. */
void control_wait(Supervisor *sv, uint64_t id, WaitFor wait_for, ControlOnDone on_done, void *userdata);

/* The client is gone, or its time is up: no callback with this userdata any more. What was asked for goes on. */
void control_forget(Supervisor *sv, void *userdata);
