/* SPDX-License-Identifier: MIT */
#include "ctl/resumption.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/wire/output-note.h"
#include "tests/kit/unit.h"

static void feed(Resumption *resumption, const char *data, size_t size, size_t piece, Text *out) {
        for (size_t at = 0; at < size; at += piece)
                resumption_feed(resumption, data + at, size - at < piece ? size - at : piece, out);
}

static char *numbers(int from, int to) {
        Text text = {};

        for (int i = from; i <= to; i++)
                text_appendf(&text, "%d\n", i);
        return text_take(&text);
}

static void the_first_stream_is_printed_as_it_comes(void **state) {
        _cleanup_(freep) char *all = numbers(1, 1000);

        (void) state;

        for (size_t piece = 1; piece < 5000; piece *= 7) {
                _cleanup_(resumption_done) Resumption resumption;
                _cleanup_(text_done) Text out = {};

                resumption_init(&resumption, true);
                feed(&resumption, all, strlen(all), piece, &out);
                resumption_end(&resumption, &out);
                assert_string_equal(out.data, all);
        }
}

static void a_short_line_without_an_end_comes_with_the_end(void **state) {
        _cleanup_(resumption_done) Resumption resumption;
        _cleanup_(text_done) Text out = {};

        (void) state;

        resumption_init(&resumption, true);
        resumption_feed(&resumption, "no end", 6, &out);
        resumption_end(&resumption, &out);
        assert_string_equal(out.data, "no end");
}

static void what_was_printed_is_left_out_of_the_next_stream(void **state) {
        _cleanup_(freep) char *all = numbers(1, 1000);
        size_t size = strlen(all);

        (void) state;

        for (size_t broke = 0; broke <= size; broke += 97)
                for (size_t piece = 1; piece < 5000; piece *= 13) {
                        _cleanup_(resumption_done) Resumption resumption;
                        _cleanup_(text_done) Text out = {};

                        resumption_init(&resumption, true);
                        feed(&resumption, all, broke, piece, &out);
                        resumption_end(&resumption, &out);
                        resumption_again(&resumption);
                        feed(&resumption, all, size, piece, &out);
                        resumption_end(&resumption, &out);
                        assert_string_equal(out.data, all);
                }
}

/* Lines that all read the same: only counting finds the place. */
static void repetitive_output_is_resumed_exactly(void **state) {
        _cleanup_(resumption_done) Resumption resumption;
        _cleanup_(text_done) Text out = {};
        char all[20000];

        (void) state;

        for (size_t i = 0; i < sizeof all; i++)
                all[i] = i % 2 == 0 ? 'y' : '\n';
        resumption_init(&resumption, true);
        feed(&resumption, all, 7777, 512, &out);
        resumption_again(&resumption);
        feed(&resumption, all, sizeof all, 512, &out);
        resumption_end(&resumption, &out);
        assert_int_equal(out.length, sizeof all);
        assert_memory_equal(out.data, all, sizeof all);
}

/* The second stream begins later, since the output has passed its bound meanwhile. */
static void a_stream_that_begins_later_is_counted_from_there(void **state) {
        _cleanup_(resumption_done) Resumption resumption;
        _cleanup_(text_done) Text out = {};
        _cleanup_(freep) char *all = numbers(1, 1000);
        char note[OUTPUT_NOTE_MAX];
        size_t size = strlen(all);

        (void) state;

        resumption_init(&resumption, true);
        feed(&resumption, all, 2000, 100, &out);
        resumption_again(&resumption);
        output_note_format(1500, note);
        feed(&resumption, note, strlen(note), 10, &out);
        feed(&resumption, all + 1500, size - 1500, 100, &out);
        assert_string_equal(out.data, all);
}

static void what_is_gone_meanwhile_is_told(void **state) {
        _cleanup_(resumption_done) Resumption resumption;
        _cleanup_(text_done) Text out = {};
        _cleanup_(freep) char *all = numbers(1, 1000), *expected = NULL;
        char note[OUTPUT_NOTE_MAX];

        (void) state;

        resumption_init(&resumption, true);
        feed(&resumption, all, 2000, 100, &out);
        resumption_again(&resumption);
        output_note_format(3000, note);
        feed(&resumption, note, strlen(note), 10, &out);
        feed(&resumption, all + 3000, strlen(all) - 3000, 100, &out);
        expected = text_format("%.2000s%s%s", all, note, all + 3000);
        assert_string_equal(out.data, expected);

        resumption_again(&resumption);
        feed(&resumption, note, strlen(note), 10, &out);
        feed(&resumption, all + 3000, strlen(all) - 3000, 100, &out);
        assert_string_equal(out.data, expected);
}

static void after_last_lines_the_place_is_found_by_what_stood_there(void **state) {
        _cleanup_(freep) char *all = numbers(1, 5000);
        size_t size = strlen(all), from = size - 15000, broke = size - 3000;

        (void) state;

        for (size_t piece = 1; piece < 70000; piece *= 11) {
                _cleanup_(resumption_done) Resumption resumption;
                _cleanup_(text_done) Text out = {};

                resumption_init(&resumption, false);
                feed(&resumption, all + from, broke - from, piece, &out);
                resumption_end(&resumption, &out);
                resumption_again(&resumption);
                feed(&resumption, all, size, piece, &out);
                resumption_end(&resumption, &out);
                assert_string_equal(out.data, all + from);
        }
}

static void after_no_lines_everything_is_new(void **state) {
        _cleanup_(resumption_done) Resumption resumption;
        _cleanup_(text_done) Text out = {};

        (void) state;

        resumption_init(&resumption, false);
        resumption_end(&resumption, &out);
        resumption_again(&resumption);
        resumption_feed(&resumption, "first\n", 6, &out);
        assert_string_equal(out.data, "first\n");
}

static void the_note_is_known_from_its_likes(void **state) {
        static const char *const others[] = {
                "", "\n", "[bgt: the first x bytes are gone, the output passed its bound]\n",
                "[bgt: the first 12 bytes are gone, the output passed its bound]",
                "[bgt: the first -1 bytes are gone, the output passed its bound]\n",
                " [bgt: the first 12 bytes are gone, the output passed its bound]\n",
        };
        char note[OUTPUT_NOTE_MAX];
        uint64_t bytes = 0;

        (void) state;

        output_note_format(UINT64_MAX, note);
        assert_true(strlen(note) < OUTPUT_NOTE_MAX - 1);
        assert_true(output_note_parse(note, strlen(note), &bytes));
        assert_true(bytes == UINT64_MAX);
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(output_note_parse(others[i], strlen(others[i]), &bytes));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_stream_is_printed_as_it_comes),
                cmocka_unit_test(a_short_line_without_an_end_comes_with_the_end),
                cmocka_unit_test(what_was_printed_is_left_out_of_the_next_stream),
                cmocka_unit_test(repetitive_output_is_resumed_exactly),
                cmocka_unit_test(a_stream_that_begins_later_is_counted_from_there),
                cmocka_unit_test(what_is_gone_meanwhile_is_told),
                cmocka_unit_test(after_last_lines_the_place_is_found_by_what_stood_there),
                cmocka_unit_test(after_no_lines_everything_is_new),
                cmocka_unit_test(the_note_is_known_from_its_likes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
