/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Connections
 *
 * One client on the private socket.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "supervisor/bus/gate.h"
#include "supervisor/bus/link.h"
#include "supervisor/bus/peer.h"

typedef struct Connection {
        Peer peer;
        Link link;
        Gate gate;
        sd_bus *connection;
        int fd;
        sd_event_source *source;        /* something came in */
        bool waiting;                   /* for the server's rest to be over */
} Connection;

/* Who is at the other end is asked of the kernel. Takes @fd on success. -EDQUOT: not one more. */
int connection_new(struct Bus *bus, int fd);

/* The rest is over. */
void connection_go_on(Connection *connection);

static inline Connection *connection_of_peer(Peer *peer) {
        return peer->name ? NULL : (Connection *) peer;
}
