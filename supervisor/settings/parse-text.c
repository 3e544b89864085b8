/* SPDX-License-Identifier: MIT */

/*
 * Values that are strings and lists of them. Nothing here is resolved: users
 * and files are looked for when a task starts.
 */

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/command-line.h"
#include "supervisor/settings/pattern.h"
#include "supervisor/settings/parse.h"

#define SEPARATORS " \t,"
#define LIST_MAX 1000U

static int string_set(void *field, const char *text) {
        char **string = field, *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        free(*string);
        *string = copy;
        return 0;
}

int parse_text(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        return string_set(field, text);
}

int parse_name(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        if (!text_is_name(text))
                return fault_set(fault, "is not a name; use up to 63 letters, digits, `_`, `.` and `-`, a letter or digit first");
        return string_set(field, text);
}

/* The kernel's files in a cgroup are called CONTROLLER.SOMETHING, and on v1 some have no dot. */
bool namespace_is_name(const char *name) {
        static const char *const reserved[] = {
                "blkio.", "cgroup.", "cpu.", "cpuacct.", "cpuset.", "devices.", "dmem.", "freezer.", "hugetlb.", "io.", "irq.",
                "memory.", "misc.", "net_cls.", "net_prio.", "notify_on_release", "perf_event.", "pids.", "rdma.",
                "release_agent", "tasks",
        };

        for (size_t i = 0; i < ELEMENTSOF(reserved); i++) {
                size_t length = strlen(reserved[i]);

                if (strncmp(name, reserved[i], length) == 0 && (reserved[i][length - 1] == '.' || !name[length]))
                        return false;
        }
        return text_is_name(name);
}

int parse_namespace(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        if (text_is_name(text) && !namespace_is_name(text))
                return fault_set(fault, "is the name of a file in cgroups; choose another");
        if (!namespace_is_name(text))
                return parse_name(setting, text, field, fault);
        return string_set(field, text);
}

int parse_parameter_name(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        if (!text_is_identifier(text))
                return fault_set(fault, "is not the name of a parameter; write it without ${}");
        return string_set(field, text);
}

/* What useradd and directory services let a user or a group be called, or its number. */
static bool is_account(const char *text) {
        return *text && strlen(text) <= 256 && *text != '-' && *text != '@' && *text != '.' && !strpbrk(text, " \t,:/$'\"\\*");
}

int parse_account(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        if (!is_account(text))
                return fault_set(fault, "is not the name or number of a user or group");
        return string_set(field, text);
}

static bool is_path(const char *text) {
        return *text == '/' && strlen(text) < 4096;
}

int parse_path(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        if (!is_path(text))
                return fault_set(fault, "is not an absolute path");
        return string_set(field, text);
}

int parse_pattern(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        int r;

        r = pattern_check(text, fault);
        if (r < 0)
                return r;
        return string_set(field, text);
}

/* It goes to sendmail as an argument. */
int parse_address(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        if (*text == '-' || strpbrk(text, " \t,;<>\"'"))
                return fault_set(fault, "is not one address such as operator@example.org");
        return string_set(field, text);
}

int parse_command(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        _cleanup_(strv_freep) char **words = NULL;
        char ***command = field;
        int r;

        r = command_line_split(text, &words, fault);
        if (r < 0)
                return r;
        if (!words || !*words[0] || strchr("-@+!:|", *words[0]) || (*words[0] != '/' && strchr(words[0], '/')))
                return fault_set(fault, "does not begin with a program; write an absolute path or a plain name");

        (void) strv_free(*command);
        *command = MOVE(words);
        return 0;
}

/* Lists are walked for every word that is added, and a start may be allowed to add to one. */
static int list_append(char ***list, const char *word, SettingsFault *fault) {
        if (strv_length(*list) >= LIST_MAX)
                return fault_set(fault, "makes a list of more than %u words", LIST_MAX);
        return strv_append(list, word);
}

static int account_list_add(const char *text, bool groups_too, char ***list, SettingsFault *fault) {
        _cleanup_(strv_freep) char **parts = NULL;
        int r;

        r = strv_split(&parts, text, SEPARATORS);
        if (r < 0)
                return r;
        STRV_FOREACH(part, parts) {
                if (!is_account(groups_too && *part == '@' ? part + 1 : part))
                        return fault_set(fault, groups_too ? "holds `%s`, which is neither a user nor a group as @group" : "holds `%s`, which is no name or number",
                                         excerpt(part).text);
                r = list_append(list, part, fault);
                if (r < 0)
                        return r;
        }
        return 0;
}

int parse_accounts(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        return account_list_add(text, false, field, fault);
}

int parse_accounts_and_groups(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        return account_list_add(text, true, field, fault);
}

/* Appends the quoted words of @text, if each is a @is_one. */
static int word_list_add(const char *text, const char *separators, bool (*is_one)(const char *), const char *what, char ***list,
                         SettingsFault *fault) {
        _cleanup_(strv_freep) char **words = NULL;
        int r;

        r = command_line_split_at(text, separators, &words, fault);
        if (r < 0)
                return r;
        STRV_FOREACH(word, words) {
                if (!is_one(word))
                        return fault_set(fault, "holds `%s`, which is not %s", excerpt(word).text, what);
                r = list_append(list, word, fault);
                if (r < 0)
                        return r;
        }
        return 0;
}

int parse_paths(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        return word_list_add(text, " \t", is_path, "an absolute path", field, fault);
}

static bool is_not_empty(const char *text) {
        return *text;
}

int parse_choices(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        return word_list_add(text, SEPARATORS, is_not_empty, "a choice", field, fault);
}

/* `MemoryMax` or `Limits.MemoryMax`; whether there is such a key is asked when the type is complete. */
int parse_keys(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        return word_list_add(text, SEPARATORS, text_is_name, "a key", field, fault);
}

/* `NAME=value`; takes the word apart. */
static int environment_add(char *word, char ***environment, SettingsFault *fault) {
        char *equals = strchr(word, '=');

        if (equals)
                *equals = '\0';
        if (!equals || !text_is_identifier(word))
                return fault_set(fault, "holds `%s`, which is not NAME=value", excerpt(word).text);
        if (strncmp(word, "BGT_", 4) == 0 || strcmp(word, "NOTIFY_SOCKET") == 0)
                return fault_set(fault, "sets %s, which every task gets from bgtd", excerpt(word).text);
        if (strv_length(*environment) >= LIST_MAX)
                return fault_set(fault, "makes more than %u variables", LIST_MAX);
        return strv_set(environment, word, equals + 1);
}

int parse_environment(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        _cleanup_(strv_freep) char **words = NULL;
        int r;

        r = command_line_split(text, &words, fault);
        if (r < 0)
                return r;
        STRV_FOREACH(word, words) {
                r = environment_add(word, field, fault);
                if (r < 0)
                        return r;
        }
        return 0;
}
