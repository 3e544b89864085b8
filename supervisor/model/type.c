/* SPDX-License-Identifier: MIT */
#include "supervisor/model/type.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"

TaskType *task_type_new(void) {
        TaskType *type = calloc(1, sizeof *type);

        if (type)
                type->n_refs = 1;
        return type;
}

TaskType *task_type_ref(TaskType *type) {
        assert(type->n_refs > 0);
        type->n_refs++;
        return type;
}

static void parameter_done(Parameter *parameter) {
        free(parameter->name);
        free(parameter->default_value);
        (void) strv_free(parameter->choices);
        free(parameter->pattern);
        free(parameter->label);
}

static void display_property_done(DisplayProperty *property) {
        free(property->name);
        free(property->value);
        free(property->label);
}

TaskType *task_type_unref(TaskType *type) {
        if (!type || --type->n_refs > 0)
                return NULL;

        for (size_t i = 0; i < type->n_parameters; i++)
                parameter_done(type->parameters + i);
        free(type->parameters);
        for (size_t i = 0; i < type->n_display; i++)
                display_property_done(type->display + i);
        free(type->display);

        char *const strings[] = {
                type->name, type->path, type->text, type->display_type, type->description, type->user, type->group,
                type->working_directory, type->standard_input, type->namespace, type->progress_units,
                type->progress_expression, type->progress_total, type->device, type->queue, type->mail_to,
        };
        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                free(strings[i]);

        char **const vectors[] = {
                type->exec_start, type->environment, type->allow_users, type->allow_groups, type->override,
                type->progress_command, type->on_starting, type->on_running, type->on_completed, type->on_error,
        };
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++)
                (void) strv_free(vectors[i]);

        free(type);
        return NULL;
}

const Parameter *task_type_parameter(const TaskType *type, const char *name) {
        for (size_t i = 0; i < type->n_parameters; i++)
                if (strcmp(type->parameters[i].name, name) == 0)
                        return type->parameters + i;
        return NULL;
}

const char *disposition_to_string(Disposition d) {
        switch (d) {
        case DISPOSITION_NONE:
                return "none";
        case DISPOSITION_POLL:
                return "poll";
        case DISPOSITION_DIRECT:
                return "direct";
        }
        return NULL;
}

const char *parameter_kind_to_string(ParameterKind kind) {
        static const char *const names[] = {
                [PARAMETER_STRING] = "string", [PARAMETER_INTEGER] = "integer", [PARAMETER_NUMBER] = "number",
                [PARAMETER_BOOLEAN] = "boolean", [PARAMETER_PATH] = "path", [PARAMETER_CHOICE] = "choice",
        };

        assert(kind < ELEMENTSOF(names));
        return names[kind];
}
