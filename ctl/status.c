/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/list.h"
#include "ctl/sheet.h"
#include "ctl/verbs.h"
#include "ctl/visible.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

typedef struct Line {
        const char *key;        /* on the bus */
        CellKind kind;
        const char *label;
} Line;

static const Line lines[] = {
        { "Status",           CELL_TEXT,   "Status" },
        { "Version",          CELL_TEXT,   "Version" },
        { "PID",              CELL_NUMBER, "Process" },
        { "StartTime",        CELL_TIME,   "Started" },
        { "Epoch",            CELL_NUMBER, "Start number" },
        { "HeartbeatAge",     CELL_SPAN,   "Last loop turn" },
        { "Running",          CELL_NUMBER, "Running" },
        { "Paused",           CELL_NUMBER, "Paused" },
        { "Starting",         CELL_NUMBER, "Starting" },
        { "Queued",           CELL_NUMBER, "Queued" },
        { "Ending",           CELL_NUMBER, "Ending" },
        { "Started",          CELL_NUMBER, "Tasks started" },
        { "EndedDone",        CELL_NUMBER, "Ended: Done" },
        { "EndedError",       CELL_NUMBER, "Ended: Error" },
        { "EndedCancelled",   CELL_NUMBER, "Ended: Cancelled" },
        { "EndedExited",      CELL_NUMBER, "Ended: Exited" },
        { "Rejected",         CELL_NUMBER, "Starts refused" },
        { "LastId",           CELL_NUMBER, "Last id" },
        { "KeeperPID",        CELL_NUMBER, "Keeper" },
        { "KeeperGeneration", CELL_NUMBER, "Keeper generation" },
        { "StoreBacklog",     CELL_NUMBER, "Unwritten changes" },
        { "StoreLate",        CELL_SPAN,   "Oldest of them" },
        { "CgroupRoot",       CELL_TEXT,   "Cgroup" },
        { "Controllers",      CELL_TEXT,   "Controllers" },
        { "StateDirectory",   CELL_TEXT,   "State" },
        { "RuntimeDirectory", CELL_TEXT,   "Runtime" },
};

static int status_ask(Ctl *ctl, Value **ret) {
        _cleanup_(value_freep) Value *answer = NULL;
        int r;

        r = ctl_call(ctl, "Status", "", NULL, &answer);
        if (r < 0)
                return r;
        if (answer->n_items != 1 || answer->items[0]->type != VALUE_DICTIONARY)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        *ret = MOVE(answer->items[0]);
        return 0;
}

static void append_line(Text *text, const Line *line, const Value *status) {
        _cleanup_(freep) char *raw = NULL;
        Text value = {};

        cell_append(&value, line->kind, value_get(status, line->key), clock_now_usec(CLOCK_REALTIME));
        raw = text_take(&value);
        if (raw && *raw)
                sheet_append(text, line->label, raw);
}

static void append_warnings(Text *text, const Value *status) {
        const Value *warnings = value_get(status, "Warnings");

        for (size_t i = 0; warnings && i < warnings->n_items; i++)
                sheet_append(text, "Warning", text_or_empty(value_string(warnings->items[i])));
}

/* `bgtd 0.1.0: Main Loop; 2 running, 1 paused, 3 waiting`. */
static void append_glance(Text *text, const Value *status) {
        text_append(text, "bgtd ");
        visible_append(text, text_or_empty(value_get_string(status, "Version")));
        text_append(text, ": ");
        visible_append(text, text_or_empty(value_get_string(status, "Status")));
        text_appendf(text, "; %" PRIu64 " running, %" PRIu64 " paused, %" PRIu64 " waiting\n",
                     value_get_natural(status, "Running"), value_get_natural(status, "Paused"),
                     value_get_natural(status, "Queued") + value_get_natural(status, "Starting"));
}

int verb_status(Ctl *ctl) {
        _cleanup_(value_freep) Value *status = NULL;
        int r;

        r = status_ask(ctl, &status);
        if (r < 0)
                return r;
        if (ctl->json) {
                json_append(&ctl->out, status);
                text_append_char(&ctl->out, '\n');
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                append_line(&ctl->out, &lines[i], status);
        append_warnings(&ctl->out, status);
        return 0;
}

static int none_json(Ctl *ctl, const Value *status) {
        int r;

        text_append(&ctl->out, "{\"status\":");
        json_append(&ctl->out, status);
        text_append(&ctl->out, ",\"tasks\":");
        r = list_append_active(ctl);
        if (r < 0)
                return r;
        text_append(&ctl->out, "}\n");
        return 0;
}

int verb_none(Ctl *ctl) {
        _cleanup_(value_freep) Value *status = NULL;
        int r;

        r = status_ask(ctl, &status);
        if (r < 0)
                return r;
        if (ctl->json)
                return none_json(ctl, status);
        append_glance(&ctl->out, status);
        append_warnings(&ctl->out, status);
        return list_append_active(ctl);
}
