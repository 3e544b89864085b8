/* SPDX-License-Identifier: MIT */
#include "ctl/control.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/selected.h"
#include "ctl/visible.h"
#include "lib/base/result.h"
#include "lib/wire/bus-names.h"

static Value *options_new(const Ctl *ctl) {
        _cleanup_(value_freep) Value *options = value_new_dictionary();

        if (!options)
                return NULL;
        if (arguments_has(&ctl->arguments, "no-wait") && value_set(options, "no-wait", value_new_boolean(true)) < 0)
                return NULL;
        if (arguments_has(&ctl->arguments, "force") && value_set(options, "force", value_new_boolean(true)) < 0)
                return NULL;
        return MOVE(options);
}

static Value *ids_to_value(const uint64_t *ids, size_t n) {
        _cleanup_(value_freep) Value *list = value_new_list();

        for (size_t i = 0; list && i < n; i++)
                if (value_add(list, value_new_natural(VALUE_UINT64, ids[i])) < 0)
                        return NULL;
        return MOVE(list);
}

/* One of the answer's (id, error name or nothing, sentence). */
static int outcome_print(Ctl *ctl, const ControlRequest *request, const Value *outcome) {
        uint64_t id = value_natural(outcome->items[0]);
        const char *error = value_string(outcome->items[1]), *sentence = text_or_empty(value_string(outcome->items[2]));

        if (error && *error) {
                ctl_complain("%" PRIu64 ": %s", id, *sentence ? sentence : error);
                return bus_error_exit_status(error);
        }
        if (ctl->quiet)
                return 0;
        text_appendf(&ctl->out, "%" PRIu64 " ", id);
        text_append(&ctl->out, arguments_has(&ctl->arguments, "no-wait") ? request->asked : request->done);
        if (*sentence) {
                text_append(&ctl->out, ": ");
                visible_append(&ctl->out, sentence);
        }
        text_append_char(&ctl->out, '\n');
        return 0;
}

static int outcome_append_json(Ctl *ctl, const Value *outcome) {
        const char *error = value_string(outcome->items[1]), *sentence = value_string(outcome->items[2]);

        text_append_char(&ctl->out, '{');
        json_append_member(&ctl->out, "Id", outcome->items[0]);
        text_append_char(&ctl->out, ',');
        json_append_member(&ctl->out, "Error", error && *error ? outcome->items[1] : NULL);
        text_append_char(&ctl->out, ',');
        json_append_member(&ctl->out, "Message", sentence && *sentence ? outcome->items[2] : NULL);
        text_append_char(&ctl->out, '}');
        return error && *error ? bus_error_exit_status(error) : 0;
}

static int outcomes_print(Ctl *ctl, const ControlRequest *request, const Value *outcomes) {
        int first = 0;

        if (ctl->json)
                text_append_char(&ctl->out, '[');
        for (size_t i = 0; i < outcomes->n_items; i++) {
                const Value *outcome = outcomes->items[i];
                int status;

                if (outcome->n_items != 3)
                        return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
                if (ctl->json && i > 0)
                        text_append_char(&ctl->out, ',');
                status = ctl->json ? outcome_append_json(ctl, outcome) : outcome_print(ctl, request, outcome);
                if (first == 0)
                        first = status;
        }
        if (ctl->json)
                text_append(&ctl->out, "]\n");
        return first;
}

static Value *filter_of_ids(const uint64_t *ids, size_t n) {
        _cleanup_(value_freep) Value *filter = value_new_dictionary();
        _cleanup_(text_done) Text text = {};
        _cleanup_(freep) char *list = NULL;

        for (size_t i = 0; i < n; i++)
                text_appendf(&text, "%s%" PRIu64, i > 0 ? "," : "", ids[i]);
        list = text_take(&text);
        if (!filter || !list || value_set(filter, "ids", value_new_string(list)) < 0)
                return NULL;
        return MOVE(filter);
}

/* Descendants that have left a task's group go on: nobody should believe otherwise. */
static void outside_print(Ctl *ctl, const uint64_t *ids, size_t n) {
        char *const names[] = { (char *) "Id", (char *) "OutsideProcesses", NULL };
        _cleanup_(value_freep) Value *filter = filter_of_ids(ids, n), *columns = value_new_strings(names), *answer = NULL;

        if (!filter || !columns || ctl->quiet ||
            ctl_call(ctl, "List", "a{sv}as", (const Value *[]) { filter, columns }, &answer) < 0 || answer->n_items != 1)
                return;
        for (size_t i = 0; i < answer->items[0]->n_items; i++) {
                const Value *row = answer->items[0]->items[i], *outside = value_get(row, "OutsideProcesses");

                for (size_t k = 0; outside && k < outside->n_items; k++)
                        ctl_complain("%" PRIu64 ": process %s has left the task's cgroup and goes on", value_get_natural(row, "Id"),
                                     text_or_empty(value_string(outside->items[k])));
        }
}

int control_run(Ctl *ctl, const ControlRequest *request) {
        _cleanup_(value_freep) Value *ids = NULL, *options = NULL, *answer = NULL;
        _cleanup_(freep) uint64_t *selected = NULL;
        const Value *arguments[3];
        size_t n, k = 0;
        int r;

        r = selected_ids(ctl, true, &selected, &n);
        if (r < 0)
                return r;
        ids = ids_to_value(selected, n);
        options = options_new(ctl);
        if (!ids || !options)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask bgtd");

        arguments[k++] = ids;
        if (request->signal)
                arguments[k++] = request->signal;
        arguments[k++] = options;
        r = ctl_call(ctl, request->method, request->signal ? "atia{sv}" : "ata{sv}", arguments, &answer);
        if (r < 0)
                return r;
        if (answer->n_items != 1)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        r = outcomes_print(ctl, request, answer->items[0]);
        if (r == 0 && request->name_outside)
                outside_print(ctl, selected, n);
        return r;
}
