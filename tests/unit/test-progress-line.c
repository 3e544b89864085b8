/* SPDX-License-Identifier: MIT */
#include "lib/base/owned.h"
#include "lib/base/text.h"
#include "supervisor/policy/progress-line.h"
#include "tests/kit/unit.h"

static const int64_t numbers[] = {
        INT64_MIN, INT64_MIN + 1, -1000000007, -101, -100, -99, -3, -1, 0, 1, 2, 3, 5, 10, 49, 50, 99, 100, 101, 199, 200, 1000,
        INT64_MAX / 100, INT64_MAX / 100 + 1, INT64_MAX / 2, INT64_MAX - 1, INT64_MAX,
};

static void assert_line(int64_t current, int64_t total, const char *units, const char *expected) {
        const Progress progress = { .current = current, .total = total, .units = (char *) units };
        _cleanup_(freep) char *line = NULL;

        assert_int_equal(progress_line(&progress, &line), 0);
        if (!text_equal(line, expected))
                fail_msg("%lld of %lld %s is shown as '%s', not '%s'", (long long) current, (long long) total,
                         units ? units : "without units", line ? line : "nothing", expected ? expected : "nothing");
}

/* T-51 */
static void with_total_and_units_both_numbers_are_shown(void **state) {
        assert_line(5, 10, "MB", "5 of 10 MB");
        assert_line(0, 10, "MB", "0 of 10 MB");
        assert_line(12, 10, "files", "12 of 10 files");
        assert_line(-5, 10, "°C", "-5 of 10 °C");
        assert_line(5, -10, "MB", "5 of -10 MB");
}

/* T-51 */
static void with_a_total_alone_it_is_a_percentage(void **state) {
        assert_line(5, 10, NULL, "50%");
        assert_line(0, 10, NULL, "0%");
        assert_line(1, 3, NULL, "33%");
        assert_line(999, 1000, NULL, "99%");
        assert_line(10, 10, NULL, "100%");
}

/* T-51 */
static void a_shown_percentage_is_not_clamped(void **state) {
        assert_line(15, 10, NULL, "150%");
        assert_line(-1, 10, NULL, "-10%");
        assert_line(-1, 3, NULL, "-34%");
        assert_line(1, -3, NULL, "-34%");
        assert_line(-10, -10, NULL, "100%");
        assert_line(INT64_MAX, 100, NULL, "9223372036854775807%");
        assert_line(INT64_MIN, 100, NULL, "-9223372036854775808%");
}

/* T-51 */
static void without_a_total_the_current_number_is_shown_with_its_units(void **state) {
        assert_line(5, 0, "MB", "5 MB");
        assert_line(-5, 0, "MB", "-5 MB");
        assert_line(INT64_MIN, 0, "MB", "-9223372036854775808 MB");
}

/* T-51 */
static void with_nothing_to_show_there_is_no_line_at_all(void **state) {
        assert_line(0, 0, NULL, NULL);
        assert_line(0, 0, "MB", NULL);
        assert_line(5, 0, NULL, NULL);
        assert_line(5, 0, "", NULL);
}

static void empty_units_are_none(void **state) {
        assert_line(5, 10, "", "50%");
}

/* T-52: in 128 bits, and by search instead of by division */
static int percent_by_counting(int64_t current, int64_t total) {
        int percent = 0;

        if (total <= 0)
                return 0;
        while (percent < 100 && (__int128) (percent + 1) * total <= (__int128) 100 * current)
                percent++;
        return percent;
}

/* T-52 */
static void progress_is_the_percentage_floored_and_clamped(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                for (size_t j = 0; j < ELEMENTSOF(numbers); j++)
                        if (progress_percent(numbers[i], numbers[j]) != percent_by_counting(numbers[i], numbers[j]))
                                fail_msg("%lld of %lld is %d%%, not %d%%", (long long) numbers[i], (long long) numbers[j],
                                         progress_percent(numbers[i], numbers[j]), percent_by_counting(numbers[i], numbers[j]));
}

/* T-52 */
static void progress_does_not_overflow(void **state) {
        assert_int_equal(progress_percent(INT64_MAX, INT64_MAX), 100);
        assert_int_equal(progress_percent(INT64_MAX - 1, INT64_MAX), 99);
        assert_int_equal(progress_percent(INT64_MAX / 2, INT64_MAX), 49);
        assert_int_equal(progress_percent(INT64_MAX, 1), 100);
        assert_int_equal(progress_percent(INT64_MIN, INT64_MAX), 0);
        assert_int_equal(progress_percent(INT64_MIN, 1), 0);
}

/* T-52 */
static void without_a_positive_total_progress_is_0(void **state) {
        assert_int_equal(progress_percent(5, 0), 0);
        assert_int_equal(progress_percent(5, -10), 0);
        assert_int_equal(progress_percent(-5, -10), 0);
        assert_int_equal(progress_percent(INT64_MIN, INT64_MIN), 0);
}

/* T-51, T-52: whatever the numbers */
static void the_line_exists_for_every_number(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                for (size_t j = 0; j < ELEMENTSOF(numbers); j++) {
                        const Progress plain = { .current = numbers[i], .total = numbers[j] };
                        const Progress with_units = { .current = numbers[i], .total = numbers[j], .units = (char *) "MB" };
                        _cleanup_(freep) char *a = NULL, *b = NULL;

                        assert_int_equal(progress_line(&plain, &a), 0);
                        assert_int_equal(progress_line(&with_units, &b), 0);
                        assert_int_equal(a != NULL, numbers[j] != 0);
                        assert_int_equal(b != NULL, numbers[i] != 0 || numbers[j] != 0);
                }
}

