/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The brain
 *
 * The one connection whose orders count, and those that have not yet said
 * HELLO. Nothing is queued for it: each ward knows how much of it has been
 * told, and what lags behind is said as fast as the brain reads. One refusal
 * may wait; as long as it does no further order is read.
 */

#include "lib/base/packet.h"
#include "supervisor/keeper/cgroup-root.h"
#include "supervisor/keeper/ward.h"

#define BRAIN_CANDIDATES_MAX 8

typedef struct Brain {
        int epoll_fd;                   /* borrowed */
        Wards *wards;                   /* borrowed */
        int fd;                         /* -1: nobody is there */
        uint32_t watched;               /* events that epoll waits for on it */
        int candidate[BRAIN_CANDIDATES_MAX];
        uint32_t next_candidate;        /* whose place the next one takes */

        bool welcome_due, known_end_due, refusal_due;
        KeeperMessage refusal;
        Ward *first, *last;             /* wards of which something may be left to tell */
} Brain;

/* An order and its descriptors, which are closed with it unless taken out. */
typedef struct Order {
        KeeperMessage message;
        int fds[PACKET_FDS_MAX];
        size_t n_fds;
} Order;

void brain_init(Brain *brain, int epoll_fd, Wards *wards);
bool brain_is_away(const Brain *brain);         /* and nobody is about to become it */

/* Somebody has connected. */
void brain_accept(Brain *brain, int listen_fd, const CgroupRoot *root);
/* A candidate has said something: the brain if it is a good HELLO, gone otherwise. */
void brain_on_candidate(Brain *brain, uint32_t index);

#define BRAIN_E_NO_ORDER 1      /* for now, or because the connection is over */

/* A SPAWN, ACK or BOUND. Whoever sends anything else is hung up on. */
int brain_receive(Brain *brain, Order *ret);
void order_done(Order *order);

void brain_refuse(Brain *brain, const KeeperMessage *order, int error);

/* There is news of the ward. */
void brain_touch(Brain *brain, Ward *ward);
/* The ward is about to go. */
void brain_forget(Brain *brain, Ward *ward);
/* Says what is due, as far as the brain reads. */
void brain_flush(Brain *brain);
