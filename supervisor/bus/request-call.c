/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/request-call.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/call.h"
#include "supervisor/bus/errors.h"
#include "supervisor/bus/options.h"
#include "supervisor/bus/utf8.h"

/* How long requests to many tasks have the loop for themselves. */
#define TURN_USEC (5 * USEC_PER_MSEC)
/* How many questions to the store, about tasks that are not in memory, are under way for one call: others have some, too. */
#define ABSENT_MAX 8

/* What became of the request to one task. */
typedef struct Part {
        uint64_t id;
        bool absent;            /* the store has to be asked */
        int error;              /* BusError or OUTCOME_DONE */
        char *sentence;         /* NULL: none */
} Part;

typedef struct RequestCall {
        Call call;
        Request asked;
        uint64_t id;                    /* what asked.ids points to for a single task */
        Part *parts;                    /* by id, each once: nobody is asked twice */
        size_t n_parts;
        size_t n_asked, n_answered;
        size_t n_absent;                /* of the asked and not answered */
        sd_event_source *source;        /* asks the next ones */
} RequestCall;

static void request_done(Call *call) {
        RequestCall *request = (RequestCall *) call;

        (void) sd_event_source_disable_unref(request->source);
        for (size_t i = 0; i < request->n_parts; i++)
                free(request->parts[i].sentence);
        free(request->parts);
}

int ids_read(sd_bus_message *m, const uint64_t **ret_ids, size_t *ret_n_ids, sd_bus_error *error) {
        const void *ids;
        size_t size;
        int r;

        r = sd_bus_message_read_array(m, SD_BUS_TYPE_UINT64, &ids, &size);
        if (r < 0)
                return r;
        if (size / sizeof(uint64_t) > IDS_MAX)
                return error_set_limit(error, "There are more than %d ids; ask in several calls.", IDS_MAX);
        *ret_ids = ids;
        *ret_n_ids = size / sizeof(uint64_t);
        return 0;
}

static int compare_ids(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return (x > y) - (x < y);
}

int ids_unique(const uint64_t *ids, size_t n_ids, uint64_t **ret, size_t *ret_n) {
        uint64_t *unique = calloc(n_ids + 1, sizeof *unique);
        size_t n = 0;

        if (!unique)
                return -ENOMEM;
        if (n_ids > 0)
                memcpy(unique, ids, n_ids * sizeof *unique);
        qsort(unique, n_ids, sizeof *unique, compare_ids);
        for (size_t i = 0; i < n_ids; i++)
                if (n == 0 || unique[n - 1] != unique[i])
                        unique[n++] = unique[i];
        *ret = unique;
        *ret_n = n;
        return 0;
}

int request_read_options(sd_bus_message *m, ControlVerb verb, ControlOptions *ret, sd_bus_error *error) {
        static const Option options[] = {
                OPTION("no-wait", "b", ControlOptions, no_wait),
                {}
        };
        static const Option cancel_options[] = {
                OPTION("no-wait", "b", ControlOptions, no_wait),
                OPTION("force", "b", ControlOptions, force),
                {}
        };
        static const Option signal_options[] = { {} };
        int r;

        if (verb == CONTROL_SIGNAL) {
                r = sd_bus_message_read_basic(m, SD_BUS_TYPE_INT32, &ret->signal);
                if (r < 0)
                        return r;
                return options_read(m, signal_options, ret, error);
        }
        return options_read(m, verb == CONTROL_CANCEL ? cancel_options : options, ret, error);
}

static Part *request_find(const RequestCall *request, uint64_t id) {
        return bsearch(&id, request->parts, request->n_parts, sizeof *request->parts, compare_ids);
}

static int append_part(sd_bus_message *reply, uint64_t id, const Part *part) {
        const char *name = part->error == OUTCOME_DONE ? "" : bus_error_name(part->error);
        _cleanup_(freep) char *made = NULL;
        const char *sentence = utf8_or_made(text_or_empty(part->sentence), &made);

        return sentence ? sd_bus_message_append(reply, "(tss)", id, name, sentence) : -ENOMEM;
}

