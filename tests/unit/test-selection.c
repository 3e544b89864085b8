/* SPDX-License-Identifier: MIT */
#include "ctl/selection.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "tests/kit/unit.h"

/* Reads a command line of up to seven words, the verb left out. */
typedef struct Read {
        char *argv[8];
        Arguments arguments;
        Selection selection;
        Trouble trouble;
        int r;
} Read;

static void read_done(Read *it) {
        selection_done(&it->selection);
        arguments_done(&it->arguments);
}

static void read_words(Read *it, const char *const *words) {
        static const Option *const tables[] = { selection_options, NULL };

        *it = (Read) {};
        for (size_t n = 0; words[n]; n++) {
                assert_true(n < 7);
                it->argv[n] = (char *) words[n];
        }
        assert_int_equal(arguments_parse(&it->arguments, it->argv, tables, &it->trouble), 0);
        it->r = selection_parse(&it->selection, it->arguments.words, &it->arguments, &it->trouble);
}

#define READ(it, ...) read_words((it), (const char *const[]) { __VA_ARGS__ __VA_OPT__(,) NULL })

static const char *filter_string(const Value *filter, const char *key) {
        return text_or_empty(value_get_string(filter, key));
}

static void ids_lists_and_ranges_are_read_in_their_order(void **state) {
        _cleanup_(read_done) Read it;
        _cleanup_(value_freep) Value *filter = NULL;

        (void) state;

        READ(&it, "14,1", "10-20,7", "18446744073709551615");
        assert_int_equal(it.r, 0);
        assert_int_equal(it.selection.n_parts, 5);
        assert_int_equal(it.selection.parts[0].from, 14);
        assert_int_equal(it.selection.parts[2].from, 10);
        assert_int_equal(it.selection.parts[2].to, 20);
        assert_true(it.selection.parts[4].from == UINT64_MAX);
        filter = selection_filter(&it.selection);
        assert_string_equal(filter_string(filter, "ids"), "14,1,10-20,7,18446744073709551615");
        assert_int_equal(filter->n_items, 1);
}

static void a_single_id_is_told_from_several(void **state) {
        static const struct {
                const char *words;
                bool single;
        } cases[] = { { "7", true }, { "7,8", false }, { "7-8", false }, { "7-7", true } };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(read_done) Read it;

                READ(&it, cases[i].words);
                assert_int_equal(it.r, 0);
                assert_int_equal(selection_is_single(&it.selection), cases[i].single);
        }
}

static void what_is_no_id_is_named(void **state) {
        static const char *const wrong[] = { "", ",", "7,", ",7", "7,,8", "x", "0", "-1", "1-", "1-x", "20-10", "1 2", "18446744073709551616", "1.5", "0x10", "1-2-3", "self" };

        (void) state;

        (void) unsetenv("BGT_TASK_ID");
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                _cleanup_(read_done) Read it = {};
                char *words[] = { (char *) wrong[i], NULL };

                assert_int_equal(selection_parse(&it.selection, words, &it.arguments, &it.trouble), -EINVAL);
                assert_int_equal(it.trouble.exit_status, EXIT_USAGE);
        }
}

static void self_is_the_task_that_asks(void **state) {
        _cleanup_(read_done) Read it;

        (void) state;

        (void) setenv("BGT_TASK_ID", "42", true);
        READ(&it, "self");
        (void) unsetenv("BGT_TASK_ID");
        assert_int_equal(it.r, 0);
        assert_int_equal(it.selection.parts[0].from, 42);
        assert_true(selection_is_single(&it.selection));
}

static void filters_go_together(void **state) {
        _cleanup_(read_done) Read it;
        _cleanup_(value_freep) Value *filter = NULL;

        (void) state;

        READ(&it, "--namespace=maintenance", "--type=defrag", "--label=a b", "--state=running");
        assert_int_equal(it.r, 0);
        assert_int_equal(selection_require(&it.selection, &it.trouble), 0);
        filter = selection_filter(&it.selection);
        assert_string_equal(filter_string(filter, "namespace"), "maintenance");
        assert_string_equal(filter_string(filter, "type"), "defrag");
        assert_string_equal(filter_string(filter, "label"), "a b");
        assert_string_equal(filter_string(filter, "state"), "running");
        assert_null(value_get(filter, "every"));
}

static void an_ended_state_is_looked_for_among_the_ended(void **state) {
        static const char *const ended[] = { "done", "Done", "error", "cancelled", "exited", "Succeeded", "failed" };
        static const char *const active[] = { "running", "paused", "Pending", "InProcess", "ready", "ending", "nonsense" };
        _cleanup_(read_done) Read it;
        _cleanup_(value_freep) Value *filter = NULL;

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(ended); i++)
                assert_true(selection_state_has_ended(ended[i]));
        for (size_t i = 0; i < ELEMENTSOF(active); i++)
                assert_false(selection_state_has_ended(active[i]));
        READ(&it, "--state", "Done");
        filter = selection_filter(&it.selection);
        assert_true(value_get_boolean(filter, "every"));
}

static void what_no_task_can_be_called_is_no_state(void **state) {
        static const char *const words[] = { "ready", "running", "waiting-device", "Paused", "InProcess", "Succeeded" };
        static const char *const others[] = { "", "nonsense", "RUNNING" };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                _cleanup_(read_done) Read it;

                READ(&it, "--state", words[i]);
                assert_int_equal(it.r, 0);
        }
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                _cleanup_(read_done) Read it;

                READ(&it, "--state", others[i]);
                assert_int_equal(it.r, -EINVAL);
        }
}

static void two_ways_at_once_contradict(void **state) {
        static const char *const wrong[][4] = { { "1", "--all" }, { "1", "--type", "x" }, { "--all", "--label", "x" } };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                _cleanup_(read_done) Read it;

                read_words(&it, wrong[i]);
                assert_int_equal(it.r, -EINVAL);
                assert_int_equal(it.trouble.exit_status, EXIT_USAGE);
        }
}

static void nothing_is_no_choice(void **state) {
        _cleanup_(read_done) Read it;

        (void) state;

        read_words(&it, (const char *const[]) { NULL });
        assert_int_equal(it.r, 0);
        assert_int_equal(selection_require(&it.selection, &it.trouble), -EINVAL);
}

static void too_many_are_refused(void **state) {
        _cleanup_(read_done) Read it = {};
        _cleanup_(freep) char *word = malloc(2 * 10002);
        char *words[] = { word, NULL };

        (void) state;

        for (size_t i = 0; i < 10001; i++)
                memcpy(word + 2 * i, "7,", 3);
        word[2 * 10001 - 1] = '\0';
        assert_int_equal(selection_parse(&it.selection, words, &it.arguments, &it.trouble), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ids_lists_and_ranges_are_read_in_their_order),
                cmocka_unit_test(a_single_id_is_told_from_several),
                cmocka_unit_test(what_is_no_id_is_named),
                cmocka_unit_test(self_is_the_task_that_asks),
                cmocka_unit_test(filters_go_together),
                cmocka_unit_test(an_ended_state_is_looked_for_among_the_ended),
                cmocka_unit_test(what_no_task_can_be_called_is_no_state),
                cmocka_unit_test(two_ways_at_once_contradict),
                cmocka_unit_test(nothing_is_no_choice),
                cmocka_unit_test(too_many_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
