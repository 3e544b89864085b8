/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/strv.h"
#include "supervisor/model/task.h"
#include "tests/kit/unit.h"

static void a_new_task_waits_has_no_numbers_and_is_nobodys(void **state) {
        _cleanup_(task_freep) Task *task = task_new(42);

        assert_non_null(task);
        assert_int_equal(task->id, 42);
        assert_int_equal(task->phase, TASK_READY);
        assert_int_equal(task->request, TASK_REQUEST_NONE);
        assert_int_equal(task->umask, -1);
        assert_int_equal(task->ending.exit_code, -1);
        assert_int_equal(task->attempt, 0);
        assert_true(task->usage.cpu_usec == UINT64_MAX);
        assert_false(task_has_ended(task));
        assert_false(task->stored || task->settled);
        assert_null(task->run);
}

/* T-7: ids are 64 bits wide */
static void an_id_may_be_any_64_bit_number(void **state) {
        _cleanup_(task_freep) Task *task = task_new(UINT64_MAX);

        assert_non_null(task);
        assert_true(task->id == UINT64_MAX);
}

/* T-1 */
static void a_task_that_ends_is_called_what_it_was_before(void **state) {
        Task task = { .phase = TASK_ENDING, .before_ending = TASK_PAUSED };

        assert_string_equal(task_running_state(&task), "Paused");
        task.before_ending = TASK_STARTING;
        assert_string_equal(task_running_state(&task), "Starting");
        task.phase = TASK_EXITED;
        assert_string_equal(task_running_state(&task), "Exited");
        assert_true(task_has_ended(&task));
}

static void a_task_without_a_name_is_called_as_its_type(void **state) {
        TaskType type = { .n_refs = 1, .display_type = (char *) "Nightly Backup" };
        Task task = { .type = &type };

        assert_string_equal(task_display_name(&task), "Nightly Backup");
        task.name = (char *) "before the upgrade";
        assert_string_equal(task_display_name(&task), "before the upgrade");
}

/* For a sanitizer to look at: everything a task can own, once. */
static void a_full_task_is_freed_with_all_it_owns(void **state) {
        Task *task = task_new(1);

        assert_non_null(task);
        task->type = task_type_new();
        task->name = strdup("name");
        task->label = strdup("label");
        task->namespace = strdup("default");
        task->user = strdup("nobody");
        task->directory = strdup("/");
        task->status_message = strdup("halfway");
        assert_int_equal(strv_append(&task->parameters, "a=b"), 0);
        assert_int_equal(strv_append(&task->argv, "/bin/true"), 0);
        assert_int_equal(strv_append(&task->environment, "PATH=/bin"), 0);
        task->progress.units = strdup("MB");
        task->progress.details = strdup("file 3");
        task->ending.final_status = strdup("Done.");
        task->ending.error_code = strdup("ExitStatus");
        task->ending.error_text = strdup("text");
        task->ending.error_callstack = strdup("main");
        assert_null(task_free(task));
        assert_null(task_free(NULL));
}

static void an_ending_that_is_let_go_says_nothing(void **state) {
        Ending ending = { .exit_code = 3, .signal = 9, .n_left_processes = 2, .final_status = strdup("x"), .error_code = strdup("y") };

        ending_done(&ending);
        assert_null(ending.final_status);
        assert_null(ending.error_code);
        assert_int_equal(ending.exit_code, -1);
        assert_int_equal(ending.signal, 0);
        assert_int_equal(ending.n_left_processes, 0);
}

static void a_copy_of_a_progress_is_its_own(void **state) {
        char units[] = "MB", details[] = "first";
        const Progress from = { .current = 5, .total = 10, .units = units, .details = details, .time_usec = 7 };
        _cleanup_(progress_done) Progress copy = {};

        assert_int_equal(progress_copy(&copy, &from), 0);
        units[0] = details[0] = '?';
        assert_string_equal(copy.units, "MB");
        assert_string_equal(copy.details, "first");
        assert_int_equal(copy.current, 5);
        assert_int_equal(copy.total, 10);
        assert_int_equal(copy.time_usec, 7);
}

static void a_copy_of_an_empty_progress_is_empty(void **state) {
        const Progress from = {};
        _cleanup_(progress_done) Progress copy = { .current = 1 };

        assert_int_equal(progress_copy(&copy, &from), 0);
        assert_int_equal(copy.current, 0);
        assert_null(copy.units);
        assert_null(copy.details);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_new_task_waits_has_no_numbers_and_is_nobodys),
                cmocka_unit_test(an_id_may_be_any_64_bit_number),
                cmocka_unit_test(a_task_that_ends_is_called_what_it_was_before),
                cmocka_unit_test(a_task_without_a_name_is_called_as_its_type),
                cmocka_unit_test(a_full_task_is_freed_with_all_it_owns),
                cmocka_unit_test(an_ending_that_is_let_go_says_nothing),
                cmocka_unit_test(a_copy_of_a_progress_is_its_own),
                cmocka_unit_test(a_copy_of_an_empty_progress_is_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
