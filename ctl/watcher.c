/* SPDX-License-Identifier: MIT */
#include "ctl/watcher.h"

#include <inttypes.h>

#include "ctl/follow.h"
#include "ctl/selection.h"
#include "ctl/snapshot.h"
#include "ctl/visible.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"

#define LOOK_USEC USEC_PER_SEC
/* However fast the changes come. */
#define LOOK_MIN_USEC (100 * USEC_PER_MSEC)

typedef struct Watcher {
        Ctl *ctl;
        const uint64_t *ids;
        size_t n_ids;
        uint64_t deadline_usec;
        bool changed;           /* one of ours, since the last look */
        Value *tasks;           /* the last look; NULL before it */
        size_t n_drawn;         /* lines on the terminal that the next frame replaces */
        char **printed;         /* elsewhere: of each task what its last line said */
} Watcher;

static void watcher_done(Watcher *watcher) {
        client_unsubscribe(watcher->ctl->client);
        value_free(watcher->tasks);
        for (size_t i = 0; watcher->printed && i < watcher->n_ids; i++)
                free(watcher->printed[i]);
        free(watcher->printed);
}

static void watcher_on_changed(const Value *properties, void *userdata) {
        Watcher *watcher = userdata;
        uint64_t id = value_get_natural(properties, "Id");

        for (size_t i = 0; !watcher->changed && i < watcher->n_ids; i++)
                watcher->changed = watcher->ids[i] == id;
}

/* What a line needs; a document needs everything. */
static Value *watcher_columns(const Watcher *watcher) {
        static const char *const names[] = {
                "Id", "Name", "Phase", "RunningState", "HasEnded", "StatusMessage", "WaitingFor",
                "Progress", "ProgressCurrent", "ProgressTotal", "ProgressUnits", "ProgressLine", "ProgressDetails",
                "Rate", "ETA", "Display", "FinalStatus", "ExitCode", "Signal", "Error", NULL,
        };

        return watcher->ctl->json ? value_new_list() : value_new_strings((char *const *) names);
}

static int watcher_look(Watcher *watcher, bool fresh) {
        _cleanup_(value_freep) Value *filter = NULL, *columns = NULL, *answer = NULL;
        Ctl *ctl = watcher->ctl;
        int r;

        filter = selection_filter_of_ids(watcher->ids, watcher->n_ids);
        columns = watcher_columns(watcher);
        if (!filter || !columns || (fresh && value_set(filter, "fresh", value_new_boolean(true)) < 0))
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot watch");
        watcher->changed = false;
        do {
                ClientCall call = {
                        .method = "List",
                        .signature = "a{sv}as",
                        .arguments = (const Value *[]) { filter, columns },
                        .deadline_usec = follow_patience(ctl, watcher->deadline_usec),
                };

                r = client_call(ctl->client, &call, &answer);
                if (r < 0)
                        r = follow_again(ctl, r, watcher->deadline_usec);
        } while (r >= 0 && !answer);
        if (r < 0)
                return r;
        if (answer->n_items != 1)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        value_free(watcher->tasks);
        watcher->tasks = MOVE(answer->items[0]);
        return 0;
}

static char *line_of(const Value *task) {
        Text line = {};

        snapshot_append_line(&line, task, clock_now_usec(CLOCK_REALTIME));
        return text_take(&line);
}

/* As many lines as the terminal has, over those of the last frame. */
static int watcher_draw(Watcher *watcher) {
        Terminal terminal = terminal_of_output("never");
        Text *out = &watcher->ctl->out;
        size_t n = watcher->tasks->n_items, room = terminal.lines > 2 ? terminal.lines - 2 : 1;

        if (watcher->n_drawn > 0)
                text_appendf(out, "\x1b[%zuA", watcher->n_drawn);
        if (n > room)
                n = room;
        for (size_t i = 0; i < n; i++) {
                _cleanup_(freep) char *line = line_of(watcher->tasks->items[i]);

                if (!line)
                        return trouble_failed(&watcher->ctl->trouble, -ENOMEM, "Cannot watch");
                visible_append_cut(out, line, terminal.columns - 1);    /* a full line would wrap */
                text_append(out, "\x1b[K\n");
        }
        watcher->n_drawn = n;
        if (n < watcher->tasks->n_items) {
                text_appendf(out, "... and %zu more\x1b[K\n", watcher->tasks->n_items - n);
                watcher->n_drawn++;
        }
        return ctl_flush(watcher->ctl);
}

