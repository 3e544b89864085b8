/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/type-check.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/parameters.h"
#include "supervisor/settings/parse.h"
#include "supervisor/settings/spelling.h"
#include "supervisor/settings/template.h"
#include "supervisor/settings/type-table.h"

typedef struct TypeCheck {
        const TaskType *type;
        const IniFile *ini;
        SettingsFault *fault;
} TypeCheck;

static SettingsOrigin check_origin(const TypeCheck *check, const char *section, const char *key) {
        return ini_file_origin(check->ini, section, key);
}

static int refuse_undeclared(const TypeCheck *check, SettingsOrigin origin, const char *key, const char *name) {
        Spelling spelling = { .word = name };

        for (size_t i = 0; i < check->type->n_parameters; i++)
                spelling_offer(&spelling, check->type->parameters[i].name);
        if (spelling.nearest)
                return fault_at(check->fault, origin, "%s= holds ${%s}, which is not declared%s", key, name, spelling_hint(&spelling).text);
        return fault_at(check->fault, origin, "%s= holds ${%s}, which is not declared; add [Parameter %s].", key, name, name);
}

static int check_use(const TypeCheck *check, SettingsOrigin origin, const char *key, const char *name) {
        const Parameter *parameter = task_type_parameter(check->type, name);

        if (!parameter)
                return check->type->allow_others ? 0 : refuse_undeclared(check, origin, key, name);
        if (parameter->secret)
                return fault_at(check->fault, origin, "%s= holds the secret ${%s}, which others could see there; the task reads it from the file BGT_PARAMETERS.",
                                key, name);
        return 0;
}

static int check_template(const TypeCheck *check, SettingsOrigin origin, const char *key, const char *text, bool is_program) {
        TemplatePart part;
        int r;

        while ((r = template_next(&text, &part)) == 0) {
                if (part.text)
                        continue;
                if (is_program)
                        return fault_at(check->fault, origin, "%s= takes its program from ${%s}; only arguments may hold parameters.", key, part.name);
                r = check_use(check, origin, key, part.name);
                if (r < 0)
                        return r;
        }
        return r < 0 ? fault_at(check->fault, origin, "%s= " TEMPLATE_MISTAKE ".", key) : 0;
}

