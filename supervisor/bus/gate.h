/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Gate
 *
 * Stands between a client's socket and sd-bus, which would read whatever it
 * is sent: up to 128 MB for one message, before anybody is asked. The gate reads
 * just enough to know where one message ends and the next begins, and passes on,
 * descriptors included, what its owner admits.
 *
 * It also keeps back everything behind the handshake until sd-bus is through
 * with it: a first call that comes in one go with the handshake is otherwise
 * left lying until the next one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_HEADER_BYTES 16
#define GATE_HANDSHAKE_BYTES_MAX 16384
#define GATE_FDS_MAX 16

/* Outcomes of gate_pass(). */
#define GATE_E_PART 1           /* something was passed on, a message is not whole yet */
#define GATE_E_WHOLE 2          /* the handshake or a message has been passed on to its end */
#define GATE_E_END 3            /* the client has closed its side */
#define GATE_E_REFUSED 4        /* not D-Bus, too many descriptors, or not admitted: to be dropped */

/* Whether a message of so many bytes may come in. */
typedef bool (*GateOnMessage)(uint64_t n_bytes, void *userdata);

typedef struct Gate {
        int client_fd;                  /* read here; borrowed */
        int inner_fd;                   /* written here; sd-bus reads the other end */
        bool takes_fds;                 /* else a message with descriptors is refused, and they are never ours: closing one
                                           of a file system that does not answer would hold us for ever */
        GateOnMessage on_message;
        void *userdata;

        bool open;                      /* the handshake is over */
        size_t n_handshake_bytes;
        int n_matched;                  /* of the handshake's last line; -1: this line is another */

        uint8_t header[GATE_HEADER_BYTES];
        size_t n_header;
        uint64_t message_bytes;         /* of the message under way, or of the last one */
        uint64_t n_left;                /* of its bytes behind the header */
} Gate;

/* *@ret_bus_fd is the end that sd-bus reads, the caller's. */
int gate_init(Gate *gate, int client_fd, GateOnMessage on_message, void *userdata, int *ret_bus_fd);
void gate_done(Gate *gate);

/*
 * Passes on what the client has sent, at most to the end of one message, and
 * never waits. 0: nothing is there. sd-bus must have read what was passed on
 * before the next call.
 */
int gate_pass(Gate *gate);
