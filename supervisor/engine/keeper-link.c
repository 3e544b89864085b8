/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/keeper-link.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/fd.h"
#include "lib/base/packet.h"
#include "lib/base/result.h"
#include "supervisor/sys/log.h"

#define ANSWER_MSEC 10000
#define RECONNECT_USEC (20 * USEC_PER_MSEC)
#define PACKETS_PER_TURN 256

/* A packet the keeper has not had room for. */
typedef struct Parcel {
        TAILQ_ENTRY(Parcel) queue_link;         /* KeeperLink.queue */
        KeeperMessage message;
        int fds[PACKET_FDS_MAX];
        size_t n_fds;
} Parcel;

struct KeeperLink {
        sd_event *event;
        char *path;
        uint64_t epoch, generation;
        pid_t pid;
        int fd;                                 /* -1 while there is no keeper */
        bool listed;                            /* KNOWN_END has come on this connection */
        sd_event_source *source;
        sd_event_source *reconnect_source;
        TAILQ_HEAD(, Parcel) queue;
        KeeperNews news;
        void *userdata;
};

static void parcel_free(Parcel *parcel) {
        for (size_t i = 0; i < parcel->n_fds; i++)
                fd_close(parcel->fds[i]);
        free(parcel);
}

static int link_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata);

static int link_wait_message(int fd, KeeperMessage *ret) {
        struct pollfd p = { fd, POLLIN, 0 };
        int fds[PACKET_FDS_MAX], n;
        size_t n_fds;
        ssize_t size;

        n = poll(&p, 1, ANSWER_MSEC);
        if (n < 0)
                return result_errno();
        if (n == 0)
                return -ETIMEDOUT;
        size = packet_receive(fd, ret, sizeof *ret, fds, &n_fds);
        if (size < 0)
                return (int) size;
        for (size_t i = 0; i < n_fds; i++)
                fd_close(fds[i]);
        if (size == 0)
                return -ECONNRESET;
        return size == sizeof *ret ? 0 : -EPROTO;
}

/* Says HELLO and hears who answers. */
static int link_greet(KeeperLink *link, int fd) {
        KeeperMessage message = { .version = KEEPER_PROTOCOL_VERSION, .kind = KEEPER_HELLO, .epoch = link->epoch };
        int r;

        r = packet_send(fd, &message, sizeof message, NULL, 0);
        if (r < 0)
                return r;
        r = link_wait_message(fd, &message);
        if (r < 0)
                return r;
        if (message.kind == KEEPER_REFUSED)
                return message.error ? -abs(message.error) : -EPROTO;
        if (message.kind != KEEPER_WELCOME || message.version != KEEPER_PROTOCOL_VERSION)
                return -EPROTO;
        link->generation = message.generation;
        link->pid = message.pid;
        return 0;
}

static int link_connect(KeeperLink *link) {
        _cleanup_(fd_closep) int fd = -1;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int r;

        if (strlen(link->path) >= sizeof address.sun_path)
                return -ENAMETOOLONG;
        memcpy(address.sun_path, link->path, strlen(link->path) + 1);

        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return result_errno();
        if (connect(fd, (struct sockaddr *) &address, sizeof address) < 0)
                return result_errno();
        r = link_greet(link, fd);
        if (r < 0)
                return r;
        r = sd_event_add_io(link->event, &link->source, fd, EPOLLIN, link_on_io, link);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(link->source, "keeper");
        (void) sd_event_source_set_priority(link->source, PRIORITY_KEEPER);
        link->fd = MOVE_FD(fd);
        link->listed = false;
        return 0;
}

