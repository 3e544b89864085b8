/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>

#include "tests/kit/store.h"

static int set_up(void **state) {
        Box *box = calloc(1, sizeof *box);

        box_make(box);
        box_open(box);
        *state = box;
        return 0;
}

static int tear_down(void **state) {
        Box *box = *state;

        (void) unsetenv("BGT_TEST_COMMIT_GATE");
        (void) unsetenv("BGT_TEST_COMMIT_DELAY_MSEC");
        box_remove(box);
        free(box);
        return 0;
}

/* Every byte but NUL, however often it takes. */
static char *nasty(size_t size) {
        char *s = malloc(size + 1);

        assert_non_null(s);
        for (size_t i = 0; i < size; i++)
                s[i] = (char) (1 + i % 255);
        s[size] = '\0';
        return s;
}

static char **nasty_vector(const char *prefix) {
        char **v = NULL;

        assert_int_equal(strv_append(&v, prefix), 0);
        assert_int_equal(strv_append(&v, ""), 0);
        assert_int_equal(strv_append(&v, "'; DROP TABLE task; --"), 0);
        assert_int_equal(strv_append(&v, "line\nline\ttab \"quoted\" $HOME %s \\"), 0);
        assert_int_equal(strv_consume(&v, nasty(1000)), 0);
        assert_int_equal(strv_consume(&v, nasty(100 * 1024)), 0);
        return v;
}

static void set_string(char **field, char *value) {
        free(*field);
        *field = value;
}

/* What store_put_state() writes, no field twice the same. */
static void fill_state(Task *task, uint64_t salt) {
        task->before_ending = TASK_PAUSED;
        task->request = TASK_REQUEST_CANCEL;
        task->cancel_acted = true;
        task->create_time_usec = salt + 1;
        task->unlock_time_usec = salt + 2;
        task->start_time_usec = salt + 3;
        task->finish_time_usec = salt + 4;
        task->paused_usec = salt + 5;
        task->paused_since_usec = salt + 6;
        task->attempt = UINT32_MAX - (uint32_t) salt;
        task->claim_generation = UINT64_MAX - salt;
        task->claim_epoch = UINT64_MAX / 2 + salt;
        task->output = OUTPUT_FILE;
        task->job = (JobIdentity) { .pid = 4194304, .start_ticks = UINT64_MAX - 7 - salt, .pidfd_inode = salt + 7 };
        memset(task->job.boot_id, 'f', 32);
        set_string(&task->status_message, nasty(300));
        task->progress.current = INT64_MIN;
        task->progress.total = INT64_MAX;
        set_string(&task->progress.units, strdup("B\xc3\xa4ume"));
        set_string(&task->progress.details, nasty(2000));
        task->progress.time_usec = salt + 8;
        task->usage = (Usage) { salt + 9, UINT64_MAX, 0, UINT64_MAX - 1, salt + 10 };
        set_string(&task->ending.final_status, nasty(500));
        task->ending.exit_code = -1;
        task->ending.signal = 64;
        set_string(&task->ending.error_code, strdup(""));
        set_string(&task->ending.error_text, strdup("text"));
        set_string(&task->ending.error_callstack, nasty(100 * 1024));
        task->ending.n_left_processes = salt + 11;
}

static Task *full_task(uint64_t id, TaskType *type) {
        Task *task = box_task(id, type);

        task->phase = TASK_ENDING;
        task->name = nasty(255);
        task->label = strdup("");
        set_string(&task->namespace, nasty(63));
        task->owner = UINT32_MAX;
        set_string(&task->user, strdup("us\xe9r"));
        task->uid = UINT32_MAX - 1;
        task->gid = 5;
        task->parameters = nasty_vector("a=1");
        task->argv = nasty_vector("/bin/true");
        task->environment = nasty_vector("PATH=/bin");
        task->directory = nasty(4095);
        task->umask = 0777;
        task->priority = INT32_MIN;
        task->timeout_usec = UINT64_MAX;
        fill_state(task, id * 100);
        return task;
}

static void assert_same_string(const char *a, const char *b) {
        assert_int_equal(!a, !b);
        if (a)
                assert_string_equal(a, b);
}

