/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/parameters.h"
#include "supervisor/settings/type-file.h"
#include "tests/kit/unit.h"

static TaskType *type_of(const char *text) {
        TaskType *type = NULL;
        SettingsFault fault;
        int r;

        r = type_file_parse("t", text, &type, &fault);
        if (r < 0)
                print_error("%s\n", fault.sentence);
        assert_int_equal(r, 0);
        return type;
}

#define GIVEN(...) ((char *[]) { __VA_ARGS__ __VA_OPT__(,) NULL })

/* The checked parameters joined by `|`, or the sentence. */
static const char *check(const TaskType *type, char **given) {
        static char joined[2048];
        _cleanup_(strv_freep) char **checked = NULL;
        SettingsFault fault;
        int r;

        r = parameters_check(type, given, &checked, &fault);
        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                assert_null(checked);
                (void) snprintf(joined, sizeof joined, "%s", fault.sentence);
                return joined;
        }
        joined[0] = '\0';
        STRV_FOREACH(one, checked) {
                (void) strcat(joined, *joined ? "|" : "");
                (void) strcat(joined, one);
        }
        return joined;
}

/* The command with parameters in it, each word in <>, or the sentence. */
static const char *substitute(const TaskType *type, char **parameters) {
        static char joined[2048];
        _cleanup_(strv_freep) char **words = NULL;
        SettingsFault fault;
        int r;

        r = parameters_substitute(type, type->exec_start, parameters, &words, &fault);
        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                (void) snprintf(joined, sizeof joined, "%s", fault.sentence);
                return joined;
        }
        joined[0] = '\0';
        STRV_FOREACH(word, words) {
                (void) strcat(joined, "<");
                (void) strcat(joined, word);
                (void) strcat(joined, ">");
        }
        return joined;
}

/* P-2 */
static void declared_ones_come_in_their_order_with_defaults(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of(
                "[Task]\nExecStart=x\n[Parameter a]\n[Parameter b]\nDefault=two words\n[Parameter c]\nRequired=yes\n");

        assert_string_equal(check(type, GIVEN("c=3", "a=1")), "a=1|b=two words|c=3");
        assert_string_equal(check(type, GIVEN("b=", "c=")), "b=|c=");
        assert_string_equal(check(type, GIVEN("c=x=y=z")), "b=two words|c=x=y=z");
}

/* P-1 */
static void a_value_may_hold_anything_that_is_utf_8(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=x\n[Parameter a]\n");

        assert_string_equal(check(type, GIVEN("a=line\nline\t'\"$`\\ \xe2\x82\xac")), "a=line\nline\t'\"$`\\ \xe2\x82\xac");
        assert_string_equal(check(type, GIVEN("a=\xff")), "Parameter a=? is not valid UTF-8.");
}

