/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Server
 *
 * The private socket: takes connections, and sees to it that clients, however
 * many and however busy, do not keep the loop from everything else. When they
 * have had their time they rest until nothing else is left to do.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "supervisor/engine/supervisor.h"

/* When nothing else is left to do in a turn. */
#define PRIORITY_REST (PRIORITY_FLUSH + 10)

struct Bus;

typedef struct Server {
        struct Bus *bus;
        int fd;
        int spare_fd;                   /* given up to refuse a client when there are no more descriptors */
        char *directory;                /* where we have made the socket; NULL: it was handed to us */
        sd_id128_t id;
        sd_event_source *source;
        sd_event_source *rest_source;   /* comes last in a turn of the loop */
        uint64_t busy_usec;             /* spent on clients since the last rest */
        bool waiting;                   /* as Connection.waiting */
} Server;

/* @fd: as BusOptions.listen_fd. */
int server_open(Server *server, struct Bus *bus, int fd, char **ret_sentence);
void server_close(Server *server);

/* Whether clients have to wait now. */
bool server_rests(const Server *server);
void server_was_busy(Server *server, uint64_t usec);
