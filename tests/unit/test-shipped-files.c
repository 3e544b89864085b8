/* SPDX-License-Identifier: MIT */

/*
 * What is shipped in conf/ says what the tables of keys say. After a change of
 * a table the two files are printed anew: BGT_UPDATE=1 test-shipped-files.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/type-file.h"
#include "supervisor/settings/type-table.h"
#include "tests/kit/tree.h"
#include "tests/kit/unit.h"

static char *source_path(const char *name) {
        const char *source = getenv("BGT_SOURCE_DIR");

        return text_format("%s/%s", source ? source : ".", name);
}

static char *read_all(const char *path) {
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        Text text = {};
        char part[4096];
        ssize_t n;

        if (fd < 0)
                return NULL;
        while ((n = read(fd, part, sizeof part)) > 0)
                text_append_bytes(&text, part, (size_t) n);
        return text_take(&text);
}

static char *print_all(int (*print)(FILE *)) {
        char *text = NULL;
        size_t size;
        FILE *file = open_memstream(&text, &size);

        assert_non_null(file);
        assert_int_equal(print(file), 0);
        assert_int_equal(fclose(file), 0);
        return text;
}

static void compare(const char *name, int (*print)(FILE *)) {
        _cleanup_(freep) char *path = source_path(name), *printed = print_all(print), *shipped = NULL;

        if (getenv("BGT_UPDATE")) {
                FILE *file = fopen(path, "we");

                assert_non_null(file);
                assert_int_equal(print(file), 0);
                assert_int_equal(fclose(file), 0);
        }
        shipped = read_all(path);
        if (!shipped)
                fail_msg("%s is missing", path);
        if (strcmp(shipped, printed) != 0)
                fail_msg("%s is not what the table prints; run this test with BGT_UPDATE=1", path);
}

static void the_configuration_is_what_the_table_prints(void **state) {
        compare("conf/bgtd.conf", settings_print);
}

static void the_example_type_is_what_the_table_prints(void **state) {
        compare("conf/types.d/type.ini.example", type_file_print);
}

static void printed_files_fit_80_columns(void **state) {
        int (*const prints[])(FILE *) = { settings_print, type_file_print };

        for (size_t i = 0; i < ELEMENTSOF(prints); i++) {
                _cleanup_(freep) char *text = print_all(prints[i]);

                for (char *line = text, *end; *line; line = end + 1) {
                        end = strchr(line, '\n');
                        assert_true(end - line <= 80);
                        assert_true(end == line || end[-1] != ' ');
                }
        }
}

/* The printed text with every key that has a default taken out of its comment. */
static char *uncommented(int (*print)(FILE *)) {
        _cleanup_(freep) char *text = print_all(print);
        char *state = NULL;
        Text out = {};

        for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
                bool is_key = line[0] == '#' && line[1] != ' ' && line[1] && line[strlen(line) - 1] != '=';

                text_append(&out, is_key ? line + 1 : line);
                text_append_char(&out, '\n');
        }
        return text_take(&out);
}

static void every_default_of_the_configuration_is_good_when_written_out(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_paths_done) SettingsPaths paths = {};
        _cleanup_(settings_freep) Settings *plain = NULL, *written = NULL;
        _cleanup_(freep) char *text = uncommented(settings_print);
        SettingsFault fault = {};

        assert_int_equal(settings_paths_default(tree.path, false, &paths), 0);
        assert_int_equal(settings_load(&paths, &plain, &fault), 0);
        tree_write(&tree, "bgtd.conf", text);
        if (settings_load(&paths, &written, &fault) < 0)
                fail_msg("%s", fault.sentence);
        assert_int_equal(written->n_namespaces, 1);
        assert_int_equal(written->n_devices, 1);

        /* all that stands before the lists of sections is numbers, and NULL in both */
        assert_memory_equal(plain, written, offsetof(Settings, namespaces));
}

static void every_default_of_a_type_is_good_when_written_out(void **state) {
        _cleanup_(freep) char *text = uncommented(type_file_print), *with_command = NULL;
        _cleanup_(task_type_unrefp) TaskType *type = NULL;
        SettingsFault fault = {};

        with_command = text_format("[Task]\nExecStart=/bin/true\n%s", text);
        if (type_file_parse("t", with_command, &type, &fault) < 0)
                fail_msg("%s", fault.sentence);
        assert_int_equal(type->n_parameters, 1);
        assert_int_equal(type->cancel_exit_status, 130);
}

static void the_examples_are_good_types(void **state) {
        static const char *const names[] = { "checksum", "compress", "encrypt" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(freep) char *below = text_format("conf/examples/%s.ini", names[i]), *path = source_path(below);
                _cleanup_(task_type_unrefp) TaskType *type = NULL;
                _cleanup_(strv_freep) char **remarks = NULL;
                SettingsFault fault = {};

                if (type_file_load(path, &type, &fault) < 0)
                        fail_msg("%s", fault.sentence);
                assert_string_equal(type->name, names[i]);
                assert_int_equal(type_file_remarks(type, &remarks), 0);
                assert_null(remarks);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_configuration_is_what_the_table_prints),
                cmocka_unit_test(the_example_type_is_what_the_table_prints),
                cmocka_unit_test(printed_files_fit_80_columns),
                cmocka_unit_test(every_default_of_the_configuration_is_good_when_written_out),
                cmocka_unit_test(every_default_of_a_type_is_good_when_written_out),
                cmocka_unit_test(the_examples_are_good_types),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
