/* SPDX-License-Identifier: MIT */
#include "ctl/snapshot.h"

#include <string.h>

#include "ctl/property.h"
#include "ctl/visible.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "tests/kit/unit.h"

static int set_up(void **state) {
        (void) state;
        visible_init();
        return 0;
}

/* An ended task; codes below 0 are absent. */
static Value *ended_new(const char *running_state, int exit_code, int signal, const char *error_code) {
        Value *task = value_new_dictionary(), *error = value_new_dictionary();

        assert_int_equal(value_set(task, "Id", value_new_natural(VALUE_UINT64, 42)), 0);
        assert_int_equal(value_set(task, "RunningState", value_new_string(running_state)), 0);
        if (exit_code >= 0)
                assert_int_equal(value_set(task, "ExitCode", value_new_integer(VALUE_INT32, exit_code)), 0);
        if (signal >= 0)
                assert_int_equal(value_set(task, "Signal", value_new_integer(VALUE_INT32, signal)), 0);
        if (error_code)
                assert_int_equal(value_set(error, "code", value_new_string(error_code)), 0);
        assert_int_equal(value_set(task, "Error", error), 0);
        assert_int_equal(value_set(task, "FinalStatus", value_new_string("It said so.")), 0);
        return task;
}

/* The table of spec 4: what wait, watch and run --wait say for the task. */
static void the_exit_status_speaks_for_the_task(void **state) {
        static const struct {
                const char *running_state;
                int exit_code, signal;
                const char *error_code;
                int status;
        } cases[] = {
                { "Done",      0,   -1, NULL, 0 },
                { "Done",      3,   -1, NULL, 0 },              /* one of SuccessExitStatus= */
                { "Error",     1,   -1, NULL, 1 },
                { "Error",     77,  -1, NULL, 77 },
                { "Error",     255, -1, NULL, 255 },
                { "Error",     0,   -1, "MyCode", 1 },
                { "Error",     -1,  -1, "ExecFailed", 1 },
                { "Exited",    -1,  9,  NULL, 137 },
                { "Exited",    -1,  15, NULL, 143 },
                { "Exited",    -1,  -1, "Interrupted", 126 },
                { "Exited",    -1,  0,  NULL, 126 },
                { "Cancelled", -1,  9,  NULL, 130 },
                { "Cancelled", 130, -1, NULL, 130 },
                { "Running",   -1,  -1, NULL, 0 },
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(value_freep) Value *task = ended_new(cases[i].running_state, cases[i].exit_code, cases[i].signal, cases[i].error_code);

                assert_int_equal(snapshot_exit_status(task), cases[i].status);
        }
}

/* T-4 */
static void only_a_cancel_by_the_clock_is_a_timeout(void **state) {
        _cleanup_(value_freep) Value *timed_out = ended_new("Cancelled", -1, 9, "Timeout");
        _cleanup_(value_freep) Value *cancelled = ended_new("Cancelled", -1, 9, NULL);
        _cleanup_(value_freep) Value *error = ended_new("Error", 1, -1, "Timeout");

        (void) state;

        assert_true(snapshot_is_timeout(timed_out));
        assert_false(snapshot_is_timeout(cancelled));
        assert_false(snapshot_is_timeout(error));
}

static void an_ending_is_told_in_one_line(void **state) {
        _cleanup_(value_freep) Value *task = ended_new("Cancelled", -1, 9, "Timeout");
        _cleanup_(freep) char *line = NULL;
        Text text = {};

        (void) state;

        snapshot_append_ending(&text, task);
        line = text_take(&text);
        assert_string_equal(line, "Task 42: Cancelled (Timeout): It said so.");
}

static Value *running_new(int64_t current, int64_t total, int percent, const char *units, const char *line) {
        Value *task = value_new_dictionary();

        assert_int_equal(value_set(task, "Id", value_new_natural(VALUE_UINT64, 42)), 0);
        assert_int_equal(value_set(task, "Phase", value_new_string("running")), 0);
        assert_int_equal(value_set(task, "ProgressCurrent", value_new_integer(VALUE_INT64, current)), 0);
        assert_int_equal(value_set(task, "ProgressTotal", value_new_integer(VALUE_INT64, total)), 0);
        assert_int_equal(value_set(task, "Progress", value_new_integer(VALUE_INT32, percent)), 0);
        if (units)
                assert_int_equal(value_set(task, "ProgressUnits", value_new_string(units)), 0);
        if (line)
                assert_int_equal(value_set(task, "ProgressLine", value_new_string(line)), 0);
        assert_int_equal(value_set(task, "Name", value_new_string("back\nup")), 0);
        return task;
}

