/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Calls
 *
 * A request whose answer comes later. It is the first field of the object that
 * knows what is asked, the userdata of what the engine has been asked, and
 * freed with its answer or with its client, whichever is first.
 */

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "supervisor/bus/peer.h"
#include "supervisor/engine/outcome.h"
#include "supervisor/engine/supervisor.h"

typedef struct Call Call;

struct Call {
        Peer *peer;
        sd_bus_message *message;        /* a reference */
        uint64_t n_bytes;               /* of the request, on the user's account */
        void (*forget)(Supervisor *sv, void *userdata);         /* the engine's, for what it was asked last; NULL: nothing */
        void (*done)(Call *call);       /* frees what the object around it holds; NULL: nothing */
        Call *next, *previous;          /* Peer.calls */
};

/* A zeroed object of @size bytes around a call. Fills @error if the client waits for too much already. */
int call_new(size_t size, Peer *peer, sd_bus_message *message, Call **ret, sd_bus_error *error);
Call *call_free(Call *call);
DEFINE_OWNED(Call *, call_free)

/* Takes back what the engine was asked, and frees it. */
void call_forget(Call *call);

/* An empty answer to be filled. */
int call_new_reply(Call *call, sd_bus_message **ret);

/* Each is the answer, and frees the call. @r: a negative errno. */
void call_reply(Call *call, sd_bus_message *reply, uint64_t n_bytes);
void call_refuse(Call *call, const Outcome *outcome);
void call_fail(Call *call, int r);
void call_fail_error(Call *call, int r, const sd_bus_error *error);
