/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ctl/follow.h"
#include "ctl/json.h"
#include "ctl/selection.h"
#include "ctl/sheet.h"
#include "ctl/snapshot.h"
#include "ctl/verbs.h"
#include "ctl/visible.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

const Option show_options[] = {
        { "property", 'p', .value = "NAME", .help = "the value of this property alone, or Error.code" },
        {}
};

/* The type's own properties; those that stand with the progress are shown there. */
static void append_display(Text *text, const Value *display, bool with_progress) {
        for (size_t i = 0; display && i < display->n_items; i++) {
                const Value *it = display->items[i];

                if (it->n_items == 4 && value_boolean(it->items[3]) == with_progress)
                        sheet_append(text, text_or_empty(value_string(it->items[1])), text_or_empty(value_string(it->items[2])));
        }
}

static void append_property(Text *text, const Property *property, const Value *task, uint64_t now_usec) {
        _cleanup_(freep) char *shown = NULL;
        CellKind kind = property->kind == CELL_BAR ? CELL_NUMBER : property->kind;
        Text value = {};

        cell_append(&value, kind, value_get(task, property->name), now_usec);
        shown = text_take(&value);
        sheet_append(text, property->name, shown && *shown ? shown : "-");
}

static bool has_display(const Value *display, bool with_progress) {
        for (size_t i = 0; display && i < display->n_items; i++)
                if (display->items[i]->n_items == 4 && value_boolean(display->items[i]->items[3]) == with_progress)
                        return true;
        return false;
}

static void append_task(Text *text, const Value *task) {
        const Value *display = value_get(task, "Display");
        const char *group = NULL;
        uint64_t now = clock_now_usec(CLOCK_REALTIME);

        for (const Property *p = task_properties; p->name; p++) {
                if (strcmp(p->name, "Display") == 0)
                        continue;
                if (!group || strcmp(group, p->group) != 0) {
                        if (group && strcmp(group, "Progress") == 0)
                                append_display(text, display, true);
                        sheet_append_heading(text, p->group);
                        group = p->group;
                }
                append_property(text, p, task, now);
        }
        if (has_display(display, false)) {
                sheet_append_heading(text, "Display");
                append_display(text, display, false);
        }
}

static const Value *find_display(const Value *task, const char *name) {
        const Value *display = value_get(task, "Display");

        for (size_t i = 0; display && i < display->n_items; i++)
                if (display->items[i]->n_items == 4 && text_equal(value_string(display->items[i]->items[0]), name))
                        return display->items[i]->items[2];
        return NULL;
}

/* `ExitCode`; `Error.code`, an entry of a dictionary; or one of the type's own. */
static const Value *find_value(const Value *task, const char *name) {
        _cleanup_(freep) char *whole = strndup(name, strcspn(name, "."));
        const Property *property = whole ? property_find(whole) : NULL;
        const char *dot = strchr(name, '.');

        if (!property)
                return find_display(task, name);
        return dot ? value_get(value_get(task, property->name), dot + 1) : value_get(task, property->name);
}

static bool is_known(const char *name, const Value *tasks) {
        _cleanup_(freep) char *whole = strndup(name, strcspn(name, "."));

        if (whole && property_find(whole))
                return true;
        for (size_t i = 0; i < tasks->n_items; i++)
                if (find_display(tasks->items[i], name))
                        return true;
        return false;
}

static void append_bare(Text *text, const char *name, const Value *value) {
        _cleanup_(freep) char *raw = NULL;
        Text json = {};

        if (value && value->type == VALUE_STRING) {
                /* programs get what there is, people what can be shown */
                if (isatty(STDOUT_FILENO))
                        visible_append(text, value->string);
                else
                        text_append(text, value->string);
        } else if (value) {
                /* as --json writes it, but a time without its quotes */
                json_append_named(&json, name, value);
                raw = text_take(&json);
                if (raw && *raw == '"')
                        text_append_bytes(text, raw + 1, strlen(raw) - 2);
                else
                        text_append(text, text_or_empty(raw));
        }
        text_append_char(text, '\n');
}

static int show_property(Ctl *ctl, const char *name, const Value *tasks) {
        if (!is_known(name, tasks))
                return trouble_usage(&ctl->trouble, "There is no property %s; `bgtctl show` and the manual page list them.", name);
        for (size_t i = 0; i < tasks->n_items; i++) {
                const Value *value = find_value(tasks->items[i], name);

                if (ctl->json) {
                        json_append_named(&ctl->out, name, value);
                        text_append_char(&ctl->out, '\n');
                } else
                        append_bare(&ctl->out, name, value);
        }
        return 0;
}

static void show_json(Ctl *ctl, const Value *tasks, bool single) {
        if (!single)
                text_append_char(&ctl->out, '[');
        for (size_t i = 0; i < tasks->n_items; i++) {
                if (i > 0)
                        text_append_char(&ctl->out, ',');
                snapshot_append_json(&ctl->out, tasks->items[i]);
        }
        text_append(&ctl->out, single ? "\n" : "]\n");
}

static int show_ask(Ctl *ctl, const Selection *selection, Value **ret) {
        _cleanup_(value_freep) Value *filter = selection_filter(selection), *columns = value_new_list(), *answer = NULL;
        int r;

        if (!filter || !columns || value_set(filter, "fresh", value_new_boolean(true)) < 0)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot show tasks");
        r = ctl_call(ctl, "List", "a{sv}as", (const Value *[]) { filter, columns }, &answer);
        if (r < 0)
                return r;
        if (answer->n_items != 1)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        *ret = MOVE(answer->items[0]);
        return 0;
}

int verb_show(Ctl *ctl) {
        _cleanup_(selection_done) Selection selection = {};
        _cleanup_(value_freep) Value *tasks = NULL;
        const char *name = arguments_value(&ctl->arguments, "property");
        int r;

        r = selection_parse(&selection, ctl->arguments.words + 1, &ctl->arguments, &ctl->trouble);
        if (r < 0)
                return r;
        r = selection_require(&selection, &ctl->trouble);
        if (r < 0)
                return r;
        r = show_ask(ctl, &selection, &tasks);
        if (r < 0)
                return r;
        if (tasks->n_items == 0)
                return trouble_own(&ctl->trouble, -ESRCH, EXIT_NO_SUCH, "No task matches.");
        if (name)
                return show_property(ctl, name, tasks);
        if (ctl->json) {
                show_json(ctl, tasks, selection_is_single(&selection));
                return 0;
        }
        for (size_t i = 0; i < tasks->n_items; i++)
                append_task(&ctl->out, tasks->items[i]);
        return 0;
}
