/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "lib/base/strv.h"
#include "supervisor/settings/type-file.h"
#include "tests/kit/tree.h"
#include "tests/kit/unit.h"

static int load(const Tree *tree, TypeSet **ret, SettingsFault *fault) {
        _cleanup_(settings_paths_done) SettingsPaths paths = {};
        char path[256];

        tree_path(tree, "etc", path);
        assert_int_equal(strv_append(&paths.directories, path), 0);
        tree_path(tree, "usr", path);
        assert_int_equal(strv_append(&paths.directories, path), 0);
        return type_set_load(&paths, ret, fault);
}

static TypeSet *load_good(const Tree *tree) {
        TypeSet *set = NULL;
        SettingsFault fault;
        int r;

        r = load(tree, &set, &fault);
        if (r < 0)
                print_error("%s\n", fault.sentence);
        assert_int_equal(r, 0);
        return set;
}

static void no_directories_make_an_empty_set(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(type_set_freep) TypeSet *set = load_good(&tree);

        assert_int_equal(set->n_types, 0);
        assert_null(type_set_find(set, "a"));
}

static void types_are_found_by_name(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(type_set_freep) TypeSet *set = NULL;

        tree_write(&tree, "etc/types.d/a.ini", "[Task]\nExecStart=/bin/a\n");
        tree_write(&tree, "etc/types.d/a-b.ini", "[Task]\nExecStart=/bin/b\n");
        tree_write(&tree, "usr/types.d/a.b.ini", "[Task]\nExecStart=/bin/c\n");
        tree_write(&tree, "usr/types.d/Z.ini", "[Task]\nExecStart=/bin/d\n");
        tree_write(&tree, "usr/types.d/README", "not a type");
        tree_write(&tree, "usr/types.d/.a.ini.swp", "not a type");
        tree_write(&tree, "usr/types.d/.#a.ini", "not a type");
        set = load_good(&tree);

        assert_int_equal(set->n_types, 4);
        assert_string_equal(type_set_find(set, "a")->exec_start[0], "/bin/a");
        assert_string_equal(type_set_find(set, "a-b")->exec_start[0], "/bin/b");
        assert_string_equal(type_set_find(set, "a.b")->exec_start[0], "/bin/c");
        assert_string_equal(type_set_find(set, "Z")->exec_start[0], "/bin/d");
        assert_null(type_set_find(set, "z"));
        for (size_t i = 1; i < set->n_types; i++)
                assert_true(strcmp(set->types[i - 1]->name, set->types[i]->name) < 0);
}

static void a_file_of_the_first_directory_hides_and_an_empty_one_masks(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(type_set_freep) TypeSet *set = NULL;
        char path[256];

        tree_write(&tree, "usr/types.d/a.ini", "[Task]\nExecStart=/bin/usr\nDescription=from usr\n");
        tree_write(&tree, "etc/types.d/a.ini", "[Task]\nExecStart=/bin/etc\n");
        tree_write(&tree, "usr/types.d/null.ini", "not even good");
        tree_link(&tree, "etc/types.d/null.ini", "/dev/null");
        tree_write(&tree, "usr/types.d/empty.ini", "not even good");
        tree_write(&tree, "etc/types.d/empty.ini", "");
        set = load_good(&tree);

        assert_int_equal(set->n_types, 1);
        assert_string_equal(set->types[0]->exec_start[0], "/bin/etc");
        assert_null(set->types[0]->description);
        tree_path(&tree, "etc/types.d/a.ini", path);
        assert_string_equal(set->types[0]->path, path);
}