/* P-2 */
static void unknown_missing_and_repeated_ones_are_named(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of(
                "[Task]\nExecStart=x\n[Parameter database]\nRequired=yes\nLabel=Where\n[Parameter level]\n");
        _cleanup_(task_type_unrefp) TaskType *bare = type_of("[Task]\nExecStart=x\n");

        assert_string_equal(check(type, GIVEN("dattabase=1")), "Type t has no parameter dattabase; did you mean database?");
        assert_string_equal(check(type, GIVEN("elephant=1")), "Type t has no parameter elephant; it has database, level.");
        assert_string_equal(check(bare, GIVEN("elephant=1")), "Type t takes no parameters, so not elephant.");
        assert_string_equal(check(type, NULL), "Type t needs the parameter database (Where); add database=\xe2\x80\xa6.");
        assert_string_equal(check(type, GIVEN("level=1", "database=1", "level=1")), "Parameter level is given twice.");
        assert_string_equal(check(type, GIVEN("database")), "`database` is not a parameter; write name=value.");
        assert_non_null(strstr(check(type, GIVEN("=x")), "does not begin with the name of a parameter"));
        assert_non_null(strstr(check(type, GIVEN("a-b=x")), "does not begin with the name of a parameter"));
        assert_non_null(strstr(check(type, GIVEN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=x")), "does not begin with"));
}

/* P-2 */
static void each_kind_takes_what_it_says(void **state) {
        static const struct {
                const char *kind, *good, *bad;
        } cases[] = {
                { "integer", "0", "" }, { "integer", "-9223372036854775808", "9223372036854775808" }, { "integer", "+7", "7.0" },
                { "integer", "42", " 42" }, { "integer", "007", "0x7" },
                { "number", "1.5", "1,5" }, { "number", "-.5e-3", "." }, { "number", "1.", "1e" }, { "number", "1E5", "inf" }, { "number", "+2", "0x2" },
                { "boolean", "yes", "maybe" }, { "boolean", "off", "" },
                { "path", "/", "relative" }, { "path", "/a/..b/c..", "/a/../b" }, { "path", "/a/b.", "/a/.." }, { "path", "/..a", "/.." },
                { "path", "/a\nb", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *text = text_format("[Task]\nExecStart=x\n[Parameter p]\nType=%s\n", cases[i].kind);
                _cleanup_(freep) char *good = text_format("p=%s", cases[i].good), *bad = text_format("p=%s", cases[i].bad);
                _cleanup_(task_type_unrefp) TaskType *type = type_of(text);

                assert_string_equal(check(type, GIVEN(good)), good);
                assert_int_equal(strncmp(check(type, GIVEN(bad)), "Parameter p=", 12), 0);
        }
}

/* P-2 */
static void choices_and_patterns_bind(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of(
                "[Task]\nExecStart=x\n[Parameter c]\nType=choice\nChoices=fast, 'very slow'\n[Parameter p]\nPattern=[a-z]+[0-9]*\n");

        assert_string_equal(check(type, GIVEN("c=very slow", "p=ab12")), "c=very slow|p=ab12");
        assert_string_equal(check(type, GIVEN("c=slow")), "Parameter c=slow is not one of fast, very slow.");
        assert_string_equal(check(type, GIVEN("p=12ab")), "Parameter p=12ab does not match the pattern [a-z]+[0-9]*.");
        assert_string_equal(check(type, GIVEN("p=ab\n")), "Parameter p=ab? does not match the pattern [a-z]+[0-9]*.");
}

/* P-4 */
static void a_secret_is_not_in_the_sentence(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of(
                "[Task]\nExecStart=x\n[Parameter pin]\nType=integer\nSecret=yes\n[Parameter code]\nSecret=yes\nPattern=[0-9]+\n");

        assert_string_equal(check(type, GIVEN("pin=hunter2")), "Parameter pin is not a whole number of 64 bits.");
        assert_string_equal(check(type, GIVEN("code=hunter2")), "Parameter code does not match the pattern [0-9]+.");
        assert_string_equal(check(type, GIVEN("code=\xff")), "Parameter code is not valid UTF-8.");
        assert_string_equal(check(type, GIVEN("pin=1", "pin=hunter2")), "Parameter pin is given twice.");
}

/* P-2 */
static void others_pass_through_if_the_type_allows_them(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=x ${z}\nAllowOthers=yes\n[Parameter b]\nDefault=1\n");

        assert_string_equal(check(type, GIVEN("z=9", "a=8")), "b=1|z=9|a=8");
        assert_string_equal(check(type, GIVEN("z=9", "z=8")), "Parameter z is given twice.");
        assert_string_equal(check(type, GIVEN("z=\xff")), "Parameter z is not valid UTF-8.");
        assert_string_equal(substitute(type, GIVEN("z=9")), "<x><9>");
}

static void more_parameters_than_anybody_needs_are_refused(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=x\nAllowOthers=yes\n");
        _cleanup_(strv_freep) char **given = strv_new(PARAMETERS_MAX + 1);

        for (size_t i = 0; i <= PARAMETERS_MAX; i++)
                given[i] = text_format("p%zu=", i);
        assert_string_equal(check(type, given), "More than 1000 parameters are given.");
}

/* P-3 */
static void a_parameter_is_part_of_exactly_one_argument(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=/bin/x --file=${a} '${a} ${b}' ${b}\n[Parameter a]\n[Parameter b]\n");

        assert_string_equal(substitute(type, GIVEN("a=1 2", "b='3' \"4\" $(5) `6` ; & |\n* ${a} $$ %s \\")),
                            "</bin/x><--file=1 2><1 2 '3' \"4\" $(5) `6` ; & |\n* ${a} $$ %s \\><'3' \"4\" $(5) `6` ; & |\n* ${a} $$ %s \\>");
        assert_string_equal(substitute(type, GIVEN("a=", "b=")), "</bin/x><--file=>< ><>");
}

/* P-3 */
static void an_argument_of_nothing_but_an_absent_one_is_left_out(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=x ${a} '' --b=${b} ${a}${b} $$\n[Parameter a]\n[Parameter b]\n");

        assert_string_equal(substitute(type, NULL), "<x><><--b=><$>");
        assert_string_equal(substitute(type, GIVEN("b=1")), "<x><><--b=1><1><$>");
        assert_string_equal(substitute(type, GIVEN("a=")), "<x><><><--b=><><$>");
}

/* P-3 */
static void a_value_does_not_become_an_option(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of(
                "[Task]\nExecStart=x ${a} -${b} ${b}${a}\n[Parameter a]\n[Parameter b]\nAllowDash=yes\n");

        assert_string_equal(substitute(type, GIVEN("a=-rf", "b=x")),
                            "Parameter a begins with `-` and would look like an option; the type would have to say AllowDash=yes.");
        assert_string_equal(substitute(type, GIVEN("a=1", "b=-v")), "<x><1><--v><-v1>");
        assert_string_equal(substitute(type, GIVEN("b=x")), "<x><-x><x>");
        assert_string_equal(substitute(type, GIVEN("a=x", "b=")), "<x><x><-><x>");
}

/* P-3 */
static void nothing_before_a_dash_does_not_hide_it(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=x ${b}${a} +${a}\n[Parameter a]\n[Parameter b]\nAllowDash=yes\n");

        assert_non_null(strstr(substitute(type, GIVEN("b=", "a=-rf")), "would look like an option"));
        assert_non_null(strstr(substitute(type, GIVEN("a=-rf")), "would look like an option"));
        assert_string_equal(substitute(type, GIVEN("b=x", "a=-rf")), "<x><x-rf><+-rf>");
}

/* P-3: an undeclared one has no AllowDash= */
static void an_undeclared_value_does_not_become_an_option(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=x ${a}\nAllowOthers=yes\n");

        assert_non_null(strstr(substitute(type, GIVEN("a=-rf")), "would look like an option"));
}

static void no_argument_is_longer_than_the_kernel_takes(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=x ${a}${a}\n[Parameter a]\n");
        _cleanup_(freep) char *given = malloc(ARGUMENT_MAX);
        _cleanup_(strv_freep) char **words = NULL;
        SettingsFault fault;

        memset(given, 'x', ARGUMENT_MAX);
        memcpy(given, "a=", 2);
        given[2 + ARGUMENT_MAX / 2] = '\0';
        assert_string_equal(substitute(type, GIVEN(given)), "The argument ${a}${a} would be longer than 128 KiB, which the kernel does not take.");

        given[2 + ARGUMENT_MAX / 2 - 1] = '\0';
        assert_int_equal(parameters_substitute(type, type->exec_start, GIVEN(given), &words, &fault), 0);
        assert_int_equal(strlen(words[1]), ARGUMENT_MAX - 2);
}

static void no_command_is_longer_than_the_kernel_takes(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=x\n[Parameter a]\n");
        _cleanup_(strv_freep) char **command = strv_new(64), **words = NULL;
        _cleanup_(freep) char *given = malloc(100000);
        SettingsFault fault;

        memset(given, 'x', 100000);
        memcpy(given, "a=", 2);
        given[99999] = '\0';
        for (size_t i = 0; i < 62; i++)
                command[i] = strdup("${a}");
        assert_int_equal(parameters_substitute(type, command, GIVEN(given), &words, &fault), 0);
        assert_int_equal(strv_length(words), 62);

        command[62] = strdup("${a}");
        words = strv_free(words);
        assert_int_equal(parameters_substitute(type, command, GIVEN(given), &words, &fault), -EINVAL);
        assert_string_equal(fault.sentence, "The command of type t would be longer than 6 MiB, which the kernel does not take.");
        assert_null(words);
}

static void a_command_without_words_is_refused(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of("[Task]\nExecStart=x\n[Parameter a]\n");
        char **words = NULL;
        SettingsFault fault;

        assert_int_equal(parameters_substitute(type, NULL, NULL, &words, &fault), -EINVAL);
        assert_int_equal(parameters_substitute(type, GIVEN("${a}"), NULL, &words, &fault), -EINVAL);
        assert_string_equal(fault.sentence, "The command of type t holds no word.");
        assert_int_equal(parameters_substitute(type, GIVEN("$a"), NULL, &words, &fault), -EINVAL);
        assert_null(words);
}

static char *expand(const char *text, char **parameters, const char *details) {
        char *expanded = NULL;

        assert_int_equal(parameters_expand(text, parameters, details, &expanded), 0);
        return expanded;
}

#define assert_expanded(text, parameters, details, expected) do { \
                _cleanup_(freep) char *_expanded = expand(text, parameters, details); \
                assert_string_equal(_expanded, expected); \
        } while (0)

/* T-60 */
static void a_display_value_is_made_of_parameters_and_details(void **state) {
        char *ignored = NULL;

        assert_expanded("${a} at ${details}$$", GIVEN("a=1", "details=2"), "3", "1 at 3$");
        assert_expanded("[${a}${details}]", NULL, NULL, "[]");
        assert_expanded("", NULL, NULL, "");
        assert_int_equal(parameters_expand("$a", NULL, NULL, &ignored), -EINVAL);
        assert_null(ignored);
}

static void a_display_value_is_cut_where_nobody_reads_on(void **state) {
        _cleanup_(freep) char *given = malloc(100000), *expanded = NULL;

        (void) strcpy(given, "a=");
        for (size_t i = 2; i + 2 < 100000; i += 2)
                (void) memcpy(given + i, "\xc3\xa9", 2);
        given[99998] = '\0';
        expanded = expand("x${a}", GIVEN(given), NULL);
        assert_true(strlen(expanded) <= EXPANDED_MAX);
        assert_true(text_is_utf8(expanded));
        assert_string_equal(expanded + strlen(expanded) - 3, "\xe2\x80\xa6");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(declared_ones_come_in_their_order_with_defaults),
                cmocka_unit_test(a_value_may_hold_anything_that_is_utf_8),
                cmocka_unit_test(unknown_missing_and_repeated_ones_are_named),
                cmocka_unit_test(each_kind_takes_what_it_says),
                cmocka_unit_test(choices_and_patterns_bind),
                cmocka_unit_test(a_secret_is_not_in_the_sentence),
                cmocka_unit_test(others_pass_through_if_the_type_allows_them),
                cmocka_unit_test(more_parameters_than_anybody_needs_are_refused),
                cmocka_unit_test(a_parameter_is_part_of_exactly_one_argument),
                cmocka_unit_test(an_argument_of_nothing_but_an_absent_one_is_left_out),
                cmocka_unit_test(a_value_does_not_become_an_option),
                cmocka_unit_test(nothing_before_a_dash_does_not_hide_it),
                cmocka_unit_test(an_undeclared_value_does_not_become_an_option),
                cmocka_unit_test(no_argument_is_longer_than_the_kernel_takes),
                cmocka_unit_test(no_command_is_longer_than_the_kernel_takes),
                cmocka_unit_test(a_command_without_words_is_refused),
                cmocka_unit_test(a_display_value_is_made_of_parameters_and_details),
                cmocka_unit_test(a_display_value_is_cut_where_nobody_reads_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
