/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/base/text.h"
#include "tests/kit/unit.h"

static void a_text_nobody_wrote_to_is_empty_and_not_null(void **state) {
        _cleanup_(freep) char *s = NULL;
        Text text = {};

        s = text_take(&text);
        assert_string_equal(s, "");
}

static void a_text_grows_by_every_kind_of_append(void **state) {
        _cleanup_(freep) char *s = NULL;
        Text text = {};

        text_append(&text, "a");
        text_append_char(&text, '=');
        text_appendf(&text, "%d%%", 50);
        text_append_bytes(&text, ", and more", 5);
        s = text_take(&text);
        assert_string_equal(s, "a=50%, and");
        assert_null(text.data);
        assert_int_equal(text.length, 0);
}

static void a_text_of_a_megabyte_is_kept_whole(void **state) {
        _cleanup_(freep) char *s = NULL;
        Text text = {};

        for (int i = 0; i < 1 << 16; i++)
                text_appendf(&text, "%016d", i);
        s = text_take(&text);
        assert_int_equal(strlen(s), 1 << 20);
        assert_string_equal(s + strlen(s) - 16, "0000000000065535");
}

static void a_failed_text_stays_failed_and_gives_nothing(void **state) {
        Text text = { .failed = true };

        text_append(&text, "lost");
        assert_null(text_take(&text));
        assert_false(text.failed);
}

static void assert_json(const char *string, const char *expected) {
        _cleanup_(freep) char *s = NULL;
        Text text = {};

        text_append_json(&text, string);
        s = text_take(&text);
        assert_string_equal(s, expected);
}

static void json_strings_escape_what_must_not_stand_there(void **state) {
        assert_json("", "\"\"");
        assert_json("say \"hi\" \\ bye", "\"say \\\"hi\\\" \\\\ bye\"");
        assert_json("a\nb\tc\x01\x7f", "\"a\\u000ab\\u0009c\\u0001\\u007f\"");
        assert_json("Grüße 🙂", "\"Grüße 🙂\"");
        assert_json("<&'/>", "\"<&'/>\"");
}

static void json_strings_replace_bytes_that_are_no_characters(void **state) {
        assert_json("a\xff" "b", "\"a\\ufffdb\"");
        assert_json("cut \xe2\x82", "\"cut \\ufffd\\ufffd\"");
        assert_json("\xc0\xaf", "\"\\ufffd\\ufffd\"");
}

static void utf8_is_told_from_other_bytes(void **state) {
        static const char *const good[] = { "", "ascii", "é", "€", "\xf0\x9f\x99\x82", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbf" };
        static const char *const bad[] = {
                "\x80",                 /* begins in the middle */
                "\xc3",                 /* ends in the middle */
                "\xe2\x82",
                "\xc0\x80",             /* overlong */
                "\xe0\x9f\xbf",
                "\xf0\x8f\xbf\xbf",
                "\xed\xa0\x80",         /* surrogate */
                "\xf4\x90\x80\x80",     /* beyond the last character */
                "\xf8\x88\x80\x80\x80",
                "ok\xff",
        };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(text_is_utf8(good[i]));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(text_is_utf8(bad[i]));
}

static void names_begin_with_a_letter_or_digit_and_are_short(void **state) {
        static const char *const bad[] = { "", ".a", "-a", "_a", "a/b", "a b", "a\n", "é", "\xe9", "a@b", "a:b", ".." };
        char long_name[65] = {};

        assert_true(text_is_name("a"));
        assert_true(text_is_name("0"));
        assert_true(text_is_name("Backup_2.nightly-full"));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(text_is_name(bad[i]));

        memset(long_name, 'x', 63);
        assert_true(text_is_name(long_name));
        long_name[63] = 'x';
        assert_false(text_is_name(long_name));
}

/* P-1 */
static void identifiers_are_names_of_variables(void **state) {
        static const char *const bad[] = { "", "1a", "a-b", "a.b", "a=b", "a b", "é", "a\n" };
        char long_name[66] = {};

        assert_true(text_is_identifier("_"));
        assert_true(text_is_identifier("database"));
        assert_true(text_is_identifier("DB_2"));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(text_is_identifier(bad[i]));

        memset(long_name, 'x', 64);
        assert_true(text_is_identifier(long_name));
        long_name[64] = 'x';
        assert_false(text_is_identifier(long_name));
}

static void null_strings_are_equal_only_to_each_other(void **state) {
        assert_true(text_equal(NULL, NULL));
        assert_false(text_equal(NULL, ""));
        assert_false(text_equal("", NULL));
        assert_true(text_equal("a", "a"));
        assert_false(text_equal("a", "A"));
        assert_string_equal(text_or_empty(NULL), "");
        assert_string_equal(text_or_empty("a"), "a");
}

static void stripping_takes_white_space_at_both_ends_only(void **state) {
        char line[] = " \t key = two words \r\n", blank[] = " \n ", empty[] = "";

        assert_string_equal(text_strip(line), "key = two words");
        assert_string_equal(text_strip(blank), "");
        assert_string_equal(text_strip(empty), "");
}

static void a_copy_is_cut_at_the_edge_of_a_character(void **state) {
        char ret[8];

        text_copy(ret, sizeof ret, "short");
        assert_string_equal(ret, "short");
        text_copy(ret, sizeof ret, "exactly7");
        assert_string_equal(ret, "exactly");
        text_copy(ret, sizeof ret, "12345€");
        assert_string_equal(ret, "12345");
        text_copy(ret, sizeof ret, "1234€");
        assert_string_equal(ret, "1234€");
        text_copy(ret, sizeof ret, "\xff\xff\xff\xff\xff\xff\xff\xff\xff");
        assert_string_equal(ret, "\xff\xff\xff\xff\xff\xff\xff");
        text_copy(ret, 1, "nothing fits");
        assert_string_equal(ret, "");
}

static void formatting_gives_a_string_of_its_own(void **state) {
        _cleanup_(freep) char *s = text_format("%s-%03d", "task", 7);

        assert_string_equal(s, "task-007");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_text_nobody_wrote_to_is_empty_and_not_null),
                cmocka_unit_test(a_text_grows_by_every_kind_of_append),
                cmocka_unit_test(a_text_of_a_megabyte_is_kept_whole),
                cmocka_unit_test(a_failed_text_stays_failed_and_gives_nothing),
                cmocka_unit_test(json_strings_escape_what_must_not_stand_there),
                cmocka_unit_test(json_strings_replace_bytes_that_are_no_characters),
                cmocka_unit_test(utf8_is_told_from_other_bytes),
                cmocka_unit_test(names_begin_with_a_letter_or_digit_and_are_short),
                cmocka_unit_test(identifiers_are_names_of_variables),
                cmocka_unit_test(null_strings_are_equal_only_to_each_other),
                cmocka_unit_test(stripping_takes_white_space_at_both_ends_only),
                cmocka_unit_test(a_copy_is_cut_at_the_edge_of_a_character),
                cmocka_unit_test(formatting_gives_a_string_of_its_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
