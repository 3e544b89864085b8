/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/base/owned.h"
#include "lib/wire/bus-names.h"
#include "tests/kit/unit.h"

/* The contract with programs that read errors, and with scripts that read exit statuses. */
static const struct {
        BusError error;
        const char *name;
        int exit_status;
} table[] = {
        { BUS_ERROR_FAILED,            "org.bgt1.Error.Failed",           1 },
        { BUS_ERROR_NO_SUCH_TASK,      "org.bgt1.Error.NoSuchTask",       3 },
        { BUS_ERROR_NO_SUCH_TYPE,      "org.bgt1.Error.NoSuchType",       3 },
        { BUS_ERROR_NOT_AVAILABLE,     "org.bgt1.Error.NotAvailable",     4 },
        { BUS_ERROR_ACCESS_DENIED,     "org.bgt1.Error.AccessDenied",     5 },
        { BUS_ERROR_TIMED_OUT,         "org.bgt1.Error.TimedOut",         6 },
        { BUS_ERROR_QUEUE_FULL,        "org.bgt1.Error.QueueFull",        7 },
        { BUS_ERROR_INVALID_PARAMETER, "org.bgt1.Error.InvalidParameter", 8 },
        { BUS_ERROR_INVALID_OPTION,    "org.bgt1.Error.InvalidOption",    8 },
        { BUS_ERROR_NOT_RUNNABLE,      "org.bgt1.Error.NotRunnable",      9 },
};

static void errors_have_the_names_of_the_contract(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_string_equal(bus_error_name(table[i].error), table[i].name);
}

static void error_names_map_to_the_exit_statuses_of_the_contract(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(bus_error_exit_status(table[i].name), table[i].exit_status);
}

static void every_error_has_a_name_of_its_own(void **state) {
        for (BusError a = 0; a < _BUS_ERROR_MAX; a++) {
                assert_int_equal(strncmp(bus_error_name(a), BUS_ERROR_PREFIX, strlen(BUS_ERROR_PREFIX)), 0);
                for (BusError b = 0; b < a; b++)
                        assert_string_not_equal(bus_error_name(a), bus_error_name(b));
        }
}

static void no_error_is_taken_for_success(void **state) {
        for (BusError error = 0; error < _BUS_ERROR_MAX; error++)
                assert_in_range(bus_error_exit_status(bus_error_name(error)), 1, 9);
}

static void an_unknown_error_is_an_ordinary_failure(void **state) {
        assert_int_equal(bus_error_exit_status("org.freedesktop.DBus.Error.UnknownMethod"), 1);
        assert_int_equal(bus_error_exit_status("NoSuchTask"), 1);
        assert_int_equal(bus_error_exit_status(""), 1);
}

static void objects_and_interfaces_have_the_names_of_the_contract(void **state) {
        assert_string_equal(BUS_NAME, "org.bgt1");
        assert_string_equal(BUS_PATH, "/org/bgt1");
        assert_string_equal(BUS_TASK_PATH_PREFIX "42", "/org/bgt1/task/_42");
        assert_string_equal(BUS_MANAGER_INTERFACE, "org.bgt1.Manager");
        assert_string_equal(BUS_TASK_INTERFACE, "org.bgt1.Task");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(errors_have_the_names_of_the_contract),
                cmocka_unit_test(error_names_map_to_the_exit_statuses_of_the_contract),
                cmocka_unit_test(every_error_has_a_name_of_its_own),
                cmocka_unit_test(no_error_is_taken_for_success),
                cmocka_unit_test(an_unknown_error_is_an_ordinary_failure),
                cmocka_unit_test(objects_and_interfaces_have_the_names_of_the_contract),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
