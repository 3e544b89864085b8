/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/base/clock.h"
#include "lib/base/owned.h"
#include "lib/base/quantity.h"
#include "tests/kit/unit.h"

/* Shows up where a failed parse has written its result. */
#define UNTOUCHED 4711

#define assert_parses(parse, type, text, expected) \
        do { \
                type _value = (type) UNTOUCHED; \
                assert_int_equal(parse(text, &_value), 0); \
                assert_int_equal(_value, expected); \
        } while (0)

#define assert_refuses(parse, type, text, error) \
        do { \
                type _value = (type) UNTOUCHED; \
                assert_int_equal(parse(text, &_value), error); \
                assert_int_equal(_value, (type) UNTOUCHED); \
        } while (0)

static void unsigned_numbers_cover_64_bits(void **state) {
        assert_parses(quantity_parse_u64, uint64_t, "0", 0);
        assert_parses(quantity_parse_u64, uint64_t, "007", 7);
        assert_parses(quantity_parse_u64, uint64_t, "18446744073709551615", UINT64_MAX);
        assert_refuses(quantity_parse_u64, uint64_t, "18446744073709551616", -ERANGE);
}

static void an_unsigned_number_is_digits_and_nothing_else(void **state) {
        static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x10", "1.5", "1K", "one", "\xd9\xa1" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_refuses(quantity_parse_u64, uint64_t, bad[i], -EINVAL);
}

static void signed_numbers_cover_64_bits(void **state) {
        assert_parses(quantity_parse_i64, int64_t, "-1", -1);
        assert_parses(quantity_parse_i64, int64_t, "+1", 1);
        assert_parses(quantity_parse_i64, int64_t, "9223372036854775807", INT64_MAX);
        assert_parses(quantity_parse_i64, int64_t, "-9223372036854775808", INT64_MIN);
        assert_refuses(quantity_parse_i64, int64_t, "9223372036854775808", -ERANGE);
        assert_refuses(quantity_parse_i64, int64_t, "-9223372036854775809", -ERANGE);
}

