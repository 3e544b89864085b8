/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Snapshots
 *
 * Everything people may ask about one task, true at one moment. Cheap: no disk,
 * no waiting; live tasks have their accounting read from the cgroup when
 * @with_usage is wanted.
 */

#include "supervisor/engine/supervisor.h"

typedef struct Snapshot {
        const Task *task;               /* borrowed */
        TaskPhase phase;                /* the one to show: see disposition_visible_phase() */
        uint64_t time_usec;
        bool accessible;                /* false: only what P-41 lets others see may be shown */
        char *progress_line;            /* owned; NULL: none to show */
        int progress_percent;
        bool has_rate, has_eta;
        double rate;
        uint64_t eta_usec;
        uint64_t paused_usec, run_usec; /* until now or the end */
        Usage usage;
        char *waiting_for;              /* owned; NULL: it does not wait */
        char *external_state;           /* owned: JSON */
        char **display;                 /* owned: the values of type->display, in order */
} Snapshot;

/* -ENOMEM. */
int snapshot_take(Supervisor *sv, const Caller *caller, const Task *task, bool with_usage, Snapshot *ret);
void snapshot_done(Snapshot *snapshot);

/*
 * Processes that descend from the task's and have left its cgroup, so that no
 * request reaches them: `1234 (name)` each, at most ten; the caller's. Costs a
 * walk through /proc, so it is told only to who asks for it by name.
 */
int snapshot_find_outside(const Task *task, char ***ret);
