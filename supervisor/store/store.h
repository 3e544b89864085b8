/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Store
 *
 * Rows on disk. The loop never waits here: what it puts is copied, gathered
 * until store_flush(), committed by a writer thread in the order it was put,
 * and only then called durable. Reads of what has ended go to a reader thread
 * for the same reason. Only opening waits.
 *
 * One process has a store at a time: the directory's lock is held.
 *
 * All calls are the loop thread's; all callbacks come from store_dispatch(),
 * in that thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/owned.h"
#include "supervisor/model/task.h"

typedef struct Store Store;

/* Outcomes of store_open(). */
#define STORE_E_MOVED_ASIDE 1           /* the file was damaged; it was kept under another name and a new one begun */

/* What is remembered besides tasks. All three survive even the loss of the file. */
typedef struct StoreFacts {
        uint64_t last_id;               /* no task id above this was ever given out; 0: none */
        uint64_t epoch;                 /* counts starts of bgtd; already counted up for this one, durably */
        uint64_t instance;              /* random, made with the store: names what belongs to it */
        char aside[256];                /* STORE_E_MOVED_ASIDE: where the damaged file is now */
} StoreFacts;

/*
 * Makes a type of the text of a definition: a new one, the caller's. Called in
 * the loop's thread and in the reader's, so it must depend on nothing else. A
 * failure fails the whole read: it had better make something of every text.
 */
typedef int (*StoreParseType)(const char *name, const char *text, TaskType **ret);

/*
 * Opens DIR/tasks.db, making directory (0700) and file (0600) if there is none.
 * Checks it with quick_check; runs the migrations. @ret_sentence, the caller's,
 * says what is wrong and what would help on failure: another bgtd (-EBUSY, it is
 * named), a full disk, a read-only directory, one that others can look into, a
 * newer schema (-EPROTONOSUPPORT). NULL only if there was no memory for it. What
 * tests can make the writer do stands in fault.h.
 */
int store_open(Store **ret, const char *directory, StoreParseType parse, StoreFacts *ret_facts, char **ret_sentence);

/* Writes what was put, waits for it, ends the threads. Callbacks still due are called with the result, reads with -ECANCELED. */
Store *store_close(Store *store);
DEFINE_OWNED(Store *, store_close)

/* The callback of a turn's commit: r is 0, or why none of this turn's puts is durable (-ENOSPC, -EIO …). */
typedef void (*StoreOnDurable)(int r, void *userdata);

/*
 * Remembers @type's text once, under its number, which is set in @type. Part of
 * this turn's commit, before the tasks that are put after it.
 */
int store_put_type(Store *store, TaskType *type);

/*
 * Inserts or replaces everything of @task, and puts its type if that is not
 * durable yet. Copies; borrows nothing. The environment of a task that has ended
 * is not kept: with this, or with store_put_state(), it leaves the store.
 */
int store_put_task(Store *store, const Task *task);

/*
 * The same for what changes while it runs: phase, request, times, job, progress,
 * message, claim, usage and ending. A task whose row is not there (a commit that
 * failed) fails the turn with -ENOENT.
 */
int store_put_state(Store *store, const Task *task);

/* Removes the record. */
int store_delete(Store *store, uint64_t id);

/*
 * @on_durable is called when everything put in this turn so far is durable, or
 * has failed: a failed commit fails every callback of its turn and leaves none
 * of its rows. Callbacks come in the order they were asked for.
 */
int store_when_durable(Store *store, StoreOnDurable on_durable, void *userdata);

/* Takes back a callback that has not been called yet, every one with this userdata. */
void store_forget(Store *store, void *userdata);

/* Hands this turn's puts to the writer. Cheap if there are none. Call it at the end of each turn. */
void store_flush(Store *store);

/* Readable when store_dispatch() has something to call back. Borrowed. */
int store_fd(const Store *store);
void store_dispatch(Store *store);

/* How many turns the writer has not finished, and since when (CLOCK_MONOTONIC usec; 0: none). */
void store_backlog(const Store *store, size_t *ret_n_turns, uint64_t *ret_since_usec);

/* At start, before the loop: every task that has not ended, with its type, in order of id. The callback owns the task. Waits. */
typedef int (*StoreOnTask)(Task *task, void *userdata);
int store_load_unfinished(Store *store, StoreOnTask on_task, void *userdata);

/* The most that one read gives: tasks, and bytes of rows. */
#define STORE_READ_MAX 100000
#define STORE_READ_BYTES_MAX ((size_t) 256 * 1024 * 1024)

/* What to look for among the ended. Zeroed: everything. */
typedef struct StoreFilter {
        const uint64_t *ids;            /* these only, if n_ids > 0 */
        size_t n_ids;
        uint64_t (*ranges)[2];          /* ids from..to inclusive, in addition to @ids */
        size_t n_ranges;
        const char *type, *namespace, *label;
        uint32_t phases;                /* a bit for each TaskPhase; 0: every ended one */
        uint64_t limit;                 /* newest first; 0: STORE_READ_MAX, which is never exceeded */
        bool oldest_first;
} StoreFilter;

/* The callback owns @tasks (freed with task_free() each, then free()); r < 0: reading failed, -E2BIG: with more than STORE_READ_BYTES_MAX. */
typedef void (*StoreOnRead)(int r, Task **tasks, size_t n_tasks, void *userdata);

/* Ended tasks that match, read by the reader thread from what was durable at some moment after the call. Copies @filter. */
int store_read_ended(Store *store, const StoreFilter *filter, StoreOnRead on_read, void *userdata);

/* Forgets a read that has not come back: its callback is not called. Every one with this userdata. */
void store_forget_read(Store *store, void *userdata);
