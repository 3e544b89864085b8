/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/base/owned.h"
#include "supervisor/bus/properties.h"
#include "tests/kit/unit.h"

/* P-41: that a task exists, what it is, its state, and the numbers and units of its progress. */
static const char *const public_names[] = {
        "SnapshotTime", "Id", "Type", "Accessible", "RunningState", "Status", "Phase", "List", "TaskmanStatus", "HasEnded", "Paused",
        "Pending", "InProcess", "Finished", "Succeeded", "Failed", "Ready", "NamespacePaused", "Request", "ProgressCurrent",
        "ProgressTotal", "ProgressUnits", "Progress", "ProgressLine", "ProgressTime",
};

static bool is_public(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(public_names); i++)
                if (strcmp(public_names[i], name) == 0)
                        return true;
        return false;
}

/* P-41 */
static void others_see_these_properties_and_no_more(void **state) {
        size_t n = 0;

        for (size_t i = 0; i < n_properties; i++) {
                assert_int_equal(!!(properties_table[i].flags & PROPERTY_PUBLIC), is_public(properties_table[i].name));
                n += is_public(properties_table[i].name);
        }
        assert_int_equal(n, ELEMENTSOF(public_names));
}

static void every_property_is_found_by_its_name_and_no_other(void **state) {
        for (size_t i = 0; i < n_properties; i++)
                assert_ptr_equal(property_find(properties_table[i].name), &properties_table[i]);
        assert_null(property_find(""));
        assert_null(property_find("id"));
        assert_null(property_find("Idx"));
}

static void news_hold_what_the_manual_promises_to_everybody(void **state) {
        static const char *const names[] = { "Id", "Phase", "RunningState", "Status", "Request", "HasEnded" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(property_find(names[i])->flags & (PROPERTY_PUBLIC | PROPERTY_NEWS), PROPERTY_PUBLIC | PROPERTY_NEWS);
}

/* News come often: nothing in them makes a snapshot read the cgroup's files. */
static void news_need_no_look_at_the_accounting(void **state) {
        for (size_t i = 0; i < n_properties; i++)
                assert_true((properties_table[i].flags & (PROPERTY_NEWS | PROPERTY_USAGE)) != (PROPERTY_NEWS | PROPERTY_USAGE));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(others_see_these_properties_and_no_more),
                cmocka_unit_test(every_property_is_found_by_its_name_and_no_other),
                cmocka_unit_test(news_hold_what_the_manual_promises_to_everybody),
                cmocka_unit_test(news_need_no_look_at_the_accounting),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
