/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/call.h"

#include "lib/base/result.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/errors.h"
#include "supervisor/sys/log.h"

#define ERROR_BYTES 1024

int call_new(size_t size, Peer *peer, sd_bus_message *message, Call **ret, sd_bus_error *error) {
        Call *call;

        assert(size >= sizeof *call);

        if (peer->n_calls >= PEER_CALLS_MAX)
                return error_set_limit(error, "%d requests of this client wait for their answer already.", PEER_CALLS_MAX);
        if (peer->quota->n_calls >= QUOTA_CALLS_MAX)
                return error_set_limit(error, "%d requests of this user wait for their answer already.", QUOTA_CALLS_MAX);
        if (!quota_take_request(peer->quota, peer->message_bytes))
                return error_set_limit(error, "Requests of %llu MB by this user wait for their answer already.",
                                       QUOTA_REQUEST_BYTES_MAX >> 20);
        call = calloc(1, size);
        if (!call) {
                quota_give_request(peer->quota, peer->message_bytes);
                return -ENOMEM;
        }

        call->peer = peer;
        call->message = sd_bus_message_ref(message);
        call->n_bytes = peer->message_bytes;
        call->next = peer->calls;
        if (peer->calls)
                peer->calls->previous = call;
        peer->calls = call;
        peer->n_calls++;
        peer->quota->n_calls++;
        *ret = call;
        return 0;
}

Call *call_free(Call *call) {
        if (!call)
                return NULL;

        if (call->done)
                call->done(call);
        if (call->previous)
                call->previous->next = call->next;
        else
                call->peer->calls = call->next;
        if (call->next)
                call->next->previous = call->previous;
        call->peer->n_calls--;
        call->peer->quota->n_calls--;
        quota_give_request(call->peer->quota, call->n_bytes);
        (void) sd_bus_message_unref(call->message);
        free(call);
        return NULL;
}

void call_forget(Call *call) {
        if (call->forget)
                call->forget(call->peer->bus->sv, call);
        (void) call_free(call);
}

int call_new_reply(Call *call, sd_bus_message **ret) {
        return sd_bus_message_new_method_return(call->message, ret);
}

void call_reply(Call *call, sd_bus_message *reply, uint64_t n_bytes) {
        int r = 0;

        if (sd_bus_message_get_expect_reply(call->message) > 0)
                r = peer_send(call->peer, reply, n_bytes);
        if (r < 0)
                call_fail(call, r);
        else
                (void) call_free(call);
}

void call_fail_error(Call *call, int r, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        if (sd_bus_message_get_expect_reply(call->message) > 0) {
                r = sd_bus_message_new_method_errno(call->message, &reply, r, error);
                if (r >= 0)
                        r = peer_send(call->peer, reply, ERROR_BYTES);
                if (r < 0)
                        (void) log_failure(r, "Cannot answer a client of user %u", (unsigned) call->peer->caller.uid);
        }
        (void) call_free(call);
}

void call_fail(Call *call, int r) {
        call_fail_error(call, r, NULL);
}

void call_refuse(Call *call, const Outcome *outcome) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        assert(outcome->error >= 0 && outcome->error < _BUS_ERROR_MAX);

        r = error_set(&error, outcome->error, "%s", outcome->sentence);
        call_fail_error(call, r, &error);
}
