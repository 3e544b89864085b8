/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/brain.h"

#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "supervisor/keeper/peer.h"
#include "supervisor/keeper/watch.h"

#define PACKETS_PER_FLUSH 256

void brain_init(Brain *brain, int epoll_fd, Wards *wards) {
        *brain = (Brain) { .epoll_fd = epoll_fd, .wards = wards, .fd = -1 };
        for (size_t i = 0; i < BRAIN_CANDIDATES_MAX; i++)
                brain->candidate[i] = -1;
}

bool brain_is_away(const Brain *brain) {
        for (size_t i = 0; i < BRAIN_CANDIDATES_MAX; i++)
                if (brain->candidate[i] >= 0)
                        return false;
        return brain->fd < 0;
}

/* Over for the other side too, even if a child before exec still has a copy. */
static void brain_disconnect(Brain *brain, int *fd) {
        if (*fd < 0)
                return;
        watch_remove(brain->epoll_fd, *fd);
        (void) shutdown(*fd, SHUT_RDWR);
        fd_closep(fd);
}

static void brain_hang_up(Brain *brain) {
        brain_disconnect(brain, &brain->fd);
        while (brain->first)
                brain_forget(brain, brain->first);
        brain->welcome_due = brain->known_end_due = brain->refusal_due = false;
}

void brain_accept(Brain *brain, int listen_fd, const CgroupRoot *root) {
        _cleanup_(fd_closep) int fd = -1;
        uint32_t index = brain->next_candidate;

        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 || !peer_may_command(fd, root))
                return;

        brain_disconnect(brain, &brain->candidate[index]);
        if (watch_add(brain->epoll_fd, fd, EPOLLIN, WATCH_CANDIDATE, index) < 0)
                return;
        brain->candidate[index] = MOVE_FD(fd);
        brain->next_candidate = (index + 1) % BRAIN_CANDIDATES_MAX;
}

static KeeperMessage message_new(KeeperKind kind) {
        return (KeeperMessage) { .version = KEEPER_PROTOCOL_VERSION, .kind = kind };
}

/* Takes @fd, which has said a good HELLO. */
static void brain_become(Brain *brain, int fd, const KeeperMessage *hello) {
        Table *table = brain->wards->table;

        brain_hang_up(brain);
        brain->fd = fd;
        brain->watched = EPOLLIN;
        table->epoch = hello->epoch;
        table->greeted = 1;
        table->released = 0;

        brain->welcome_due = brain->known_end_due = true;
        for (uint32_t i = 0; i < table->n_used; i++) {
                Ward *ward = &brain->wards->all[i];

                if (!ward->entry)
                        continue;
                ward->known_due = true;
                ward->told = KEEPER_CHILD_FREE;
                brain_touch(brain, ward);
        }
        if (watch_change(brain->epoll_fd, fd, brain->watched, WATCH_BRAIN, 0) < 0)
                brain_hang_up(brain);
}

/* 0, or why this HELLO is refused; -EBADMSG if it is none. */
static int hello_check(const KeeperMessage *hello, ssize_t size, uint64_t newest_epoch) {
        if (size < (ssize_t) sizeof hello->version)
                return -EBADMSG;
        if (hello->version != KEEPER_PROTOCOL_VERSION)
                return -EPROTO;
        if (size != sizeof *hello || hello->kind != KEEPER_HELLO)
                return -EBADMSG;
        return hello->epoch < newest_epoch ? -ESTALE : 0;
}

void brain_on_candidate(Brain *brain, uint32_t index) {
        KeeperMessage refusal = message_new(KEEPER_REFUSED);
        _cleanup_(order_done) Order hello = {};
        int *fd = &brain->candidate[index], r;
        ssize_t n;

        if (*fd < 0)
                return;
        n = packet_receive(*fd, &hello.message, sizeof hello.message, hello.fds, &hello.n_fds);
        if (n == -EAGAIN)
                return;
        r = hello_check(&hello.message, n, brain->wards->table->epoch);
        if (r == 0 && hello.n_fds == 0) {
                brain_become(brain, MOVE_FD(*fd), &hello.message);
                return;
        }
        if (r != -EBADMSG) {
                refusal.error = r;
                (void) packet_send(*fd, &refusal, sizeof refusal, NULL, 0);
        }
        brain_disconnect(brain, fd);
}

void order_done(Order *order) {
        for (size_t i = 0; i < order->n_fds; i++)
                fd_closep(&order->fds[i]);
        order->n_fds = 0;
}

static bool order_is_sound(const Order *order, ssize_t size) {
        const KeeperMessage *message = &order->message;

        if (size != sizeof *message || message->version != KEEPER_PROTOCOL_VERSION || message->role >= _KEEPER_ROLE_MAX)
                return false;
        switch (message->kind) {
        case KEEPER_SPAWN:
                return true;    /* what is wrong with one is told with its key */
        case KEEPER_ACK:
        case KEEPER_GOODBYE:
                return order->n_fds == 0;
        case KEEPER_BOUND:
                return order->n_fds == 1;
        default:
                return false;
        }
}

int brain_receive(Brain *brain, Order *ret) {
        _cleanup_(order_done) Order order = {};
        ssize_t n;

        if (brain->fd < 0 || brain->refusal_due)
                return BRAIN_E_NO_ORDER;
        n = packet_receive(brain->fd, &order.message, sizeof order.message, order.fds, &order.n_fds);
        if (n == -EAGAIN)
                return BRAIN_E_NO_ORDER;
        if (!order_is_sound(&order, n)) {
                brain_hang_up(brain);
                return BRAIN_E_NO_ORDER;
        }
        *ret = order;
        order.n_fds = 0;
        return 0;
}

