/* SPDX-License-Identifier: MIT */
#include "ctl/visible.h"

#include <string.h>

#include "tests/kit/unit.h"

static int set_up(void **state) {
        (void) state;
        visible_init();
        return 0;
}

static char *visible_of(const char *raw) {
        Text text = {};

        visible_append(&text, raw);
        return text_take(&text);
}

static char *cut_of(const char *visible, size_t width) {
        Text text = {};

        visible_append_cut(&text, visible, width);
        return text_take(&text);
}

static void ordinary_text_stays_as_it_is(void **state) {
        static const char *const same[] = { "", "backup", "a b", "Straße", "日本語", "\\d+", "é" };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(same); i++) {
                _cleanup_(freep) char *shown = visible_of(same[i]);

                assert_string_equal(shown, same[i]);
        }
}

static void control_characters_are_shown(void **state) {
        static const struct {
                const char *raw, *shown;
        } cases[] = {
                { "a\nb\rc\td", "a\\nb\\rc\\td" },
                { "\x1b[2J\x07", "\\x1b[2J\\x07" },
                { "\x7f", "\\x7f" },
                { "\xc2\x9b" "31m", "\\x9b31m" },               /* the terminal's 8-bit control sequence introducer */
                { "a\xe2\x80\xae" "b", "a\\u202eb" },           /* right-to-left override */
                { "\xe2\x81\xa6", "\\u2066" },
                { "\xe2\x80\xa8", "\\u2028" },
                { "\xef\xbb\xbf", "\\ufeff" },
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *shown = visible_of(cases[i].raw);

                assert_string_equal(shown, cases[i].shown);
        }
}

static void bytes_that_are_no_text_are_shown(void **state) {
        static const struct {
                const char *raw, *shown;
        } cases[] = {
                { "\xff", "\\xff" },
                { "\xc3", "\\xc3" },
                { "\xc0\xaf", "\\xc0\\xaf" },                   /* overlong */
                { "\xed\xa0\x80", "\\xed\\xa0\\x80" },          /* a surrogate */
                { "\xe6\x97", "\\xe6\\x97" },
                { "x\xe6\x97y", "x\\xe6\\x97y" },
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *shown = visible_of(cases[i].raw);

                assert_string_equal(shown, cases[i].shown);
        }
}

static void widths_are_columns_not_bytes(void **state) {
        (void) state;

        assert_int_equal(visible_width(""), 0);
        assert_int_equal(visible_width("abc"), 3);
        assert_int_equal(visible_width("Straße"), 6);
        assert_int_equal(visible_width("日本"), 4);
        assert_int_equal(visible_width("e\xcc\x81"), 1);        /* with a combining accent */
}

static void cutting_leaves_whole_characters_and_a_mark(void **state) {
        static const struct {
                const char *visible;
                size_t width;
                const char *cut;
        } cases[] = {
                { "abcdef", 6, "abcdef" },
                { "abcdef", 5, "abcd…" },
                { "abcdef", 1, "…" },
                { "abcdef", 0, "" },
                { "日本語", 6, "日本語" },
                { "日本語", 5, "日本…" },
                { "日本語", 4, "日…" },
                { "ßßßß", 3, "ßß…" },
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *cut = cut_of(cases[i].visible, cases[i].width);

                assert_string_equal(cut, cases[i].cut);
                assert_true(visible_width(cut) <= cases[i].width);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ordinary_text_stays_as_it_is),
                cmocka_unit_test(control_characters_are_shown),
                cmocka_unit_test(bytes_that_are_no_text_are_shown),
                cmocka_unit_test(widths_are_columns_not_bytes),
                cmocka_unit_test(cutting_leaves_whole_characters_and_a_mark),
        };

        return cmocka_run_group_tests(tests, set_up, NULL);
}