/* What makes a new line worth printing; what only time changes does not. */
static char *key_of(const Value *task) {
        static const char *const names[] = { "Phase", "ProgressLine", "ProgressDetails", "StatusMessage", "WaitingFor" };
        Text key = {};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                text_append(&key, text_or_empty(value_get_string(task, names[i])));
                text_append_char(&key, '\n');
        }
        return text_take(&key);
}

static int watcher_print(Watcher *watcher) {
        Text *out = &watcher->ctl->out;

        for (size_t i = 0; i < watcher->n_ids; i++) {
                const Value *task = follow_find(watcher->tasks, watcher->ids[i]);
                _cleanup_(freep) char *key = task ? key_of(task) : NULL, *line = NULL;

                if (!task || text_equal(key, watcher->printed[i]))
                        continue;
                if (watcher->ctl->json)
                        snapshot_append_json(out, task);
                else {
                        line = line_of(task);
                        text_append(out, text_or_empty(line));
                }
                text_append_char(out, '\n');
                free(watcher->printed[i]);
                watcher->printed[i] = MOVE(key);
        }
        return ctl_flush(watcher->ctl);
}

static bool all_ended(const Watcher *watcher) {
        for (size_t i = 0; i < watcher->tasks->n_items; i++)
                if (!value_get_boolean(watcher->tasks->items[i], "HasEnded"))
                        return false;
        return true;
}

/* Until the next look is due. */
static int watcher_rest(Watcher *watcher, uint64_t looked_usec) {
        uint64_t now;
        int r;

        while ((now = clock_now_usec(CLOCK_MONOTONIC)) < watcher->deadline_usec) {
                uint64_t due = looked_usec + (watcher->changed ? LOOK_MIN_USEC : LOOK_USEC);

                if (now >= due)
                        return 0;
                r = client_wait(watcher->ctl->client, due < watcher->deadline_usec ? due : watcher->deadline_usec);
                if (r < 0)
                        r = follow_again(watcher->ctl, r, watcher->deadline_usec);
                if (r < 0)
                        return r;
        }
        return FOLLOW_E_TIME;
}

static int watcher_loop(Watcher *watcher, bool once) {
        bool draws = watcher->ctl->terminal.is_terminal && !watcher->ctl->json && !once;
        uint64_t looked, freshly = 0;
        int r;

        for (;;) {
                bool fresh = clock_now_usec(CLOCK_MONOTONIC) >= freshly + LOOK_USEC;

                looked = clock_now_usec(CLOCK_MONOTONIC);
                if (fresh)
                        freshly = looked;
                r = watcher_look(watcher, fresh);
                if (r < 0)
                        return r;
                r = draws ? watcher_draw(watcher) : watcher_print(watcher);
                if (r < 0)
                        return r;
                if (once || all_ended(watcher))
                        return 0;
                r = watcher_rest(watcher, looked);
                if (r != 0)
                        return r;
        }
}

int watcher_run(Ctl *ctl, const uint64_t *ids, size_t n_ids, uint64_t deadline_usec, bool once) {
        _cleanup_(watcher_done) Watcher watcher = { .ctl = ctl, .ids = ids, .n_ids = n_ids, .deadline_usec = deadline_usec };
        int r;

        watcher.printed = calloc(n_ids + 1, sizeof *watcher.printed);
        if (!watcher.printed)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot watch");
        r = once ? 0 : client_subscribe(ctl->client, watcher_on_changed, &watcher, follow_patience(ctl, deadline_usec));
        if (r >= 0)
                r = watcher_loop(&watcher, once);
        if (r == FOLLOW_E_TIME || ((r == -ENOTCONN || r == -ETIMEDOUT) && clock_now_usec(CLOCK_MONOTONIC) >= deadline_usec))
                return EXIT_TIME_IS_UP;
        if (r < 0)
                return r;
        return once ? 0 : follow_exit_status(ids, n_ids, watcher.tasks);
}
