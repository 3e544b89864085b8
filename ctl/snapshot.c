/* SPDX-License-Identifier: MIT */
#include "ctl/snapshot.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/property.h"
#include "ctl/visible.h"
#include "lib/base/clock.h"
#include "lib/base/quantity.h"

enum {
        EXIT_EXITED = 126,
        EXIT_SIGNAL = 128,
        EXIT_CANCELLED = 130,
};

int snapshot_exit_status(const Value *snapshot) {
        const char *state = value_get_string(snapshot, "RunningState");
        int64_t code = value_integer(value_get(snapshot, "ExitCode"));
        int64_t signal = value_integer(value_get(snapshot, "Signal"));

        if (text_equal(state, "Error"))
                return code > 0 && code < 256 ? (int) code : 1;
        if (text_equal(state, "Exited"))
                return signal > 0 && signal < 128 ? EXIT_SIGNAL + (int) signal : EXIT_EXITED;
        return text_equal(state, "Cancelled") ? EXIT_CANCELLED : 0;
}

bool snapshot_is_timeout(const Value *snapshot) {
        return text_equal(value_get_string(snapshot, "RunningState"), "Cancelled") &&
               text_equal(value_get_string(value_get(snapshot, "Error"), "code"), "Timeout");
}

void snapshot_append_json(Text *text, const Value *snapshot) {
        text_append_char(text, '{');
        for (const Property *p = task_properties; p->name; p++) {
                json_append_member(text, p->name, value_get(snapshot, p->name));
                if (p[1].name)
                        text_append_char(text, ',');
        }
        for (size_t i = 0; i < snapshot->n_items; i++) {
                if (property_find(snapshot->keys[i]))
                        continue;
                text_append_char(text, ',');
                json_append_member(text, snapshot->keys[i], snapshot->items[i]);
        }
        text_append_char(text, '}');
}

/* Two blanks, and what @raw looks like; nothing for NULL. */
static void append_part(Text *text, const char *raw) {
        if (!raw || !*raw)
                return;
        text_append(text, "  ");
        visible_append(text, raw);
}

static void append_progress(Text *text, const Value *snapshot) {
        const Value *rate = value_get(snapshot, "Rate");
        _cleanup_(freep) char *raw = NULL;
        Text shown = {};
        const char *units = value_get_string(snapshot, "ProgressUnits");

        if (value_integer(value_get(snapshot, "ProgressTotal")) > 0) {
                text_append_char(text, ' ');
                cell_append(text, CELL_BAR, value_get(snapshot, "Progress"), 0);
                if (units && *units)
                        text_appendf(text, " %3" PRIu64 "%%", value_get_natural(snapshot, "Progress"));
        }
        append_part(text, value_get_string(snapshot, "ProgressLine"));
        if (rate && !value_get_boolean(snapshot, "HasEnded")) {
                cell_append_rate(&shown, value_double(rate), units);
                raw = text_take(&shown);
                append_part(text, raw);
        }
}

static void append_eta(Text *text, const Value *snapshot, uint64_t now_usec) {
        uint64_t eta = value_get_natural(snapshot, "ETA");
        char span[32];

        if (eta <= now_usec || value_get_boolean(snapshot, "HasEnded"))
                return;
        quantity_format_span((eta - now_usec) / USEC_PER_SEC * USEC_PER_SEC, span);
        text_appendf(text, "  %s left", span);
}

/* The type's own properties, those that stand with the progress first. */
static void append_display(Text *text, const Value *display, bool with_progress) {
        for (size_t i = 0; display && i < display->n_items; i++) {
                const Value *it = display->items[i];
                const char *label, *value;

                if (it->n_items != 4 || value_boolean(it->items[3]) != with_progress)
                        continue;
                label = value_string(it->items[1]);
                value = value_string(it->items[2]);
                if (!value || !*value)
                        continue;
                append_part(text, label);
                text_append(text, ": ");
                visible_append(text, value);
        }
}

void snapshot_append_line(Text *text, const Value *snapshot, uint64_t now_usec) {
        const Value *display = value_get(snapshot, "Display");

        text_appendf(text, "%" PRIu64 " ", value_get_natural(snapshot, "Id"));
        visible_append(text, text_or_empty(value_get_string(snapshot, "Phase")));
        append_progress(text, snapshot);
        append_eta(text, snapshot, now_usec);
        append_display(text, display, true);
        append_part(text, value_get_string(snapshot, "Name"));
        append_part(text, value_get_string(snapshot, "StatusMessage"));
        append_part(text, value_get_string(snapshot, "WaitingFor"));
        append_display(text, display, false);
        append_part(text, value_get_string(snapshot, "FinalStatus"));
}

void snapshot_append_ending(Text *text, const Value *snapshot) {
        const char *code = value_get_string(value_get(snapshot, "Error"), "code");
        const char *final_status = value_get_string(snapshot, "FinalStatus");

        text_appendf(text, "Task %" PRIu64 ": %s", value_get_natural(snapshot, "Id"),
                     text_or_empty(value_get_string(snapshot, "RunningState")));
        if (code && *code)
                text_appendf(text, " (%s)", code);
        if (final_status && *final_status)
                text_appendf(text, ": %s", final_status);
}
