/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Status
 *
 * The supervisor at a glance.
 */

#include "supervisor/engine/supervisor.h"

typedef struct Status {
        const char *status;
        uint64_t n_running, n_paused, n_starting, n_queued, n_ending;
        Counters counters;
        uint64_t last_id, epoch, start_time_usec;
        pid_t keeper_pid;
        uint64_t keeper_generation;
        char *cgroup_root;
        char **controllers;
        char **warnings;                /* sentences */
        size_t store_backlog;
        uint64_t store_late_usec;
        uint64_t heartbeat_age_usec;
} Status;

int status_take(Supervisor *sv, Status *ret);
void status_done(Status *status);
