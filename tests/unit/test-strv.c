/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/strv.h"
#include "tests/kit/unit.h"

static void the_empty_vector_is_null(void **state) {
        char **v = NULL;

        assert_int_equal(strv_length(NULL), 0);
        assert_null(strv_free(NULL));
        assert_false(strv_contains(NULL, "a"));
        assert_null(strv_find(NULL, "a"));
        assert_int_equal(strv_copy(&v, NULL), 0);
        assert_null(v);
        STRV_FOREACH(s, v)
                fail();
}

static void a_vector_of_thousands_keeps_its_order(void **state) {
        _cleanup_(strv_freep) char **v = NULL;
        char text[16];
        int n = 0;

        for (int i = 0; i < 5000; i++) {
                (void) snprintf(text, sizeof text, "%d", i);
                assert_int_equal(strv_append(&v, text), 0);
                assert_int_equal(strv_length(v), i + 1);
        }
        STRV_FOREACH(s, v) {
                (void) snprintf(text, sizeof text, "%d", n++);
                assert_string_equal(s, text);
        }
        assert_int_equal(n, 5000);
}

static void a_copy_shares_nothing_with_the_original(void **state) {
        _cleanup_(strv_freep) char **v = NULL, **copy = NULL;

        assert_int_equal(strv_append(&v, "one"), 0);
        assert_int_equal(strv_append(&v, ""), 0);
        assert_int_equal(strv_copy(&copy, v), 0);
        v[0][0] = 'X';
        assert_int_equal(strv_length(copy), 2);
        assert_string_equal(copy[0], "one");
        assert_string_equal(copy[1], "");

        /* a copy made in one piece grows like any other */
        for (int i = 0; i < 20; i++)
                assert_int_equal(strv_append(&copy, "more"), 0);
        assert_int_equal(strv_length(copy), 22);
}

static void consuming_nothing_is_out_of_memory(void **state) {
        _cleanup_(strv_freep) char **v = NULL;

        assert_int_equal(strv_consume(&v, NULL), -ENOMEM);
        assert_null(v);
        assert_int_equal(strv_consume(&v, strdup("ours")), 0);
        assert_string_equal(v[0], "ours");
}

static void a_name_is_found_only_as_a_whole(void **state) {
        _cleanup_(strv_freep) char **v = NULL;

        assert_int_equal(strv_append(&v, "PATHS=no"), 0);
        assert_int_equal(strv_append(&v, "PATH"), 0);
        assert_null(strv_find(v, "PATH"));
        assert_int_equal(strv_append(&v, "PATH=/bin"), 0);
        assert_string_equal(strv_find(v, "PATH"), "/bin");
        assert_string_equal(strv_find(v, "PATHS"), "no");
        assert_null(strv_find(v, "PAT"));
}

static void setting_a_name_again_replaces_its_value(void **state) {
        _cleanup_(strv_freep) char **v = NULL;

        assert_int_equal(strv_set(&v, "A", "1"), 0);
        assert_int_equal(strv_set(&v, "B", "x=y"), 0);
        assert_int_equal(strv_set(&v, "A", ""), 0);
        assert_int_equal(strv_length(v), 2);
        assert_string_equal(strv_find(v, "A"), "");
        assert_string_equal(strv_find(v, "B"), "x=y");
}

static void splitting_leaves_out_empty_parts(void **state) {
        _cleanup_(strv_freep) char **v = NULL, **none = NULL;

        assert_int_equal(strv_split(&v, ",,a, b,\tc,,", ", \t"), 0);
        assert_int_equal(strv_length(v), 3);
        assert_string_equal(v[0], "a");
        assert_string_equal(v[1], "b");
        assert_string_equal(v[2], "c");
        assert_true(strv_contains(v, "b"));
        assert_false(strv_contains(v, ""));

        assert_int_equal(strv_split(&none, " , ", ", "), 0);
        assert_null(none);
}

static void what_is_packed_unpacks_to_the_same(void **state) {
        static char *const strings[] = { (char *) "", (char *) "two words", (char *) "new\nline", (char *) "\xff", (char *) "", NULL };
        _cleanup_(strv_freep) char **v = NULL;
        _cleanup_(freep) void *data = NULL;
        size_t size;

        assert_int_equal(strv_pack(strings, &data, &size), 0);
        assert_int_equal(size, 1 + 10 + 9 + 2 + 1);
        assert_int_equal(strv_unpack(&v, data, size), 0);
        assert_int_equal(strv_length(v), 5);
        for (int i = 0; i < 5; i++)
                assert_string_equal(v[i], strings[i]);
}

static void packed_data_without_its_last_nul_is_refused(void **state) {
        char **v = NULL;

        assert_int_equal(strv_unpack(&v, "ab\0cd", 5), -EBADMSG);
        assert_null(v);
        assert_int_equal(strv_unpack(&v, "", 0), 0);
        assert_null(v);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_empty_vector_is_null),
                cmocka_unit_test(a_vector_of_thousands_keeps_its_order),
                cmocka_unit_test(a_copy_shares_nothing_with_the_original),
                cmocka_unit_test(consuming_nothing_is_out_of_memory),
                cmocka_unit_test(a_name_is_found_only_as_a_whole),
                cmocka_unit_test(setting_a_name_again_replaces_its_value),
                cmocka_unit_test(splitting_leaves_out_empty_parts),
                cmocka_unit_test(what_is_packed_unpacks_to_the_same),
                cmocka_unit_test(packed_data_without_its_last_nul_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
