/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "lib/base/text.h"
#include "supervisor/settings/ini-file.h"
#include "tests/kit/tree.h"
#include "tests/kit/unit.h"

/* The text that @bytes settle to (no key is a list), or the sentence of the refusal. The caller's. */
static char *read_bytes(const char *bytes, size_t size) {
        _cleanup_(ini_file_done) IniFile ini = {};
        SettingsFault fault = {};
        int r;

        r = ini_file_parse(&ini, "f", bytes, size, &fault);
        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                return strdup(fault.sentence);
        }
        return ini_file_text(&ini);
}

#define assert_read(text, expected) do { \
                _cleanup_(freep) char *_read = read_bytes(text, sizeof(text) - 1); \
                assert_string_equal(_read, expected); \
        } while (0)

static void comments_stand_at_the_beginning_of_a_line_only(void **state) {
        assert_read("# c\n[A]\n ; c=d\nK=v ; no # comment\n", "[A]\nK=v ; no # comment\n");
        assert_read("[A]\nK=v#x;y", "[A]\nK=v#x;y\n");
        assert_read("[A]\nK=;v\nL=#w\n", "[A]\nK=;v\nL=#w\n");
}

static void white_space_around_does_not_count(void **state) {
        assert_read("  [A]  \n\t K \t=  v w \t\n   L=x\n", "[A]\nK=v w\nL=x\n");
        assert_read("[A]\r\nK=v\r\n", "[A]\nK=v\n");
        assert_read("[A]\nK=\n", "[A]\nK=\n");
        assert_read("", "");
        assert_read("\n\n", "");
}

static void a_value_may_hold_what_separates_elsewhere(void **state) {
        assert_read("[A]\nK=a=b:c [d]\nL:x=1\n", "f:3: `L:x` is not the name of a key; names are made of letters and digits.");
        assert_read("[A]\nK=a=b:c [d]\n", "[A]\nK=a=b:c [d]\n");
}

static void a_backslash_at_the_end_continues_the_line(void **state) {
        assert_read("[A]\nK=a \\\n   b\\\nc\n", "[A]\nK=a  b c\n");
        assert_read("[A]\nK=a\\\n# left out\n; too\nb\n", "[A]\nK=a b\n");
        assert_read("[A]\nK=a\\\n\nL=b\n", "[A]\nK=a\nL=b\n");
        assert_read("[A]\nK=a\\  \nb\n", "[A]\nK=a b\n");
        assert_read("[A]\nK=a\\\\\nL=b\n", "[A]\nK=a\\\\\nL=b\n");
        assert_read("[A]\nK=a\\\\\\\nb\n", "[A]\nK=a\\\\ b\n");
        assert_read("# a comment does not go on \\\n[A]\nK=v", "[A]\nK=v\n");
        assert_read("[A]\nK=a\\", "f:2: The last line ends in a backslash, but nothing follows.");
        assert_read("[A]\nK=a\\ \\\n\nL=b", "f:2: K= ends in a backslash; write \\\\ for one.");
}

static void long_names_and_values_are_whole(void **state) {
        _cleanup_(freep) char *text = malloc(70000), *back = NULL;
        size_t head;

        (void) strcpy(text, "[Parameter aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\nKey=");
        head = strlen(text);
        memset(text + head, 'x', 65536);
        (void) strcpy(text + head + 65536, "\n");
        back = read_bytes(text, strlen(text));
        assert_string_equal(back, text);
}

/* a line longer than inih's buffer must not become two */
static void no_key_is_smuggled_in_at_the_end_of_a_long_line(void **state) {
        char text[600] = "[A]\nK=";
        _cleanup_(freep) char *back = NULL;

        memset(text + 6, ' ', 300);
        text[6] = 'v';
        (void) strcpy(text + 306, "ExecStart=/bin/evil\n");
        back = read_bytes(text, strlen(text));
        assert_string_equal(back, text);
}

static void a_value_of_more_than_64_kib_is_refused(void **state) {
        _cleanup_(freep) char *text = malloc(70000), *back = NULL;

        (void) strcpy(text, "[A]\nK=");
        memset(text + 6, 'x', 65537);
        text[6 + 65537] = '\0';
        back = read_bytes(text, strlen(text));
        assert_string_equal(back, "f:2: K= is longer than 64 KiB.");
}

