/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/parameters.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/pattern.h"
#include "supervisor/settings/spelling.h"
#include "supervisor/settings/template.h"

/* Digits with a point and an exponent; nothing of what strtod() takes besides. */
static bool is_number(const char *s) {
        size_t whole, part = 0;

        if (*s == '-' || *s == '+')
                s++;
        whole = strspn(s, "0123456789");
        s += whole;
        if (*s == '.') {
                part = strspn(s + 1, "0123456789");
                s += 1 + part;
        }
        if (whole + part == 0)
                return false;
        if (*s == 'e' || *s == 'E') {
                s++;
                if (*s == '-' || *s == '+')
                        s++;
                if (!isdigit((unsigned char) *s))
                        return false;
                s += strspn(s, "0123456789");
        }
        return !*s;
}

static bool is_path(const char *s) {
        if (*s != '/')
                return false;
        for (const char *part = strstr(s, "/.."); part; part = strstr(part + 1, "/.."))
                if (part[3] == '/' || !part[3])
                        return false;
        return true;
}

static int refuse_choice(const Parameter *parameter, SettingsFault *fault) {
        _cleanup_(text_done) Text known = {};

        STRV_FOREACH(choice, parameter->choices)
                text_appendf(&known, "%s%s", known.length > 0 ? ", " : "", choice);
        if (known.failed)
                return -ENOMEM;
        return fault_set(fault, "is not one of %s", text_or_empty(known.data));
}

static int check_kind(const Parameter *parameter, const char *value, SettingsFault *fault) {
        int64_t integer;
        bool boolean;

        switch (parameter->kind) {
        case PARAMETER_STRING:
                return 0;
        case PARAMETER_INTEGER:
                return quantity_parse_i64(value, &integer) < 0 ? fault_set(fault, "is not a whole number of 64 bits") : 0;
        case PARAMETER_NUMBER:
                return is_number(value) ? 0 : fault_set(fault, "is not a number");
        case PARAMETER_BOOLEAN:
                return quantity_parse_boolean(value, &boolean) < 0 ? fault_set(fault, "is not a yes or no") : 0;
        case PARAMETER_PATH:
                return is_path(value) ? 0 : fault_set(fault, "is not an absolute path without `..`");
        case PARAMETER_CHOICE:
                return strv_contains(parameter->choices, value) ? 0 : refuse_choice(parameter, fault);
        }
        return -EINVAL;
}

int parameter_check(const Parameter *parameter, const char *value, SettingsFault *ret_fault) {
        int r;

        if (!text_is_utf8(value))
                return fault_set(ret_fault, "is not valid UTF-8");
        r = check_kind(parameter, value, ret_fault);
        if (r < 0 || !parameter->pattern)
                return r;

        if (strlen(value) > PATTERN_VALUE_MAX)
                return fault_set(ret_fault, "is longer than the %u bytes that a value with a pattern may have", PATTERN_VALUE_MAX);
        r = pattern_match(parameter->pattern, value);
        if (r < 0)
                return r;
        return r == 0 ? fault_set(ret_fault, "does not match the pattern %s", excerpt(parameter->pattern).text) : 0;
}

static int refuse_unknown(const TaskType *type, const char *name, SettingsFault *fault) {
        _cleanup_(text_done) Text known = {};
        Spelling spelling = { .word = name };

        for (size_t i = 0; i < type->n_parameters; i++) {
                spelling_offer(&spelling, type->parameters[i].name);
                text_appendf(&known, "%s%s", i > 0 ? ", " : "", type->parameters[i].name);
        }
        if (known.failed)
                return -ENOMEM;
        if (spelling.nearest)
                return fault_set(fault, "Type %s has no parameter %s%s", type->name, excerpt(name).text, spelling_hint(&spelling).text);
        if (type->n_parameters == 0)
                return fault_set(fault, "Type %s takes no parameters, so not %s.", type->name, excerpt(name).text);
        return fault_set(fault, "Type %s has no parameter %s; it has %s.", type->name, excerpt(name).text, known.data);
}

/* One `name=value` as given: its name is known, or may be unknown, and stands nowhere before. */
static int check_given(const TaskType *type, char *const *given, size_t i, SettingsFault *fault) {
        size_t length = strcspn(given[i], "=");
        char name[65];

        if (!given[i][length])
                return fault_set(fault, "`%s` is not a parameter; write name=value.", excerpt(given[i]).text);
        (void) snprintf(name, sizeof name, "%.*s", (int) (length < sizeof name ? length : 0), given[i]);
        if (!text_is_identifier(name))
                return fault_set(fault, "`%s` does not begin with the name of a parameter: letters, digits and `_`, at most 64.",
                                 excerpt(given[i]).text);

        for (size_t j = 0; j < i; j++)
                if (strncmp(given[j], name, length) == 0 && given[j][length] == '=')
                        return fault_set(fault, "Parameter %s is given twice.", name);
        if (task_type_parameter(type, name))
                return 0;
        if (!type->allow_others)
                return refuse_unknown(type, name, fault);
        return text_is_utf8(given[i]) ? 0 : fault_set(fault, "Parameter %s is not valid UTF-8.", name);
}