static void assert_same_vector(char *const *a, char *const *b) {
        assert_int_equal(!a, !b);
        assert_int_equal(strv_length(a), strv_length(b));
        for (size_t i = 0; a && a[i]; i++)
                assert_string_equal(a[i], b[i]);
}

static void assert_same_ending(const Ending *a, const Ending *b) {
        assert_same_string(a->final_status, b->final_status);
        assert_int_equal(a->exit_code, b->exit_code);
        assert_int_equal(a->signal, b->signal);
        assert_same_string(a->error_code, b->error_code);
        assert_same_string(a->error_text, b->error_text);
        assert_same_string(a->error_callstack, b->error_callstack);
        assert_int_equal(a->n_left_processes, b->n_left_processes);
}

static void assert_same_state(const Task *a, const Task *b) {
        assert_int_equal(a->phase, b->phase);
        assert_int_equal(a->before_ending, b->before_ending);
        assert_int_equal(a->request, b->request);
        assert_int_equal(a->cancel_acted, b->cancel_acted);
        assert_int_equal(a->create_time_usec, b->create_time_usec);
        assert_int_equal(a->unlock_time_usec, b->unlock_time_usec);
        assert_int_equal(a->start_time_usec, b->start_time_usec);
        assert_int_equal(a->finish_time_usec, b->finish_time_usec);
        assert_int_equal(a->paused_usec, b->paused_usec);
        assert_int_equal(a->paused_since_usec, b->paused_since_usec);
        assert_int_equal(a->attempt, b->attempt);
        assert_int_equal(a->claim_generation, b->claim_generation);
        assert_int_equal(a->claim_epoch, b->claim_epoch);
        assert_int_equal(a->output, b->output);
        assert_int_equal(a->job.pid, b->job.pid);
        assert_int_equal(a->job.start_ticks, b->job.start_ticks);
        assert_int_equal(a->job.pidfd_inode, b->job.pidfd_inode);
        assert_string_equal(a->job.boot_id, b->job.boot_id);
        assert_same_string(a->status_message, b->status_message);
        assert_int_equal(a->progress.current, b->progress.current);
        assert_int_equal(a->progress.total, b->progress.total);
        assert_same_string(a->progress.units, b->progress.units);
        assert_same_string(a->progress.details, b->progress.details);
        assert_int_equal(a->progress.time_usec, b->progress.time_usec);
        assert_memory_equal(&a->usage, &b->usage, sizeof a->usage);
        assert_same_ending(&a->ending, &b->ending);
}

static void assert_same_task(const Task *a, const Task *b) {
        assert_int_equal(a->id, b->id);
        assert_int_equal(a->type->definition_id, b->type->definition_id);
        assert_string_equal(a->type->name, b->type->name);
        assert_string_equal(a->type->text, b->type->text);
        assert_same_string(a->name, b->name);
        assert_same_string(a->label, b->label);
        assert_same_string(a->namespace, b->namespace);
        assert_int_equal(a->owner, b->owner);
        assert_same_string(a->user, b->user);
        assert_int_equal(a->uid, b->uid);
        assert_int_equal(a->gid, b->gid);
        assert_same_vector(a->parameters, b->parameters);
        assert_same_vector(a->argv, b->argv);
        assert_same_vector(a->environment, b->environment);
        assert_same_string(a->directory, b->directory);
        assert_int_equal(a->umask, b->umask);
        assert_int_equal(a->priority, b->priority);
        assert_int_equal(a->timeout_usec, b->timeout_usec);
        assert_same_state(a, b);
}

/* Of what is not ended, after the store was closed and opened. */
static void assert_comes_back(Box *box, const Task *task) {
        _cleanup_(found_done) Found found = {};

        box_reopen(box);
        box_load(box, &found);
        assert_int_equal(found.n_tasks, 1);
        assert_same_task(found.tasks[0], task);
        assert_true(found.tasks[0]->stored);
}

static void every_field_comes_back_as_it_was_put(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "[Task]\nExecStart=cp\n");
        _cleanup_(task_freep) Task *task = full_task(7, type);
        Box *box = *state;

        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
        assert_comes_back(box, task);
}

static void what_is_not_set_comes_back_as_not_set(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(task_freep) Task *task = box_task(1, type);
        Box *box = *state;

        set_string(&task->user, NULL);
        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
        assert_comes_back(box, task);
}

