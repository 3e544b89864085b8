/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/connection.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/driver.h"
#include "supervisor/sys/log.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* How long one client has the loop for itself. */
#define TURN_USEC (2 * USEC_PER_MSEC)

/* What the kernel keeps for a client that does not read. sd-bus would have it be 8 MB. */
#define UNREAD_BYTES (128 << 10)

static_assert(offsetof(Connection, peer) == 0, "a connection is found by its peer");

static void connection_free(Connection *connection);

static void connection_freep(Connection **connection) {
        if (*connection)
                connection_free(*connection);
}

static void connection_free_peer(Peer *peer) {
        connection_free((Connection *) peer);
}

static void connection_end_message(Connection *connection) {
        quota_give_request(connection->peer.quota, connection->peer.message_bytes);
        connection->peer.message_bytes = 0;
}

static void connection_free(Connection *connection) {
        (void) sd_event_source_disable_unref(connection->source);
        if (connection->peer.quota)
                connection_end_message(connection);
        peer_done(&connection->peer);
        (void) sd_bus_close_unref(connection->connection);
        gate_done(&connection->gate);
        connection->fd = fd_close(connection->fd);
        free(connection);
}

static int socket_peer_groups(int fd, gid_t **ret, size_t *ret_n) {
        socklen_t size = 64 * sizeof(gid_t);

        for (;;) {
                _cleanup_(freep) gid_t *groups = malloc(size > 0 ? size : 1);

                if (!groups)
                        return -ENOMEM;
                if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0) {
                        *ret_n = size / sizeof *groups;
                        *ret = MOVE(groups);
                        return 0;
                }
                /* The kernel has said how much it would be. */
                if (errno != ERANGE)
                        return result_errno();
        }
}

/* -1: this kernel gives none. -ESRCH or the like: the process is gone. */
static int socket_peer_pidfd(int fd) {
        socklen_t size = sizeof fd;
        int pidfd = -1;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
                return pidfd;
        return errno == ENOPROTOOPT ? -1 : result_errno();
}

static int caller_of_socket(Bus *bus, int fd, Caller *ret, gid_t **ret_groups) {
        _cleanup_(freep) gid_t *groups = NULL;
        _cleanup_(fd_closep) int pidfd = -1;
        struct ucred credentials;
        socklen_t size = sizeof credentials;
        size_t n_groups;
        int r;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return result_errno();
        r = socket_peer_groups(fd, &groups, &n_groups);
        if (r < 0)
                return r;
        pidfd = socket_peer_pidfd(fd);

        *ret = (Caller) {
                .uid = credentials.uid,
                .gid = credentials.gid,
                .groups = groups,
                .n_groups = n_groups,
                .pid = credentials.pid,
                .sandboxed = pidfd < -1 || sandbox_holds(bus->sv, &bus->outside, credentials.pid, pidfd),
        };
        *ret_groups = MOVE(groups);
        return 0;
}

static bool connection_on_message(uint64_t n_bytes, void *userdata) {
        Connection *connection = userdata;
        Peer *peer = &connection->peer;

        if (n_bytes > peer->bus->sv->settings->max_message_bytes)
                return false;
        if (!quota_take_request(peer->quota, n_bytes))
                return false;
        peer->message_bytes = n_bytes;
        return true;
}

/* sd-bus reads all there is and calls the handlers. */
static void connection_process(Connection *connection) {
        int r;

        do
                r = sd_bus_process(connection->connection, NULL);
        while (r > 0);
        if (r < 0 || sd_bus_is_open(connection->connection) <= 0)
                peer_doom(&connection->peer, "it is gone");
        peer_check_unread(&connection->peer);
}

/* One step of what came in. False: nothing is there, or nothing more counts. */
static bool connection_pass(Connection *connection) {
        bool was_open = connection->gate.open;
        int r;

        r = gate_pass(&connection->gate);
        switch (r) {
        case 0:
                return false;
        case GATE_E_PART:
        case GATE_E_WHOLE:
                break;
        case GATE_E_END:
                peer_doom(&connection->peer, "it is gone");
                return false;
        case GATE_E_REFUSED:
                peer_doom(&connection->peer, "what it sends is no message, or too large");
                return false;
        default:
                peer_doom(&connection->peer, "it cannot be read");
                return false;
        }

        connection_process(connection);
        if (r == GATE_E_WHOLE && was_open)
                connection_end_message(connection);
        if (r == GATE_E_WHOLE && !was_open && sd_bus_is_ready(connection->connection) <= 0)
                peer_doom(&connection->peer, "its handshake has failed");
        return !connection->peer.doomed;
}

