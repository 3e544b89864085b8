/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "lib/base/strv.h"
#include "supervisor/settings/command-line.h"
#include "supervisor/settings/template.h"
#include "tests/kit/unit.h"

/* The words joined by `|`, each in <>, or the sentence of the refusal. */
static const char *split(const char *line) {
        static char joined[1024];
        _cleanup_(strv_freep) char **words = NULL;
        SettingsFault fault = {};
        int r;

        r = command_line_split(line, &words, &fault);
        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                assert_null(words);
                (void) strcpy(joined, fault.sentence);
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

static void words_stand_between_white_space(void **state) {
        assert_string_equal(split("a  bc\t d "), "<a><bc><d>");
        assert_string_equal(split("  a"), "<a>");
        assert_string_equal(split("a;b # c ; d"), "<a;b><#><c><;><d>");
}

static void an_empty_line_has_no_words(void **state) {
        char **words = (char **) 1;
        SettingsFault fault = {};

        assert_int_equal(command_line_split("", &words, &fault), 0);
        assert_null(words);
        assert_int_equal(command_line_split(" \t ", &words, &fault), 0);
        assert_null(words);
}

static void quotes_keep_a_word_together_wherever_they_stand(void **state) {
        assert_string_equal(split("'a b' \"c  d\""), "<a b><c  d>");
        assert_string_equal(split("--x='a b'c"), "<--x=a bc>");
        assert_string_equal(split("'' \"\""), "<><>");
        assert_string_equal(split("'\"' \"'\""), "<\"><'>");
}

static void escapes_mean_what_they_mean_in_c(void **state) {
        assert_string_equal(split("\\a\\b\\f\\n\\r\\t\\v"), "<\a\b\f\n\r\t\v>");
        assert_string_equal(split("a\\sb '\\\\' \\\" \\'"), "<a b><\\><\"><'>");
        assert_string_equal(split("\\x41\\102\\u00e9\\u20ac\\U0001f600"), "<AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80>");
        assert_string_equal(split("\\xc3\\xa9"), "<\xc3\xa9>");
        assert_string_equal(split("\"\\x20\"'\\s'"), "<  >");
}

static void a_mistake_is_named(void **state) {
        assert_string_equal(split("a 'b"), "has an open `'`; close it, or write \\' for the character itself");
        assert_string_equal(split("a \"b"), "has an open `\"`; close it, or write \\\" for the character itself");
        assert_string_equal(split("\\q"), "has the unknown escape `\\q`; write \\\\ for a backslash and \\s for a space");
        assert_non_null(strstr(split("a\\ b"), "unknown escape"));
        assert_non_null(strstr(split("a\\"), "unknown escape"));
        assert_non_null(strstr(split("'a\\"), "unknown escape"));
        assert_non_null(strstr(split("\\x4"), "unknown escape"));
        assert_non_null(strstr(split("\\18"), "unknown escape"));
        assert_non_null(strstr(split("\\777"), "unknown escape"));
        assert_non_null(strstr(split("\\U00110000"), "unknown escape"));
}

static void no_word_holds_a_nul_or_bytes_that_are_no_utf_8(void **state) {
        assert_non_null(strstr(split("a\\x00b"), "unknown escape"));
        assert_non_null(strstr(split("\\000"), "unknown escape"));
        assert_non_null(strstr(split("\\u0000"), "unknown escape"));
        assert_string_equal(split("a\\xff"), "has a word that is not valid UTF-8");
        assert_string_equal(split("\\ud800"), "has a word that is not valid UTF-8");
}

static void a_line_of_64_kib_is_split_at_once(void **state) {
        _cleanup_(strv_freep) char **words = NULL;
        _cleanup_(freep) char *line = malloc(65537);
        SettingsFault fault = {};

        memset(line, ' ', 65536);
        line[65536] = '\0';
        for (size_t i = 0; i < 65536; i += 2)
                line[i] = 'x';
        assert_int_equal(command_line_split(line, &words, &fault), 0);
        assert_int_equal(strv_length(words), 32768);

        /* the vector is one like any other */
        assert_int_equal(strv_append(&words, "y"), 0);
        assert_int_equal(strv_length(words), 32769);
}

static void other_lists_have_other_separators(void **state) {
        _cleanup_(strv_freep) char **words = NULL;
        SettingsFault fault = {};

        assert_int_equal(command_line_split_at("a,b, 'c, d'", " ,", &words, &fault), 0);
        assert_int_equal(strv_length(words), 3);
        assert_string_equal(words[2], "c, d");
}

/* Literal parts as they are, parameters in []. */
static const char *parts(const char *text) {
        static char joined[256];
        TemplatePart part;
        int r;

        joined[0] = '\0';
        while ((r = template_next(&text, &part)) == 0) {
                if (part.text)
                        (void) strncat(joined, part.text, part.length);
                else {
                        (void) strcat(joined, "[");
                        (void) strcat(joined, part.name);
                        (void) strcat(joined, "]");
                }
        }
        if (r == -EINVAL)
                return "mistake";
        assert_int_equal(r, TEMPLATE_E_END);
        return joined;
}

/* P-3 */
static void a_parameter_stands_in_braces_and_two_dollars_are_one(void **state) {
        assert_string_equal(parts(""), "");
        assert_string_equal(parts("a${b}c${_d9}"), "a[b]c[_d9]");
        assert_string_equal(parts("$$${a}$$$$x"), "$[a]$$x");
        assert_string_equal(parts("$${a}"), "${a}");
        assert_string_equal(parts("{a} }"), "{a} }");
}

static void a_forgotten_brace_does_not_go_unnoticed(void **state) {
        static const char *const mistakes[] = { "$", "a$", "$a", "${", "${a", "${}", "${9}", "${a b}", "${a${b}}", "$$$", "$(a)",
                "${aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}" };

        for (size_t i = 0; i < ELEMENTSOF(mistakes); i++)
                assert_string_equal(parts(mistakes[i]), "mistake");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(words_stand_between_white_space),
                cmocka_unit_test(an_empty_line_has_no_words),
                cmocka_unit_test(quotes_keep_a_word_together_wherever_they_stand),
                cmocka_unit_test(escapes_mean_what_they_mean_in_c),
                cmocka_unit_test(a_mistake_is_named),
                cmocka_unit_test(no_word_holds_a_nul_or_bytes_that_are_no_utf_8),
                cmocka_unit_test(a_line_of_64_kib_is_split_at_once),
                cmocka_unit_test(other_lists_have_other_separators),
                cmocka_unit_test(a_parameter_stands_in_braces_and_two_dollars_are_one),
                cmocka_unit_test(a_forgotten_brace_does_not_go_unnoticed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
