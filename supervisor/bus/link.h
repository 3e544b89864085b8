/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Links
 *
 * What every connection serves, private or shared: the manager, the tasks and
 * the standard interfaces. The userdata of all handlers.
 */

#include <systemd/sd-bus.h>

#include "supervisor/bus/peer.h"

typedef struct Link Link;

struct Link {
        struct Bus *bus;
        Peer *peer;             /* who sent the message being handled */
        /*
         * On a shared bus: finds out who sent it, or keeps it until that is
         * known and returns 1; NULL where there is one client alone.
         */
        int (*identify)(Link *link, sd_bus_message *message);
};

/* Exports everything on @connection; @link has to stay as long as that. */
int link_export(Link *link, sd_bus *connection);
