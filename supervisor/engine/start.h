/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Starts
 *
 * From a request to a durable task, or to a refusal that leaves nothing.
 */

#include "supervisor/engine/outcome.h"
#include "supervisor/engine/supervisor.h"

typedef struct StartRequest {
        const char *type;               /* NULL: an ad-hoc command */
        char *const *parameters;        /* name=value as given */
        char *const *argv;              /* ad-hoc */
        char *const *environment;       /* ad-hoc: the caller's, name=value */
        const char *directory;          /* ad-hoc: NULL or absolute */
        int umask;                      /* ad-hoc: -1: 022 */
        const char *name, *label;       /* NULL: none */
        const char *namespace;          /* NULL: the type's */
        const char *as;                 /* NULL: the type's User=, else the caller */
        char *const *properties;        /* KEY=VALUE, as `start --property` */
        bool has_priority, has_timeout;
        int32_t priority;
        uint64_t timeout_usec;
        int input_fd, output_fd, error_fd;      /* borrowed; -1: none given */
} StartRequest;

/* @id is 0 unless it is done. */
typedef void (*StartOnDone)(uint64_t id, const Outcome *outcome, void *userdata);

/* Borrows @request for the call. The callback comes once, during the call or when the task is durable. */
void start_request(Supervisor *sv, const Caller *caller, const StartRequest *request, StartOnDone on_done, void *userdata);

/* The client is gone: no callback any more. What was accepted goes on. */
void start_forget(Supervisor *sv, void *userdata);

/* The engine's own: lets go of the starts that are under way. */
void start_close(Supervisor *sv);
