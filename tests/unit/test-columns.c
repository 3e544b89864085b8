/* SPDX-License-Identifier: MIT */
#include "ctl/columns.h"

#include <string.h>

#include "ctl/visible.h"
#include "lib/base/clock.h"
#include "tests/kit/unit.h"

static int set_up(void **state) {
        (void) state;
        visible_init();
        return 0;
}

static const Column columns[] = {
        { "Id", "ID", CELL_NUMBER },
        { "Phase", "STATE", CELL_STATE },
        { "Progress", "PROGRESS", CELL_BAR },
        { "Name", "NAME", CELL_TEXT, .shrinks = true },
};

static void row_add(Value *rows, uint64_t id, const char *phase, int percent, int64_t total, const char *name) {
        Value *row = value_new_dictionary();

        assert_int_equal(value_set(row, "Id", value_new_natural(VALUE_UINT64, id)), 0);
        assert_int_equal(value_set(row, "Phase", value_new_string(phase)), 0);
        assert_int_equal(value_set(row, "Progress", value_new_integer(VALUE_INT32, percent)), 0);
        assert_int_equal(value_set(row, "ProgressTotal", value_new_integer(VALUE_INT64, total)), 0);
        if (name)
                assert_int_equal(value_set(row, "Name", value_new_string(name)), 0);
        assert_int_equal(value_add(rows, row), 0);
}

static Value *rows_new(void) {
        Value *rows = value_new_list();

        row_add(rows, 7, "running", 50, 10, "backup");
        row_add(rows, 1234, "paused", 0, 0, "日本\n語 of a longer kind");
        row_add(rows, 9, "ready", 0, 0, NULL);
        return rows;
}

static char *table_of(const Value *rows, size_t width, bool color) {
        Text text = {};
        ColumnsStyle style = { .width = width, .color = color, .now_usec = USEC_PER_SEC };

        columns_append_table(&text, columns, ELEMENTSOF(columns), rows, &style);
        return text_take(&text);
}

static void a_table_is_aligned_by_what_is_seen(void **state) {
        _cleanup_(value_freep) Value *rows = rows_new();
        _cleanup_(freep) char *table = table_of(rows, 0, false);

        (void) state;

        assert_string_equal(table,
                            "  ID  STATE    PROGRESS      NAME\n"
                            "   7  running  [#####-----]  backup\n"
                            "1234  paused                 日本\\n語 of a longer kind\n"
                            "   9  ready\n");
}

/* T-51 */
static void a_task_without_a_total_has_no_bar(void **state) {
        _cleanup_(value_freep) Value *rows = value_new_list();
        _cleanup_(freep) char *table = NULL;

        (void) state;

        row_add(rows, 1, "running", 0, 0, "x");
        table = table_of(rows, 0, false);
        assert_null(strchr(table, '['));
}

static void a_line_is_never_wider_than_the_terminal(void **state) {
        _cleanup_(value_freep) Value *rows = rows_new();

        (void) state;

        for (size_t width = 1; width < 60; width++) {
                _cleanup_(freep) char *table = table_of(rows, width, false);
                char *save = NULL;

                if (width > 30)
                        assert_non_null(strstr(table, "[#####-----]"));
                for (char *line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                        assert_true(visible_width(line) <= width);
        }
}

static void color_is_added_and_does_not_shift(void **state) {
        _cleanup_(value_freep) Value *rows = rows_new();
        _cleanup_(freep) char *table = table_of(rows, 0, true);

        (void) state;

        assert_non_null(strstr(table, "   7  \x1b[32mrunning\x1b[0m  [#####-----]  backup\n"));
        assert_non_null(strstr(table, "1234  \x1b[33mpaused\x1b[0m                 日本"));
}

static void no_rows_are_no_table_and_an_empty_array(void **state) {
        _cleanup_(value_freep) Value *rows = value_new_list();
        _cleanup_(freep) char *table = table_of(rows, 0, false), *json = NULL;
        Text text = {};

        (void) state;

        assert_string_equal(table, "");
        columns_append_json(&text, columns, ELEMENTSOF(columns), rows);
        json = text_take(&text);
        assert_string_equal(json, "[]");
}

static void json_has_the_same_rows_with_null_for_what_is_absent(void **state) {
        _cleanup_(value_freep) Value *rows = rows_new();
        _cleanup_(freep) char *json = NULL;
        Text text = {};

        (void) state;

        columns_append_json(&text, columns, ELEMENTSOF(columns), rows);
        json = text_take(&text);
        assert_string_equal(json,
                            "[{\"Id\":7,\"Phase\":\"running\",\"Progress\":50,\"Name\":\"backup\"},"
                            "{\"Id\":1234,\"Phase\":\"paused\",\"Progress\":0,\"Name\":\"日本\\u000a語 of a longer kind\"},"
                            "{\"Id\":9,\"Phase\":\"ready\",\"Progress\":0,\"Name\":null}]");
}

static void headings_are_the_names_in_capitals(void **state) {
        char heading[64];
        Column column;

        (void) state;

        column = column_of_property(property_find("owner"), heading);
        assert_string_equal(column.name, "Owner");
        assert_string_equal(column.heading, "OWNER");
        column = column_of_property(property_find("StartTime"), heading);
        assert_string_equal(column.heading, "STARTED");
        assert_null(property_find("Nonsense"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_table_is_aligned_by_what_is_seen),
                cmocka_unit_test(a_task_without_a_total_has_no_bar),
                cmocka_unit_test(a_line_is_never_wider_than_the_terminal),
                cmocka_unit_test(color_is_added_and_does_not_shift),
                cmocka_unit_test(no_rows_are_no_table_and_an_empty_array),
                cmocka_unit_test(json_has_the_same_rows_with_null_for_what_is_absent),
                cmocka_unit_test(headings_are_the_names_in_capitals),
        };

        return cmocka_run_group_tests(tests, set_up, NULL);
}
