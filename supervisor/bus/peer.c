/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/peer.h"

#include "lib/base/result.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/call.h"
#include "supervisor/bus/errors.h"
#include "supervisor/sys/log.h"

int peer_init(Peer *peer, Bus *bus, sd_bus *link, gid_t *groups) {
        int r;

        r = quota_enter(&bus->quotas, peer->caller.uid, &peer->quota);
        if (r < 0)
                return r;

        peer->bus = bus;
        peer->link = link;
        peer->groups = groups;
        peer->next = bus->peers;
        if (bus->peers)
                bus->peers->previous = peer;
        bus->peers = peer;
        return 0;
}

static void peer_unlink(Peer *peer) {
        if (peer->previous)
                peer->previous->next = peer->next;
        else
                peer->bus->peers = peer->next;
        if (peer->next)
                peer->next->previous = peer->previous;
}

static void peer_set_unread(Peer *peer, uint64_t n_bytes) {
        peer->quota->n_answer_bytes += n_bytes - peer->unread_bytes;
        peer->unread_bytes = n_bytes;
}

void peer_done(Peer *peer) {
        if (!peer->bus)
                return;

        while (peer->calls)
                call_forget(peer->calls);
        peer_unsubscribe(peer);
        peer_set_unread(peer, 0);
        quota_leave(&peer->bus->quotas, peer->quota);
        peer_unlink(peer);
        free(peer->groups);
        free(peer->name);
        peer->bus = NULL;
}

int peer_subscribe(Peer *peer, sd_bus_error *error) {
        if (peer->subscribed)
                return 0;
        if (peer->caller.uid != 0 && peer->quota->n_subscriptions >= QUOTA_SUBSCRIPTIONS_MAX)
                return error_set_limit(error, "This user has %d subscriptions already.", QUOTA_SUBSCRIPTIONS_MAX);
        peer->subscribed = true;
        peer->quota->n_subscriptions++;
        return 0;
}

void peer_unsubscribe(Peer *peer) {
        if (!peer->subscribed)
                return;
        peer->subscribed = false;
        peer->quota->n_subscriptions--;
}

void peer_doom(Peer *peer, const char *why) {
        if (peer->doomed)
                return;
        log_message(LOG_DEBUG, 0, "A client of user %u is dropped: %s.", (unsigned) peer->caller.uid, why);
        peer->doomed = true;
        bus_reap(peer->bus);
}

static uint64_t peer_queued(const Peer *peer) {
        uint64_t n;

        return sd_bus_get_n_queued_write(peer->link, &n) < 0 ? 0 : n;
}

/* sd-bus tells how many messages are queued and not how large they are: all is read when there are none. */
static void peer_look_unread(Peer *peer) {
        if (peer->unread_bytes == 0 || peer_queued(peer) > 0)
                return;
        peer_set_unread(peer, 0);
        peer->behind_bytes = 0;
}

static void peer_count_unread(Peer *peer, uint64_t n_bytes) {
        if (peer->unread_bytes > 0)
                peer->behind_bytes += n_bytes;
        peer_set_unread(peer, peer->unread_bytes + n_bytes);
}

static bool quota_allows_answer(Bus *bus, const Quota *quota, uint64_t n_bytes) {
        if (quota->n_answer_bytes <= QUOTA_ANSWER_BYTES_MAX && n_bytes <= QUOTA_ANSWER_BYTES_MAX - quota->n_answer_bytes)
                return true;
        for (Peer *p = bus->peers; p; p = p->next)
                if (p->quota == quota && !p->name)
                        peer_look_unread(p);
        return quota->n_answer_bytes == 0 || quota->n_answer_bytes + n_bytes <= QUOTA_ANSWER_BYTES_MAX;
}

/* On a shared bus it is the broker who reads, and bounds. */
static bool peer_has_room(Peer *peer, uint64_t n_bytes, uint64_t behind_max) {
        if (peer->name)
                return true;
        peer_look_unread(peer);
        if (peer->unread_bytes > 0 && peer->behind_bytes + n_bytes > behind_max)
                return false;
        return peer_queued(peer) < PEER_UNREAD_MESSAGES_MAX && quota_allows_answer(peer->bus, peer->quota, n_bytes);
}

static int peer_send_within(Peer *peer, sd_bus_message *message, uint64_t n_bytes, uint64_t behind_max) {
        int r;

        if (peer->doomed)
                return 0;
        if (!peer_has_room(peer, n_bytes, behind_max)) {
                peer_doom(peer, "it does not read what it gets");
                return 0;
        }

        r = sd_bus_send(peer->link, message, NULL);
        if (r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE || r == -ESHUTDOWN) {
                if (!peer->name)
                        peer_doom(peer, "it is gone");
                return 0;
        }
        if (r < 0)
                return r;
        if (!peer->name && peer_queued(peer) > 0)
                peer_count_unread(peer, n_bytes);
        return 0;
}

int peer_send(Peer *peer, sd_bus_message *message, uint64_t n_bytes) {
        return peer_send_within(peer, message, n_bytes, PEER_ANSWERS_BYTES_MAX);
}

int peer_send_news(Peer *peer, sd_bus_message *message, uint64_t n_bytes) {
        return peer_send_within(peer, message, n_bytes, PEER_NEWS_BYTES_MAX);
}

void peer_check_unread(Peer *peer) {
        if (!peer->name && peer_queued(peer) >= PEER_UNREAD_MESSAGES_MAX)
                peer_doom(peer, "it does not read what it gets");
}
