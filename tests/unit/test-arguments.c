/* SPDX-License-Identifier: MIT */
#include "ctl/arguments.h"

#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "tests/kit/unit.h"

static const Option own[] = {
        { "lines", 'n', .value = "N", .help = "" },
        { "property", .repeatable = true, .value = "K=V", .help = "" },
        { "ended", .help = "" },
        { "every", .help = "" },
        {}
};

static const Option shared[] = {
        { "json", .help = "" },
        { "quiet", 'q', .help = "" },
        { "follow", 'f', .help = "" },
        { "lines", .value = "OTHER", .help = "" },
        {}
};

static const Option *const tables[] = { own, shared, NULL };

/* Longer than any command line here. */
static int parse(Arguments *ret, Trouble *trouble, const char *const *words) {
        static char *argv[16];
        size_t n = 0;

        while (words[n]) {
                assert_true(n < ELEMENTSOF(argv) - 1);
                argv[n] = (char *) words[n];
                n++;
        }
        argv[n] = NULL;
        *trouble = (Trouble) {};
        return arguments_parse(ret, argv, tables, trouble);
}

#define PARSE(...) parse(&a, &trouble, (const char *const[]) { __VA_ARGS__, NULL })

static void options_stand_anywhere_before_the_dashes(void **state) {
        _cleanup_(arguments_done) Arguments a = {};
        Trouble trouble;

        (void) state;

        assert_int_equal(PARSE("--json", "list", "7", "-q", "--lines", "5", "8", "--", "--json", "-x"), 0);
        assert_true(arguments_has(&a, "json"));
        assert_true(arguments_has(&a, "quiet"));
        assert_string_equal(arguments_value(&a, "lines"), "5");
        assert_int_equal(a.n_words, 3);
        assert_string_equal(a.words[0], "list");
        assert_string_equal(a.words[2], "8");
        assert_null(a.words[3]);
        assert_string_equal(a.rest[0], "--json");
        assert_string_equal(a.rest[1], "-x");
        assert_null(a.rest[2]);
}

static void values_are_joined_or_follow(void **state) {
        static const char *const forms[][3] = { { "--lines=5" }, { "--lines", "5" }, { "-n5" }, { "-n", "5" }, { "-qn5" }, { "-qn", "5" } };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                _cleanup_(arguments_done) Arguments a = {};
                Trouble trouble;

                assert_int_equal(parse(&a, &trouble, forms[i]), 0);
                assert_string_equal(arguments_value(&a, "lines"), "5");
                assert_int_equal(a.n_words, 0);
        }
}

static void a_value_may_look_like_an_option_or_be_the_dashes(void **state) {
        _cleanup_(arguments_done) Arguments a = {};
        Trouble trouble;

        (void) state;

        assert_int_equal(PARSE("--lines", "-5", "--property", "--", "--property=--json"), 0);
        assert_string_equal(arguments_value(&a, "lines"), "-5");
        assert_string_equal(arguments_value(&a, "property"), "--");
        assert_false(arguments_has(&a, "json"));
        assert_null(a.rest);
}

static void options_behind_dashes_that_are_a_value_have_room(void **state) {
        _cleanup_(arguments_done) Arguments a = {};
        Trouble trouble;

        (void) state;

        assert_int_equal(PARSE("--property", "--", "-qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"), 0);
        assert_int_equal(a.n_given, 49);
}

static void a_single_dash_is_a_word(void **state) {
        _cleanup_(arguments_done) Arguments a = {};
        Trouble trouble;

        (void) state;

        assert_int_equal(PARSE("-", "a=b", ""), 0);
        assert_int_equal(a.n_words, 3);
}

static void the_first_table_says_what_an_option_means(void **state) {
        _cleanup_(arguments_done) Arguments a = {};
        Trouble trouble;

        (void) state;

        assert_int_equal(PARSE("--lines", "5"), 0);
        assert_string_equal(a.given[0].option->value, "N");
}

static void an_unknown_option_is_named(void **state) {
        static const char *const unknown[][2] = { { "--at" }, { "--lin" }, { "--linesx" }, { "-x" }, { "--json=1" }, { "---json" } };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(unknown); i++) {
                _cleanup_(arguments_done) Arguments a = {};
                Trouble trouble;

                assert_int_equal(parse(&a, &trouble, unknown[i]), -EINVAL);
                assert_int_equal(trouble.exit_status, EXIT_USAGE);
        }
}

static void what_is_understood_counts_beside_what_is_not(void **state) {
        _cleanup_(arguments_done) Arguments a = {};
        Trouble trouble;

        (void) state;

        assert_int_equal(PARSE("wait", "--bogus", "--json"), -EINVAL);
        assert_true(arguments_has(&a, "json"));
        assert_string_equal(a.words[0], "wait");
}

static void a_missing_value_is_told(void **state) {
        _cleanup_(arguments_done) Arguments a = {}, b = {};
        Trouble trouble;

        (void) state;

        assert_int_equal(PARSE("--lines"), -EINVAL);
        assert_string_equal(trouble.sentence, "--lines needs a value: --lines N.");
        assert_int_equal(parse(&b, &trouble, (const char *const[]) { "-n", NULL }), -EINVAL);
}

static void only_what_may_be_repeated_is_given_twice(void **state) {
        _cleanup_(arguments_done) Arguments a = {}, b = {};
        Trouble trouble;

        (void) state;

        assert_int_equal(PARSE("--property", "A=1", "--property", "B=2", "--json", "--json"), 0);
        assert_int_equal(a.n_given, 4);
        assert_int_equal(parse(&b, &trouble, (const char *const[]) { "-n1", "-n2", NULL }), -EINVAL);
        assert_string_equal(trouble.sentence, "--lines was given twice.");
}

static void what_contradicts_each_other_is_named(void **state) {
        static const char *const exclusive[] = { "ended", "every", NULL };
        _cleanup_(arguments_done) Arguments a = {}, b = {};
        Trouble trouble;

        (void) state;

        assert_int_equal(PARSE("--ended"), 0);
        assert_int_equal(arguments_exclude(&a, exclusive, &trouble), 0);
        assert_int_equal(parse(&b, &trouble, (const char *const[]) { "--every", "--ended", NULL }), 0);
        assert_int_equal(arguments_exclude(&b, exclusive, &trouble), -EINVAL);
        assert_string_equal(trouble.sentence, "--ended and --every contradict each other.");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(options_stand_anywhere_before_the_dashes),
                cmocka_unit_test(values_are_joined_or_follow),
                cmocka_unit_test(a_value_may_look_like_an_option_or_be_the_dashes),
                cmocka_unit_test(options_behind_dashes_that_are_a_value_have_room),
                cmocka_unit_test(a_single_dash_is_a_word),
                cmocka_unit_test(the_first_table_says_what_an_option_means),
                cmocka_unit_test(an_unknown_option_is_named),
                cmocka_unit_test(what_is_understood_counts_beside_what_is_not),
                cmocka_unit_test(a_missing_value_is_told),
                cmocka_unit_test(only_what_may_be_repeated_is_given_twice),
                cmocka_unit_test(what_contradicts_each_other_is_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
