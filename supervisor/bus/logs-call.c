/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/logs-call.h"

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/call.h"
#include "supervisor/bus/link.h"
#include "supervisor/bus/options.h"
#include "supervisor/engine/logs.h"

#define ANSWER_BYTES 256

static void logs_on_done(const Outcome *outcome, int stream, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(fd_closep) int fd = stream;
        Call *call = userdata;
        int r;

        if (outcome->error != OUTCOME_DONE) {
                call_refuse(call, outcome);
                return;
        }
        r = call_new_reply(call, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "h", fd);
        if (r < 0)
                call_fail(call, r);
        else
                call_reply(call, reply, ANSWER_BYTES);
}

int logs_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const Option options[] = {
                { "attempt", "u", offsetof(LogsOptions, attempt), offsetof(LogsOptions, has_attempt), 0 },
                OPTION("lines", "t", LogsOptions, n_lines),
                OPTION("follow", "b", LogsOptions, follow),
                {}
        };
        LogsOptions wanted = {};
        Link *link = userdata;
        Peer *peer = link->peer;
        uint64_t id;
        Call *call;
        int r;

        r = sd_bus_message_read_basic(m, SD_BUS_TYPE_UINT64, &id);
        if (r < 0)
                return r;
        r = options_read(m, options, &wanted, error);
        if (r < 0)
                return r;
        /* A reader would have been started for nobody. */
        if (sd_bus_can_send(peer->link, SD_BUS_TYPE_UNIX_FD) <= 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_NOT_SUPPORTED, "This connection carries no file descriptors, and the answer is one.");

        r = call_new(sizeof *call, peer, m, &call, error);
        if (r < 0)
                return r;
        call->forget = logs_forget;
        logs_open(peer->bus->sv, &peer->caller, id, &wanted, logs_on_done, call);
        return 1;
}