static int request_fill(const RequestCall *request, sd_bus_message *reply, uint64_t *ret_bytes) {
        int r;

        if (request->asked.single)
                return 0;
        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(tss)");
        if (r < 0)
                return r;
        for (size_t i = 0; i < request->asked.n_ids; i++) {
                const Part *part = request_find(request, request->asked.ids[i]);

                r = append_part(reply, request->asked.ids[i], part);
                if (r < 0)
                        return r;
                *ret_bytes += 64 + strlen(text_or_empty(part->sentence));
        }
        return sd_bus_message_close_container(reply);
}

static void request_reply(RequestCall *request) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t n_bytes = 0;
        int r;

        if (request->asked.single && request->parts[0].error != OUTCOME_DONE) {
                call_refuse(&request->call, &(Outcome) { request->parts[0].error, text_or_empty(request->parts[0].sentence) });
                return;
        }
        r = call_new_reply(&request->call, &reply);
        if (r >= 0)
                r = request_fill(request, reply, &n_bytes);
        if (r < 0)
                call_fail(&request->call, r);
        else
                call_reply(&request->call, reply, n_bytes);
}

static void request_check(RequestCall *request) {
        if (request->n_answered == request->n_parts && request->n_asked == request->n_parts)
                request_reply(request);
}

static void request_on_done(uint64_t id, const Outcome *outcome, void *userdata) {
        RequestCall *request = userdata;
        Part *part = request_find(request, id);

        assert(part);

        part->error = outcome->error;
        /* Without memory for the sentence the error's name has to do. */
        if (outcome->sentence[0])
                part->sentence = strdup(outcome->sentence);
        request->n_answered++;
        if (part->absent && request->n_absent-- == ABSENT_MAX)
                (void) sd_event_source_set_enabled(request->source, SD_EVENT_ONESHOT);
        request_check(request);
}

static void request_ask_part(RequestCall *request, Part *part) {
        Peer *peer = request->call.peer;
        Supervisor *sv = peer->bus->sv;
        const Task *task = registry_find(sv->registry, part->id);

        part->absent = !task || !task->stored;
        request->n_absent += part->absent;
        control_request(sv, &peer->caller, part->id, request->asked.verb, &request->asked.options, request_on_done, request);
}

/* Asks until the turn is over, or enough is under way. The answer to the last one frees the request. */
static void request_ask(RequestCall *request) {
        uint64_t start = clock_now_usec(CLOCK_MONOTONIC);

        while (request->n_absent < ABSENT_MAX) {
                Part *part = &request->parts[request->n_asked++];
                bool last = request->n_asked == request->n_parts;

                request_ask_part(request, part);
                if (last)
                        return;
                if (clock_now_usec(CLOCK_MONOTONIC) - start > TURN_USEC) {
                        (void) sd_event_source_set_enabled(request->source, SD_EVENT_ONESHOT);
                        return;
                }
        }
}

static int request_on_turn(sd_event_source *source, void *userdata) {
        RequestCall *request = userdata;

        if (request->n_asked < request->n_parts)
                request_ask(request);
        return 0;
}

static int request_fill_parts(RequestCall *request) {
        _cleanup_(freep) uint64_t *ids = NULL;
        size_t n;
        int r;

        r = ids_unique(request->asked.ids, request->asked.n_ids, &ids, &n);
        if (r < 0)
                return r;
        request->parts = calloc(n + 1, sizeof *request->parts);
        if (!request->parts)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                request->parts[i].id = ids[i];
        request->n_parts = n;
        return 0;
}

static int request_prepare(RequestCall *request) {
        int r;

        r = request_fill_parts(request);
        if (r < 0)
                return r;
        r = sd_event_add_defer(request->call.peer->bus->sv->event, &request->source, request_on_turn, request);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(request->source, "request");
        r = sd_event_source_set_priority(request->source, PRIORITY_REST);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(request->source, SD_EVENT_OFF);
}

int request_answer(Peer *peer, sd_bus_message *m, const Request *asked, sd_bus_error *error) {
        _cleanup_(call_freep) Call *call = NULL;
        RequestCall *request;
        int r;

        r = call_new(sizeof *request, peer, m, &call, error);
        if (r < 0)
                return r;
        request = (RequestCall *) call;
        call->done = request_done;
        request->asked = *asked;
        if (asked->single) {
                request->id = asked->ids[0];
                request->asked.ids = &request->id;
        }
        r = request_prepare(request);
        if (r < 0)
                return r;

        call->forget = control_forget;
        call = NULL;
        if (request->n_parts == 0)
                request_reply(request);
        else
                request_ask(request);
        return 1;
}
