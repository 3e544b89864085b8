/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "ctl/follow.h"
#include "ctl/resumption.h"
#include "ctl/selected.h"
#include "ctl/selection.h"
#include "ctl/verbs.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"

/* How often a stream may end early while bgtd is there and the task goes on. */
#define EARLY_ENDS_MAX 5

const Option logs_options[] = {
        { "attempt", .value = "K", .help = "of this attempt, counted from 0; else the latest" },
        { "follow", 'f', .help = "go on until the task has ended" },
        { "lines", 'n', .value = "N", .help = "only the last N lines" },
        {}
};

typedef struct Logs {
        Ctl *ctl;
        uint64_t id;
        uint64_t n_lines;               /* 0: all */
        const char *attempt;            /* NULL: the latest */
        bool follow;
        Resumption resumption;
        bool shows;                     /* on a terminal: control characters are shown, not obeyed */
        unsigned n_behind;              /* bytes that the character begun still wants */
        bool lead;                      /* a byte 0xc2 came last and is held back: it may begin a control character */
        Text line;                      /* --json: what has come of a line whose end has not */
} Logs;

static void logs_done(Logs *logs) {
        text_done(&logs->line);
        resumption_done(&logs->resumption);
}

static int logs_options_read(Logs *logs, Value *options, bool first) {
        uint64_t attempt = 0;
        int r = 0;

        if (logs->attempt && (quantity_parse_u64(logs->attempt, &attempt) < 0 || attempt > UINT32_MAX))
                return trouble_usage(&logs->ctl->trouble, "--attempt is a number counted from 0, not %s.", logs->attempt);
        if (logs->attempt)
                r = value_set(options, "attempt", value_new_natural(VALUE_UINT32, attempt));
        if (r >= 0 && first && logs->n_lines > 0)
                r = value_set(options, "lines", value_new_natural(VALUE_UINT64, logs->n_lines));
        if (r >= 0 && logs->follow)
                r = value_set(options, "follow", value_new_boolean(true));
        return r < 0 ? trouble_failed(&logs->ctl->trouble, r, "Cannot ask for the output") : 0;
}

/* A stream of the output, in the answer. */
static int logs_open(Logs *logs, bool first, Value **ret) {
        _cleanup_(value_freep) Value *id = value_new_natural(VALUE_UINT64, logs->id), *options = value_new_dictionary(), *answer = NULL;
        int r;

        if (!id || !options)
                return trouble_failed(&logs->ctl->trouble, -ENOMEM, "Cannot ask for the output");
        r = logs_options_read(logs, options, first);
        if (r < 0)
                return r;
        r = ctl_call(logs->ctl, "Logs", "ta{sv}", (const Value *[]) { id, options }, &answer);
        if (r < 0)
                return r;
        if (answer->n_items != 1 || answer->items[0]->type != VALUE_FD)
                return trouble_failed(&logs->ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        *ret = MOVE(answer);
        return 0;
}

/* How many bytes follow a first byte of UTF-8. */
static unsigned bytes_behind(unsigned char c) {
        return c >= 0xf0 && c < 0xf8 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : 0;
}

/* What a terminal would obey, but for new lines, tabs and returns, it is shown. */
static void append_shown(Logs *logs, const Text *raw, Text *out) {
        for (size_t i = 0; i < raw->length; i++) {
                unsigned char c = (unsigned char) raw->data[i];
                bool inside = logs->n_behind > 0 && (c & 0xc0) == 0x80;
                bool c1 = c >= 0x80 && c < 0xa0 && (!inside || logs->lead);

                if (logs->lead && !c1)
                        text_append_char(out, (char) 0xc2);
                logs->n_behind = inside ? logs->n_behind - 1 : bytes_behind(c);
                logs->lead = c == 0xc2;
                if (logs->lead)
                        continue;
                if (c1 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\t' && c != '\r'))
                        text_appendf(out, "\\x%02x", c);
                else
                        text_append_char(out, (char) c);
        }
}

static void append_object(Logs *logs, Text *out) {
        _cleanup_(freep) char *line = text_take(&logs->line);

        if (!line) {
                out->failed = true;
                return;
        }
        text_append(out, "{\"Line\":");
        text_append_json(out, line);
        text_append(out, "}\n");
}

static void append_objects(Logs *logs, const Text *raw, bool last, Text *out) {
        for (size_t i = 0; i < raw->length; i++)
                if (raw->data[i] == '\n')
                        append_object(logs, out);
                else
                        text_append_char(&logs->line, raw->data[i]);
        if (last && logs->line.length > 0)
                append_object(logs, out);
}

/* @last: nothing more will come. */
static int logs_print(Logs *logs, Text *raw, bool last) {
        _cleanup_(text_done) Text shown = {};
        const Text *out = raw;

        if (logs->ctl->json)
                append_objects(logs, raw, last, &shown);
        else if (logs->shows)
                append_shown(logs, raw, &shown);
        if (logs->ctl->json || logs->shows)
                out = &shown;
        if (raw->failed || shown.failed)
                return trouble_failed(&logs->ctl->trouble, -ENOMEM, "Cannot print the output");
        return out->length > 0 ? terminal_write(out->data, out->length, &logs->ctl->trouble) : 0;
}

/* Prints it to its end. A stream that follows may be silent for as long as the task. */
static int logs_copy(Logs *logs, int fd) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        uint64_t patience = logs->ctl->timeout_usec / USEC_PER_MSEC;
        _cleanup_(freep) char *buffer = malloc(65536);
        int r, msec = logs->follow ? -1 : patience > INT32_MAX ? -1 : (int) patience;
        ssize_t n;

        if (!buffer)
                return trouble_failed(&logs->ctl->trouble, -ENOMEM, "Cannot print the output");
        do {
                _cleanup_(text_done) Text out = {};

                r = poll(&poll_fd, 1, msec);
                if (r == 0)
                        return trouble_own(&logs->ctl->trouble, -ETIMEDOUT, EXIT_TIMED_OUT,
                                           "The output of task %" PRIu64 " does not come; --timeout waits longer.", logs->id);
                n = read(fd, buffer, 65536);
                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n < 0)
                        return trouble_failed(&logs->ctl->trouble, result_errno(), "Cannot read the output");
                if (n > 0)
                        resumption_feed(&logs->resumption, buffer, (size_t) n, &out);
                else
                        resumption_end(&logs->resumption, &out);
                r = logs_print(logs, &out, n == 0 && !logs->follow);
                if (r < 0)
                        return r;
        } while (n != 0);
        return 0;
}

