/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Logs
 *
 * What a task wrote, as a stream for a client: a reader process per request
 * fills a pipe, so that neither a huge output nor a slow client holds the loop.
 */

#include "supervisor/engine/outcome.h"
#include "supervisor/engine/supervisor.h"

typedef struct LogsOptions {
        bool has_attempt;
        uint32_t attempt;       /* from 0; default the latest */
        uint64_t n_lines;       /* 0: all */
        bool follow;
} LogsOptions;

/* @stream is the client's end, the callback's to keep; -1 unless done. */
typedef void (*LogsOnDone)(const Outcome *outcome, int stream, void *userdata);

void logs_open(Supervisor *sv, const Caller *caller, uint64_t id, const LogsOptions *options, LogsOnDone on_done, void *userdata);
void logs_forget(Supervisor *sv, void *userdata);

/* The engine's own: a reader that follows learns that its task has ended; all are let go. */
void logs_on_changed(Task *task, void *userdata);
void logs_close(Supervisor *sv);