static void a_signed_number_has_at_most_one_sign(void **state) {
        static const char *const bad[] = { "", "-", "+", "--1", "+-1", "- 1", " 1", "1-", "1.0" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_refuses(quantity_parse_i64, int64_t, bad[i], -EINVAL);
}

static void booleans_are_read_as_systemd_reads_them(void **state) {
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on", "YES", "True", "oN" };
        static const char *const no[] = { "0", "no", "n", "false", "f", "off", "NO", "False", "oFF" };
        static const char *const neither[] = { "", "2", "yes ", "ye", "enable", "nope" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                bool value = false;

                assert_int_equal(quantity_parse_boolean(yes[i], &value), 0);
                assert_true(value);
        }
        for (size_t i = 0; i < ELEMENTSOF(no); i++) {
                bool value = true;

                assert_int_equal(quantity_parse_boolean(no[i], &value), 0);
                assert_false(value);
        }
        for (size_t i = 0; i < ELEMENTSOF(neither); i++) {
                bool value = true;

                assert_int_equal(quantity_parse_boolean(neither[i], &value), -EINVAL);
                assert_true(value);
        }
}

static void a_span_without_a_unit_counts_seconds(void **state) {
        assert_parses(quantity_parse_span, uint64_t, "90", 90 * USEC_PER_SEC);
        assert_parses(quantity_parse_span, uint64_t, "0", 0);
        assert_parses(quantity_parse_span, uint64_t, "1.5", 1500 * USEC_PER_MSEC);
}

static void the_parts_of_a_span_add_up(void **state) {
        assert_parses(quantity_parse_span, uint64_t, "1min 30s", 90 * USEC_PER_SEC);
        assert_parses(quantity_parse_span, uint64_t, "1min30s", 90 * USEC_PER_SEC);
        assert_parses(quantity_parse_span, uint64_t, "1 min 30 s ", 90 * USEC_PER_SEC);
        assert_parses(quantity_parse_span, uint64_t, "1h 1h", 7200 * USEC_PER_SEC);
        assert_parses(quantity_parse_span, uint64_t, "2d 1us", 2 * 86400 * USEC_PER_SEC + 1);
}

static void spans_know_the_units_of_systemd_time(void **state) {
        static const struct {
                const char *text;
                uint64_t usec;
        } spans[] = {
                { "3us", 3 }, { "3usec", 3 },
                { "3ms", 3000 }, { "3msec", 3000 },
                { "3s", 3000000 }, { "3sec", 3000000 }, { "1second", 1000000 }, { "3seconds", 3000000 },
                { "3m", 180000000 }, { "3min", 180000000 }, { "1minute", 60000000 }, { "3minutes", 180000000 },
                { "3h", 10800000000 }, { "3hr", 10800000000 }, { "1hour", 3600000000 }, { "3hours", 10800000000 },
                { "3d", 259200000000 }, { "1day", 86400000000 }, { "3days", 259200000000 },
                { "3w", 1814400000000 }, { "1week", 604800000000 }, { "3weeks", 1814400000000 },
                { "1M", 2629800000000 }, { "1month", 2629800000000 }, { "2months", 5259600000000 },
                { "1y", 31557600000000 }, { "1year", 31557600000000 }, { "2years", 63115200000000 },
        };

        for (size_t i = 0; i < ELEMENTSOF(spans); i++)
                assert_parses(quantity_parse_span, uint64_t, spans[i].text, spans[i].usec);
}

static void an_infinite_span_stands_alone(void **state) {
        assert_parses(quantity_parse_span, uint64_t, "infinity", USEC_INFINITY);
        assert_refuses(quantity_parse_span, uint64_t, "infinity 1s", -EINVAL);
        assert_refuses(quantity_parse_span, uint64_t, "1s infinity", -EINVAL);
}

static void a_span_that_is_none_is_refused(void **state) {
        static const char *const bad[] = { "", " ", "s", "-1", "1x", "1 fortnight", "1.s", ".5s", "1,5s", "1s;" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_refuses(quantity_parse_span, uint64_t, bad[i], -EINVAL);
        assert_refuses(quantity_parse_span, uint64_t, "99999999999999999999", -ERANGE);
        assert_refuses(quantity_parse_span, uint64_t, "999999999y", -ERANGE);
}

static void sizes_are_powers_of_1024(void **state) {
        assert_parses(quantity_parse_bytes, uint64_t, "0", 0);
        assert_parses(quantity_parse_bytes, uint64_t, "1234", 1234);
        assert_parses(quantity_parse_bytes, uint64_t, "7B", 7);
        assert_parses(quantity_parse_bytes, uint64_t, "1K", 1024);
        assert_parses(quantity_parse_bytes, uint64_t, "16M", 16 << 20);
        assert_parses(quantity_parse_bytes, uint64_t, "2G", 2ULL << 30);
        assert_parses(quantity_parse_bytes, uint64_t, "1T", 1ULL << 40);
        assert_parses(quantity_parse_bytes, uint64_t, "1P", 1ULL << 50);
        assert_parses(quantity_parse_bytes, uint64_t, "15E", 15ULL << 60);
        assert_parses(quantity_parse_bytes, uint64_t, "infinity", UINT64_MAX);
}

static void a_size_that_is_none_is_refused(void **state) {
        static const char *const bad[] = { "", "M", "-1", " 1", "1 M", "1MB", "1m", "1Mi", "1X", "1%" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_refuses(quantity_parse_bytes, uint64_t, bad[i], -EINVAL);
        assert_refuses(quantity_parse_bytes, uint64_t, "16E", -ERANGE);
        assert_refuses(quantity_parse_bytes, uint64_t, "18446744073709551616", -ERANGE);
}

static void percentages_may_exceed_a_hundred(void **state) {
        static const char *const bad[] = { "", "%", "50", "50 %", "50%%", "-5%", "1.5%" };

        assert_parses(quantity_parse_percent, uint64_t, "0%", 0);
        assert_parses(quantity_parse_percent, uint64_t, "50%", 50);
        assert_parses(quantity_parse_percent, uint64_t, "250%", 250);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_refuses(quantity_parse_percent, uint64_t, bad[i], -EINVAL);
}

static void a_span_is_shown_in_at_most_two_parts(void **state) {
        static const struct {
                uint64_t usec;
                const char *text;
        } spans[] = {
                { 0, "0" },
                { 999, "999us" },
                { 1000, "1ms" },
                { 999999, "999ms" },
                { 1000000, "1s" },
                { 1500000, "1.5s" },
                { 59 * USEC_PER_SEC, "59s" },
                { 60 * USEC_PER_SEC, "1min" },
                { 90 * USEC_PER_SEC, "1min 30s" },
                { 3600 * USEC_PER_SEC, "1h" },
                { 3661 * USEC_PER_SEC, "1h 1min" },
                { 86400 * USEC_PER_SEC, "1d" },
                { 90000 * USEC_PER_SEC, "1d 1h" },
                { USEC_INFINITY, "infinity" },
                { USEC_INFINITY - 1, "213503982d 8h" },
        };
        char text[32];

        for (size_t i = 0; i < ELEMENTSOF(spans); i++) {
                quantity_format_span(spans[i].usec, text);
                assert_string_equal(text, spans[i].text);
        }
}

static void what_a_span_is_shown_as_reads_back(void **state) {
        static const uint64_t spans[] = { 0, 999, 5000, USEC_PER_SEC, 90 * USEC_PER_SEC, 3660 * USEC_PER_SEC, USEC_INFINITY };
        char text[32];

        for (size_t i = 0; i < ELEMENTSOF(spans); i++) {
                quantity_format_span(spans[i], text);
                assert_parses(quantity_parse_span, uint64_t, text, spans[i]);
        }
}

static void a_size_is_shown_with_one_decimal(void **state) {
        static const struct {
                uint64_t bytes;
                const char *text;
        } sizes[] = {
                { 0, "0B" }, { 1023, "1023B" }, { 1024, "1.0K" }, { 1536, "1.5K" },
                { 15938355, "15.2M" }, { 1ULL << 40, "1.0T" }, { UINT64_MAX, "16.0E" },
        };
        char text[16];

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                quantity_format_bytes(sizes[i].bytes, text);
                assert_string_equal(text, sizes[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(unsigned_numbers_cover_64_bits),
                cmocka_unit_test(an_unsigned_number_is_digits_and_nothing_else),
                cmocka_unit_test(signed_numbers_cover_64_bits),
                cmocka_unit_test(a_signed_number_has_at_most_one_sign),
                cmocka_unit_test(booleans_are_read_as_systemd_reads_them),
                cmocka_unit_test(a_span_without_a_unit_counts_seconds),
                cmocka_unit_test(the_parts_of_a_span_add_up),
                cmocka_unit_test(spans_know_the_units_of_systemd_time),
                cmocka_unit_test(an_infinite_span_stands_alone),
                cmocka_unit_test(a_span_that_is_none_is_refused),
                cmocka_unit_test(sizes_are_powers_of_1024),
                cmocka_unit_test(a_size_that_is_none_is_refused),
                cmocka_unit_test(percentages_may_exceed_a_hundred),
                cmocka_unit_test(a_span_is_shown_in_at_most_two_parts),
                cmocka_unit_test(what_a_span_is_shown_as_reads_back),
                cmocka_unit_test(a_size_is_shown_with_one_decimal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
