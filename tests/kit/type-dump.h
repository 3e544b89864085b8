/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Everything of a type in one string: equal types have equal dumps.
 */

#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/model/type.h"

static inline void dump_string(Text *text, const char *name, const char *value) {
        text_appendf(text, "%s:", name);
        if (value)
                text_append_json(text, value);
        text_append_char(text, '\n');
}

static inline void dump_strings(Text *text, const char *name, char *const *values) {
        text_appendf(text, "%s:", name);
        for (size_t i = 0; values && values[i]; i++)
                text_append_json(text, values[i]);
        text_append_char(text, '\n');
}

static inline void dump_number(Text *text, const char *name, long long value) {
        text_appendf(text, "%s:%lld\n", name, value);
}

static inline void dump_parameter(Text *text, const Parameter *p) {
        dump_string(text, "parameter", p->name);
        dump_string(text, "kind", parameter_kind_to_string(p->kind));
        dump_number(text, "flags", p->required + 2 * p->secret + 4 * p->allow_dash);
        dump_string(text, "default", p->default_value);
        dump_strings(text, "choices", p->choices);
        dump_string(text, "pattern", p->pattern);
        dump_string(text, "label", p->label);
}

static inline void dump_numbers(Text *text, const TaskType *t) {
        const long long numbers[] = {
                t->umask, t->read_only, t->exit_type, t->on_restart, t->output, (long long) t->output_max_bytes, t->allow_others,
                t->pause, t->cancel, t->cancel_signal, (long long) t->cancel_grace_usec, t->cancel_exit_status,
                (long long) t->cancel_escalate_usec, t->progress_source, t->priority, t->fail_attempts,
                (long long) t->fail_wait_seconds, (long long) t->fail_wait_multiplier, t->retry_on, t->max_results,
                (long long) t->timeout_usec, (long long) t->max_running, t->on_startup, (long long) t->limits.memory_max_bytes,
                (long long) t->limits.memory_high_bytes, (long long) t->limits.cpu_quota_percent, (long long) t->limits.cpu_weight,
                (long long) t->limits.io_weight, (long long) t->limits.tasks_max, t->error_level, (long long) t->reenqueue_limit,
        };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                dump_number(text, "number", numbers[i]);
        for (int i = 0; i < 256; i++)
                text_append_char(text, task_type_is_success(t, i) ? '1' : '0');
        text_append_char(text, '\n');
}

/* Not the path, nor the store's number. The caller's. */
static inline char *type_dump(const TaskType *t) {
        const char *const strings[] = {
                t->name, t->text, t->display_type, t->description, t->user, t->group, t->working_directory, t->standard_input,
                t->namespace, t->progress_units, t->progress_expression, t->progress_total, t->device, t->queue, t->mail_to,
        };
        char *const *const vectors[] = {
                t->exec_start, t->environment, t->allow_users, t->allow_groups, t->override, t->progress_command,
                t->on_starting, t->on_running, t->on_completed, t->on_error,
        };
        Text text = {};

        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                dump_string(&text, "string", strings[i]);
        for (size_t i = 0; i < ELEMENTSOF(vectors); i++)
                dump_strings(&text, "strings", vectors[i]);
        dump_numbers(&text, t);
        for (size_t i = 0; i < t->n_parameters; i++)
                dump_parameter(&text, t->parameters + i);
        for (size_t i = 0; i < t->n_display; i++) {
                dump_string(&text, "display", t->display[i].name);
                dump_string(&text, "value", t->display[i].value);
                dump_string(&text, "label", t->display[i].label);
                dump_number(&text, "with progress", t->display[i].with_progress);
        }
        return text_take(&text);
}
