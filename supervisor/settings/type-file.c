/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/type-file.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/spelling.h"
#include "supervisor/settings/type-check.h"
#include "supervisor/settings/type-table.h"

#define SUFFIX ".ini"
#define ASSIGNMENTS_MAX (64U * 1024)    /* bytes of one start */

static int type_add_parameter(TaskType *type, const char *name, const IniSection *section, SettingsFault *fault) {
        Parameter *parameters = reallocarray(type->parameters, type->n_parameters + 1, sizeof *parameters), *parameter;

        if (!parameters)
                return -ENOMEM;
        type->parameters = parameters;
        parameter = parameters + type->n_parameters++;
        *parameter = (Parameter) { .name = strdup(name) };
        if (!parameter->name)
                return -ENOMEM;
        return setting_table_fill(&type_table, "Parameter", section, parameter, fault);
}

static int type_fill(TaskType *type, const IniFile *ini, SettingsFault *fault) {
        int r;

        for (const SettingSection *kind = type_table.sections; kind->name; kind++) {
                if (kind->is_name || kind->is_free)
                        continue;
                r = setting_table_fill(&type_table, kind->name, ini_file_section(ini, kind->name), type, fault);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < ini->n_sections; i++) {
                const char *name = NULL;

                (void) setting_section_find(&type_table, ini->sections[i].name, &name);
                if (!name)
                        continue;
                r = type_add_parameter(type, name, ini->sections + i, fault);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* `value | Label | qualifiers`; changes @text. */
static int display_parse(DisplayProperty *property, char *text) {
        char *label, *qualifiers;

        label = strchr(text, '|');
        if (label)
                *label++ = '\0';
        qualifiers = label ? strchr(label, '|') : NULL;
        if (qualifiers)
                *qualifiers++ = '\0';
        if (label)
                label = text_strip(label);

        property->value = strdup(text_strip(text));
        property->label = strdup(label && *label ? label : property->name);
        property->with_progress = qualifiers && strchr(qualifiers, 'p');
        return property->value && property->label ? 0 : -ENOMEM;
}

static int type_fill_display(TaskType *type, const IniFile *ini, SettingsFault *fault) {
        const IniSection *section = ini_file_section(ini, "Display");
        int r;

        if (!section || section->n_lines == 0)
                return 0;
        type->display = calloc(section->n_lines, sizeof *type->display);
        if (!type->display)
                return -ENOMEM;

        for (size_t i = 0; i < section->n_lines; i++) {
                _cleanup_(freep) char *text = strdup(section->lines[i].value);
                DisplayProperty *property = type->display + type->n_display++;

                property->name = strdup(section->lines[i].key);
                if (!text || !property->name)
                        return -ENOMEM;
                r = display_parse(property, text);
                if (r < 0)
                        return r;
                if (!*property->value)
                        return fault_at(fault, section->lines[i].origin, "%s=%s has no value; write Name = value | Label | qualifiers.",
                                        property->name, excerpt(section->lines[i].value).text);
        }
        return 0;
}

static int string_default(char **string, const char *value) {
        if (!*string)
                *string = strdup(value);
        return *string ? 0 : -ENOMEM;
}

/* A type from what @ini holds, which is settled. @path may be NULL. */
static int type_build(const char *name, const char *path, IniFile *ini, TaskType **ret, SettingsFault *fault) {
        _cleanup_(task_type_unrefp) TaskType *type = NULL;
        int r;

        r = setting_table_check(&type_table, ini, fault);
        if (r < 0)
                return r;
        ini_file_settle(ini, type_table_is_list);

        type = task_type_new();
        if (!type)
                return -ENOMEM;
        type->limits = LIMITS_NONE;
        type->name = strdup(name);
        type->path = path ? strdup(path) : NULL;
        type->text = ini_file_text(ini);
        if (!type->name || (path && !type->path) || !type->text)
                return -ENOMEM;

        r = type_fill(type, ini, fault);
        if (r < 0)
                return r;
        r = type_fill_display(type, ini, fault);
        if (r < 0)
                return r;
        r = string_default(&type->display_type, name);
        if (r < 0)
                return r;
        r = type_check(type, ini, fault);
        if (r < 0)
                return r;
        *ret = MOVE(type);
        return 0;
}

int type_file_name(const char *path, char **ret, SettingsFault *ret_fault) {
        const char *last = path_last(path);
        _cleanup_(freep) char *name = NULL;
        SettingsOrigin here = { path, 0 };
        size_t length = strlen(last);

        if (length <= strlen(SUFFIX) || strcmp(last + length - strlen(SUFFIX), SUFFIX) != 0)
                return fault_at(ret_fault, here, "A type's file is called NAME.ini.");
        name = strndup(last, length - strlen(SUFFIX));
        if (!name)
                return -ENOMEM;
        if (!text_is_name(name))
                return fault_at(ret_fault, here, "`%s` is no name for a type; use up to 63 letters, digits, `_`, `.` and `-`, a letter or digit first.",
                                excerpt(name).text);
        if (strcmp(name, TASK_TYPE_COMMAND) == 0)
                return fault_at(ret_fault, here, "The type " TASK_TYPE_COMMAND " is built in, for `bgtctl run`; choose another name.");
        *ret = MOVE(name);
        return 0;
}

int type_file_read(const char *name, char *const *files, bool guarded, TaskType **ret, SettingsFault *ret_fault) {
        _cleanup_(ini_file_done) IniFile ini = {};
        int r;

        STRV_FOREACH(path, (char **) files) {
                r = ini_file_read(&ini, path, guarded, ret_fault);
                if (r < 0)
                        return r;
        }
        return type_build(name, files[0], &ini, ret, ret_fault);
}

int type_file_load(const char *path, TaskType **ret, SettingsFault *ret_fault) {
        char *const files[] = { (char *) path, NULL };
        _cleanup_(freep) char *name = NULL;
        int r;

        assert(path);
        assert(ret);

        *ret_fault = (SettingsFault) {};
        r = type_file_name(path, &name, ret_fault);
        if (r == 0)
                r = type_file_read(name, files, false, ret, ret_fault);
        return fault_explain(ret_fault, r);
}

int type_file_parse(const char *name, const char *text, TaskType **ret, SettingsFault *ret_fault) {
        _cleanup_(ini_file_done) IniFile ini = {};
        int r;

        assert(name);
        assert(text);
        assert(ret);

        *ret_fault = (SettingsFault) {};
        r = ini_file_parse(&ini, name, text, strlen(text), ret_fault);
        if (r == 0)
                r = type_build(name, NULL, &ini, ret, ret_fault);
        return fault_explain(ret_fault, r);
}

int type_file_command(TaskType **ret) {
        static const char text[] =
                "[Task]\nDescription=A command of somebody's own\n\n"
                "[Control]\nPause=direct\nCancel=direct\n\n"
                "[Progress]\nSource=files\n";
        SettingsFault fault;

        return type_file_parse(TASK_TYPE_COMMAND, text, ret, &fault);
}

static int refuse_override(const char *name, SettingsFault *fault) {
        Spelling spelling = { .word = name };

        for (const Setting *s = type_table.settings; s->key; s++)
                if (type_table_named(s->key) == s && !s->decides_access)
                        spelling_offer(&spelling, s->key);
        return fault_set(fault, "There is no key %s that a start can set%s", excerpt(name).text, spelling_hint(&spelling).text);
}

static bool may_override(const TaskType *type, const Setting *setting, bool any_limit) {
        if (any_limit && strcmp(setting->section, "Limits") == 0)
                return true;
        STRV_FOREACH(name, type->override)
                if (type_table_named(name) == setting)
                        return true;
        return false;
}

static int override_add(const TaskType *type, const char *assignment, bool any_limit, IniFile *ini, SettingsFault *fault) {
        const char *equals = strchr(assignment, '=');
        _cleanup_(freep) char *name = NULL;
        const Setting *setting;

        if (!equals || equals == assignment)
                return fault_set(fault, "`%s` sets nothing; write KEY=VALUE.", excerpt(assignment).text);
        name = strndup(assignment, (size_t) (equals - assignment));
        if (!name)
                return -ENOMEM;

        setting = type_table_named(name);
        if (!setting)
                return refuse_override(name, fault);
        if (!may_override(type, setting, any_limit)) {
                (void) fault_set(fault, "%s= cannot be set for a task of type %s; an admin would have to list it in the type's Override=.",
                                 setting->key, type->name);
                return -EACCES;
        }
        return ini_file_add(ini, setting->section, setting->key, equals + 1, fault);
}

static int type_override(const TaskType *type, char *const *assignments, bool any_limit, TaskType **ret, SettingsFault *fault) {
        _cleanup_(ini_file_done) IniFile ini = {};
        size_t size = 0;
        int r;

        r = ini_file_parse(&ini, type->name, type->text, strlen(type->text), fault);
        if (r < 0)
                return r;
        STRV_FOREACH(assignment, (char **) assignments) {
                size += strlen(assignment);
                if (size > ASSIGNMENTS_MAX)
                        return fault_set(fault, "The properties together are longer than 64 KiB.");
                r = override_add(type, assignment, any_limit, &ini, fault);
                if (r < 0)
                        return r;
        }
        return type_build(type->name, type->path, &ini, ret, fault);
}

int type_file_override(const TaskType *type, char *const *assignments, bool any_limit, TaskType **ret, SettingsFault *ret_fault) {
        assert(type);
        assert(ret);

        *ret_fault = (SettingsFault) {};
        return fault_explain(ret_fault, type_override(type, assignments, any_limit, ret, ret_fault));
}

static int remark_add(const Setting *setting, const char *value, char ***remarks) {
        _cleanup_(freep) char *remark = NULL;

        remark = setting->later ? text_format("[%s] %s= is accepted and has no effect yet.", setting->section, setting->key)
                                : text_format("[%s] %s=%s is accepted and has no effect yet.", setting->section, setting->key, excerpt(value).text);
        if (!remark)
                return -ENOMEM;
        return strv_contains(*remarks, remark) ? 0 : strv_append(remarks, remark);
}

int type_file_remarks(const TaskType *type, char ***ret) {
        _cleanup_(ini_file_done) IniFile ini = {};
        _cleanup_(strv_freep) char **remarks = NULL;
        SettingsFault fault = {};
        int r;

        r = ini_file_parse(&ini, type->name, type->text, strlen(type->text), &fault);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ini.n_sections; i++)
                for (size_t j = 0; j < ini.sections[i].n_lines; j++) {
                        const IniLine *line = ini.sections[i].lines + j;
                        const Setting *setting = setting_find(&type_table, ini.sections[i].name, line->key);

                        if (!setting || !setting_is_later(setting, line->value))
                                continue;
                        r = remark_add(setting, line->value, &remarks);
                        if (r < 0)
                                return r;
                }
        *ret = MOVE(remarks);
        return 0;
}

int type_file_print(FILE *file) {
        static const char *const introduction[] = {
                "bgt-type(5): a type of background tasks.",
                "",
                "Every key with its default. Copy what you need to /etc/bgt/types.d/NAME.ini;",
                "NAME is the type's. Only ExecStart= is required. `bgtctl types check FILE`",
                "names mistakes; `systemctl reload bgtd` makes the type known.",
                NULL
        };

        return setting_table_print(&type_table, introduction, file);
}
