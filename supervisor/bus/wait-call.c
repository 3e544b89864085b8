/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/wait-call.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/call.h"
#include "supervisor/bus/errors.h"
#include "supervisor/bus/link.h"
#include "supervisor/bus/lookup-call.h"
#include "supervisor/bus/options.h"
#include "supervisor/bus/request-call.h"

typedef struct WaitCall {
        Call call;
        uint64_t *ids;                  /* each once */
        size_t n_ids;
        WaitFor wait_for;
        size_t n_left;                  /* whose wait is not over */
        bool asked;                     /* all of them have been asked for */
        bool timed_out;
        int error;                      /* BusError, or OUTCOME_DONE as long as no wait has failed */
        char sentence[256];             /* of the first that failed */
        sd_event_source *source;        /* the time is up */
} WaitCall;

static void wait_done(Call *call) {
        WaitCall *wait = (WaitCall *) call;

        (void) sd_event_source_disable_unref(wait->source);
        free(wait->ids);
}

/* What is waited for is over: the answer is how the tasks are now. */
static void wait_finish(WaitCall *wait) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = sd_bus_message_ref(wait->call.message);
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(freep) uint64_t *ids = MOVE(wait->ids);
        const Lookup lookup = { .form = LOOKUP_WAITED, .done = !wait->timed_out };
        const Query query = { .ids = ids, .n_ids = wait->n_ids, .every = true, .fresh = true };
        Peer *peer = wait->call.peer;
        int r;

        (void) call_free(&wait->call);
        r = lookup_answer(peer, message, &lookup, &query, &error);
        if (r < 0)
                (void) sd_bus_reply_method_errno(message, r, &error);
}

static void wait_check(WaitCall *wait) {
        if (!wait->asked)
                return;
        if (wait->error != OUTCOME_DONE) {
                wait->call.forget(wait->call.peer->bus->sv, wait);
                call_refuse(&wait->call, &(Outcome) { wait->error, wait->sentence });
        } else if (wait->n_left == 0)
                wait_finish(wait);
}

static void wait_on_done(uint64_t id, const Outcome *outcome, void *userdata) {
        WaitCall *wait = userdata;

        if (outcome->error != OUTCOME_DONE && wait->error == OUTCOME_DONE) {
                wait->error = outcome->error;
                text_copy(wait->sentence, sizeof wait->sentence, outcome->sentence);
        }
        wait->n_left--;
        wait_check(wait);
}

static bool wait_is_present(const WaitCall *wait, uint64_t id) {
        const Task *task = registry_find(wait->call.peer->bus->sv->registry, id);

        return task && task->stored;
}

static int wait_on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        WaitCall *wait = userdata;

        wait->call.forget(wait->call.peer->bus->sv, wait);
        wait->timed_out = true;
        wait_finish(wait);
        return 0;
}

static int wait_arm(WaitCall *wait, uint64_t msec) {
        int r;

        if (msec >= USEC_INFINITY / USEC_PER_MSEC)
                return 0;
        r = sd_event_add_time_relative(wait->call.peer->bus->sv->event, &wait->source, CLOCK_MONOTONIC, msec * USEC_PER_MSEC,
                                       USEC_PER_MSEC, wait_on_time, wait);
        if (r == -EOVERFLOW)
                return 0;
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(wait->source, "wait");
        return sd_event_source_set_priority(wait->source, PRIORITY_TIMERS);
}

/* What is not in memory any more has ended. */
static void wait_ask(WaitCall *wait) {
        Supervisor *sv = wait->call.peer->bus->sv;

        wait->call.forget = control_forget;
        for (size_t i = 0; i < wait->n_ids; i++) {
                if (!wait_is_present(wait, wait->ids[i]))
                        continue;
                wait->n_left++;
                control_wait(sv, wait->ids[i], wait->wait_for, wait_on_done, wait);
        }
        wait->asked = true;
        wait_check(wait);
}

static void wait_on_found(const Outcome *outcome, Task *const *tasks, size_t n_tasks, void *userdata) {
        WaitCall *wait = userdata;

        if (outcome->error != OUTCOME_DONE)
                call_refuse(&wait->call, outcome);
        else
                wait_ask(wait);
}

/* Ids that name nothing are told at once, and not when everybody else has ended. The store is asked once for all of them. */
static int wait_begin(WaitCall *wait) {
        _cleanup_(freep) uint64_t *absent = calloc(wait->n_ids, sizeof *absent);
        Peer *peer = wait->call.peer;
        size_t n = 0;

        if (!absent)
                return -ENOMEM;
        for (size_t i = 0; i < wait->n_ids; i++)
                if (!wait_is_present(wait, wait->ids[i]))
                        absent[n++] = wait->ids[i];
        if (n == 0) {
                wait_ask(wait);
                return 0;
        }
        wait->call.forget = query_forget;
        query_run(peer->bus->sv, &peer->caller, &(Query) { .ids = absent, .n_ids = n, .every = true }, wait_on_found, wait);
        return 0;
}

static int read_wait_for(const char *word, WaitFor *ret, sd_bus_error *error) {
        if (!word)
                *ret = WAIT_ENDED;
        else if (strcmp(word, "Running") == 0)
                *ret = WAIT_RUNNING;
        else if (strcmp(word, "Paused") == 0)
                *ret = WAIT_PAUSED;
        else
                return error_set(error, BUS_ERROR_INVALID_OPTION, "One can wait for \"Running\" and \"Paused\", not for \"%.100s\".", word);
        return 0;
}

int wait_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const Option options[] = { { "for", "s", 0, OPTION_ALWAYS, 0 }, {} };
        _cleanup_(call_freep) Call *call = NULL;
        const Link *link = userdata;
        const char *word = NULL;
        const uint64_t *ids;
        WaitFor wait_for = WAIT_ENDED;
        WaitCall *wait;
        uint64_t msec;
        size_t n_ids;
        int r;

        r = ids_read(m, &ids, &n_ids, error);
        if (r < 0)
                return r;
        r = sd_bus_message_read_basic(m, SD_BUS_TYPE_UINT64, &msec);
        if (r < 0)
                return r;
        r = options_read(m, options, &word, error);
        if (r < 0)
                return r;
        r = read_wait_for(word, &wait_for, error);
        if (r < 0)
                return r;
        if (n_ids == 0)
                return error_set_invalid(error, "There is no id to wait for.");

        r = call_new(sizeof *wait, link->peer, m, &call, error);
        if (r < 0)
                return r;
        wait = (WaitCall *) call;
        call->done = wait_done;
        wait->error = OUTCOME_DONE;
        r = ids_unique(ids, n_ids, &wait->ids, &wait->n_ids);
        if (r < 0)
                return r;
        wait->wait_for = wait_for;
        r = wait_arm(wait, msec);
        if (r < 0)
                return r;

        r = wait_begin(wait);
        if (r < 0)
                return r;
        call = NULL;
        return 1;
}