static void an_empty_vector_is_not_the_same_as_none(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(task_freep) Task *task = box_task(1, type);
        Box *box = *state;

        task->environment = calloc(1, sizeof *task->environment);
        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
        assert_comes_back(box, task);
}

static void a_put_state_changes_the_state_and_leaves_the_rest(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(task_freep) Task *task = full_task(7, type), *other = box_task(7, type), *untouched = box_task(8, type);
        _cleanup_(found_done) Found found = {};
        Box *box = *state;

        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(store_put_task(box->store, untouched), 0);
        assert_int_equal(box_commit(box), 0);

        other->phase = TASK_PAUSING;
        assert_int_equal(store_put_state(box->store, other), 0);
        assert_int_equal(box_commit(box), 0);

        box_reopen(box);
        box_load(box, &found);
        assert_int_equal(found.n_tasks, 2);
        assert_same_state(found.tasks[0], other);
        assert_same_vector(found.tasks[0]->argv, task->argv);
        assert_same_vector(found.tasks[0]->environment, task->environment);
        assert_same_string(found.tasks[0]->name, task->name);
        assert_same_task(found.tasks[1], untouched);
}

static void a_put_task_replaces_everything(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", ""), *changed = box_type("copy", "changed");
        _cleanup_(task_freep) Task *task = full_task(7, type), *other = box_task(7, changed);
        Box *box = *state;

        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
        assert_int_equal(store_put_task(box->store, other), 0);
        assert_int_equal(box_commit(box), 0);
        assert_comes_back(box, other);
}

/* What was put is borrowed from nobody: the task may be gone before the commit. */
static void what_is_put_is_copied(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "text");
        _cleanup_(task_freep) Task *task = full_task(7, type), *same = full_task(7, type);
        Box *box = *state;

        assert_int_equal(store_put_task(box->store, task), 0);
        task = task_free(task);
        assert_int_equal(box_commit(box), 0);
        assert_comes_back(box, same);
}

static void every_phase_comes_back(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(found_done) Found active = {}, ended = {};
        StoreFilter filter = { .oldest_first = true };
        Box *box = *state;

        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++) {
                _cleanup_(task_freep) Task *task = box_task(1 + (uint64_t) phase, type);

                task->phase = phase;
                assert_int_equal(store_put_task(box->store, task), 0);
        }
        assert_int_equal(box_commit(box), 0);
        box_reopen(box);
        box_load(box, &active);
        box_read(box, &filter, &ended);
        assert_int_equal(active.n_tasks, TASK_DONE);
        assert_int_equal(ended.n_tasks, _TASK_PHASE_MAX - TASK_DONE);
        for (size_t i = 0; i < active.n_tasks; i++) {
                assert_int_equal(active.tasks[i]->id, 1 + i);
                assert_int_equal(active.tasks[i]->phase, i);
                assert_false(active.tasks[i]->settled);
        }
        for (size_t i = 0; i < ended.n_tasks; i++) {
                assert_int_equal(ended.tasks[i]->phase, TASK_DONE + i);
                assert_true(ended.tasks[i]->settled);
        }
}