static int check_command(const TypeCheck *check, const char *section, const char *key, char *const *words) {
        SettingsOrigin origin = check_origin(check, section, key);
        int r;

        for (size_t i = 0; words && words[i]; i++) {
                r = check_template(check, origin, key, words[i], i == 0);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_commands(const TypeCheck *check) {
        const TaskType *type = check->type;
        const struct {
                const char *section, *key;
                char *const *words;
        } commands[] = {
                { "Task", "ExecStart", type->exec_start },
                { "Progress", "Command", type->progress_command },
                { "Hooks", "OnStarting", type->on_starting },
                { "Hooks", "OnRunning", type->on_running },
                { "Hooks", "OnCompleted", type->on_completed },
                { "Hooks", "OnError", type->on_error },
        };
        int r;

        if (!type->exec_start && strcmp(type->name, TASK_TYPE_COMMAND) != 0)
                return fault_at(check->fault, check_origin(check, "Task", "ExecStart"), "[Task] has no ExecStart=; say which command the type runs.");

        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                r = check_command(check, commands[i].section, commands[i].key, commands[i].words);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_display(const TypeCheck *check) {
        for (size_t i = 0; i < check->type->n_display; i++) {
                const DisplayProperty *property = check->type->display + i;
                SettingsOrigin origin = check_origin(check, "Display", property->name);
                const char *text = property->value;
                TemplatePart part;
                int r;

                while ((r = template_next(&text, &part)) == 0) {
                        if (part.text || strcmp(part.name, "details") == 0)
                                continue;
                        r = check_use(check, origin, property->name, part.name);
                        if (r < 0)
                                return r;
                }
                if (r < 0)
                        return fault_at(check->fault, origin, "%s= " TEMPLATE_MISTAKE ".", property->name);
        }
        return 0;
}

/* The first declared parameter that @text holds as ${name}. */
static const Parameter *parameter_within(const TaskType *type, const char *text) {
        for (size_t i = 0; i < type->n_parameters; i++) {
                char reference[80];

                (void) snprintf(reference, sizeof reference, "${%s}", type->parameters[i].name);
                if (strstr(text, reference))
                        return type->parameters + i;
        }
        return NULL;
}

/* Where parameters are not replaced, one must not stand as if it were. */
static int check_literals(const TypeCheck *check) {
        for (size_t i = 0; i < check->ini->n_sections; i++) {
                const IniSection *section = check->ini->sections + i;

                for (size_t j = 0; j < section->n_lines; j++) {
                        const IniLine *line = section->lines + j;
                        const Setting *setting = setting_find(&type_table, section->name, line->key);
                        const Parameter *parameter;

                        if (!setting || setting->parse == parse_command || setting->parse == parse_pattern || !strstr(line->value, "${"))
                                continue;
                        parameter = parameter_within(check->type, line->value);
                        if (parameter)
                                return fault_at(check->fault, line->origin, "%s= holds ${%s}, but parameters are replaced only in commands and in [Display].",
                                                line->key, parameter->name);
                }
        }
        return 0;
}

static int check_parameter(const TypeCheck *check, const Parameter *parameter, const char *section) {
        SettingsFault why = {};
        int r;

        if (parameter->kind == PARAMETER_CHOICE && !parameter->choices)
                return fault_at(check->fault, check_origin(check, section, "Type"), "Type=choice needs Choices=.");
        if (parameter->kind != PARAMETER_CHOICE && parameter->choices)
                return fault_at(check->fault, check_origin(check, section, "Choices"), "Choices= needs Type=choice.");
        if (!parameter->default_value)
                return 0;

        r = parameter_check(parameter, parameter->default_value, &why);
        if (r != -EINVAL)
                return r;
        return fault_at(check->fault, check_origin(check, section, "Default"), "Default=%s %s.",
                        parameter->secret ? "" : excerpt(parameter->default_value).text, why.sentence);
}

static int check_parameters(const TypeCheck *check) {
        for (size_t i = 0; i < check->type->n_parameters; i++) {
                const Parameter *parameter = check->type->parameters + i;
                char section[80];
                int r;

                (void) snprintf(section, sizeof section, "Parameter %s", parameter->name);
                r = check_parameter(check, parameter, section);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_progress(const TypeCheck *check) {
        const TaskType *type = check->type;
        const struct {
                ProgressSource source;
                const char *word, *key;
                bool there;
        } needs[] = {
                { PROGRESS_OUTPUT, "output", "Expression", type->progress_expression },
                { PROGRESS_IO, "io", "Total", type->progress_total },
                { PROGRESS_COMMAND, "command", "Command", type->progress_command },
        };

        for (size_t i = 0; i < ELEMENTSOF(needs); i++)
                if (type->progress_source == needs[i].source && !needs[i].there)
                        return fault_at(check->fault, check_origin(check, "Progress", "Source"), "Source=%s needs %s=.", needs[i].word, needs[i].key);
        if (type->progress_total)
                return check_use(check, check_origin(check, "Progress", "Total"), "Total", type->progress_total);
        return 0;
}

static int check_override(const TypeCheck *check) {
        SettingsOrigin origin = check_origin(check, "Task", "Override");

        STRV_FOREACH(name, check->type->override) {
                const Setting *setting = type_table_named(name);
                Spelling spelling = { .word = name };

                if (setting && !setting->decides_access)
                        continue;
                if (setting)
                        return fault_at(check->fault, origin, "Override= lists %s, which decides about access and cannot be set by who starts a task.",
                                        setting->key);
                for (const Setting *s = type_table.settings; s->key; s++)
                        if (type_table_named(s->key) == s)
                                spelling_offer(&spelling, s->key);
                return fault_at(check->fault, origin, "Override= lists %s, which is no key that can be set at a start%s", name, spelling_hint(&spelling).text);
        }
        return 0;
}

int type_check(const TaskType *type, const IniFile *ini, SettingsFault *ret_fault) {
        static int (*const checks[])(const TypeCheck *) = {
                check_parameters, check_commands, check_display, check_literals, check_progress, check_override,
        };
        const TypeCheck check = { type, ini, ret_fault };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(checks); i++) {
                r = checks[i](&check);
                if (r < 0)
                        return r;
        }
        return 0;
}
