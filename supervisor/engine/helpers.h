/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Helpers
 *
 * Short-lived processes that do for a task what must not be done in the loop:
 * hooks, and looks into places that may hang. Each runs through the keeper in a
 * cgroup of its own below R/hooks, as the task's user, under a deadline, and
 * what it prints is bounded.
 */

#include "supervisor/engine/keeper-link.h"
#include "supervisor/engine/supervisor.h"
#include "supervisor/sys/account.h"

#define HELPER_OUTPUT_MAX 4096

typedef struct HelperSpec {
        char *const *argv;
        char *const *environment;
        const char *directory;
        const Account *account;
        int input_fd;                   /* borrowed; -1: /dev/null */
        bool with_errors;               /* standard error counts as output, too */
        uint64_t timeout_usec;
        uint64_t task_id;               /* -EBUSY while one of the same task hangs beyond its time; 0: none's */
} HelperSpec;

/* How it went. */
typedef struct HelperEnd {
        bool timed_out;
        int error;                      /* positive errno if it could not be executed */
        int code, status;               /* as siginfo_t */
        const char *output;             /* NUL-terminated, what fits */
        size_t size;
} HelperEnd;

typedef void (*HelperOnDone)(const HelperEnd *end, void *userdata);

/*
 * The callback comes once, later, unless it is forgotten: at its end or when its
 * time is up, even if it cannot be killed then. Negative errno: nothing was
 * started.
 */
int helper_run(Supervisor *sv, const HelperSpec *spec, HelperOnDone on_done, void *userdata);
void helper_forget(Supervisor *sv, void *userdata);

int helpers_new(Helpers **ret);
Helpers *helpers_free(Helpers *helpers);
/* How many are under way, without those that hang beyond their time. */
size_t helpers_running(const Supervisor *sv);

/* The keeper's news of a helper; one that an earlier bgtd has left is ended. */
void helpers_on_known(Supervisor *sv, const KeeperMessage *message);
void helpers_on_ended(Supervisor *sv, const KeeperMessage *message);
/* That was all it has: the others never began, or have gone with a keeper. */
void helpers_on_known_end(Supervisor *sv);
