/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "supervisor/store/reader.h"
#include "tests/kit/store.h"

#define N_TASKS 60

static const TaskPhase phases[] = { TASK_DONE, TASK_ERROR, TASK_CANCELLED, TASK_EXITED, TASK_RUNNING };

/*
 * Sixty tasks: every fifth has not ended, the others have the four endings in
 * turn; types in turn by two, namespaces by three, labels by four with none for
 * the last.
 */
static int set_up(void **state) {
        Box *box = calloc(1, sizeof *box);
        TaskType *types[] = { box_type("copy", "1"), box_type("move", "2") };

        box_make(box);
        box_open(box);
        for (uint64_t id = 1; id <= N_TASKS; id++) {
                _cleanup_(task_freep) Task *task = box_task(id, types[id % 2]);
                char text[32];

                task->phase = phases[id % 5];
                (void) snprintf(text, sizeof text, "ns%d", (int) (id % 3));
                free(task->namespace);
                task->namespace = strdup(text);
                (void) snprintf(text, sizeof text, "it's %d", (int) (id % 4));
                task->label = id % 4 == 3 ? NULL : strdup(text);
                assert_int_equal(store_put_task(box->store, task), 0);
        }
        assert_int_equal(box_commit(box), 0);
        (void) task_type_unref(types[0]);
        (void) task_type_unref(types[1]);
        *state = box;
        return 0;
}

static int tear_down(void **state) {
        Box *box = *state;

        box_remove(box);
        free(box);
        return 0;
}

static bool in_ranges(const StoreFilter *filter, uint64_t id) {
        if (filter->n_ids == 0 && filter->n_ranges == 0)
                return true;
        for (size_t i = 0; i < filter->n_ids; i++)
                if (filter->ids[i] == id)
                        return true;
        for (size_t i = 0; i < filter->n_ranges; i++)
                if (id >= filter->ranges[i][0] && id <= filter->ranges[i][1])
                        return true;
        return false;
}

/* The same question, answered the long way. */
static bool matches(const StoreFilter *filter, uint64_t id) {
        char namespace[32], label[32];

        (void) snprintf(namespace, sizeof namespace, "ns%d", (int) (id % 3));
        (void) snprintf(label, sizeof label, "it's %d", (int) (id % 4));
        return id % 5 != 4 && in_ranges(filter, id)
               && (!filter->type || strcmp(filter->type, id % 2 ? "move" : "copy") == 0)
               && (!filter->namespace || strcmp(filter->namespace, namespace) == 0)
               && (!filter->label || (id % 4 != 3 && strcmp(filter->label, label) == 0))
               && (filter->phases == 0 || filter->phases & 1U << phases[id % 5]);
}

static size_t assert_answer(Box *box, const StoreFilter *filter) {
        _cleanup_(found_done) Found found = {};
        size_t n = 0;

        box_read(box, filter, &found);
        assert_int_equal(found.r, 0);
        for (uint64_t i = 1; i <= N_TASKS && (filter->limit == 0 || n < filter->limit); i++) {
                uint64_t id = filter->oldest_first ? i : N_TASKS + 1 - i;

                if (!matches(filter, id))
                        continue;
                assert_true(n < found.n_tasks);
                assert_int_equal(found.tasks[n]->id, id);
                assert_int_equal(found.tasks[n]->phase, phases[id % 5]);
                assert_string_equal(found.tasks[n]->type->name, id % 2 ? "move" : "copy");
                n++;
        }
        assert_int_equal(found.n_tasks, n);
        return n;
}

static void no_filter_gives_every_ended_task_newest_first(void **state) {
        StoreFilter filter = {};

        assert_int_equal(assert_answer(*state, &filter), 48);
}

/* Every combination, so that no statement is left unprepared. */
static void each_part_of_a_filter_narrows_the_answer(void **state) {
        static const uint64_t ids[] = { 3, 55, 3, 1000, UINT64_MAX };
        uint64_t ranges[][2] = { { 40, 50 }, { 10, 30 }, { 25, 41 }, { 59, UINT64_MAX }, { 9, 8 } };

        for (unsigned bits = 0; bits < 256; bits++) {
                StoreFilter filter = {
                        .ids = ids, .n_ids = bits & 1 ? ELEMENTSOF(ids) : 0,
                        .ranges = ranges, .n_ranges = bits & 2 ? ELEMENTSOF(ranges) : 0,
                        .type = bits & 4 ? "move" : NULL,
                        .namespace = bits & 8 ? "ns1" : NULL,
                        .label = bits & 16 ? "it's 1" : NULL,
                        .phases = bits & 32 ? 1U << TASK_ERROR | 1U << TASK_EXITED | 1U << TASK_RUNNING : 0,
                        .limit = bits & 64 ? 3 : 0,
                        .oldest_first = bits & 128,
                };

                (void) assert_answer(*state, &filter);
        }
}

static void ids_that_cannot_be_give_nothing_instead_of_everything(void **state) {
        static const uint64_t ids[] = { UINT64_MAX, (uint64_t) INT64_MAX + 1 };
        StoreFilter filter = { .ids = ids, .n_ids = 2 };

        assert_int_equal(assert_answer(*state, &filter), 0);
}