static void what_is_no_text_is_refused_with_its_line(void **state) {
        assert_read("[A]\n\nK=a\0b\n", "f:3: A NUL byte; this is not a text file.");
        assert_read("[A]\nK=\xff\n", "f:2: The line is not valid UTF-8; save the file as UTF-8.");
        assert_read("# \xe9t\xe9\n", "f:1: The line is not valid UTF-8; save the file as UTF-8.");
        assert_read("[A]\nK=a\x1b[0m\n", "f:2: The line holds a control character; remove it.");
        assert_read("[A]\nK=a\tb\n", "[A]\nK=a\tb\n");
        assert_read("[A]\nK=\xc3\xa9\n", "[A]\nK=\xc3\xa9\n");
}

static void a_byte_order_mark_is_ignored_at_the_beginning_only(void **state) {
        assert_read("\xef\xbb\xbf[A]\nK=v\n", "[A]\nK=v\n");
        assert_read("\xef\xbb\xbf", "");
        assert_read("[A]\n\xef\xbb\xbfK=v\n", "f:2: `\xef\xbb\xbfK` is not the name of a key; names are made of letters and digits.");
}

static void lines_that_are_neither_are_refused(void **state) {
        assert_read("[A]\nK\n", "f:2: K is neither [Section] nor Key=value; is there a `=` missing?");
        assert_read("[A]\nK: v\n", "f:2: K: v is neither [Section] nor Key=value; is there a `=` missing?");
        assert_read("[A]\n=v\n", "f:2: `` is not the name of a key; names are made of letters and digits.");
        assert_read("[A] # x\n", "f:1: [A] # x is not a heading; write [Section], and comments in lines of their own.");
        assert_read("[A\n", "f:1: [A is not a heading; write [Section], and comments in lines of their own.");
        assert_read("[]\n", "f:1: [] is not a heading; write [Section], and comments in lines of their own.");
        assert_read("[\n", "f:1: [ is not a heading; write [Section], and comments in lines of their own.");
        assert_read("K=v\n", "f:1: K= stands before the first [Section].");
}

static void the_line_of_a_continued_one_is_its_first(void **state) {
        assert_read("[A]\nK=a\\\n b\nL\n", "f:4: L is neither [Section] nor Key=value; is there a `=` missing?");
        assert_read("[A]\nK\\\n b\\\nc\n", "f:2: K b c is neither [Section] nor Key=value; is there a `=` missing?");
}

static void sections_are_one_however_often_they_are_opened_and_known_without_keys(void **state) {
        assert_read("[A]\nK=1\n[B]\n[A]\nL=2\n", "[A]\nK=1\nL=2\n\n[B]\n");
}

static void a_file_has_a_bounded_number_of_lines(void **state) {
        Text text = {};
        _cleanup_(freep) char *whole = NULL, *back = NULL;

        text_append(&text, "[A]\n");
        for (int i = 0; i < 10000; i++)
                text_append(&text, "K=v\n");
        whole = text_take(&text);
        back = read_bytes(whole, strlen(whole));
        assert_string_equal(back, "f:10001: More than 10000 lines; divide it.");
}

static bool is_list(const char *section, const char *key) {
        return *key == 'L';
}

/* The text that two files settle to, one upon the other. */
static char *settle(const char *first, const char *second) {
        _cleanup_(ini_file_done) IniFile ini = {};
        SettingsFault fault = {};

        assert_int_equal(ini_file_parse(&ini, "1", first, strlen(first), &fault), 0);
        assert_int_equal(ini_file_parse(&ini, "2", second, strlen(second), &fault), 0);
        ini_file_settle(&ini, is_list);
        return ini_file_text(&ini);
}

#define assert_settled(first, second, expected) do { \
                _cleanup_(freep) char *_text = settle(first, second); \
                assert_string_equal(_text, expected); \
        } while (0)

static void the_last_value_counts_in_the_place_of_the_first(void **state) {
        assert_settled("[A]\nK=1\nM=2\nK=3\n", "[A]\nK=4\n", "[A]\nK=4\nM=2\n");
        assert_settled("[A]\nK=1\n", "[A]\nK=\n", "[A]\n");
        assert_settled("[A]\nK=1\n", "[A]\nK=\nK=2\n", "[A]\nK=2\n");
}

static void the_values_of_a_list_add_up_until_an_empty_one(void **state) {
        assert_settled("[A]\nL=1\nK=x\nL=2\n", "[A]\nL=3\n", "[A]\nL=1\nK=x\nL=2\nL=3\n");
        assert_settled("[A]\nL=1\nL=2\n", "[A]\nL=\nL=3\n", "[A]\nL=3\n");
        assert_settled("[A]\nL=1\n", "[A]\nL=\n", "[A]\n");
}

