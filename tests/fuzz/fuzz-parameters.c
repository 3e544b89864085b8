/* SPDX-License-Identifier: MIT */

/*
 * The lines of the input are one argument of a command and the parameters given
 * for it. Whatever they hold, the argument stays one, no value becomes an
 * option, and a refusal is a sentence without the secret.
 */

#include <string.h>

#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/parameters.h"
#include "supervisor/settings/type-file.h"
#include "tests/fuzz/fuzz.h"

#define SECRET "hunter2"

static TaskType *make_type(void) {
        TaskType *type = NULL;
        SettingsFault fault;

        MUST(type_file_parse("t",
                             "[Task]\nExecStart=x\nAllowOthers=yes\n[Parameter a]\n[Parameter b]\nAllowDash=yes\n[Parameter i]\nType=integer\n"
                             "[Parameter n]\nType=number\n[Parameter p]\nType=path\n[Parameter m]\nPattern=([a-z]+;)*\n"
                             "[Parameter s]\nSecret=yes\nPattern=[0-9]*\n", &type, &fault) == 0);
        return type;
}

static void must_be_a_sentence(const SettingsFault *fault) {
        MUST(fault->sentence[0] && text_is_utf8(fault->sentence) && !strchr(fault->sentence, '\n') && !strstr(fault->sentence, SECRET));
}

/* Whether @word may begin with `-`: it does so by itself, or through what is allowed to. */
static bool may_be_option(const char *word, char *const *parameters) {
        while (strncmp(word, "${", 2) == 0) {
                const char *end = strchr(word, '}');
                _cleanup_(freep) char *name = strndup(word + 2, (size_t) (end - word - 2));
                const char *value = strv_find(parameters, name);

                if (value && *value)
                        return *value != '-' || strcmp(name, "b") == 0;
                word = end + 1;
        }
        return true;
}

static void substitute(const TaskType *type, char *word, char *const *parameters) {
        char *command[] = { (char *) "program", word, (char *) "last", NULL };
        _cleanup_(strv_freep) char **words = NULL;
        _cleanup_(freep) char *expanded = NULL;
        SettingsFault fault;

        if (parameters_expand(word, parameters, "details", &expanded) == 0)
                MUST(strlen(expanded) <= EXPANDED_MAX);
        if (parameters_substitute(type, command, parameters, &words, &fault) < 0) {
                must_be_a_sentence(&fault);
                return;
        }
        MUST(strv_length(words) == 2 || strv_length(words) == 3);
        MUST(strcmp(words[0], "program") == 0 && strcmp(words[strv_length(words) - 1], "last") == 0);
        MUST(strlen(words[1]) < ARGUMENT_MAX);
        if (words[2] && *words[1] == '-')
                MUST(may_be_option(word, parameters));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static TaskType *type;
        _cleanup_(freep) char *text = strndup((const char *) data, size);
        _cleanup_(strv_freep) char **lines = NULL, **checked = NULL;
        char *const secret[] = { (char *) "s=" SECRET, NULL };
        SettingsFault fault;

        if (!type)
                type = make_type();
        MUST(text && strv_split(&lines, text, "\n") == 0);
        MUST(parameters_check(type, secret, &checked, &fault) < 0);
        must_be_a_sentence(&fault);
        if (!lines)
                return 0;

        if (strstr(text, SECRET))
                return 0;
        if (parameters_check(type, lines + 1, &checked, &fault) < 0)
                must_be_a_sentence(&fault);
        else
                substitute(type, lines[0], checked);
        return 0;
}