static void a_filter_is_copied(void **state) {
        uint64_t ids[] = { 5, 6 };
        char type[] = "move";
        StoreFilter filter = { .ids = ids, .n_ids = 2, .type = type };
        _cleanup_(found_done) Found found = {};
        Box *box = *state;

        assert_int_equal(store_read_ended(box->store, &filter, found_on_read, &found), 0);
        ids[0] = ids[1] = 0;
        type[0] = 'x';
        box_await(box, &found.n_answers, 1);
        assert_int_equal(found.n_tasks, 1);
        assert_int_equal(found.tasks[0]->id, 5);
}

static void a_read_sees_what_was_durable_before_it_was_asked(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("late", "");
        _cleanup_(task_freep) Task *task = box_task(1000, type);
        StoreFilter filter = { .type = "late" };
        Box *box = *state;

        for (int i = 0; i < 100; i++) {
                _cleanup_(found_done) Found found = {};

                task->id = 1000 + (uint64_t) i;
                task->phase = TASK_DONE;
                assert_int_equal(store_put_task(box->store, task), 0);
                assert_int_equal(box_commit(box), 0);
                box_read(box, &filter, &found);
                assert_int_equal(found.n_tasks, i + 1);
                assert_int_equal(found.tasks[0]->id, task->id);
        }
}

typedef struct Order {
        size_t *n_seen;
        size_t number;
} Order;

static void order_on_read(int r, Task **tasks, size_t n_tasks, void *userdata) {
        Order *order = userdata;
        Found found = { .tasks = tasks, .n_tasks = n_tasks };

        assert_int_equal(r, 0);
        assert_int_equal((*order->n_seen)++, order->number);
        found_done(&found);
}

static void many_reads_are_answered_in_order(void **state) {
        StoreFilter filter = {};
        Order orders[100];
        Box *box = *state;
        size_t n = 0;

        for (size_t i = 0; i < 100; i++) {
                orders[i] = (Order) { &n, i };
                assert_int_equal(store_read_ended(box->store, &filter, order_on_read, orders + i), 0);
        }
        box_await(box, &n, 100);
}

static void a_forgotten_read_is_not_answered(void **state) {
        Found forgotten = {}, kept = {};
        StoreFilter filter = {};
        Box *box = *state;

        for (int i = 0; i < 3; i++)
                assert_int_equal(store_read_ended(box->store, &filter, found_on_read, &forgotten), 0);
        assert_int_equal(store_read_ended(box->store, &filter, found_on_read, &kept), 0);
        store_forget_read(box->store, &forgotten);
        box_await(box, &kept.n_answers, 1);
        assert_int_equal(kept.n_tasks, 48);
        assert_int_equal(forgotten.n_answers, 0);
        found_done(&kept);
}

static void closing_answers_what_was_not_read(void **state) {
        Found first = {}, second = {};
        StoreFilter filter = {};
        Box *box = *state;

        assert_int_equal(store_read_ended(box->store, &filter, found_on_read, &first), 0);
        assert_int_equal(store_read_ended(box->store, &filter, found_on_read, &second), 0);
        box_close(box);
        assert_int_equal(first.n_answers, 1);
        assert_true(first.r == 0 || first.r == -ECANCELED);
        assert_int_equal(second.n_answers, 1);
        assert_int_equal(second.r, -ECANCELED);
        assert_int_equal(second.n_tasks, 0);
        found_done(&first);
}

/* Two megabytes where one is allowed; the bound of the store itself is the same in larger. */
static void an_answer_that_is_too_large_is_refused(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("large", "");
        _cleanup_(reader_freep) Reader *reader = NULL;
        _cleanup_(read_freep) Read *read = NULL;
        StoreFilter filter = { .type = "large" };
        Box *box = *state;
        char path[128];
        struct pollfd p;

        for (uint64_t id = 1000; id < 1020; id++) {
                _cleanup_(task_freep) Task *task = box_task(id, type);

                task->phase = TASK_DONE;
                task->directory = calloc(1, 100 * 1024);
                memset(task->directory, 'x', 100 * 1024 - 1);
                assert_int_equal(store_put_task(box->store, task), 0);
        }
        assert_int_equal(box_commit(box), 0);

        assert_int_equal(read_new(&read, &filter, found_on_read, NULL), 0);
        read->filter.max_bytes = 1024 * 1024;
        assert_int_equal(reader_new(&reader, box_path(box, "tasks.db", path), box_parse_type, store_fd(box->store)), 0);
        reader_submit(reader, read);
        p = (struct pollfd) { .fd = store_fd(box->store), .events = POLLIN };
        assert_int_equal(poll(&p, 1, (int) (BOX_DEADLINE_USEC / USEC_PER_MSEC)), 1);
        reader = reader_free(reader);
        assert_true(atomic_load(&read->finished));
        assert_int_equal(read->result, -E2BIG);
        assert_null(read->tasks);
}

static int refuse_type(const char *name, const char *text, TaskType **ret) {
        return -EUCLEAN;
}