static void keys_remember_where_they_were_set(void **state) {
        _cleanup_(ini_file_done) IniFile ini = {};
        SettingsFault fault = {};
        SettingsOrigin origin;

        assert_int_equal(ini_file_parse(&ini, "one", "\n[A]\nK=1\n", 9, &fault), 0);
        assert_int_equal(ini_file_parse(&ini, "two", "[A]\n\n\nK=2\n", 10, &fault), 0);
        ini_file_settle(&ini, is_list);

        origin = ini_file_origin(&ini, "A", "K");
        assert_string_equal(origin.path, "two");
        assert_int_equal(origin.line, 4);
        origin = ini_file_origin(&ini, "A", "X");
        assert_string_equal(origin.path, "one");
        assert_int_equal(origin.line, 2);
        origin = ini_file_origin(&ini, "B", "X");
        assert_string_equal(origin.path, "one");
        assert_int_equal(origin.line, 0);
}

static void a_value_from_no_file_is_one_that_a_file_could_hold(void **state) {
        _cleanup_(ini_file_done) IniFile ini = {};
        _cleanup_(freep) char *text = NULL;
        SettingsFault fault = {};

        assert_int_equal(ini_file_add(&ini, "A", "K", "  v ; \\\\ ", &fault), 0);
        assert_int_equal(ini_file_add(&ini, "A", "K", "a\nEvil=1", &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "line break"));
        assert_int_equal(ini_file_add(&ini, "A", "K", "a\\", &fault), -EINVAL);
        assert_int_equal(ini_file_add(&ini, "A", "K", "\xff", &fault), -EINVAL);
        assert_int_equal(ini_file_add(&ini, "B", "K", "", &fault), 0);
        text = ini_file_text(&ini);
        assert_string_equal(text, "[A]\nK=v ; \\\\\n\n[B]\nK=\n");
}

static void only_regular_files_of_a_bounded_size_are_read(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(ini_file_done) IniFile ini = {};
        _cleanup_(freep) char *large = calloc(1, 1024 * 1024 + 1);
        SettingsFault fault = {};
        char path[256];

        tree_path(&tree, "fifo", path);
        assert_int_equal(mkfifo(path, 0644), 0);
        assert_int_equal(ini_file_read(&ini, path, false, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "not a regular file"));

        assert_int_equal(ini_file_read(&ini, tree.path, false, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "not a regular file"));

        tree_path(&tree, "missing", path);
        assert_int_equal(ini_file_read(&ini, path, false, &fault), -ENOENT);
        assert_non_null(strstr(fault.sentence, "missing cannot be opened: No such file"));

        tree_write_bytes(&tree, "large", large, 1024 * 1024 + 1);
        tree_path(&tree, "large", path);
        assert_int_equal(ini_file_read(&ini, path, false, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "larger than 1 MiB"));
}

static void a_guarded_file_is_not_believed_if_everybody_may_write_to_it(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(ini_file_done) IniFile ini = {};
        SettingsFault fault = {};
        char path[256];

        tree_write(&tree, "f", "[A]\nK=v\n");
        tree_path(&tree, "f", path);
        assert_int_equal(ini_file_read(&ini, path, true, &fault), 0);
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(ini_file_read(&ini, path, true, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "Everybody may write"));
        assert_int_equal(ini_file_read(&ini, path, false, &fault), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(comments_stand_at_the_beginning_of_a_line_only),
                cmocka_unit_test(white_space_around_does_not_count),
                cmocka_unit_test(a_value_may_hold_what_separates_elsewhere),
                cmocka_unit_test(a_backslash_at_the_end_continues_the_line),
                cmocka_unit_test(long_names_and_values_are_whole),
                cmocka_unit_test(no_key_is_smuggled_in_at_the_end_of_a_long_line),
                cmocka_unit_test(a_value_of_more_than_64_kib_is_refused),
                cmocka_unit_test(what_is_no_text_is_refused_with_its_line),
                cmocka_unit_test(a_byte_order_mark_is_ignored_at_the_beginning_only),
                cmocka_unit_test(lines_that_are_neither_are_refused),
                cmocka_unit_test(the_line_of_a_continued_one_is_its_first),
                cmocka_unit_test(sections_are_one_however_often_they_are_opened_and_known_without_keys),
                cmocka_unit_test(a_file_has_a_bounded_number_of_lines),
                cmocka_unit_test(the_last_value_counts_in_the_place_of_the_first),
                cmocka_unit_test(the_values_of_a_list_add_up_until_an_empty_one),
                cmocka_unit_test(keys_remember_where_they_were_set),
                cmocka_unit_test(a_value_from_no_file_is_one_that_a_file_could_hold),
                cmocka_unit_test(only_regular_files_of_a_bounded_size_are_read),
                cmocka_unit_test(a_guarded_file_is_not_believed_if_everybody_may_write_to_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
