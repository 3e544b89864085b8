/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Peers
 *
 * One client: who it is by the kernel's word, what it still waits for, and how
 * much it has not read. On a private connection there is one, on a shared bus
 * one for each name that has asked for something.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "supervisor/bus/quota.h"
#include "supervisor/policy/access.h"

#define PEER_CALLS_MAX 1000
/* Behind the first answer that is not read to its end: answers, and news. */
#define PEER_ANSWERS_BYTES_MAX (16ULL << 20)
#define PEER_NEWS_BYTES_MAX (4ULL << 20)
#define PEER_UNREAD_MESSAGES_MAX 10000

struct Bus;
struct Call;
typedef struct Peer Peer;

struct Peer {
        struct Bus *bus;
        sd_bus *link;                   /* what it is reached through; borrowed */
        char *name;                     /* its name on a shared bus; NULL: it is alone on its connection */
        Caller caller;
        gid_t *groups;
        Quota *quota;

        uint64_t message_bytes;         /* of the request being handled; 0: not known */
        uint64_t unread_bytes;          /* about what is queued for it */
        uint64_t behind_bytes;          /* the same without the first message, which may be of any length */
        struct Call *calls;             /* what it waits for */
        size_t n_calls;
        bool subscribed;

        bool doomed;                    /* freed when nothing on the stack can hold it any more */
        void (*free)(Peer *peer);       /* frees the object around it, beginning with peer_done() */
        Peer *next, *previous;          /* Bus.peers */
};

/* Joins the bus's peers. @peer->caller is filled already, its groups being @groups, which are taken on success. -EDQUOT: not one more. */
int peer_init(Peer *peer, struct Bus *bus, sd_bus *link, gid_t *groups);
/* What it waits for is forgotten; what it asked for goes on. */
void peer_done(Peer *peer);

/* Wants to hear of changes. Fills @error if that is one of its user's too many. */
int peer_subscribe(Peer *peer, sd_bus_error *error);
void peer_unsubscribe(Peer *peer);

/* Drops the client, soon. @why is for the log. */
void peer_doom(Peer *peer, const char *why);

/*
 * Sends, to this peer alone. A client that has not read what it got before, or
 * is gone, is dropped: that is no failure of the sender's.
 */
int peer_send(Peer *peer, sd_bus_message *message, uint64_t n_bytes);
/* The same for what it has not asked for in this very moment. */
int peer_send_news(Peer *peer, sd_bus_message *message, uint64_t n_bytes);

/* The bound on answers that sd-bus made by itself. */
void peer_check_unread(Peer *peer);