int keeper_link_open(KeeperLink **ret, sd_event *event, const char *runtime_dir, uint64_t epoch,
                     const KeeperNews *news, void *userdata) {
        _cleanup_(keeper_link_closep) KeeperLink *link = NULL;
        int r;

        link = calloc(1, sizeof *link);
        if (!link)
                return -ENOMEM;
        link->fd = -1;
        link->event = event;
        link->epoch = epoch;
        link->news = *news;
        link->userdata = userdata;
        TAILQ_INIT(&link->queue);
        if (asprintf(&link->path, "%s/keeper", runtime_dir) < 0) {
                link->path = NULL;
                return -ENOMEM;
        }
        r = link_connect(link);
        if (r < 0)
                return r;
        *ret = MOVE(link);
        return 0;
}

static void link_drop(KeeperLink *link) {
        link->source = sd_event_source_disable_unref(link->source);
        fd_closep(&link->fd);
        while (!TAILQ_EMPTY(&link->queue)) {
                Parcel *parcel = TAILQ_FIRST(&link->queue);

                TAILQ_REMOVE(&link->queue, parcel, queue_link);
                parcel_free(parcel);
        }
}

KeeperLink *keeper_link_close(KeeperLink *link) {
        if (!link)
                return NULL;
        link_drop(link);
        sd_event_source_disable_unref(link->reconnect_source);
        free(link->path);
        free(link);
        return NULL;
}

/* The guard starts another keeper at once; its socket keeps us waiting until then. */
static int link_on_reconnect(sd_event_source *source, uint64_t usec, void *userdata) {
        KeeperLink *link = userdata;
        int r;

        r = link_connect(link);
        if (r == 0) {
                link->reconnect_source = sd_event_source_disable_unref(link->reconnect_source);
                log_info("The keeper is back (pid %d).", (int) link->pid);
                return 0;
        }
        (void) sd_event_source_set_time_relative(source, RECONNECT_USEC * 10);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

static void link_lose(KeeperLink *link, int reason) {
        int r;

        (void) log_failure(reason, "Lost the keeper; its guard starts another");
        link_drop(link);
        if (link->reconnect_source)
                return;
        r = sd_event_add_time_relative(link->event, &link->reconnect_source, CLOCK_MONOTONIC, RECONNECT_USEC, 0,
                                       link_on_reconnect, link);
        if (r < 0)
                (void) log_failure(r, "Cannot wait for the keeper");
}

static void link_deliver(KeeperLink *link, const KeeperMessage *message, int fd) {
        switch (message->kind) {
        case KEEPER_KNOWN:
                link->news.on_known(message, fd, link->userdata);
                return;
        case KEEPER_SPAWNED:
                link->news.on_spawned(message, fd, link->userdata);
                return;
        case KEEPER_KNOWN_END:
                link->listed = true;
                link->news.on_known_end(link->userdata);
                break;
        case KEEPER_EXECED:
                link->news.on_execed(message, link->userdata);
                break;
        case KEEPER_ENDED:
                link->news.on_ended(message, link->userdata);
                break;
        case KEEPER_REFUSED:
                link->news.on_refused(message, link->userdata);
                break;
        default:
                break;
        }
        fd_close(fd);
}

/* One packet; -EAGAIN when there is none. */
static int link_receive(KeeperLink *link) {
        KeeperMessage message;
        int fds[PACKET_FDS_MAX], fd;
        size_t n_fds;
        ssize_t size;

        size = packet_receive(link->fd, &message, sizeof message, fds, &n_fds);
        if (size < 0)
                return (int) size;
        for (size_t i = 1; i < n_fds; i++)
                fd_close(fds[i]);
        fd = size > 0 && n_fds > 0 ? fds[0] : -1;
        if (size == 0)
                return -ECONNRESET;
        if (size != sizeof message || message.version != KEEPER_PROTOCOL_VERSION) {
                fd_close(fd);
                return -EPROTO;
        }
        link_deliver(link, &message, fd);
        return 0;
}

static int link_flush(KeeperLink *link) {
        int r = 0;

        while (r == 0 && !TAILQ_EMPTY(&link->queue)) {
                Parcel *parcel = TAILQ_FIRST(&link->queue);

                r = packet_send(link->fd, &parcel->message, sizeof parcel->message, parcel->fds, parcel->n_fds);
                if (r < 0)
                        break;
                TAILQ_REMOVE(&link->queue, parcel, queue_link);
                parcel_free(parcel);
        }
        (void) sd_event_source_set_io_events(link->source, TAILQ_EMPTY(&link->queue) ? EPOLLIN : EPOLLIN | EPOLLOUT);
        return r == -EAGAIN ? 0 : r;
}

static int link_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        KeeperLink *link = userdata;
        int r = 0;

        if (revents & EPOLLOUT)
                r = link_flush(link);
        for (size_t i = 0; r == 0 && i < PACKETS_PER_TURN; i++)
                r = link_receive(link);
        if (r < 0 && r != -EAGAIN)
                link_lose(link, r);
        return 0;
}