static void drop_ins_of_all_directories_stand_on_top_by_name(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(type_set_freep) TypeSet *set = NULL;
        TaskType *a;

        tree_write(&tree, "usr/types.d/a.ini",
                   "[Task]\nExecStart=/bin/a\nEnvironment=A=1\nDescription=usr\n[Display]\nOne=1\nTwo=2\n[Limits]\nTasksMax=1\n");
        tree_write(&tree, "usr/types.d/a.ini.d/50.ini", "[Task]\nDescription=50\nEnvironment=B=2\n");
        tree_write(&tree, "etc/types.d/a.ini.d/10.ini", "[Task]\nDescription=10\nExecStart=/bin/b ${x}\n[Parameter x]\n[Limits]\nTasksMax=\n");
        tree_write(&tree, "usr/types.d/a.ini.d/60.ini", "bad");
        tree_write(&tree, "etc/types.d/a.ini.d/60.ini", "[Display]\nOne=uno\nThree=3\n");
        tree_write(&tree, "usr/types.d/a.ini.d/70.ini", "bad");
        tree_link(&tree, "etc/types.d/a.ini.d/70.ini", "/dev/null");
        tree_write(&tree, "etc/types.d/a.ini.d/80.conf", "not a drop-in");
        tree_write(&tree, "etc/types.d/nothing.ini.d/10.ini", "of no type");
        set = load_good(&tree);

        assert_int_equal(set->n_types, 1);
        a = type_set_find(set, "a");
        assert_string_equal(a->description, "50");
        assert_string_equal(a->exec_start[0], "/bin/b");
        assert_int_equal(strv_length(a->environment), 2);
        assert_int_equal(a->n_parameters, 1);
        assert_true(a->limits.tasks_max == UINT64_MAX);
        assert_int_equal(a->n_display, 3);
        assert_string_equal(a->display[0].value, "uno");
        assert_string_equal(a->display[2].name, "Three");
        assert_string_equal(a->text,
                            "[Task]\nExecStart=/bin/b ${x}\nEnvironment=A=1\nDescription=50\nEnvironment=B=2\n\n"
                            "[Display]\nOne=uno\nTwo=2\nThree=3\n\n[Limits]\n\n[Parameter x]\n");
}

static void one_bad_file_fails_the_load_and_is_named(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        TypeSet *set = NULL;
        SettingsFault fault;

        tree_write(&tree, "usr/types.d/a.ini", "[Task]\nExecStart=/bin/a\n");
        tree_write(&tree, "usr/types.d/a.ini.d/x.ini", "[Control]\n\nPause=never\n");
        assert_int_equal(load(&tree, &set, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "usr/types.d/a.ini.d/x.ini:3: Pause=never is not known; use none, poll or direct."));

        tree_write(&tree, "usr/types.d/a.ini.d/x.ini", "[Control]\nPause=none\n");
        tree_write(&tree, "etc/types.d/my type.ini", "[Task]\nExecStart=/bin/a\n");
        assert_int_equal(load(&tree, &set, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "etc/types.d/my type.ini: `my type` is no name for a type"));
        assert_null(set);
}

static void the_built_in_types_name_is_taken(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        TypeSet *set = NULL;
        SettingsFault fault;

        tree_write(&tree, "etc/types.d/command.ini", "[Task]\nExecStart=/bin/a\n");
        assert_int_equal(load(&tree, &set, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "The type command is built in"));
}

static void a_type_that_everybody_may_write_is_refused(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        TypeSet *set = NULL;
        SettingsFault fault;
        char path[256];

        tree_write(&tree, "etc/types.d/a.ini", "[Task]\nExecStart=/bin/a\n");
        tree_write(&tree, "etc/types.d/a.ini.d/1.ini", "[Task]\nExecStart=/bin/b\n");
        tree_path(&tree, "etc/types.d/a.ini.d/1.ini", path);
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(load(&tree, &set, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "a.ini.d/1.ini: Everybody may write to this file"));
        assert_null(set);
}

static void a_directory_in_the_place_of_a_file_is_named(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        TypeSet *set = NULL;
        SettingsFault fault;

        tree_write(&tree, "etc/types.d/a.ini/x", "");
        assert_int_equal(load(&tree, &set, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "types.d/a.ini: This is not a regular file."));
}

static void a_types_d_that_is_no_directory_is_named(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        TypeSet *set = NULL;
        SettingsFault fault;

        tree_write(&tree, "etc/types.d", "");
        assert_int_equal(load(&tree, &set, &fault), -ENOTDIR);
        assert_non_null(strstr(fault.sentence, "etc/types.d cannot be read: Not a directory."));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_directories_make_an_empty_set),
                cmocka_unit_test(types_are_found_by_name),
                cmocka_unit_test(a_file_of_the_first_directory_hides_and_an_empty_one_masks),
                cmocka_unit_test(drop_ins_of_all_directories_stand_on_top_by_name),
                cmocka_unit_test(one_bad_file_fails_the_load_and_is_named),
                cmocka_unit_test(the_built_in_types_name_is_taken),
                cmocka_unit_test(a_type_that_everybody_may_write_is_refused),
                cmocka_unit_test(a_directory_in_the_place_of_a_file_is_named),
                cmocka_unit_test(a_types_d_that_is_no_directory_is_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
