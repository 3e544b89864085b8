/* SPDX-License-Identifier: MIT */

/*
 * The text of a type makes the same type again, whatever file it came from:
 * random files of random keys and values, laid out at random. The seed of a
 * failure is printed; BGT_TEST_SEED starts there.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/settings/parse.h"
#include "supervisor/settings/type-file.h"
#include "supervisor/settings/type-table.h"
#include "tests/kit/type-dump.h"
#include "tests/kit/unit.h"

#define ROUNDS 4000

/* xorshift64* */
static uint64_t random_state;

static size_t random_below(size_t n) {
        random_state ^= random_state >> 12;
        random_state ^= random_state << 25;
        random_state ^= random_state >> 27;
        return (size_t) ((random_state * 0x2545f4914f6cdd1dULL) >> 33) % n;
}

/* What values of each parser may look like; most are good. */
static const struct {
        SettingParse parse;
        const char *values[8];
} pools[] = {
        { parse_text, { "a ; b # c", "\"quoted", "\xe2\x82\xac \xc3\xa9", "back\\\\slash\\\\", "= [x] =", "tab\there", "%s %n $", "'" } },
        { parse_command, { "/bin/x 'a ; b' \"c\\n\"", "x ${p} --q=${q}${p} $$", "/bin/sh -c 'echo \"$$x\" # y'", "x '' \"\"", "x \\x41\\\\",
                           "x ${undeclared}", "x   a\tb", "x \xe2\x82\xac" } },
        { parse_path, { "/", "/a b", "/\xc3\xa9", "/;#", "relative", "/a\\\\", "/x", "/y" } },
        { parse_environment, { "A=1", "'B=two words' C=", "A=2 D=\\x41", "E=;#", "BAD", "'F=\"'", "G==", "H=\\\\" } },
        { parse_accounts, { "root", "a,b c", "1000", "a b", "@bad", "x", "y", "z" } },
        { parse_account, { "root", "1000", "a-b", "a.b", "a b", "x", "y", "z" } },
        { parse_boolean, { "yes", "no", "1", "0", "on", "False", "maybe", "t" } },
        { parse_span, { "0", "5", "1min 30s", "500ms", "2h", "infinity", "7d", "1us" } },
        { parse_deadline, { "0", "5", "1min 30s", "500ms", "2h", "infinity", "7d", "1us" } },
        { parse_count, { "1", "2", "10", "100", "0", "-1", "7", "9999" } },
        { parse_count_or_forever, { "0", "-1", "3", "-2", "1", "2", "99", "5" } },
        { parse_priority, { "0", "-5", "2147483647", "-2147483648", "1", "x", "7", "8" } },
        { parse_bytes, { "1M", "64K", "4096", "1", "1G", "infinity", "5000", "2T" } },
        { parse_memory, { "1G", "infinity", "20%", "0", "1", "100%", "2T", "4096" } },
        { parse_cpu_quota, { "20%", "200%", "0%", "5%", "20", "1%", "99%", "100%" } },
        { parse_tasks, { "1", "infinity", "500", "0", "7", "8", "9", "10" } },
        { parse_exit_statuses, { "0 3 10-12", "1,2", "255", "0-255", "256", "7", "8", "9" } },
        { parse_signal, { "SIGTERM", "INT", "9", "SIGFOO", "USR1", "64", "HUP", "1" } },
        { parse_keys, { "CPUWeight", "Limits.MemoryMax, TasksMax", "Environment", "User", "Nothing", "Pause", "Priority", "IOWeight" } },
        { parse_choices, { "a b", "'c d',e", "a", "\"\\x41\"", "''", "x,y", "f", "g" } },
        { parse_pattern, { "[a-z]+", ".*", "a{1,3}", "[;#]", "(", "\\\\.\\\\", "a|b", ".*" } },
        { parse_name, { "default", "a.b", "x-1", "9", "a b", "n", "m", "o" } },
        { parse_namespace, { "default", "a.b", "x-1", "tasks", "io.max", "n", "m", "o" } },
        { parse_umask, { "022", "0", "777", "888", "0077", "7", "27", "002" } },
        { parse_exit_status, { "1", "255", "0", "130", "2", "3", "4", "5" } },
        { parse_parameter_name, { "p", "q", "undeclared", "${p}", "p", "q", "p", "q" } },
        { parse_address, { "root", "a@b.c", "-x", "a b", "x", "y", "z", "w" } },
};

static const char *random_value(const Setting *setting) {
        if (random_below(12) == 0)
                return "";
        if (setting->words)
                for (size_t n = random_below(6);; n--) {
                        const SettingWord *w = setting->words + n % 3;

                        if (w->word)
                                return w->word;
                }
        for (size_t i = 0; i < ELEMENTSOF(pools); i++)
                if (pools[i].parse == setting->parse)
                        return pools[i].values[random_below(8)];
        return "x";
}