int keeper_link_wait_known(KeeperLink *link) {
        struct pollfd p = { link->fd, POLLIN, 0 };
        int r;

        while (!link->listed) {
                if (poll(&p, 1, ANSWER_MSEC) <= 0)
                        return -ETIMEDOUT;
                r = link_receive(link);
                if (r < 0 && r != -EAGAIN)
                        return r;
        }
        return 0;
}

uint64_t keeper_link_generation(const KeeperLink *link) {
        return link->generation;
}

pid_t keeper_link_pid(const KeeperLink *link) {
        return link->pid;
}

static int link_queue(KeeperLink *link, const KeeperMessage *message, const int *fds, size_t n_fds) {
        Parcel *parcel = calloc(1, sizeof *parcel);

        if (!parcel)
                return -ENOMEM;
        parcel->message = *message;
        for (; parcel->n_fds < n_fds; parcel->n_fds++) {
                parcel->fds[parcel->n_fds] = fcntl(fds[parcel->n_fds], F_DUPFD_CLOEXEC, 3);
                if (parcel->fds[parcel->n_fds] < 0) {
                        parcel_free(parcel);
                        return result_errno();
                }
        }
        TAILQ_INSERT_TAIL(&link->queue, parcel, queue_link);
        (void) sd_event_source_set_io_events(link->source, EPOLLIN | EPOLLOUT);
        return 0;
}

static int link_send(KeeperLink *link, KeeperMessage *message, KeeperKey key, const int *fds, size_t n_fds) {
        int r = -EAGAIN;

        if (link->fd < 0)
                return 0;
        message->version = KEEPER_PROTOCOL_VERSION;
        message->id = key.id;
        message->attempt = key.attempt;
        message->role = key.role;
        if (TAILQ_EMPTY(&link->queue))
                r = packet_send(link->fd, message, sizeof *message, fds, n_fds);
        if (r == -EAGAIN)
                return link_queue(link, message, fds, n_fds);
        if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
                return 0;       /* the loop is about to notice */
        return r;
}

int keeper_link_spawn(KeeperLink *link, KeeperKey key, const int *fds, size_t n_fds) {
        KeeperMessage message = { .kind = KEEPER_SPAWN };

        if (!link->listed)
                return 0;       /* who compares the list with what was asked for would ask twice */
        return link_send(link, &message, key, fds, n_fds);
}

int keeper_link_ack(KeeperLink *link, KeeperKey key) {
        KeeperMessage message = { .kind = KEEPER_ACK };

        return link_send(link, &message, key, NULL, 0);
}

int keeper_link_bound(KeeperLink *link, KeeperKey key, uint64_t bytes, int output_fd) {
        KeeperMessage message = { .kind = KEEPER_BOUND, .bytes = bytes };

        return link_send(link, &message, key, &output_fd, 1);
}

void keeper_link_goodbye(KeeperLink *link) {
        KeeperMessage message = { .kind = KEEPER_GOODBYE };

        (void) link_send(link, &message, (KeeperKey) { .role = KEEPER_ROLE_TASK }, NULL, 0);
}
