/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Shared bus
 *
 * The same objects under the name org.bgt1 on the system or the session bus,
 * where there is one that lets us. Nothing depends on it: the private socket is
 * there without it.
 */

#include <systemd/sd-bus.h>

struct Bus;

typedef enum SharedBusKind {
        SHARED_BUS_NONE,
        SHARED_BUS_SYSTEM,
        SHARED_BUS_SESSION,
} SharedBusKind;

typedef struct SharedBus SharedBus;

/* Does not wait for the bus. NULL in *@ret, and a word in the log, where there is none. */
int shared_bus_open(SharedBus **ret, struct Bus *bus, SharedBusKind kind);
SharedBus *shared_bus_close(SharedBus *shared);