static int connection_on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Connection *connection = userdata;
        Server *server = &connection->peer.bus->server;
        uint64_t start = clock_now_usec(CLOCK_MONOTONIC), now = start;

        if (server_rests(server)) {
                connection->waiting = true;
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                return 0;
        }

        while (now - start < TURN_USEC && connection_pass(connection))
                now = clock_now_usec(CLOCK_MONOTONIC);
        if (connection->peer.doomed)
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        server_was_busy(server, clock_now_usec(CLOCK_MONOTONIC) - start);
        return 0;
}

void connection_go_on(Connection *connection) {
        if (!connection->waiting)
                return;
        connection->waiting = false;
        if (!connection->peer.doomed)
                (void) sd_event_source_set_enabled(connection->source, SD_EVENT_ON);
}

static int connection_on_disconnect(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Connection *connection = userdata;

        peer_doom(&connection->peer, "it is gone");
        return 0;
}

/* sd-bus reads behind the gate and writes to the socket itself. */
static int connection_start(Connection *connection, int bus_fd_consumed) {
        _cleanup_(fd_closep) int in = bus_fd_consumed, out = -1;
        Bus *bus = connection->peer.bus;
        int r;

        out = fcntl(connection->gate.client_fd, F_DUPFD_CLOEXEC, 3);
        if (out < 0)
                return result_errno();
        r = sd_bus_new(&connection->connection);
        if (r < 0)
                return r;
        connection->peer.link = connection->connection;
        r = sd_bus_set_fd(connection->connection, in, out);
        if (r < 0)
                return r;
        in = out = -1;
        r = sd_bus_set_server(connection->connection, true, bus->server.id);
        if (r < 0)
                return r;
        /* Who it is has been asked of the kernel, and sd-bus sees the gate. */
        r = sd_bus_set_anonymous(connection->connection, true);
        if (r < 0)
                return r;
        r = sd_bus_negotiate_fds(connection->connection, true);
        if (r < 0)
                return r;
        /* Or the loop's end would wait for clients that do not read. */
        r = sd_bus_set_close_on_exit(connection->connection, false);
        if (r < 0)
                return r;
        r = sd_bus_set_sender(connection->connection, DRIVER_OWN_NAME);
        if (r < 0)
                return r;
        r = sd_bus_start(connection->connection);
        if (r < 0)
                return r;
        if (setsockopt(connection->gate.client_fd, SOL_SOCKET, SO_SNDBUF, &(int) { UNREAD_BYTES }, sizeof(int)) < 0)
                return result_errno();
        /*
         * What is left for it to do by itself is writing to slow clients. It is
         * also told of one that has gone, for ever, until that is read: so
         * nothing must come after it.
         */
        return sd_bus_attach_event(connection->connection, bus->sv->event, PRIORITY_REST);
}

static int connection_export(Connection *connection) {
        int r;

        r = sd_bus_match_signal(connection->connection, NULL, NULL, "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", connection_on_disconnect, connection);
        if (r < 0)
                return r;
        connection->link = (Link) { .bus = connection->peer.bus, .peer = &connection->peer };
        r = driver_export(&connection->link, connection->connection);
        if (r < 0)
                return r;
        return link_export(&connection->link, connection->connection);
}

int connection_new(Bus *bus, int fd) {
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(freep) gid_t *groups = NULL;
        int r, bus_fd;

        connection = calloc(1, sizeof *connection);
        if (!connection)
                return -ENOMEM;
        connection->fd = -1;
        connection->gate.inner_fd = -1;

        r = caller_of_socket(bus, fd, &connection->peer.caller, &groups);
        if (r < 0)
                return r;
        r = peer_init(&connection->peer, bus, NULL, groups);
        if (r < 0)
                return r;
        groups = NULL;
        connection->peer.free = connection_free_peer;

        r = gate_init(&connection->gate, fd, connection_on_message, connection, &bus_fd);
        if (r < 0)
                return r;
        connection->gate.takes_fds = access_to_commands(&bus->sv->access, &connection->peer.caller);
        r = connection_start(connection, bus_fd);
        if (r < 0)
                return r;
        r = connection_export(connection);
        if (r < 0)
                return r;
        r = sd_event_add_io(bus->sv->event, &connection->source, fd, EPOLLIN, connection_on_readable, connection);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(connection->source, "client");
        r = sd_event_source_set_priority(connection->source, PRIORITY_BUS);
        if (r < 0)
                return r;

        connection->fd = fd;
        connection = NULL;
        return 0;
}
