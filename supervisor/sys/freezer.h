/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Freezer
 *
 * Stops a cgroup without its processes noticing, and lets it go on. Both are
 * requests: the kernel reports through cgroup.events when the last thread has
 * stopped, which a thread in an uninterruptible sleep may put off, so every
 * wait for it has a deadline.
 *
 * The notice of cgroup.events comes at most once in 10 ms: the truth is there
 * much earlier for whoever reads. So freezer_freeze() reads at once, a few
 * times with short growing pauses (together at most 300 us), and only then says
 * FREEZER_E_PENDING: wait for the notice and ask freezer_state_frozen() again.
 * Whoever gives up writes the opposite back (cgroup_write_freeze()), or the
 * kernel does it later behind his back.
 *
 * SIGKILL and cgroup.kill work on a frozen cgroup. A signal handler does not
 * run in one: whoever wants to stop a task politely thaws it first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "supervisor/sys/cgroup.h"

/* Outcomes. */
#define FREEZER_E_PENDING 1     /* asked, and not yet so */
#define FREEZER_E_EMPTY 2       /* there is no process in it, or no such group any more: nothing stands and nothing runs */

/* 0: every thread has stopped, and there is one. */
int freezer_freeze(int cgroup_fd);
/* 0: it runs, or only a parent keeps it frozen. */
int freezer_thaw(int cgroup_fd);

/* The same answers without asking for anything. */
int freezer_state_frozen(int cgroup_fd);
int freezer_state_thawed(int cgroup_fd);

/*
 * A process of the group that would not freeze: its pid and name, for the
 * sentence; 0 and "" if none can be told. One with a thread in uninterruptible
 * sleep goes before one that runs.
 */
int freezer_find_culprit(int cgroup_fd, pid_t *ret_pid, char *ret_name, size_t size);