static int add_declared(const TaskType *type, const Parameter *parameter, char *const *given, char ***list, SettingsFault *fault) {
        const char *value = strv_find(given, parameter->name);
        SettingsFault why = {};
        int r;

        if (!value)
                value = parameter->default_value;
        if (!value && parameter->required)
                return fault_set(fault, "Type %s needs the parameter %s%s%s%s; add %s=….", type->name, parameter->name,
                                 parameter->label ? " (" : "", text_or_empty(parameter->label), parameter->label ? ")" : "", parameter->name);
        if (!value)
                return 0;

        r = parameter_check(parameter, value, &why);
        if (r == -EINVAL)
                return fault_set(fault, "Parameter %s%s%s %s.", parameter->name, parameter->secret ? "" : "=",
                                 parameter->secret ? "" : excerpt(value).text, why.sentence);
        if (r < 0)
                return r;
        return strv_consume(list, text_format("%s=%s", parameter->name, value));
}

static bool is_declared(const TaskType *type, const char *given) {
        char name[65];

        (void) snprintf(name, sizeof name, "%.*s", (int) strcspn(given, "="), given);
        return task_type_parameter(type, name);
}

static int parameters_gather(const TaskType *type, char *const *given, char ***ret, SettingsFault *fault) {
        _cleanup_(strv_freep) char **list = NULL;
        int r;

        if (strv_length(given) > PARAMETERS_MAX)
                return fault_set(fault, "More than %u parameters are given.", PARAMETERS_MAX);
        for (size_t i = 0; given && given[i]; i++) {
                r = check_given(type, given, i, fault);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < type->n_parameters; i++) {
                r = add_declared(type, type->parameters + i, given, &list, fault);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; given && given[i]; i++) {
                if (is_declared(type, given[i]))
                        continue;
                r = strv_append(&list, given[i]);
                if (r < 0)
                        return r;
        }
        *ret = MOVE(list);
        return 0;
}

int parameters_check(const TaskType *type, char *const *given, char ***ret, SettingsFault *ret_fault) {
        assert(type);
        assert(ret);

        *ret_fault = (SettingsFault) {};
        return fault_explain(ret_fault, parameters_gather(type, given, ret, ret_fault));
}

static bool may_begin_with_dash(const TaskType *type, const char *name) {
        const Parameter *parameter = task_type_parameter(type, name);

        return parameter && parameter->allow_dash;
}

/* The word with its parameters in it; NULL if it is left out. */
static int word_substitute(const TaskType *type, const char *word, char *const *parameters, char **ret, SettingsFault *fault) {
        _cleanup_(text_done) Text text = {};
        const char *at = word;
        bool only_absent = *word;
        TemplatePart part;
        int r;

        while ((r = template_next(&at, &part)) == 0) {
                const char *value = part.text ? NULL : strv_find(parameters, part.name);

                if (!part.text && !value)
                        continue;
                only_absent = false;
                if (value && text.length == 0 && *value == '-' && !may_begin_with_dash(type, part.name))
                        return fault_set(fault, "Parameter %s begins with `-` and would look like an option; the type would have to say AllowDash=yes.", part.name);
                if (text.length + (value ? strlen(value) : part.length) >= ARGUMENT_MAX)
                        return fault_set(fault, "The argument %s would be longer than 128 KiB, which the kernel does not take.", excerpt(word).text);
                text_append_bytes(&text, value ? value : part.text, value ? strlen(value) : part.length);
        }
        if (r < 0)
                return fault_set(fault, "The argument %s " TEMPLATE_MISTAKE ".", excerpt(word).text);
        if (only_absent) {
                *ret = NULL;
                return 0;
        }
        *ret = text_take(&text);
        return *ret ? 0 : -ENOMEM;
}

static int words_substitute(const TaskType *type, char *const *command, char *const *parameters, char ***ret, SettingsFault *fault) {
        _cleanup_(strv_freep) char **words = strv_new(strv_length(command));
        size_t n = 0, size = 0;
        int r;

        if (!words)
                return -ENOMEM;
        for (size_t i = 0; command && command[i]; i++) {
                r = word_substitute(type, command[i], parameters, words + n, fault);
                if (r < 0)
                        return r;
                if (words[n])
                        size += strlen(words[n++]) + 1;
                if (size > COMMAND_MAX)
                        return fault_set(fault, "The command of type %s would be longer than 6 MiB, which the kernel does not take.", type->name);
        }
        if (n == 0)
                return fault_set(fault, "The command of type %s holds no word.", type->name);
        *ret = MOVE(words);
        return 0;
}

int parameters_substitute(const TaskType *type, char *const *command, char *const *parameters, char ***ret, SettingsFault *ret_fault) {
        assert(type);
        assert(ret);

        *ret_fault = (SettingsFault) {};
        return fault_explain(ret_fault, words_substitute(type, command, parameters, ret, ret_fault));
}

/* Cut at a character's edge, with an ellipsis. */
static char *text_take_cut(Text *text) {
        char cut[EXPANDED_MAX];

        if (text->failed || text->length <= EXPANDED_MAX)
                return text_take(text);
        text_copy(cut, sizeof cut - strlen("…"), text->data);
        text_done(text);
        return text_format("%s…", cut);
}

int parameters_expand(const char *text, char *const *parameters, const char *details, char **ret) {
        _cleanup_(text_done) Text expanded = {};
        TemplatePart part;
        int r;

        while ((r = template_next(&text, &part)) == 0 && expanded.length <= EXPANDED_MAX) {
                if (part.text)
                        text_append_bytes(&expanded, part.text, part.length);
                else
                        text_append(&expanded, text_or_empty(strcmp(part.name, "details") == 0 ? details : strv_find(parameters, part.name)));
        }
        if (r < 0)
                return r;
        *ret = text_take_cut(&expanded);
        return *ret ? 0 : -ENOMEM;
}
