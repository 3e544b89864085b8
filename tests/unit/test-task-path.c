/* SPDX-License-Identifier: MIT */
#include "lib/base/owned.h"
#include "supervisor/bus/task.h"
#include "tests/kit/unit.h"

static void a_path_and_its_id_say_the_same(void **state) {
        static const uint64_t ids[] = { 1, 42, UINT32_MAX, UINT64_MAX };
        char path[TASK_PATH_MAX];
        uint64_t id;

        assert_string_equal(task_path(42, path), "/org/bgt1/task/_42");
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                assert_true(task_path_parse(task_path(ids[i], path), &id));
                assert_int_equal(id, ids[i]);
        }
}

static void what_is_no_path_of_a_task_has_no_id(void **state) {
        static const char *const paths[] = {
                "", "/", "/org/bgt1", "/org/bgt1/task", "/org/bgt1/task/_", "/org/bgt1/task/_0", "/org/bgt1/task/_01", "/org/bgt1/task/42",
                "/org/bgt1/task/_-1", "/org/bgt1/task/_+1", "/org/bgt1/task/_ 1", "/org/bgt1/task/_1 ", "/org/bgt1/task/_1/x",
                "/org/bgt1/task/_0x1", "/org/bgt1/task/_18446744073709551616", "/org/bgt1/task/_99999999999999999999999999",
        };
        uint64_t id = 7;

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                assert_false(task_path_parse(paths[i], &id));
        assert_int_equal(id, 7);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_path_and_its_id_say_the_same),
                cmocka_unit_test(what_is_no_path_of_a_task_has_no_id),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
