/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Control
 *
 * What pause, resume, cancel and signal have in common: a request to several
 * tasks, and what became of each.
 */

#include "ctl/ctl.h"

typedef struct ControlRequest {
        const char *method;     /* on the bus */
        const char *done;       /* `paused`: what is printed of a task with which it went well */
        const char *asked;      /* `pause requested`: the same with --no-wait */
        const Value *signal;    /* method Signal: which; else NULL */
        bool name_outside;      /* say afterwards which processes it could not reach */
} ControlRequest;

/* The options of the bus are those of the command line that start with --no-wait and --force. The first failure's exit status. */
int control_run(Ctl *ctl, const ControlRequest *request);
