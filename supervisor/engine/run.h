/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Runs
 *
 * What is alive of a task: its cgroup, its main process, the timers that watch
 * over a pause or a kill. Made with the claim, gone with the teardown; what is
 * remembered is the Task it points to.
 */

#include "supervisor/engine/cgroup-tree.h"
#include "supervisor/engine/keeper-link.h"
#include "supervisor/engine/supervisor.h"
#include "supervisor/policy/verdict.h"
#include "supervisor/sys/pidref.h"

typedef struct Run {
        Supervisor *sv;
        Task *task;
        char name[CGROUP_NAME_MAX];
        int namespace_fd;               /* borrowed from the tree */
        bool has_slot;
        size_t slot;
        int cgroup_fd;
        char *cgroup_path;              /* as in /proc/PID/cgroup */
        char *v1_path;                  /* its group in v1 hierarchies; NULL: none */
        char **attach;

        int spec_fd, stdio[3];          /* until the keeper has made the process; -1 after */
        int output_fd;                  /* a bounded file, until the keeper has it; -1 else */
        PidRef main;
        bool spawn_sent;
        bool known;                     /* the keeper has told of it on this connection */
        bool main_ended;                /* its status is in facts, or cannot be had any more */
        bool killed;                    /* a kill has gone out, whatever for */
        bool gave_up;                   /* KillTimeoutSec= is over */
        bool decided;                   /* the verdict is on its way to the disk */
        EndFacts facts;
        uint64_t oom_kills_before;

        uint64_t resumed_usec;          /* CLOCK_MONOTONIC of the last (re)start of running; 0: not running */
        uint64_t ran_usec;              /* running before that, pauses left out */
        unsigned n_looks;               /* since something was asked of the cgroup */
        char failure[256];              /* why the last request failed */

        struct ProgressLook *look;      /* a helper is looking at its progress; NULL: none */
        uint64_t progress_run_usec;     /* how long it had run when its numbers were taken */
        uint64_t looked_usec;           /* CLOCK_MONOTONIC of the last such look; 0: never */

        int events_fd;
        sd_event_source *events_source;         /* cgroup.events, only while something is awaited */
        sd_event_source *look_source;           /* the next look without a notice */
        sd_event_source *deadline_source;       /* of the spawn, the freeze or the kill */
        sd_event_source *grace_source;          /* between cancel signal and kill */
        sd_event_source *timeout_source;        /* TimeoutSec= */
} Run;

/* A run with its cgroup names, attached to @task. */
int run_new(Run **ret, Supervisor *sv, Task *task);
Run *run_free(Run *run);
DEFINE_OWNED(Run *, run_free)

KeeperKey run_key(const Run *run);

/* The effects that follow at once. What fails comes back as the next event. */
void run_freeze(Run *run);
void run_thaw(Run *run);
void run_signal(Run *run);
void run_kill(Run *run, TaskEvent why);

/* Looks at what the kernel says and makes the events of it. */
void run_look(Run *run);

/* The keeper's news. */
void run_on_spawned(Run *run, pid_t pid, int pidfd);
void run_on_execed(Run *run);
void run_on_ended(Run *run, const KeeperMessage *message);

/* Its time runs, without pauses, from now on. */
void run_start_clock(Run *run);
void run_stop_clock(Run *run);
uint64_t run_usec(const Run *run);

/* Asks it to end because its time is up or a client wants it: politely first if its type says so. */
void run_cancel(Run *run, bool direct, bool timed_out);

/* Makes @source call @callback once in @usec from now, whatever it was for before. */
int run_arm(Run *run, sd_event_source **source, uint64_t usec, sd_event_time_handler_t callback, const char *description);