static void assert_rate(int64_t current, uint64_t run_usec, double expected) {
        const Progress progress = { .current = current };
        double rate = -1;

        assert_true(progress_rate(&progress, run_usec, &rate));
        assert_true(rate > expected * 0.999999 && rate < expected * 1.000001);
}

/* T-56: the caller leaves pauses out of the time */
static void the_rate_is_what_was_done_in_the_time_it_ran(void **state) {
        assert_rate(10, USEC_PER_SEC, 10);
        assert_rate(1, 4 * USEC_PER_SEC, 0.25);
        assert_rate(INT64_MAX, USEC_PER_SEC, 9223372036854775807.0);
}

/* T-56 */
static void a_rate_that_would_be_a_guess_is_none(void **state) {
        const Progress some = { .current = 10 }, none = {}, negative = { .current = -10 };
        double rate = -1;

        assert_false(progress_rate(&some, 0, &rate));
        assert_false(progress_rate(&some, USEC_PER_SEC - 1, &rate));
        assert_false(progress_rate(&none, 100 * USEC_PER_SEC, &rate));
        assert_false(progress_rate(&negative, 100 * USEC_PER_SEC, &rate));
        assert_true(rate < 0);
}

/* T-56 */
static void what_is_left_takes_as_long_as_its_share_of_what_was_done(void **state) {
        const Progress half = { .current = 50, .total = 100 }, quarter = { .current = 25, .total = 100 };
        uint64_t eta = 0;

        assert_true(progress_eta(&half, 10 * USEC_PER_SEC, 1000 * USEC_PER_SEC, &eta));
        assert_int_equal(eta, 1010 * USEC_PER_SEC);
        assert_true(progress_eta(&quarter, 10 * USEC_PER_SEC, 1000 * USEC_PER_SEC, &eta));
        assert_int_equal(eta, 1030 * USEC_PER_SEC);
}

static void assert_no_eta(int64_t current, int64_t total, uint64_t run_usec) {
        const Progress progress = { .current = current, .total = total };
        uint64_t eta = 42;

        assert_false(progress_eta(&progress, run_usec, 1000 * USEC_PER_SEC, &eta));
        assert_int_equal(eta, 42);
}

/* T-56 */
static void an_eta_that_would_be_a_guess_is_none(void **state) {
        assert_no_eta(0, 100, 10 * USEC_PER_SEC);
        assert_no_eta(50, 100, USEC_PER_SEC / 2);
        assert_no_eta(100, 100, 10 * USEC_PER_SEC);
        assert_no_eta(150, 100, 10 * USEC_PER_SEC);
        assert_no_eta(50, 0, 10 * USEC_PER_SEC);
        assert_no_eta(-50, 100, 10 * USEC_PER_SEC);
        assert_no_eta(50, INT64_MIN, 10 * USEC_PER_SEC);
        assert_no_eta(1, INT64_MAX, 10 * USEC_PER_SEC);
}

/* T-56 */
static void an_eta_in_more_than_a_hundred_years_is_a_guess(void **state) {
        const Progress soon = { .current = 1, .total = 99LL * 365 * 86400 };
        uint64_t eta;

        assert_true(progress_eta(&soon, USEC_PER_SEC, 0, &eta));
        assert_no_eta(1, 101LL * 365 * 86400, USEC_PER_SEC);
}

/* T-56 */
static void rate_and_eta_bear_every_number(void **state) {
        static const uint64_t times[] = { 0, 1, USEC_PER_SEC, UINT64_MAX / 2, UINT64_MAX };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                for (size_t j = 0; j < ELEMENTSOF(numbers); j++)
                        for (size_t k = 0; k < ELEMENTSOF(times); k++) {
                                const Progress progress = { .current = numbers[i], .total = numbers[j] };
                                uint64_t eta = 0, now = 1700000000 * USEC_PER_SEC;
                                double rate;

                                if (progress_eta(&progress, times[k], now, &eta)) {
                                        assert_true(progress_rate(&progress, times[k], &rate));
                                        assert_true(eta >= now);
                                }
                        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(with_total_and_units_both_numbers_are_shown),
                cmocka_unit_test(with_a_total_alone_it_is_a_percentage),
                cmocka_unit_test(a_shown_percentage_is_not_clamped),
                cmocka_unit_test(without_a_total_the_current_number_is_shown_with_its_units),
                cmocka_unit_test(with_nothing_to_show_there_is_no_line_at_all),
                cmocka_unit_test(empty_units_are_none),
                cmocka_unit_test(progress_is_the_percentage_floored_and_clamped),
                cmocka_unit_test(progress_does_not_overflow),
                cmocka_unit_test(without_a_positive_total_progress_is_0),
                cmocka_unit_test(the_line_exists_for_every_number),
                cmocka_unit_test(the_rate_is_what_was_done_in_the_time_it_ran),
                cmocka_unit_test(a_rate_that_would_be_a_guess_is_none),
                cmocka_unit_test(what_is_left_takes_as_long_as_its_share_of_what_was_done),
                cmocka_unit_test(an_eta_that_would_be_a_guess_is_none),
                cmocka_unit_test(an_eta_in_more_than_a_hundred_years_is_a_guess),
                cmocka_unit_test(rate_and_eta_bear_every_number),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