static char *line_of(const Value *task) {
        Text text = {};

        snapshot_append_line(&text, task, 1000 * USEC_PER_SEC);
        return text_take(&text);
}

/* T-51 */
static void a_line_shows_the_progress_there_is(void **state) {
        static const struct {
                int64_t current, total;
                int percent;
                const char *units, *progress_line, *line;
        } cases[] = {
                { 5, 10, 50, "MB", "5 of 10 MB", "42 running [#####-----]  50%  5 of 10 MB  back\\nup" },
                { 5, 10, 50, NULL, "50%",        "42 running [#####-----]  50%  back\\nup" },
                { 5, 0,  0,  "MB", "5 MB",       "42 running  5 MB  back\\nup" },
                { 0, 0,  0,  NULL, NULL,         "42 running  back\\nup" },
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(value_freep) Value *task = running_new(cases[i].current, cases[i].total, cases[i].percent, cases[i].units, cases[i].progress_line);
                _cleanup_(freep) char *line = line_of(task);

                assert_string_equal(line, cases[i].line);
        }
}

/* T-56, T-60 */
static void rate_time_left_and_display_follow_the_progress(void **state) {
        _cleanup_(value_freep) Value *task = running_new(5, 10, 50, "MB", "5 of 10 MB");
        _cleanup_(freep) char *line = NULL;
        Value *display = value_new_list();

        (void) state;

        for (int i = 0; i < 2; i++) {
                Value *it = value_new_list();

                assert_int_equal(value_add(it, value_new_string(i == 0 ? "Database" : "File")), 0);
                assert_int_equal(value_add(it, value_new_string(i == 0 ? "Database" : "Current file")), 0);
                assert_int_equal(value_add(it, value_new_string(i == 0 ? "/srv" : "a\tb")), 0);
                assert_int_equal(value_add(it, value_new_boolean(i == 1)), 0);
                assert_int_equal(value_add(display, it), 0);
        }
        assert_int_equal(value_set(task, "Display", display), 0);
        assert_int_equal(value_set(task, "Rate", value_new_double(1.25)), 0);
        assert_int_equal(value_set(task, "ETA", value_new_natural(VALUE_UINT64, 1090 * USEC_PER_SEC)), 0);
        line = line_of(task);
        assert_string_equal(line, "42 running [#####-----]  50%  5 of 10 MB  1.2 MB/s  1min 30s left  Current file: a\\tb  back\\nup  Database: /srv");
}

static void a_document_has_every_property(void **state) {
        _cleanup_(value_freep) Value *task = value_new_dictionary();
        _cleanup_(freep) char *json = NULL;
        Text text = {};

        (void) state;

        assert_int_equal(value_set(task, "Id", value_new_natural(VALUE_UINT64, 42)), 0);
        assert_int_equal(value_set(task, "LaterProperty", value_new_boolean(true)), 0);
        snapshot_append_json(&text, task);
        json = text_take(&text);
        for (const Property *p = task_properties; p->name; p++) {
                _cleanup_(freep) char *key = text_format("\"%s\":", p->name);

                assert_non_null(strstr(json, key));
        }
        assert_non_null(strstr(json, "{\"Id\":42,\"Name\":null,"));
        assert_non_null(strstr(json, ",\"LaterProperty\":true}"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_exit_status_speaks_for_the_task),
                cmocka_unit_test(only_a_cancel_by_the_clock_is_a_timeout),
                cmocka_unit_test(an_ending_is_told_in_one_line),
                cmocka_unit_test(a_line_shows_the_progress_there_is),
                cmocka_unit_test(rate_time_left_and_display_follow_the_progress),
                cmocka_unit_test(a_document_has_every_property),
        };

        return cmocka_run_group_tests(tests, set_up, NULL);
}
