/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "supervisor/settings/pattern.h"
#include "tests/kit/unit.h"

static bool is_good(const char *pattern, const char *sentence) {
        SettingsFault fault = {};
        int r;

        r = pattern_check(pattern, &fault);
        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                assert_non_null(sentence);
                assert_non_null(strstr(fault.sentence, sentence));
        }
        return r == 0;
}

static void the_whole_value_must_match(void **state) {
        assert_int_equal(pattern_match("[a-z]+", "abc"), 1);
        assert_int_equal(pattern_match("[a-z]+", "abc1"), 0);
        assert_int_equal(pattern_match("[a-z]+", "1abc"), 0);
        assert_int_equal(pattern_match("[a-z]+", "abc\n1"), 0);
        assert_int_equal(pattern_match("a|ab", "ab"), 1);
        assert_int_equal(pattern_match("a|b", "ab"), 0);
        assert_int_equal(pattern_match("^a$", "a"), 1);
        assert_int_equal(pattern_match(".*", "two\nlines"), 1);
        assert_int_equal(pattern_match("[0-9]{4}-[0-9]{2}", "2026-11"), 1);
}

static void a_pattern_that_is_none_is_refused(void **state) {
        assert_false(is_good("[a-", "no extended regular expression"));
        assert_false(is_good("(a", "no extended regular expression"));
        assert_false(is_good("*a", "no extended regular expression"));
        assert_false(is_good("a\\", "no extended regular expression"));
        assert_false(is_good("a)|(b", "`)` without a `(`"));
        assert_false(is_good("a)", "`)` without a `(`"));
        assert_true(is_good("[)]\\)[^)]", NULL));
        assert_true(is_good("[[:alpha:])]", NULL));
}

static void no_pattern_is_larger_than_it_looks(void **state) {
        assert_true(is_good("[a-z]{1,255}", NULL));
        assert_true(is_good("([0-9]{1,3}[.]){3}[0-9]{1,3}", NULL));
        assert_false(is_good("a{1001}", "too large"));
        assert_false(is_good("((a{99}){99}){99}", "too large"));
        assert_false(is_good("(a{30}b{30}){30}", "too large"));
        assert_false(is_good("((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))", "too large"));
        assert_false(is_good("a{18446744073709551617}", "too large"));
}

static void back_references_are_refused(void **state) {
        assert_false(is_good("(a*)\\1", "back reference"));
        assert_true(is_good("\\\\1", NULL));
}

static void a_value_too_long_for_a_pattern_does_not_match(void **state) {
        char value[PATTERN_VALUE_MAX + 2];

        memset(value, 'a', sizeof value);
        value[PATTERN_VALUE_MAX] = '\0';
        assert_int_equal(pattern_match("a*", value), 1);
        value[PATTERN_VALUE_MAX] = 'a';
        value[PATTERN_VALUE_MAX + 1] = '\0';
        assert_int_equal(pattern_match("a*", value), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_whole_value_must_match),
                cmocka_unit_test(a_pattern_that_is_none_is_refused),
                cmocka_unit_test(no_pattern_is_larger_than_it_looks),
                cmocka_unit_test(back_references_are_refused),
                cmocka_unit_test(a_value_too_long_for_a_pattern_does_not_match),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
