/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Client
 *
 * One connection to bgtd's private socket, and calls of org.bgt1.Manager on it.
 * Nothing is sent before the socket's owner, on disk and at its other end, is
 * seen to be root or the user who asks. No call waits longer than its deadline,
 * whatever bgtd does. What goes wrong is told in the trouble given to
 * client_new().
 */

#include <stdbool.h>
#include <stdint.h>

#include "ctl/trouble.h"
#include "ctl/value.h"

/* Deadlines are microseconds of CLOCK_MONOTONIC; USEC_INFINITY is none. */

typedef struct Client Client;

/* bgtd has told subscribers of a change: the properties that came with it. */
typedef void (*ClientOnChanged)(const Value *properties, void *userdata);

/* Does not connect. Borrows @path and @trouble for its life. */
int client_new(Client **ret, const char *path, Trouble *trouble);
Client *client_free(Client *client);
DEFINE_OWNED(Client *, client_free)

/*
 * Connects, if it is not connected. -ENOTCONN with its trouble if nobody
 * answers there, -EPERM if it is somebody else's socket.
 */
int client_connect(Client *client, uint64_t deadline_usec);

/* The same, trying again until the deadline: bgtd may just be starting again. */
int client_reconnect(Client *client, uint64_t deadline_usec);

/* A call of org.bgt1.Manager. */
typedef struct ClientCall {
        const char *method, *signature;
        const Value *const *arguments;  /* one for each complete type of the signature */
        uint64_t deadline_usec;
} ClientCall;

/*
 * Makes the call and waits for its answer: a list of what it returned, the
 * caller's. Connects if it is not connected.
 *   -EREMOTEIO  bgtd answered with an error; the trouble is it
 *   -ETIMEDOUT  no answer by the deadline
 *   -ENOTCONN   bgtd went away; client_is_lost()
 *   -EINTR      a signal of client_watch_interrupt() came
 */
int client_call(Client *client, const ClientCall *call, Value **ret);

/* Whether a connection that once stood has broken, so that a reconnect may help. */
bool client_is_lost(const Client *client);

/* From now on, also after a reconnect, changes come to @on_changed during client_call() and client_wait(). */
int client_subscribe(Client *client, ClientOnChanged on_changed, void *userdata, uint64_t deadline_usec);

/* No more of that: the callback's owner goes away. */
void client_unsubscribe(Client *client);

/* Waits for news or the deadline: 0 after either. -ENOTCONN, without a trouble, and -EINTR as above. */
int client_wait(Client *client, uint64_t deadline_usec);

/* From now on SIGINT and SIGTERM end waits with -EINTR instead of the program. */
int client_watch_interrupt(Client *client);
/* Which of them came; 0: none. */
int client_interrupted(const Client *client);