/* Looked for by another process: closing a database drops this one's locks on it. */
static bool store_holds(const Box *box, const char *needle) {
        char path[128], log_path[128];
        int status = -1;
        pid_t pid;

        (void) box_path(box, "tasks.db", path);
        (void) box_path(box, "tasks.db-wal", log_path);
        pid = fork();
        if (pid == 0) {
                (void) execlp("grep", "grep", "-qsaF", "-e", needle, "--", path, log_path, NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 127);
        return WEXITSTATUS(status) == 0;
}

/* P-44 */
static void an_environment_leaves_the_store_when_the_task_ends(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(task_freep) Task *task = box_task(1, type), *big = box_task(2, type);
        _cleanup_(found_done) Found found = {};
        StoreFilter filter = {};
        Box *box = *state;

        assert_int_equal(strv_append(&task->environment, "TOKEN=a-word-nobody-should-find"), 0);
        assert_int_equal(strv_consume(&big->environment, nasty(50000)), 0);
        assert_int_equal(strv_append(&big->environment, "KEY=another-word-nobody-should-find"), 0);
        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(store_put_task(box->store, big), 0);
        assert_int_equal(box_commit(box), 0);
        assert_true(store_holds(box, "a-word-nobody-should-find"));
        assert_true(store_holds(box, "another-word-nobody-should-find"));

        task->phase = big->phase = TASK_DONE;
        assert_int_equal(store_put_state(box->store, task), 0);
        assert_int_equal(store_put_task(box->store, big), 0);
        assert_int_equal(box_commit(box), 0);
        box_read(box, &filter, &found);
        assert_int_equal(found.n_tasks, 2);
        assert_null(found.tasks[0]->environment);
        assert_null(found.tasks[1]->environment);

        box_close(box);
        assert_false(store_holds(box, "a-word-nobody-should-find"));
        assert_false(store_holds(box, "another-word-nobody-should-find"));
}

/* P-44: what the log still holds goes as soon as there is nothing else to do. */
static void an_environment_leaves_the_log_without_a_restart(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(task_freep) Task *task = box_task(1, type);
        struct pollfd p = { .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN };
        Box *box = *state;
        char path[128], events[4096];

        assert_int_equal(strv_append(&task->environment, "TOKEN=a-word-nobody-should-find"), 0);
        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
        task->phase = TASK_DONE;
        assert_int_equal(store_put_state(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
        assert_true(store_holds(box, "a-word-nobody-should-find"));

        assert_true(inotify_add_watch(p.fd, box_path(box, "tasks.db-wal", path), IN_MODIFY) >= 0);
        while (store_holds(box, "a-word-nobody-should-find")) {
                assert_int_equal(poll(&p, 1, (int) (BOX_DEADLINE_USEC / USEC_PER_MSEC)), 1);
                assert_true(read(p.fd, events, sizeof events) > 0);
        }
        (void) fd_close(p.fd);

        /* and the store goes on */
        task->phase = TASK_EXITED;
        assert_int_equal(store_put_state(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
}

/* P-44: nor does it stay when there is always something else to do. */
static void an_environment_leaves_the_log_of_a_store_that_is_never_quiet(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(task_freep) Task *task = box_task(1, type), *other = box_task(2, type);
        uint64_t deadline = clock_now_usec(CLOCK_MONOTONIC) + BOX_DEADLINE_USEC;
        Box *box = *state;

        assert_int_equal(strv_append(&task->environment, "TOKEN=a-word-nobody-should-find"), 0);
        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
        task->phase = TASK_DONE;
        assert_int_equal(store_put_state(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);

        do {
                assert_true(clock_now_usec(CLOCK_MONOTONIC) < deadline);
                assert_int_equal(store_put_task(box->store, other), 0);
                assert_int_equal(box_commit(box), 0);
                (void) poll(NULL, 0, 300);
        } while (store_holds(box, "a-word-nobody-should-find"));
}

static void a_deleted_record_is_gone(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(task_freep) Task *task = full_task(1, type), *kept = box_task(2, type);
        _cleanup_(found_done) Found found = {};
        Box *box = *state;

        set_string(&task->ending.error_text, strdup("a-word-nobody-should-find"));
        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(store_put_task(box->store, kept), 0);
        assert_int_equal(store_delete(box->store, 1), 0);
        assert_int_equal(store_delete(box->store, 99), 0);
        assert_int_equal(box_commit(box), 0);
        box_reopen(box);
        box_load(box, &found);
        assert_int_equal(found.n_tasks, 1);
        assert_int_equal(found.tasks[0]->id, 2);
        assert_false(store_holds(box, "a-word-nobody-should-find"));
}

/* T-7 */
static void ids_are_not_given_out_again_when_their_records_are_gone(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(task_freep) Task *first = box_task(41, type), *last = box_task(42, type);
        Box *box = *state;

        assert_int_equal(box->facts.last_id, 0);
        assert_int_equal(store_put_task(box->store, last), 0);
        assert_int_equal(store_put_task(box->store, first), 0);
        assert_int_equal(box_commit(box), 0);
        assert_int_equal(store_delete(box->store, 41), 0);
        assert_int_equal(store_delete(box->store, 42), 0);
        assert_int_equal(box_commit(box), 0);
        box_reopen(box);
        assert_int_equal(box->facts.last_id, 42);
}

static void each_opening_is_a_new_epoch_of_the_same_instance(void **state) {
        Box *box = *state;
        uint64_t instance = box->facts.instance;

        assert_int_not_equal(instance, 0);
        for (uint64_t epoch = 1; epoch < 5; epoch++) {
                assert_int_equal(box->facts.epoch, epoch);
                assert_int_equal(box->facts.instance, instance);
                box_reopen(box);
        }
}

/* Several tasks with one text, one with the same text under another name. */
static void a_text_is_stored_once_and_shared_by_its_tasks(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "text"), *same = box_type("copy", "text");
        _cleanup_(task_type_unrefp) TaskType *other = box_type("move", "text");
        _cleanup_(task_freep) Task *one = box_task(1, type), *two = box_task(2, same), *three = box_task(3, other);
        _cleanup_(found_done) Found found = {};
        Box *box = *state;

        assert_int_equal(store_put_type(box->store, type), 0);
        assert_int_not_equal(type->definition_id, 0);
        assert_int_equal(store_put_task(box->store, one), 0);
        assert_int_equal(box_commit(box), 0);
        assert_int_equal(store_put_task(box->store, two), 0);
        assert_int_equal(store_put_task(box->store, three), 0);
        assert_int_equal(box_commit(box), 0);
        assert_int_equal(same->definition_id, type->definition_id);
        assert_int_not_equal(other->definition_id, type->definition_id);

        box_reopen(box);
        box_load(box, &found);
        assert_int_equal(found.n_tasks, 3);
        assert_ptr_equal(found.tasks[0]->type, found.tasks[1]->type);
        assert_string_equal(found.tasks[2]->type->name, "move");
        assert_int_equal(found.tasks[2]->type->definition_id, other->definition_id);

        /* a text that was loaded has its number already */
        same->definition_id = 0;
        assert_int_equal(store_put_type(box->store, same), 0);
        assert_int_equal(same->definition_id, type->definition_id);
}

static void a_text_that_no_task_has_any_more_is_forgotten_at_the_next_opening(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "a-word-nobody-should-find");
        _cleanup_(task_freep) Task *task = box_task(1, type);
        Box *box = *state;

        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
        box_reopen(box);
        assert_true(store_holds(box, "a-word-nobody-should-find"));
        assert_int_equal(store_delete(box->store, 1), 0);
        assert_int_equal(box_commit(box), 0);
        box_reopen(box);
        box_close(box);
        assert_false(store_holds(box, "a-word-nobody-should-find"));
}

/* Callbacks write down who they are. */
typedef struct Witness {
        Box *box;
        size_t *n_seen;
        int *seen;
        int number;
        int r;
} Witness;

static void witness_on_durable(int r, void *userdata) {
        Witness *witness = userdata;

        witness->r = r;
        witness->seen[(*witness->n_seen)++] = witness->number;
}

static void callbacks_come_in_the_order_they_were_asked_for(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        Witness witnesses[300];
        Box *box = *state;
        int seen[300];
        size_t n = 0;

        for (int i = 0; i < 300; i++) {
                _cleanup_(task_freep) Task *task = box_task(1 + (uint64_t) i, type);

                witnesses[i] = (Witness) { .n_seen = &n, .seen = seen, .number = i, .r = 1 };
                if (i % 3 != 0)         /* some have nothing to wait for */
                        assert_int_equal(store_put_task(box->store, task), 0);
                assert_int_equal(store_when_durable(box->store, witness_on_durable, witnesses + i), 0);
                if (i % 4 == 0)
                        store_flush(box->store);
        }
        store_flush(box->store);
        box_await(box, &n, 300);
        for (int i = 0; i < 300; i++) {
                assert_int_equal(seen[i], i);
                assert_int_equal(witnesses[i].r, 0);
        }
}

static void a_callback_waits_for_its_flush(void **state) {
        Outcome outcome = {};
        Box *box = *state;

        assert_int_equal(store_when_durable(box->store, outcome_on_durable, &outcome), 0);
        store_dispatch(box->store);
        assert_int_equal(outcome.n, 0);
        store_flush(box->store);
        box_await(box, &outcome.n, 1);
        assert_int_equal(outcome.r, 0);
}

static void a_flush_of_nothing_does_nothing(void **state) {
        Box *box = *state;
        size_t n_turns;
        uint64_t since;

        store_flush(box->store);
        store_flush(box->store);
        store_backlog(box->store, &n_turns, &since);
        assert_int_equal(n_turns, 0);
        assert_int_equal(since, 0);
}

static void a_forgotten_callback_is_not_called(void **state) {
        Outcome early = {}, kept = {}, late = {};
        Box *box = *state;

        for (int i = 0; i < 3; i++) {
                assert_int_equal(store_when_durable(box->store, outcome_on_durable, &early), 0);
                assert_int_equal(store_when_durable(box->store, outcome_on_durable, &late), 0);
                assert_int_equal(store_when_durable(box->store, outcome_on_durable, &kept), 0);
                if (i == 0)
                        store_forget(box->store, &early);
                store_flush(box->store);
        }
        store_forget(box->store, &early);
        store_forget(box->store, &late);
        box_await(box, &kept.n, 3);
        assert_int_equal(early.n, 0);
        assert_int_equal(late.n, 0);
}

typedef struct Killer {
        Box *box;
        Outcome *victim;
        size_t n;
} Killer;

static void killer_on_durable(int r, void *userdata) {
        Killer *killer = userdata;

        killer->n++;
        store_forget(killer->box->store, killer->victim);
}

static void a_callback_can_forget_the_next_one(void **state) {
        Outcome victim = {};
        Killer killer = { .box = *state, .victim = &victim };

        assert_int_equal(store_when_durable(killer.box->store, killer_on_durable, &killer), 0);
        assert_int_equal(store_when_durable(killer.box->store, outcome_on_durable, &victim), 0);
        store_flush(killer.box->store);
        box_await(killer.box, &killer.n, 1);
        store_dispatch(killer.box->store);
        assert_int_equal(victim.n, 0);
}

/* Each puts the next and ends the turn, as the loop does. */
static void chain_on_durable(int r, void *userdata) {
        Witness *witness = userdata;

        assert_int_equal(r, 0);
        if (++*witness->n_seen < 100) {
                assert_int_equal(store_when_durable(witness->box->store, chain_on_durable, witness), 0);
                store_flush(witness->box->store);
        }
}

static void a_callback_can_put_and_flush(void **state) {
        size_t n = 0;
        Witness witness = { .box = *state, .n_seen = &n };

        assert_int_equal(store_when_durable(witness.box->store, chain_on_durable, &witness), 0);
        store_flush(witness.box->store);
        box_await(witness.box, &n, 100);
}

static void closing_writes_what_was_put_and_calls_back(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        _cleanup_(task_freep) Task *task = box_task(1, type);
        Outcome outcome = {};
        Box *box = *state;

        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(store_when_durable(box->store, outcome_on_durable, &outcome), 0);
        box_close(box);
        assert_int_equal(outcome.n, 1);
        assert_int_equal(outcome.r, 0);
        assert_comes_back(box, task);
}

static void make_gate(const Box *box, char ret[static 128]) {
        (void) fd_close(open(box_path(box, "gate", ret), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        assert_int_equal(setenv("BGT_TEST_COMMIT_GATE", ret, 1), 0);
}

static void a_disk_that_stands_still_holds_back_callbacks_and_nothing_else(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "");
        uint64_t since, before = clock_now_usec(CLOCK_MONOTONIC);
        Outcome outcome = {};
        Box *box = *state;
        size_t n_turns;
        char gate[128];

        make_gate(box, gate);
        box_reopen(box);
        for (uint64_t id = 1; id <= 5; id++) {
                _cleanup_(task_freep) Task *task = box_task(id, type);

                assert_int_equal(store_put_task(box->store, task), 0);
                assert_int_equal(store_when_durable(box->store, outcome_on_durable, &outcome), 0);
                store_flush(box->store);
        }
        store_dispatch(box->store);
        assert_int_equal(outcome.n, 0);
        store_backlog(box->store, &n_turns, &since);
        assert_int_equal(n_turns, 5);
        assert_in_range(since, before, clock_now_usec(CLOCK_MONOTONIC));

        assert_int_equal(unlink(gate), 0);
        box_await(box, &outcome.n, 5);
        store_backlog(box->store, &n_turns, &since);
        assert_int_equal(n_turns, 0);
        assert_int_equal(since, 0);
}

static void a_slow_disk_delays_each_commit(void **state) {
        uint64_t before;
        Box *box = *state;

        assert_int_equal(setenv("BGT_TEST_COMMIT_DELAY_MSEC", "50", 1), 0);
        box_reopen(box);
        assert_int_equal(store_delete(box->store, 1), 0);
        before = clock_now_usec(CLOCK_MONOTONIC);
        assert_int_equal(box_commit(box), 0);
        assert_true(clock_now_usec(CLOCK_MONOTONIC) - before >= 50 * USEC_PER_MSEC);
}

/* The turns that wait together share a transaction; the bad one among them must not spoil the rest. */
static void a_turn_that_fails_fails_alone(void **state) {
        static const uint64_t good[] = { 1, 3, 5, 6, 7 };
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", ""), *fresh = box_type("fresh", "");
        _cleanup_(found_done) Found found = {};
        Outcome outcomes[7] = {};
        Box *box = *state;
        char gate[128];

        make_gate(box, gate);
        box_reopen(box);
        for (uint64_t id = 1; id <= 7; id++) {
                _cleanup_(task_freep) Task *task = box_task(id, id < 4 ? type : fresh), *missing = box_task(100, type);

                assert_int_equal(store_put_task(box->store, task), 0);
                if (id == 2 || id == 4)
                        assert_int_equal(store_put_state(box->store, missing), 0);
                assert_int_equal(store_when_durable(box->store, outcome_on_durable, outcomes + id - 1), 0);
                store_flush(box->store);
        }
        assert_int_equal(unlink(gate), 0);
        box_await(box, &outcomes[6].n, 1);
        for (size_t i = 0; i < 7; i++) {
                assert_int_equal(outcomes[i].n, 1);
                assert_int_equal(outcomes[i].r, i == 1 || i == 3 ? -ENOENT : 0);
        }

        /* the type came with the turn that failed, and with those after it */
        box_reopen(box);
        box_load(box, &found);
        assert_int_equal(found.n_tasks, 5);
        for (size_t i = 0; i < 5; i++)
                assert_int_equal(found.tasks[i]->id, good[i]);
        assert_string_equal(found.tasks[2]->type->name, "fresh");
}

/* The writer's own signals are the loop's. */
static void the_threads_take_no_signals(void **state) {
        sigset_t set, before;
        siginfo_t info;

        (void) state;
        assert_int_equal(sigemptyset(&set), 0);
        assert_int_equal(sigaddset(&set, SIGUSR1), 0);
        assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
        for (int i = 0; i < 100; i++) {
                assert_int_equal(kill(getpid(), SIGUSR1), 0);
                assert_int_equal(sigtimedwait(&set, &info, &(struct timespec) { .tv_sec = 60 }), SIGUSR1);
        }
        assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_field_comes_back_as_it_was_put, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_not_set_comes_back_as_not_set, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_empty_vector_is_not_the_same_as_none, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_put_state_changes_the_state_and_leaves_the_rest, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_put_task_replaces_everything, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_put_is_copied, set_up, tear_down),
                cmocka_unit_test_setup_teardown(every_phase_comes_back, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_environment_leaves_the_store_when_the_task_ends, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_environment_leaves_the_log_without_a_restart, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_environment_leaves_the_log_of_a_store_that_is_never_quiet, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_deleted_record_is_gone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(ids_are_not_given_out_again_when_their_records_are_gone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(each_opening_is_a_new_epoch_of_the_same_instance, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_text_is_stored_once_and_shared_by_its_tasks, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_text_that_no_task_has_any_more_is_forgotten_at_the_next_opening, set_up, tear_down),
                cmocka_unit_test_setup_teardown(callbacks_come_in_the_order_they_were_asked_for, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_callback_waits_for_its_flush, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_flush_of_nothing_does_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_forgotten_callback_is_not_called, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_callback_can_forget_the_next_one, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_callback_can_put_and_flush, set_up, tear_down),
                cmocka_unit_test_setup_teardown(closing_writes_what_was_put_and_calls_back, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_disk_that_stands_still_holds_back_callbacks_and_nothing_else, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_slow_disk_delays_each_commit, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_turn_that_fails_fails_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_threads_take_no_signals, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
