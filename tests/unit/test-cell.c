/* SPDX-License-Identifier: MIT */
#include "ctl/cell.h"

#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "tests/kit/unit.h"

static char *cell_of(CellKind kind, Value *value, uint64_t now_usec) {
        _cleanup_(value_freep) Value *owned = value;
        Text text = {};

        cell_append(&text, kind, owned, now_usec);
        return text_take(&text);
}

#define assert_cell(kind, value, expected) do { \
                _cleanup_(freep) char *_cell = cell_of((kind), (value), 1000000 * USEC_PER_SEC); \
                assert_string_equal(_cell, (expected)); \
        } while (false)

static void null_is_nothing(void **state) {
        (void) state;

        for (int kind = CELL_TEXT; kind <= CELL_BAR; kind++)
                assert_cell((CellKind) kind, NULL, "");
}

static void numbers_are_whole_in_all_their_range(void **state) {
        (void) state;

        assert_cell(CELL_NUMBER, value_new_natural(VALUE_UINT64, UINT64_MAX), "18446744073709551615");
        assert_cell(CELL_NUMBER, value_new_integer(VALUE_INT64, INT64_MIN), "-9223372036854775808");
        assert_cell(CELL_NUMBER, value_new_integer(VALUE_INT32, -7), "-7");
        assert_cell(CELL_TEXT, value_new_boolean(true), "yes");
        assert_cell(CELL_TEXT, value_new_boolean(false), "no");
}

static void a_bar_fills_with_the_percentage(void **state) {
        (void) state;

        assert_cell(CELL_BAR, value_new_integer(VALUE_INT32, 0), "[----------]");
        assert_cell(CELL_BAR, value_new_integer(VALUE_INT32, 9), "[----------]");
        assert_cell(CELL_BAR, value_new_integer(VALUE_INT32, 50), "[#####-----]");
        assert_cell(CELL_BAR, value_new_integer(VALUE_INT32, 99), "[#########-]");
        assert_cell(CELL_BAR, value_new_integer(VALUE_INT32, 100), "[##########]");
        assert_cell(CELL_BAR, value_new_integer(VALUE_INT32, 250), "[##########]");
        assert_cell(CELL_BAR, value_new_integer(VALUE_INT32, -5), "[----------]");
}

static void ages_are_told_from_now(void **state) {
        uint64_t now = 1000000 * USEC_PER_SEC;

        (void) state;

        assert_cell(CELL_AGE, value_new_natural(VALUE_UINT64, now), "now");
        assert_cell(CELL_AGE, value_new_natural(VALUE_UINT64, now - 999999), "now");
        assert_cell(CELL_AGE, value_new_natural(VALUE_UINT64, now - 5 * USEC_PER_SEC - 300000), "5s ago");
        assert_cell(CELL_AGE, value_new_natural(VALUE_UINT64, now - 90 * USEC_PER_SEC), "1min 30s ago");
        assert_cell(CELL_AGE, value_new_natural(VALUE_UINT64, now - 3 * 3600 * USEC_PER_SEC), "3h ago");
        assert_cell(CELL_AGE, value_new_natural(VALUE_UINT64, now + 120 * USEC_PER_SEC), "in 2min");
}

static void times_are_local_and_tell_their_age(void **state) {
        (void) state;

        (void) setenv("TZ", "UTC", true);
        tzset();
        assert_cell(CELL_TIME, value_new_natural(VALUE_UINT64, 1000000 * USEC_PER_SEC - 60 * USEC_PER_SEC), "1970-01-12 13:45:40 UTC (1min ago)");
}

static void spans_bytes_and_rates_have_units(void **state) {
        (void) state;

        assert_cell(CELL_SPAN, value_new_natural(VALUE_UINT64, 90 * USEC_PER_SEC), "1min 30s");
        assert_cell(CELL_SECONDS, value_new_natural(VALUE_UINT64, 60), "1min");
        assert_cell(CELL_SECONDS, value_new_natural(VALUE_UINT64, UINT64_MAX), "infinity");
        assert_cell(CELL_BYTES, value_new_natural(VALUE_UINT64, 1536), "1.5K");
        assert_cell(CELL_RATE, value_new_double(1.25), "1.2/s");
        assert_cell(CELL_RATE, value_new_double(3), "3/s");
        assert_cell(CELL_RATE, value_new_double(1234.5), "1234/s");
        assert_cell(CELL_RATE, value_new_double(99999), "99999/s");
        assert_cell(CELL_RATE, value_new_double(5729054), "5729k/s");
        assert_cell(CELL_RATE, value_new_double(1e30), "1000000000000E/s");
        assert_cell(CELL_RATE, value_new_double(-5), "-5/s");
}

static void commands_can_be_pasted_into_a_shell(void **state) {
        char *words[] = { (char *) "sh", (char *) "-c", (char *) "echo 'a b' $HOME", (char *) "", (char *) "x=1", NULL };

        (void) state;

        assert_cell(CELL_WORDS, value_new_strings(words), "sh -c 'echo '\\''a b'\\'' $HOME' '' x=1");
}

static void dictionaries_read_as_pairs(void **state) {
        Value *dictionary = value_new_dictionary();

        (void) state;

        assert_int_equal(value_set(dictionary, "code", value_new_string("Timeout")), 0);
        assert_int_equal(value_set(dictionary, "n", value_new_natural(VALUE_UINT32, 3)), 0);
        assert_cell(CELL_TEXT, dictionary, "code=Timeout, n=3");
}

static void rfc_3339_has_microseconds_and_is_utc(void **state) {
        char time[40];

        (void) state;

        cell_format_rfc3339(1795370400123456, time);
        assert_string_equal(time, "2026-11-22T18:00:00.123456Z");
        cell_format_rfc3339(0, time);
        assert_string_equal(time, "1970-01-01T00:00:00.000000Z");
        cell_format_rfc3339(UINT64_MAX, time);
        assert_string_equal(time, "9999-12-31T23:59:59.999999Z");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(null_is_nothing),
                cmocka_unit_test(numbers_are_whole_in_all_their_range),
                cmocka_unit_test(a_bar_fills_with_the_percentage),
                cmocka_unit_test(ages_are_told_from_now),
                cmocka_unit_test(times_are_local_and_tell_their_age),
                cmocka_unit_test(spans_bytes_and_rates_have_units),
                cmocka_unit_test(commands_can_be_pasted_into_a_shell),
                cmocka_unit_test(dictionaries_read_as_pairs),
                cmocka_unit_test(rfc_3339_has_microseconds_and_is_utc),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
