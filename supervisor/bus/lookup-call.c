/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/lookup-call.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/call.h"
#include "supervisor/bus/errors.h"
#include "supervisor/bus/task.h"

/* Half of what a message may be: who wants more asks for less of each. */
#define ANSWER_BYTES_MAX (64ULL << 20)

typedef struct LookupCall {
        Call call;
        LookupForm form;
        const Property **columns;       /* ours; NULL: all */
        size_t n_columns;
        bool done;
        bool accessible_only;           /* others must not find out a task's label or namespace by asking for it */
} LookupCall;

static void lookup_done(Call *call) {
        LookupCall *lookup = (LookupCall *) call;

        free(lookup->columns);
}

static bool lookup_wants_usage(const LookupCall *lookup) {
        if (!lookup->columns)
                return true;
        for (size_t i = 0; i < lookup->n_columns; i++)
                if (lookup->columns[i]->flags & PROPERTY_USAGE)
                        return true;
        return false;
}

static int lookup_take(const LookupCall *lookup, const Task *task, Snapshot *ret) {
        Peer *peer = lookup->call.peer;

        return snapshot_take(peer->bus->sv, &peer->caller, task, lookup_wants_usage(lookup), ret);
}

static int lookup_put_object(const LookupCall *lookup, Row *row, const Snapshot *snapshot) {
        char path[TASK_PATH_MAX];
        int r;

        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_DICT_ENTRY, "oa{sa{sv}}");
        if (r < 0)
                return r;
        r = sd_bus_message_append(row->message, "o", task_path(snapshot->task->id, path));
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_ARRAY, "{sa{sv}}");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_DICT_ENTRY, "sa{sv}");
        if (r < 0)
                return r;
        r = sd_bus_message_append(row->message, "s", BUS_TASK_INTERFACE);
        if (r < 0)
                return r;
        r = properties_put(row, snapshot, NULL, 0, 0);
        if (r < 0)
                return r;
        for (int i = 0; i < 3; i++) {
                r = sd_bus_message_close_container(row->message);
                if (r < 0)
                        return r;
        }
        row->n_bytes += sizeof path;
        return 0;
}

static int lookup_put_task(const LookupCall *lookup, Row *row, const Task *task) {
        _cleanup_(snapshot_done) Snapshot snapshot = {};
        int r;

        r = lookup_take(lookup, task, &snapshot);
        if (r < 0)
                return r;
        if (lookup->accessible_only && !snapshot.accessible)
                return 0;
        if (lookup->form == LOOKUP_OBJECTS)
                return lookup_put_object(lookup, row, &snapshot);
        return properties_put(row, &snapshot, lookup->columns, lookup->n_columns, 0);
}

/* -E2BIG: it would be too long an answer. */
static int lookup_put_all(const LookupCall *lookup, Row *row, Task *const *tasks, size_t n_tasks) {
        const char *element = lookup->form == LOOKUP_OBJECTS ? "{oa{sa{sv}}}" : "a{sv}";
        int r;

        if (lookup->form == LOOKUP_WAITED) {
                r = sd_bus_message_append(row->message, "b", lookup->done);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_ARRAY, element);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_tasks; i++) {
                r = lookup_put_task(lookup, row, tasks[i]);
                if (r < 0)
                        return r;
                if (row->n_bytes > ANSWER_BYTES_MAX)
                        return -E2BIG;
        }
        return sd_bus_message_close_container(row->message);
}

static int lookup_put_property(const LookupCall *lookup, Row *row, const Task *task, sd_bus_error *error) {
        _cleanup_(snapshot_done) Snapshot snapshot = {};
        int r;

        r = lookup_take(lookup, task, &snapshot);
        if (r < 0)
                return r;
        row->bare = true;
        r = property_put(lookup->columns[0], row, &snapshot);
        if (r < 0)
                return r;
        if (row->n_put == 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_PROPERTY, "%s of task %llu is null%s.", lookup->columns[0]->name,
                                         (unsigned long long) task->id, snapshot.accessible ? "" : " to you: the task belongs to another user");
        return 0;
}

static int lookup_put(const LookupCall *lookup, Row *row, Task *const *tasks, size_t n_tasks, sd_bus_error *error) {
        int r;

        if (lookup->form == LOOKUP_PROPERTIES)
                r = lookup_put_task(lookup, row, tasks[0]);
        else if (lookup->form == LOOKUP_PROPERTY)
                r = lookup_put_property(lookup, row, tasks[0], error);
        else
                r = lookup_put_all(lookup, row, tasks, n_tasks);
        if (r == -E2BIG)
                return error_set_limit(error, "The answer would be longer than %llu MB; ask for fewer columns, or with a limit.",
                                       ANSWER_BYTES_MAX >> 20);
        return r;
}

static void lookup_on_done(const Outcome *outcome, Task *const *tasks, size_t n_tasks, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        LookupCall *lookup = userdata;
        Bus *bus = lookup->call.peer->bus;
        uint64_t start = clock_now_usec(CLOCK_MONOTONIC);
        Row row = { .user_names = &bus->user_names };
        int r;

        if (outcome->error != OUTCOME_DONE) {
                call_refuse(&lookup->call, outcome);
                return;
        }
        if (n_tasks == 0 && (lookup->form == LOOKUP_PROPERTIES || lookup->form == LOOKUP_PROPERTY)) {
                call_refuse(&lookup->call, &(Outcome) { BUS_ERROR_NO_SUCH_TASK, "There is no such task." });
                return;
        }

        r = call_new_reply(&lookup->call, &reply);
        if (r >= 0) {
                row.message = reply;
                r = lookup_put(lookup, &row, tasks, n_tasks, &error);
        }
        if (r < 0)
                call_fail_error(&lookup->call, r, &error);
        else
                call_reply(&lookup->call, reply, row.n_bytes);
        /* Often it is the store's turn now, and not the client's: it counts all the same. */
        server_was_busy(&bus->server, clock_now_usec(CLOCK_MONOTONIC) - start);
}

int lookup_answer(Peer *peer, sd_bus_message *message, const Lookup *what, const Query *query, sd_bus_error *error) {
        _cleanup_(call_freep) Call *call = NULL;
        LookupCall *lookup;
        int r;

        r = call_new(sizeof *lookup, peer, message, &call, error);
        if (r < 0)
                return r;
        lookup = (LookupCall *) call;
        call->done = lookup_done;
        lookup->form = what->form;
        lookup->done = what->done;
        lookup->accessible_only = query->label || query->namespace;
        if (what->columns) {
                lookup->columns = calloc(what->n_columns, sizeof *lookup->columns);
                if (!lookup->columns)
                        return -ENOMEM;
                memcpy(lookup->columns, what->columns, what->n_columns * sizeof *lookup->columns);
                lookup->n_columns = what->n_columns;
        }

        call->forget = query_forget;
        query_run(peer->bus->sv, &peer->caller, query, lookup_on_done, MOVE(call));
        return 1;
}