void brain_refuse(Brain *brain, const KeeperMessage *order, int error) {
        brain->refusal = message_new(KEEPER_REFUSED);
        brain->refusal.id = order->id;
        brain->refusal.attempt = order->attempt;
        brain->refusal.role = order->role;
        brain->refusal.error = error;
        brain->refusal_due = true;
        brain_flush(brain);
}

void brain_touch(Brain *brain, Ward *ward) {
        if (brain->fd < 0 || ward->queued)
                return;
        ward->queue_previous = brain->last;
        ward->queue_next = NULL;
        if (brain->last)
                brain->last->queue_next = ward;
        else
                brain->first = ward;
        brain->last = ward;
        ward->queued = true;
}

void brain_forget(Brain *brain, Ward *ward) {
        if (!ward->queued)
                return;
        if (ward->queue_previous)
                ward->queue_previous->queue_next = ward->queue_next;
        else
                brain->first = ward->queue_next;
        if (ward->queue_next)
                ward->queue_next->queue_previous = ward->queue_previous;
        else
                brain->last = ward->queue_previous;
        ward->queued = false;
}

static int brain_say(Brain *brain, const KeeperMessage *message, int fd) {
        return packet_send(brain->fd, message, sizeof *message, &fd, fd >= 0 ? 1 : 0);
}

static int brain_say_due(Brain *brain, KeeperKind kind, bool *due) {
        KeeperMessage message = message_new(kind);
        int r;

        if (!*due)
                return 0;
        message.generation = brain->wards->table->generation;
        message.epoch = brain->wards->table->epoch;
        message.pid = getpid();
        r = brain_say(brain, kind == KEEPER_REFUSED ? &brain->refusal : &message, -1);
        if (r < 0)
                return r;
        *due = false;
        return 0;
}

static int brain_tell_about(Brain *brain, const Ward *ward, KeeperKind kind, KeeperState state) {
        KeeperMessage message = message_new(kind);
        const Entry *entry = ward->entry;

        message.id = entry->key.id;
        message.attempt = entry->key.attempt;
        message.role = entry->key.role;
        message.state = state;
        message.pid = *ward->pid;
        if (state == KEEPER_CHILD_ENDED) {
                message.code = entry->code;
                message.status = entry->status;
        }
        message.error = entry_failed_error(entry);
        message.step = entry_failed_step(entry);
        return brain_say(brain, &message, kind == KEEPER_KNOWN || kind == KEEPER_SPAWNED ? ward->pidfd : -1);
}

/* Each stage the ward has come to and the brain has not heard of, in its order. */
static int brain_tell(Brain *brain, Ward *ward) {
        KeeperState state = entry_state(ward->entry);
        const struct {
                bool reached;
                KeeperState state;
                KeeperKind kind;
        } stages[] = {
                { *ward->pid > 0,                KEEPER_CHILD_SPAWNED, KEEPER_SPAWNED },
                { ward->entry->executed,         KEEPER_CHILD_EXECED,  KEEPER_EXECED  },
                { state == KEEPER_CHILD_ENDED,   KEEPER_CHILD_ENDED,   KEEPER_ENDED   },
        };
        int r;

        if (ward->known_due) {
                r = brain_tell_about(brain, ward, KEEPER_KNOWN, state);
                if (r < 0)
                        return r;
                ward->known_due = false;
                ward->told = state;
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(stages); i++) {
                if (!stages[i].reached || stages[i].state <= ward->told)
                        continue;
                r = brain_tell_about(brain, ward, stages[i].kind, stages[i].state);
                if (r < 0)
                        return r;
                ward->told = stages[i].state;
        }
        return 0;
}

static int brain_say_all(Brain *brain) {
        int r;

        r = brain_say_due(brain, KEEPER_WELCOME, &brain->welcome_due);
        if (r < 0)
                return r;
        r = brain_say_due(brain, KEEPER_REFUSED, &brain->refusal_due);
        if (r < 0)
                return r;
        for (size_t i = 0; i < PACKETS_PER_FLUSH && brain->first; i++) {
                Ward *ward = brain->first;

                if (!ward->known_due) {         /* those it knew at HELLO stand first */
                        r = brain_say_due(brain, KEEPER_KNOWN_END, &brain->known_end_due);
                        if (r < 0)
                                return r;
                }
                r = brain_tell(brain, ward);
                if (r < 0)
                        return r;
                brain_forget(brain, ward);
        }
        if (brain->first)
                return -EAGAIN;         /* enough for this turn */
        return brain_say_due(brain, KEEPER_KNOWN_END, &brain->known_end_due);
}

void brain_flush(Brain *brain) {
        uint32_t wanted;
        int r;

        if (brain->fd < 0)
                return;
        r = brain_say_all(brain);
        if (r < 0 && r != -EAGAIN) {
                brain_hang_up(brain);
                return;
        }
        wanted = (brain->refusal_due ? 0 : EPOLLIN) | (r == -EAGAIN ? EPOLLOUT : 0);
        if (wanted == brain->watched)
                return;
        if (watch_change(brain->epoll_fd, brain->fd, wanted, WATCH_BRAIN, 0) < 0) {
                brain_hang_up(brain);
                return;
        }
        brain->watched = wanted;
}
