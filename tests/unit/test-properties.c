/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/text.h"
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

/* The manual's type of the property; false: it has none of that name. */
static bool manual_find(FILE *manual, const char *name, char *ret, size_t size) {
        char line[512], names[512] = "";

        rewind(manual);
        while (fgets(line, sizeof line, manual)) {
                line[strcspn(line, "\n")] = '\0';
                if (strncmp(line, "|  ", 3) == 0)
                        text_copy(names, sizeof names, line + 3);
                else if (names[0] && strncmp(line, ":  ", 3) == 0) {
                        for (char *rest = names, *one; (one = strsep(&rest, ", "));)
                                if (strcmp(one, name) == 0) {
                                        text_copy(ret, size, line + 3);
                                        return true;
                                }
                        names[0] = '\0';
                }
        }
        return false;
}

static void the_manual_gives_each_property_the_type_it_has(void **state) {
        _cleanup_(freep) char *path = text_format("%s/doc/org.bgt1.5.scd", getenv("BGT_SOURCE_DIR") ?: ".");
        FILE *manual = fopen(path, "re");

        if (!manual)
                skip();
        for (size_t i = 0; i < n_properties; i++) {
                char type[64];

                if (!manual_find(manual, properties_table[i].name, type, sizeof type))
                        fail_msg("%s is not in the manual", properties_table[i].name);
                assert_string_equal(type, properties_table[i].signature);
        }
        (void) fclose(manual);
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
                cmocka_unit_test(the_manual_gives_each_property_the_type_it_has),
                cmocka_unit_test(others_see_these_properties_and_no_more),
                cmocka_unit_test(every_property_is_found_by_its_name_and_no_other),
                cmocka_unit_test(news_hold_what_the_manual_promises_to_everybody),
                cmocka_unit_test(news_need_no_look_at_the_accounting),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