static void a_type_that_cannot_be_made_again_fails_the_read(void **state) {
        _cleanup_(freep) char *sentence = NULL;
        Found found = {};
        StoreFilter filter = {};
        Box *box = *state;

        box_close(box);
        assert_int_equal(store_open(&box->store, box->directory, refuse_type, &box->facts, &sentence), 0);
        assert_int_equal(store_load_unfinished(box->store, found_on_task, &found), -EUCLEAN);
        assert_int_equal(found.n_tasks, 0);
        box_read(box, &filter, &found);
        assert_int_equal(found.r, -EUCLEAN);
        assert_null(found.tasks);
}

static int stop_on_task(Task *task, void *userdata) {
        (void) task_free(task);
        return -EINTR;
}

static void loading_stops_when_the_callback_says_so(void **state) {
        Found found = {};
        Box *box = *state;

        assert_int_equal(store_load_unfinished(box->store, stop_on_task, NULL), -EINTR);
        box_load(box, &found);
        assert_int_equal(found.n_tasks, 12);
        found_done(&found);
}

static void assert_plan(sqlite3 *db, const StoreFilter *from, const char *index) {
        _cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL, *explain = NULL;
        _cleanup_(filter_done) Filter filter = {};
        char sql[4096];

        assert_int_equal(filter_init(&filter, from), 0);
        assert_int_equal(filter_prepare(&filter, db, &statement), 0);
        assert_true(snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql(statement)) < (int) sizeof sql);
        assert_int_equal(connection_prepare(db, sql, &explain), 0);
        assert_int_equal(sqlite3_step(explain), SQLITE_ROW);
        if (!strstr((const char *) sqlite3_column_text(explain, 3), index))
                fail_msg("%s: %s", index, sqlite3_column_text(explain, 3));
        assert_int_equal(sqlite3_step(explain), SQLITE_DONE);   /* a second step would be sorting */
}

static void filters_are_answered_from_indexes_and_without_sorting(void **state) {
        _cleanup_(connection_closep) sqlite3 *db = NULL;
        static const uint64_t ids[] = { 7 };
        Box *box = *state;
        char path[128];

        assert_int_equal(connection_open(&db, box_path(box, "tasks.db", path)), 0);
        assert_plan(db, &(StoreFilter) { .label = "x" }, "task_ended_label");
        assert_plan(db, &(StoreFilter) { .type = "x" }, "task_ended_type");
        assert_plan(db, &(StoreFilter) { .namespace = "x" }, "task_ended_namespace");
        assert_plan(db, &(StoreFilter) { .ids = ids, .n_ids = 1 }, "INTEGER PRIMARY KEY");
        assert_plan(db, &(StoreFilter) {}, "INTEGER PRIMARY KEY");
}

/* What a start with very many tasks waits for. */
static void a_hundred_thousand_unfinished_tasks_are_loaded_in_order(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("many", "");
        _cleanup_(found_done) Found found = {};
        Box *box = *state;
        uint64_t before;

        for (uint64_t id = 1001; id <= 101000; id++) {
                _cleanup_(task_freep) Task *task = box_task(id, type);

                assert_int_equal(store_put_task(box->store, task), 0);
                if (id % 1000 == 0)
                        store_flush(box->store);
        }
        assert_int_equal(box_commit(box), 0);

        before = clock_now_usec(CLOCK_MONOTONIC);
        box_reopen(box);
        print_message("closed and opened in %llu ms\n", (unsigned long long) (clock_now_usec(CLOCK_MONOTONIC) - before) / 1000);
        before = clock_now_usec(CLOCK_MONOTONIC);
        box_load(box, &found);
        print_message("%zu tasks loaded in %llu ms\n", found.n_tasks, (unsigned long long) (clock_now_usec(CLOCK_MONOTONIC) - before) / 1000);
        assert_int_equal(found.n_tasks, 100012);
        for (size_t i = 1; i < found.n_tasks; i++)
                assert_true(found.tasks[i]->id > found.tasks[i - 1]->id);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(no_filter_gives_every_ended_task_newest_first, set_up, tear_down),
                cmocka_unit_test_setup_teardown(each_part_of_a_filter_narrows_the_answer, set_up, tear_down),
                cmocka_unit_test_setup_teardown(ids_that_cannot_be_give_nothing_instead_of_everything, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_filter_is_copied, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_read_sees_what_was_durable_before_it_was_asked, set_up, tear_down),
                cmocka_unit_test_setup_teardown(many_reads_are_answered_in_order, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_forgotten_read_is_not_answered, set_up, tear_down),
                cmocka_unit_test_setup_teardown(closing_answers_what_was_not_read, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_answer_that_is_too_large_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_type_that_cannot_be_made_again_fails_the_read, set_up, tear_down),
                cmocka_unit_test_setup_teardown(loading_stops_when_the_callback_says_so, set_up, tear_down),
                cmocka_unit_test_setup_teardown(filters_are_answered_from_indexes_and_without_sorting, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_hundred_thousand_unfinished_tasks_are_loaded_in_order, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("store-read", tests, NULL, NULL);
}
