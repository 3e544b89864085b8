/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tasks
 *
 * What is remembered of one task, and nothing of what is alive (that is the
 * engine's Run, which points here). The store keeps all of it but the fields
 * marked "not stored"; of a task that has ended only the store keeps anything.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/clock.h"
#include "lib/base/owned.h"
#include "lib/wire/task-words.h"
#include "supervisor/model/type.h"
#include "supervisor/sys/usage.h"

/* The last numbers somebody has seen. */
typedef struct Progress {
        int64_t current, total;
        char *units;            /* NULL: none */
        char *details;          /* NULL: none */
        uint64_t time_usec;     /* CLOCK_REALTIME of the post or of the look; 0: never */
} Progress;

/* How a task ended. */
typedef struct Ending {
        char *final_status;     /* a sentence */
        int exit_code;          /* -1: it did not exit by itself */
        int signal;             /* 0: not by a signal */
        char *error_code;       /* NULL: none */
        char *error_text;
        char *error_callstack;
        uint64_t n_left_processes;      /* could not be killed in time */
} Ending;

/* Who the main process is, whatever its pid is used for later. */
typedef struct JobIdentity {
        pid_t pid;                      /* 0: none yet */
        uint64_t start_ticks;           /* field 22 of /proc/PID/stat */
        uint64_t pidfd_inode;           /* 0 where the kernel gives none */
        char boot_id[33];
} JobIdentity;

typedef struct Task {
        uint64_t id;
        TaskPhase phase;
        TaskPhase before_ending;        /* what the words say while it is ending */
        TaskRequest request;
        TaskType *type;                 /* a reference */

        char *name;                     /* NULL: the display type */
        char *label;
        char *namespace;                /* never NULL */
        uid_t owner;
        char *user;                     /* whom it runs as: a name, or the number where there is none */
        uid_t uid;
        gid_t gid;
        char **parameters;              /* name=value, declared order first */
        char **argv;                    /* as run */
        char **environment;             /* captured by `run`; NULL for types; dropped when it ends */
        char *directory;                /* captured by `run`; NULL: the type's */
        int umask;                      /* captured by `run`; -1: the type's */
        int32_t priority;
        uint64_t timeout_usec;          /* 0: none */

        uint64_t create_time_usec, unlock_time_usec, start_time_usec, finish_time_usec;    /* CLOCK_REALTIME; 0: not yet */
        uint64_t paused_usec;           /* ended pauses of this attempt */
        uint64_t paused_since_usec;     /* CLOCK_REALTIME; 0: not paused */

        uint32_t attempt;               /* counts claims: 0 before the first, so CurrentAttempt is this - 1 */
        uint64_t claim_generation;      /* the keeper's generation that the claim was for */
        uint64_t claim_epoch;
        OutputMode output;              /* where this attempt's output went: never OUTPUT_AUTO once claimed */
        JobIdentity job;
        char *status_message;
        Progress progress;
        Usage usage;
        Ending ending;

        bool cancel_acted;              /* a kill or a signal has gone out because of a cancel; stored with the request */
        bool stored;                    /* not stored: its row is durable, so it can be seen */
        bool settled;                   /* not stored: its ending is durable */
        struct Run *run;                /* not stored: what is alive of it; the engine's */
        struct Waiter *waiters;         /* not stored: who waits for something of it; the engine's */
} Task;

/* A task with nothing in it but its id; NULL if out of memory. */
Task *task_new(uint64_t id);
Task *task_free(Task *task);
DEFINE_OWNED(Task *, task_free)

void ending_done(Ending *ending);
void progress_done(Progress *progress);
int progress_copy(Progress *ret, const Progress *from);

static inline bool task_has_ended(const Task *task) {
        return task_phase_has_ended(task->phase);
}

/* What the words call it: see task_phase_running_state(). */
static inline const char *task_running_state(const Task *task) {
        return task_phase_running_state(task->phase, task->before_ending);
}

/* `--name`, else what its type is called. */
const char *task_display_name(const Task *task);
