/* SPDX-License-Identifier: MIT */
#include "ctl/signal-name.h"

#include <signal.h>
#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "tests/kit/unit.h"

static void signals_go_by_name_and_number(void **state) {
        (void) state;

        assert_int_equal(signal_from_name("HUP"), SIGHUP);
        assert_int_equal(signal_from_name("SIGHUP"), SIGHUP);
        assert_int_equal(signal_from_name("sigusr1"), SIGUSR1);
        assert_int_equal(signal_from_name("15"), SIGTERM);
        assert_int_equal(signal_from_name("RTMIN"), SIGRTMIN);
        assert_int_equal(signal_from_name("SIGRTMIN+2"), SIGRTMIN + 2);
        assert_int_equal(signal_from_name("RTMAX"), SIGRTMAX);
        assert_int_equal(signal_from_name("64"), SIGRTMAX);
}

static void every_name_finds_its_number(void **state) {
        (void) state;

        for (int i = 1; i < 32; i++)
                assert_int_equal(signal_from_name(sigabbrev_np(i)), i);
}

static void what_cannot_be_sent_is_refused(void **state) {
        static const char *const wrong[] = { "", "0", "-1", "65", "SIG", "NOSUCH", "RTMIN+", "RTMIN+x", "RTMIN+99", "RTMIN-1", "9x", "99999999999999999999" };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(signal_from_name(wrong[i]), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(signals_go_by_name_and_number),
                cmocka_unit_test(every_name_finds_its_number),
                cmocka_unit_test(what_cannot_be_sent_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
