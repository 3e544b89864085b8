/* SPDX-License-Identifier: MIT */
#include "lib/base/owned.h"
#include "supervisor/bus/utf8.h"
#include "tests/kit/unit.h"

static void text_that_is_utf8_is_not_copied(void **state) {
        const char *text = "Gr\303\274\303\237e \342\202\254 \360\237\230\200";
        char *storage = NULL;

        assert_ptr_equal(utf8_or_made(text, &storage), text);
        assert_null(storage);
}

static void each_byte_that_is_part_of_no_character_is_replaced(void **state) {
        static const char *const pairs[][2] = {
                { "a\377b",               "a\357\277\275b" },
                { "\303",                 "\357\277\275" },
                { "\342\202",             "\357\277\275\357\277\275" },
                { "\303\274\303x",        "\303\274\357\277\275x" },
                { "\355\240\200",         "\357\277\275\357\277\275\357\277\275" },  /* half of a surrogate pair */
                { "\300\200",             "\357\277\275\357\277\275" },              /* a NUL in disguise */
                { "\364\220\200\200",     "\357\277\275\357\277\275\357\277\275\357\277\275" },
        };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                _cleanup_(freep) char *storage = NULL;

                assert_string_equal(utf8_or_made(pairs[i][0], &storage), pairs[i][1]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_that_is_utf8_is_not_copied),
                cmocka_unit_test(each_byte_that_is_part_of_no_character_is_replaced),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
