/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/text.h"
#include "lib/wire/task-words.h"
#include "tests/kit/unit.h"

typedef struct Row {
        TaskPhase phase;
        const char *word, *running_state, *status, *list, *taskman_status;
        bool has_ended;
} Row;

/* The specification's table, word for word; what is ending has its own tests. */
static const Row table[] = {
        { TASK_REGISTERED,     "registered",     "Starting",  "Pending",   NULL,       "2", false },
        { TASK_DEFERRED,       "deferred",       "Starting",  "Pending",   NULL,       "2", false },
        { TASK_HELD,           "held",           "Starting",  "Paused",    NULL,       "2", false },
        { TASK_SCHEDULED,      "scheduled",      "Starting",  "Pending",   "schedule", "1", false },
        { TASK_BLOCKED,        "blocked",        "Starting",  "Pending",   "schedule", "1", false },
        { TASK_READY,          "ready",          "Starting",  "Pending",   "job",      "3", false },
        { TASK_WAITING_DEVICE, "waiting-device", "Starting",  "Pending",   "io",       "A", false },
        { TASK_STARTING,       "starting",       "Starting",  "Pending",   NULL,       "4", false },
        { TASK_RUNNING,        "running",        "Running",   "InProcess", "task",     "5", false },
        { TASK_PAUSING,        "pausing",        "Running",   "InProcess", "task",     "5", false },
        { TASK_RESUMING,       "resuming",       "Paused",    "Paused",    "task",     "5", false },
        { TASK_PAUSED,         "paused",         "Paused",    "Paused",    "task",     "5", false },
        { TASK_DONE,           "done",           "Done",      "Succeeded", NULL,       "6", true },
        { TASK_ERROR,          "error",          "Error",     "Failed",    NULL,       "C", true },
        { TASK_CANCELLED,      "cancelled",      "Cancelled", "Failed",    NULL,       "D", true },
        { TASK_EXITED,         "exited",         "Exited",    "Failed",    NULL,       "E", true },
};

static void assert_word(const char *word, const char *expected) {
        if (!text_equal(word, expected))
                fail_msg("'%s' should be '%s'", word ? word : "none", expected ? expected : "none");
}

static void assert_words(TaskPhase phase, TaskPhase before, const Row *row) {
        assert_word(task_phase_running_state(phase, before), row->running_state);
        assert_word(task_phase_status(phase, before), row->status);
        assert_word(task_phase_list(phase, before), row->list);
        assert_word(task_phase_taskman_status(phase, before), row->taskman_status);
}

/* T-1 */
static void every_phase_has_its_words_in_the_four_vocabularies(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                assert_word(task_phase_to_string(table[i].phase), table[i].word);
                assert_words(table[i].phase, TASK_RUNNING, table + i);
        }
        assert_int_equal(ELEMENTSOF(table) + 1, _TASK_PHASE_MAX);
}

/* T-1 */
static void a_task_that_ends_is_called_what_it_was_before(void **state) {
        assert_word(task_phase_to_string(TASK_ENDING), "ending");
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (!table[i].has_ended)
                        assert_words(TASK_ENDING, table[i].phase, table + i);
}

/* T-1 */
static void done_error_cancelled_and_exited_have_ended_and_nothing_else_has(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(task_phase_has_ended(table[i].phase), table[i].has_ended);
        assert_false(task_phase_has_ended(TASK_ENDING));
        assert_false(task_phase_has_ended(_TASK_PHASE_INVALID));
}

/* T-1: what is stored is read back */
static void every_word_names_its_phase(void **state) {
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++)
                assert_int_equal(task_phase_from_string(task_phase_to_string(phase)), phase);
}

static void other_words_name_no_phase(void **state) {
        static const char *const others[] = { "", "Running", "run", "running ", "waiting_device", "5" };

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_int_equal(task_phase_from_string(others[i]), _TASK_PHASE_INVALID);
}

static void requests_are_the_numbers_tasks_see(void **state) {
        assert_int_equal(TASK_REQUEST_NONE, 0);
        assert_int_equal(TASK_REQUEST_PAUSE, 1);
        assert_int_equal(TASK_REQUEST_CANCEL, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_phase_has_its_words_in_the_four_vocabularies),
                cmocka_unit_test(a_task_that_ends_is_called_what_it_was_before),
                cmocka_unit_test(done_error_cancelled_and_exited_have_ended_and_nothing_else_has),
                cmocka_unit_test(every_word_names_its_phase),
                cmocka_unit_test(other_words_name_no_phase),
                cmocka_unit_test(requests_are_the_numbers_tasks_see),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