/* Whether the task has ended. Through the same connection as the stream: if bgtd went away meanwhile, it shows here. */
static int logs_ask_ended(Logs *logs, bool *ret) {
        _cleanup_(value_freep) Value *filter = selection_filter_of_ids(&logs->id, 1), *answer = NULL;
        _cleanup_(value_freep) Value *columns = value_new_strings((char *[]) { (char *) "HasEnded", NULL });
        int r;

        if (!filter || !columns)
                return trouble_failed(&logs->ctl->trouble, -ENOMEM, "Cannot ask for the task");
        r = ctl_call(logs->ctl, "List", "a{sv}as", (const Value *[]) { filter, columns }, &answer);
        if (r < 0)
                return r;
        if (answer->n_items != 1 || answer->items[0]->n_items != 1)
                return trouble_failed(&logs->ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        *ret = value_get_boolean(answer->items[0]->items[0], "HasEnded");
        return 0;
}

static int logs_follow(Logs *logs) {
        bool ended = false, first = true;
        unsigned n_early = 0;
        int r;

        while (n_early < EARLY_ENDS_MAX) {
                _cleanup_(value_freep) Value *answer = NULL;
                uint64_t before = logs->resumption.position;

                r = logs_open(logs, first, &answer);
                if (r >= 0)
                        r = logs_copy(logs, answer->items[0]->fd);
                if (r >= 0) {
                        first = false;
                        r = logs_ask_ended(logs, &ended);
                }
                if (r >= 0 && ended)
                        return logs_print(logs, &(Text) {}, true);
                if (r >= 0)
                        n_early = logs->resumption.position > before ? 0 : n_early + 1;
                else {
                        r = follow_again(logs->ctl, r, USEC_INFINITY);
                        if (r < 0)
                                return r;
                }
                if (!first)
                        resumption_again(&logs->resumption);
        }
        return trouble_own(&logs->ctl->trouble, -EIO, EXIT_FAILED,
                           "The output of task %" PRIu64 " broke off again and again; bgtd's journal says why.", logs->id);
}

static int logs_once(Logs *logs) {
        _cleanup_(value_freep) Value *answer = NULL;
        int r;

        r = logs_open(logs, true, &answer);
        return r < 0 ? r : logs_copy(logs, answer->items[0]->fd);
}

static int logs_id(Ctl *ctl, uint64_t *ret) {
        _cleanup_(freep) uint64_t *ids = NULL;
        size_t n;
        int r;

        r = selected_ids(ctl, false, &ids, &n);
        if (r < 0)
                return r;
        if (n != 1)
                return trouble_usage(&ctl->trouble, "The output of one task at a time; these are %zu.", n);
        *ret = ids[0];
        return 0;
}

int verb_logs(Ctl *ctl) {
        const char *lines = arguments_value(&ctl->arguments, "lines"), *color = arguments_value(&ctl->arguments, "color");
        _cleanup_(logs_done) Logs logs = {
                .ctl = ctl,
                .attempt = arguments_value(&ctl->arguments, "attempt"),
                .follow = arguments_has(&ctl->arguments, "follow"),
                .shows = ctl->terminal.is_terminal && !text_equal(color, "always"),
        };
        int r;

        if (lines && (quantity_parse_u64(lines, &logs.n_lines) < 0 || logs.n_lines == 0))
                return trouble_usage(&ctl->trouble, "--lines is a number of lines, not %s.", lines);
        resumption_init(&logs.resumption, logs.n_lines == 0);
        r = logs_id(ctl, &logs.id);
        if (r < 0)
                return r;
        return logs.follow ? logs_follow(&logs) : logs_once(&logs);
}
