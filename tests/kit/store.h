/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A store of a test's own, in a directory of its own, and tasks to put into it.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/strv.h"
#include "supervisor/store/store.h"
#include "tests/kit/unit.h"

#define BOX_DEADLINE_USEC (300 * USEC_PER_SEC)

typedef struct Box {
        char directory[64];
        Store *store;           /* NULL: closed */
        StoreFacts facts;
        char sentence[1024];    /* why it could not be opened */
} Box;

/* What a type is made of again: its name and its text. */
static inline int box_parse_type(const char *name, const char *text, TaskType **ret) {
        _cleanup_(task_type_unrefp) TaskType *type = task_type_new();

        if (!type)
                return -ENOMEM;
        type->name = strdup(name);
        type->text = strdup(text);
        type->display_type = strdup(name);
        if (!type->name || !type->text || !type->display_type)
                return -ENOMEM;
        *ret = MOVE(type);
        return 0;
}

static inline TaskType *box_type(const char *name, const char *text) {
        TaskType *type = NULL;

        assert_int_equal(box_parse_type(name, text, &type), 0);
        return type;
}

/* A task of @type as it is after its start was accepted. */
static inline Task *box_task(uint64_t id, TaskType *type) {
        Task *task = task_new(id);

        assert_non_null(task);
        task->type = task_type_ref(type);
        task->namespace = strdup("default");
        task->user = strdup("root");
        task->create_time_usec = 1000 + id;
        return task;
}

static inline void box_make(Box *box) {
        const char *base = getenv("TMPDIR");

        *box = (Box) {};
        (void) snprintf(box->directory, sizeof box->directory, "%s/bgt-store-XXXXXX", base && strlen(base) < 32 ? base : "/tmp");
        assert_non_null(mkdtemp(box->directory));
}

static inline int box_try_open(Box *box) {
        _cleanup_(freep) char *sentence = NULL;
        int r;

        r = store_open(&box->store, box->directory, box_parse_type, &box->facts, &sentence);
        (void) snprintf(box->sentence, sizeof box->sentence, "%s", sentence ? sentence : "");
        return r;
}

static inline void box_open(Box *box) {
        int r = box_try_open(box);

        if (r < 0)
                print_error("%s\n", box->sentence);
        assert_int_equal(r, 0);
}

static inline void box_close(Box *box) {
        box->store = store_close(box->store);
}

static inline void box_reopen(Box *box) {
        box_close(box);
        box_open(box);
}

static inline void box_remove(Box *box) {
        DIR *dir;

        box_close(box);
        dir = opendir(box->directory);
        for (struct dirent *e; dir && (e = readdir(dir));)
                (void) unlinkat(dirfd(dir), e->d_name, 0);
        if (dir)
                (void) closedir(dir);
        (void) rmdir(box->directory);
}

/* The path of a file in it, in a buffer of the caller's. */
static inline const char *box_path(const Box *box, const char *name, char ret[static 128]) {
        (void) snprintf(ret, 128, "%s/%s", box->directory, name);
        return ret;
}

/* Dispatches until *@n_done is @n. */
static inline void box_await(Box *box, const size_t *n_done, size_t n) {
        uint64_t deadline = clock_now_usec(CLOCK_MONOTONIC) + BOX_DEADLINE_USEC;

        while (*n_done < n) {
                struct pollfd p = { .fd = store_fd(box->store), .events = POLLIN };
                uint64_t now = clock_now_usec(CLOCK_MONOTONIC);

                assert_true(now < deadline);
                if (poll(&p, 1, (int) ((deadline - now) / USEC_PER_MSEC) + 1) > 0)
                        store_dispatch(box->store);
        }
}

/* What callbacks of commits leave behind. */
typedef struct Outcome {
        size_t n;
        int r;                  /* of the last */
} Outcome;

static inline void outcome_on_durable(int r, void *userdata) {
        Outcome *outcome = userdata;

        outcome->n++;
        outcome->r = r;
}

/* Ends the turn, waits for its commit and returns its result. */
static inline int box_commit(Box *box) {
        Outcome outcome = {};

        assert_int_equal(store_when_durable(box->store, outcome_on_durable, &outcome), 0);
        store_flush(box->store);
        box_await(box, &outcome.n, 1);
        return outcome.r;
}

/* Puts a task and waits for it, in a child of the test, where nothing may be asserted. */
static inline bool box_child_commit(Box *box, uint64_t id) {
        _cleanup_(task_type_unrefp) TaskType *type = NULL;
        _cleanup_(task_freep) Task *task = task_new(id);
        Outcome outcome = { .r = -1 };

        if (box_parse_type("copy", "text", &type) < 0 || !task)
                return false;
        task->type = task_type_ref(type);
        task->namespace = strdup("default");
        task->phase = TASK_RUNNING;
        task->claim_epoch = box->facts.epoch;
        if (store_put_task(box->store, task) < 0 || store_when_durable(box->store, outcome_on_durable, &outcome) < 0)
                return false;
        store_flush(box->store);
        while (outcome.n == 0) {
                struct pollfd p = { .fd = store_fd(box->store), .events = POLLIN };

                if (poll(&p, 1, (int) (BOX_DEADLINE_USEC / USEC_PER_MSEC)) != 1)
                        return false;
                store_dispatch(box->store);
        }
        return outcome.r == 0;
}

/* Tasks that came back. */
typedef struct Found {
        Task **tasks;
        size_t n_tasks;
        size_t n_answers;
        int r;
} Found;

static inline int found_on_task(Task *task, void *userdata) {
        Found *found = userdata;

        if ((found->n_tasks & (found->n_tasks - 1)) == 0)       /* room for twice as many at each power of two */
                found->tasks = reallocarray(found->tasks, found->n_tasks * 2 + 1, sizeof *found->tasks);
        assert_non_null(found->tasks);
        found->tasks[found->n_tasks++] = task;
        return 0;
}

static inline void found_on_read(int r, Task **tasks, size_t n_tasks, void *userdata) {
        Found *found = userdata;

        found->n_answers++;
        found->r = r;
        found->tasks = tasks;
        found->n_tasks = n_tasks;
}

static inline void found_done(Found *found) {
        for (size_t i = 0; i < found->n_tasks; i++)
                (void) task_free(found->tasks[i]);
        free(found->tasks);
        *found = (Found) {};
}

static inline void box_load(Box *box, Found *ret) {
        *ret = (Found) {};
        assert_int_equal(store_load_unfinished(box->store, found_on_task, ret), 0);
}

static inline void box_read(Box *box, const StoreFilter *filter, Found *ret) {
        *ret = (Found) {};
        assert_int_equal(store_read_ended(box->store, filter, found_on_read, ret), 0);
        box_await(box, &ret->n_answers, 1);
}
