/* SPDX-License-Identifier: MIT */
#include "ctl/arguments.h"

#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"

static const Option *option_by_name(const Option *const *tables, const char *name, size_t length) {
        for (; *tables; tables++)
                for (const Option *o = *tables; o->name; o++)
                        if (strlen(o->name) == length && strncmp(o->name, name, length) == 0)
                                return o;
        return NULL;
}

static const Option *option_by_letter(const Option *const *tables, char letter) {
        for (; *tables; tables++)
                for (const Option *o = *tables; o->name; o++)
                        if (o->letter == letter)
                                return o;
        return NULL;
}

static int arguments_give(Arguments *arguments, const Option *option, const char *value, Trouble *trouble) {
        if (option->value && !option->repeatable && arguments_has(arguments, option->name))
                return trouble_usage(trouble, "--%s was given twice.", option->name);
        arguments->given[arguments->n_given++] = (GivenOption) { option, value };
        return 0;
}

/* `--name`, `--name=value`, `--name value`; moves *@argv to the last word it used. */
static int parse_long(Arguments *arguments, char ***argv, const Option *const *tables, Trouble *trouble) {
        const char *name = **argv + 2, *equals = strchr(name, '=');
        size_t length = equals ? (size_t) (equals - name) : strlen(name);
        const Option *option = option_by_name(tables, name, length);

        if (!option)
                return trouble_usage(trouble, "There is no option --%.*s here; --help lists those that there are.", (int) length, name);
        if (!option->value) {
                if (equals)
                        return trouble_usage(trouble, "--%s takes no value.", option->name);
                return arguments_give(arguments, option, NULL, trouble);
        }
        if (equals)
                return arguments_give(arguments, option, equals + 1, trouble);
        if (!(*argv)[1])
                return trouble_usage(trouble, "--%s needs a value: --%s %s.", option->name, option->name, option->value);
        ++*argv;
        return arguments_give(arguments, option, **argv, trouble);
}

/* `-q`, `-qf`, `-n5`, `-n 5`. */
static int parse_letters(Arguments *arguments, char ***argv, const Option *const *tables, Trouble *trouble) {
        int r;

        for (const char *p = **argv + 1; *p; p++) {
                const Option *option = option_by_letter(tables, *p);

                if (!option)
                        return trouble_usage(trouble, "There is no option -%c here; --help lists those that there are.", *p);
                if (option->value && p[1])
                        return arguments_give(arguments, option, p + 1, trouble);
                if (option->value) {
                        if (!(*argv)[1])
                                return trouble_usage(trouble, "-%c needs a value: -%c %s.", *p, *p, option->value);
                        ++*argv;
                        return arguments_give(arguments, option, **argv, trouble);
                }
                r = arguments_give(arguments, option, NULL, trouble);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Every letter of every word could be an option, also behind a `--` that is an option's value. */
static size_t given_bound(char **argv) {
        size_t n = 0;

        for (; *argv; argv++)
                if (**argv == '-')
                        n += strlen(*argv);
        return n;
}

static int parse_all(Arguments *arguments, char **argv, const Option *const *tables, Trouble *trouble) {
        int r, first = 0;

        for (; *argv; argv++) {
                if (strcmp(*argv, "--") == 0) {
                        arguments->rest = argv + 1;
                        break;
                }
                if ((*argv)[0] != '-' || !(*argv)[1]) {
                        arguments->words[arguments->n_words++] = *argv;
                        continue;
                }
                r = (*argv)[1] == '-' ? parse_long(arguments, &argv, tables, trouble)
                                      : parse_letters(arguments, &argv, tables, trouble);
                if (r < 0 && first == 0)
                        first = r;
        }
        return first;
}

int arguments_parse(Arguments *ret, char **argv, const Option *const *tables, Trouble *trouble) {
        *ret = (Arguments) {
                .given = calloc(given_bound(argv) + 1, sizeof *ret->given),
                .words = calloc(strv_length(argv) + 1, sizeof *ret->words),
        };
        if (!ret->given || !ret->words)
                return trouble_failed(trouble, -ENOMEM, "Cannot read the command line");
        return parse_all(ret, argv, tables, trouble);
}

void arguments_done(Arguments *arguments) {
        free(arguments->given);
        free(arguments->words);
        *arguments = (Arguments) {};
}

static const GivenOption *arguments_find(const Arguments *arguments, const char *name) {
        for (size_t i = 0; i < arguments->n_given; i++)
                if (strcmp(arguments->given[i].option->name, name) == 0)
                        return &arguments->given[i];
        return NULL;
}

bool arguments_has(const Arguments *arguments, const char *name) {
        return arguments_find(arguments, name) != NULL;
}

const char *arguments_value(const Arguments *arguments, const char *name) {
        const GivenOption *given = arguments_find(arguments, name);

        return given ? given->value : NULL;
}

int arguments_exclude(const Arguments *arguments, const char *const *names, Trouble *trouble) {
        const char *before = NULL;

        for (; *names; names++) {
                if (!arguments_has(arguments, *names))
                        continue;
                if (before)
                        return trouble_usage(trouble, "--%s and --%s contradict each other.", before, *names);
                before = *names;
        }
        return 0;
}
