/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Bus
 *
 * What clients see of the supervisor: the private socket, a shared bus where
 * there is one, and the news for those who want it. It translates; it decides
 * nothing.
 */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "lib/base/owned.h"
#include "supervisor/bus/announce.h"
#include "supervisor/bus/peer.h"
#include "supervisor/bus/quota.h"
#include "supervisor/bus/sandbox.h"
#include "supervisor/bus/server.h"
#include "supervisor/bus/shared-bus.h"
#include "supervisor/bus/user-name.h"
#include "supervisor/engine/supervisor.h"

typedef struct BusOptions {
        int listen_fd;          /* a listening socket, taken in any case; -1: make `bus` in the runtime directory */
        SharedBusKind shared;
} BusOptions;

typedef struct Bus {
        Supervisor *sv;
        Server server;
        SharedBus *shared;              /* NULL: none */
        Announcer announcer;
        Peer *peers;                    /* everybody */
        Quotas quotas;
        UserNames user_names;
        Outside outside;
        sd_event_source *reap_source;   /* frees the doomed */
} Bus;

/*
 * Answers on the socket when it returns; a shared bus follows, or does not.
 * On failure *@ret_sentence, the caller's, says what is wrong and what would help.
 */
int bus_open(Bus **ret, Supervisor *sv, const BusOptions *options, char **ret_sentence);
Bus *bus_close(Bus *bus);
DEFINE_OWNED(Bus *, bus_close)

/* Somebody is doomed. */
void bus_reap(Bus *bus);
