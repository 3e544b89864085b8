/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/strv.h"
#include "supervisor/model/type.h"
#include "tests/kit/unit.h"

/* T-2 */
static void each_exit_status_has_its_own_bit(void **state) {
        for (int success = 0; success < 256; success++) {
                TaskType type = {};

                type.success_exit_status[success / 8] = (uint8_t) (1 << success % 8);
                for (int status = 0; status < 256; status++)
                        assert_int_equal(task_type_is_success(&type, status), status == success);
        }
}

static void what_is_no_exit_status_is_no_success(void **state) {
        static const int others[] = { -1, -255, 256, 257, 512, INT32_MIN, INT32_MAX };
        TaskType type = {};

        memset(type.success_exit_status, 0xff, sizeof type.success_exit_status);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(task_type_is_success(&type, others[i]));
}

static void a_type_lives_as_long_as_somebody_has_it(void **state) {
        TaskType *type = task_type_new(), *again;

        assert_non_null(type);
        type->name = strdup("backup");
        again = task_type_ref(type);
        assert_ptr_equal(again, type);
        assert_null(task_type_unref(type));
        assert_string_equal(again->name, "backup");
        assert_null(task_type_unref(again));
        assert_null(task_type_unref(NULL));
}

/* For a sanitizer to look at: everything a type can own, once. */
static void a_full_type_is_freed_with_all_it_owns(void **state) {
        TaskType *type = task_type_new();

        assert_non_null(type);
        char **strings[] = {
                &type->name, &type->path, &type->text, &type->display_type, &type->description, &type->user, &type->group,
                &type->working_directory, &type->standard_input, &type->namespace, &type->progress_units,
                &type->progress_expression, &type->progress_total, &type->device, &type->queue, &type->mail_to,
        };
        char ***vectors[] = {
                &type->exec_start, &type->environment, &type->allow_users, &type->allow_groups, &type->override,
                &type->progress_command, &type->on_starting, &type->on_running, &type->on_completed, &type->on_error,
        };

        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                *strings[i] = strdup("text");
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++)
                assert_int_equal(strv_append(vectors[i], "word"), 0);
        type->parameters = calloc(1, sizeof *type->parameters);
        type->display = calloc(1, sizeof *type->display);
        assert_true(type->parameters && type->display);
        type->n_parameters = type->n_display = 1;
        type->parameters[0] = (Parameter) { .name = strdup("level"), .default_value = strdup("6"), .pattern = strdup("[0-9]"), .label = strdup("Level") };
        assert_int_equal(strv_append(&type->parameters[0].choices, "6"), 0);
        type->display[0] = (DisplayProperty) { .name = strdup("File"), .value = strdup("${file}"), .label = strdup("File") };
        assert_null(task_type_unref(type));
}

static void a_parameter_is_found_by_its_whole_name(void **state) {
        Parameter parameters[] = { { .name = (char *) "file" }, { .name = (char *) "filename" } };
        TaskType type = { .parameters = parameters, .n_parameters = 2 };

        assert_ptr_equal(task_type_parameter(&type, "file"), parameters);
        assert_ptr_equal(task_type_parameter(&type, "filename"), parameters + 1);
        assert_null(task_type_parameter(&type, "fil"));
        assert_null(task_type_parameter(&type, ""));
        assert_null(task_type_parameter(&(TaskType) {}, "file"));
}

/* S0's numbers */
static void dispositions_are_numbers_and_words(void **state) {
        assert_int_equal(DISPOSITION_NONE, 0);
        assert_int_equal(DISPOSITION_POLL, 1);
        assert_int_equal(DISPOSITION_DIRECT, -1);
        assert_string_equal(disposition_to_string(DISPOSITION_NONE), "none");
        assert_string_equal(disposition_to_string(DISPOSITION_POLL), "poll");
        assert_string_equal(disposition_to_string(DISPOSITION_DIRECT), "direct");
}

/* P-2 */
static void every_kind_of_parameter_has_its_word(void **state) {
        static const char *const words[] = { "string", "integer", "number", "boolean", "path", "choice" };

        for (ParameterKind kind = PARAMETER_STRING; kind <= PARAMETER_CHOICE; kind++)
                assert_string_equal(parameter_kind_to_string(kind), words[kind]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_exit_status_has_its_own_bit),
                cmocka_unit_test(what_is_no_exit_status_is_no_success),
                cmocka_unit_test(a_type_lives_as_long_as_somebody_has_it),
                cmocka_unit_test(a_full_type_is_freed_with_all_it_owns),
                cmocka_unit_test(a_parameter_is_found_by_its_whole_name),
                cmocka_unit_test(dispositions_are_numbers_and_words),
                cmocka_unit_test(every_kind_of_parameter_has_its_word),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
