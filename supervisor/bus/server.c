/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/connection.h"
#include "supervisor/sys/log.h"

#define SOCKET_NAME "bus"
#define BACKLOG 1024
/* How long clients have the loop for themselves, all together. */
#define BUSY_USEC (10 * USEC_PER_MSEC)
#define ACCEPTS_PER_TURN 16

static int refuse(char **ret_sentence, int r, const char *what, const char *directory) {
        if (r == -EADDRINUSE)
                *ret_sentence = text_format("Another bgtd answers at %s/" SOCKET_NAME "; stop it, or give this one a directory of its own.", directory);
        else
                *ret_sentence = text_format("Cannot %s the socket %s/" SOCKET_NAME ": %s.", what, directory, strerror(-r));
        return r;
}

/* A path that is too long for a socket's goes through the directory's descriptor. */
static void address_in(const char *directory, int directory_fd, struct sockaddr_un *ret) {
        int n;

        *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
        n = snprintf(ret->sun_path, sizeof ret->sun_path, "%s/" SOCKET_NAME, directory);
        if (n < 0 || (size_t) n >= sizeof ret->sun_path)
                (void) snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/" SOCKET_NAME, directory_fd);
}

/* Whether somebody answers there. */
static bool address_is_taken(const struct sockaddr_un *address) {
        _cleanup_(fd_closep) int fd = -1;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return false;
        return connect(fd, (const struct sockaddr *) address, sizeof *address) == 0 || errno == EAGAIN;
}

static int socket_make(const char *directory, int directory_fd, mode_t mode) {
        _cleanup_(fd_closep) int fd = -1;
        struct sockaddr_un address;

        address_in(directory, directory_fd, &address);
        if (address_is_taken(&address))
                return -EADDRINUSE;
        if (unlinkat(directory_fd, SOCKET_NAME, 0) < 0 && errno != ENOENT)
                return result_errno();

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return result_errno();
        if (bind(fd, (const struct sockaddr *) &address, sizeof address) < 0)
                return result_errno();
        if (fchmodat(directory_fd, SOCKET_NAME, mode, 0) < 0)
                return result_errno();
        if (listen(fd, BACKLOG) < 0)
                return result_errno();
        return MOVE_FD(fd);
}

static int server_make_socket(Server *server, char **ret_sentence) {
        const Supervisor *sv = server->bus->sv;
        _cleanup_(fd_closep) int directory_fd = -1;
        int fd;

        directory_fd = open(sv->runtime_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory_fd < 0)
                return refuse(ret_sentence, result_errno(), "make", sv->runtime_dir);
        fd = socket_make(sv->runtime_dir, directory_fd, sv->user_mode ? 0600 : 0666);
        if (fd < 0)
                return refuse(ret_sentence, fd, "make", sv->runtime_dir);
        server->fd = fd;

        server->directory = strdup(sv->runtime_dir);
        return server->directory ? 0 : -ENOMEM;
}

/* Without descriptors left the client could only be left waiting, and the loop would be told of it for ever. */
static void server_refuse_client(Server *server) {
        int fd;

        server->spare_fd = fd_close(server->spare_fd);
        fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        (void) fd_close(fd);
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* False: nobody waits. */
static bool server_accept(Server *server) {
        _cleanup_(fd_closep) int fd = -1;
        int r;

        fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
                server_refuse_client(server);
                return true;
        }
        if (fd < 0)
                return errno == EINTR || errno == ECONNABORTED;

        r = connection_new(server->bus, fd);
        if (r == -EDQUOT)
                log_message(LOG_DEBUG, 0, "A client is refused: its user has too many connections.");
        else if (r < 0)
                (void) log_result(LOG_WARNING, r, 0, "Cannot take a client's connection");
        else
                fd = -1;
        return true;
}

static int server_on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Server *server = userdata;
        uint64_t start = clock_now_usec(CLOCK_MONOTONIC);

        if (server_rests(server)) {
                server->waiting = true;
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                return 0;
        }
        for (int i = 0; i < ACCEPTS_PER_TURN && server_accept(server); i++)
                ;
        server_was_busy(server, clock_now_usec(CLOCK_MONOTONIC) - start);
        return 0;
}

bool server_rests(const Server *server) {
        return server->busy_usec >= BUSY_USEC;
}

void server_was_busy(Server *server, uint64_t usec) {
        server->busy_usec += usec;
        if (server_rests(server))
                (void) sd_event_source_set_enabled(server->rest_source, SD_EVENT_ONESHOT);
}

static int server_on_rested(sd_event_source *source, void *userdata) {
        Server *server = userdata;

        server->busy_usec = 0;
        if (server->waiting)
                (void) sd_event_source_set_enabled(server->source, SD_EVENT_ON);
        server->waiting = false;
        for (Peer *peer = server->bus->peers; peer; peer = peer->next)
                if (connection_of_peer(peer))
                        connection_go_on(connection_of_peer(peer));
        return 0;
}

static int server_watch(Server *server) {
        sd_event *event = server->bus->sv->event;
        int r;

        r = sd_event_add_io(event, &server->source, server->fd, EPOLLIN, server_on_connection, server);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(server->source, "clients");
        r = sd_event_source_set_priority(server->source, PRIORITY_BUS);
        if (r < 0)
                return r;

        r = sd_event_add_defer(event, &server->rest_source, server_on_rested, server);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(server->rest_source, "clients-rest");
        r = sd_event_source_set_priority(server->rest_source, PRIORITY_REST);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(server->rest_source, SD_EVENT_OFF);
}

int server_open(Server *server, Bus *bus, int fd, char **ret_sentence) {
        int r;

        *server = (Server) { .bus = bus, .fd = -1, .spare_fd = -1 };
        r = sd_id128_randomize(&server->id);
        if (r < 0)
                return r;
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (server->spare_fd < 0)
                return result_errno();

        if (fd < 0) {
                r = server_make_socket(server, ret_sentence);
                if (r < 0)
                        return r;
        } else if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                return result_errno();
        else
                server->fd = fd;
        return server_watch(server);
}

void server_close(Server *server) {
        (void) sd_event_source_disable_unref(server->rest_source);
        (void) sd_event_source_disable_unref(server->source);
        if (server->directory) {
                _cleanup_(freep) char *path = text_format("%s/" SOCKET_NAME, server->directory);

                if (path)
                        (void) unlink(path);
                free(server->directory);
        }
        server->spare_fd = fd_close(server->spare_fd);
        server->fd = fd_close(server->fd);
}