/* The line in one of the ways of writing it: continued at a blank, with comments between, with other line ends. */
static void append_line(Text *text, const char *key, const char *value) {
        static const char *const ends[] = { "\n", " \n", "\r\n", "\n\n", "\n# between\n", "\n ; = [x]\n" };

        text_appendf(text, "%s%s%s=%s", random_below(3) ? "" : " \t", key, random_below(3) ? "" : " ", random_below(3) ? "" : "\t");
        for (; *value; value++) {
                if (*value == ' ' && random_below(3) == 0)
                        text_append(text, random_below(2) ? " \\\n\t" : "\\\r\n# inside\n");
                else
                        text_append_char(text, *value);
        }
        text_append(text, ends[random_below(ELEMENTSOF(ends))]);
}

static const Setting *random_setting(const char *kind) {
        size_t n = 0;

        for (const Setting *s = type_table.settings; s->key; s++)
                n += strcmp(s->section, kind) == 0;
        if (n == 0)
                return NULL;
        n = random_below(n);
        for (const Setting *s = type_table.settings;; s++)
                if (strcmp(s->section, kind) == 0 && n-- == 0)
                        return s;
}

static void append_display(Text *text) {
        static const char *const names[] = { "Database", "File", "a.b" };
        static const char *const values[] = { "${p} | Label | p", "plain", "${details}|;|#", "", "$$ | | x", "${q} ; # | L | p | more" };

        append_line(text, names[random_below(ELEMENTSOF(names))], values[random_below(ELEMENTSOF(values))]);
}

static char *random_file(void) {
        static const char *const kinds[] = { "Task", "Control", "Parameter", "Progress", "Display", "Schedule", "Limits", "Hooks" };
        Text text = {};

        text_append(&text, "[Task]\nExecStart=/bin/true\n[Parameter p]\n[Parameter q]\n");
        for (size_t n = random_below(6); n > 0; n--) {
                const char *kind = kinds[random_below(ELEMENTSOF(kinds))];
                bool is_parameter = strcmp(kind, "Parameter") == 0;

                text_appendf(&text, " [%s%s] \n", kind, !is_parameter ? "" : random_below(2) ? " p" : " r");
                for (size_t m = random_below(4); m > 0; m--) {
                        const Setting *setting = random_setting(kind);

                        if (setting)
                                append_line(&text, setting->key, random_value(setting));
                        else
                                append_display(&text);
                }
        }
        return text_take(&text);
}

static void the_text_of_a_type_makes_the_same_type(void **state) {
        const char *first = getenv("BGT_TEST_SEED");
        uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
        size_t n_good = 0;

        for (uint64_t last = seed + ROUNDS; seed < last; seed++) {
                _cleanup_(freep) char *file = NULL, *dump = NULL, *dump_again = NULL;
                _cleanup_(task_type_unrefp) TaskType *type = NULL, *again = NULL;
                SettingsFault fault;

                random_state = seed * 0x9e3779b97f4a7c15ULL;
                file = random_file();
                if (type_file_parse("t", file, &type, &fault) < 0) {
                        assert_string_not_equal(fault.sentence, "");
                        continue;
                }
                n_good++;
                if (type_file_parse("t", type->text, &again, &fault) < 0)
                        fail_msg("seed %llu: %s\n%s\n-- became --\n%s", (unsigned long long) seed, fault.sentence, file, type->text);
                dump = type_dump(type);
                dump_again = type_dump(again);
                if (strcmp(dump, dump_again) != 0)
                        fail_msg("seed %llu:\n%s\n-- became --\n%s", (unsigned long long) seed, file, type->text);
        }
        /* the generator must not get lost in what is refused */
        assert_in_range(n_good, ROUNDS / 4, ROUNDS);
}

static void every_kind_of_value_is_among_the_random_ones(void **state) {
        for (const Setting *s = type_table.settings; s->key; s++) {
                bool found = s->words != NULL;

                for (size_t i = 0; i < ELEMENTSOF(pools); i++)
                        found = found || pools[i].parse == s->parse;
                assert_true(found);
        }
}

static void an_empty_heading_keeps_its_parameter(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = NULL, *again = NULL;
        SettingsFault fault;

        assert_int_equal(type_file_parse("t", "[Task]\nExecStart=/bin/true\n[Parameter a]\nLabel=x\nLabel=\n", &type, &fault), 0);
        assert_int_equal(type_file_parse("t", type->text, &again, &fault), 0);
        assert_int_equal(again->n_parameters, 1);
        assert_string_equal(again->text, type->text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_kind_of_value_is_among_the_random_ones),
                cmocka_unit_test(an_empty_heading_keeps_its_parameter),
                cmocka_unit_test(the_text_of_a_type_makes_the_same_type),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
