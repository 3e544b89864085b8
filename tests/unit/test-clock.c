/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/kit/unit.h"

static void monotonic_time_never_goes_back(void **state) {
        uint64_t last = clock_now_usec(CLOCK_MONOTONIC);

        for (int i = 0; i < 1000; i++) {
                uint64_t now = clock_now_usec(CLOCK_MONOTONIC);

                assert_true(now >= last);
                last = now;
        }
}

static void real_time_counts_from_1970_in_microseconds(void **state) {
        uint64_t before = (uint64_t) time(NULL), now = clock_now_usec(CLOCK_REALTIME), after = (uint64_t) time(NULL);

        /* time() reads a clock that lags by up to a tick */
        assert_in_range(now / USEC_PER_SEC, before, after + 1);
}

static void a_boot_has_one_id_of_32_hexadecimal_digits(void **state) {
        char first[33], again[33];

        if (clock_boot_id(first) < 0)
                skip();
        assert_int_equal(strlen(first), 32);
        for (const char *p = first; *p; p++)
                assert_true(isxdigit((unsigned char) *p));
        assert_int_equal(clock_boot_id(again), 0);
        assert_string_equal(first, again);
}

static void a_sum_beyond_the_end_of_time_is_infinity(void **state) {
        assert_int_equal(usec_add(1, 2), 3);
        assert_int_equal(usec_add(USEC_INFINITY, 1), USEC_INFINITY);
        assert_int_equal(usec_add(USEC_INFINITY - 1, 2), USEC_INFINITY);
        assert_int_equal(usec_add(USEC_INFINITY - 1, 1), USEC_INFINITY);
}

static void a_difference_never_goes_below_nothing(void **state) {
        assert_int_equal(usec_sub(3, 2), 1);
        assert_int_equal(usec_sub(2, 2), 0);
        assert_int_equal(usec_sub(2, 3), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(monotonic_time_never_goes_back),
                cmocka_unit_test(real_time_counts_from_1970_in_microseconds),
                cmocka_unit_test(a_boot_has_one_id_of_32_hexadecimal_digits),
                cmocka_unit_test(a_sum_beyond_the_end_of_time_is_infinity),
                cmocka_unit_test(a_difference_never_goes_below_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
