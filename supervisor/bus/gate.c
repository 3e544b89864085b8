/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/gate.h"

#include <endian.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"

/*
 * Descriptors travel with the first byte of the message they belong to, and
 * sd-bus refuses a message that has others than its own. So a read never goes
 * beyond a message's end, as sd-bus's own reads do not.
 */

#define CHUNK_BYTES 32768

static const char handshake_end[] = "BEGIN\r\n";

typedef struct Chunk {
        uint8_t data[CHUNK_BYTES];
        size_t size;
        int fds[GATE_FDS_MAX];
        size_t n_fds;
} Chunk;

/* Only the counters: the data is large and written before it is read. */
static void chunk_init(Chunk *chunk) {
        chunk->size = 0;
        chunk->n_fds = 0;
}

static void chunk_done(Chunk *chunk) {
        for (size_t i = 0; i < chunk->n_fds; i++)
                (void) fd_close(chunk->fds[i]);
        chunk->n_fds = 0;
}

int gate_init(Gate *gate, int client_fd, GateOnMessage on_message, void *userdata, int *ret_bus_fd) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return result_errno();

        *gate = (Gate) { .client_fd = client_fd, .inner_fd = pair[0], .on_message = on_message, .userdata = userdata };
        *ret_bus_fd = pair[1];
        return 0;
}

void gate_done(Gate *gate) {
        gate->inner_fd = fd_close(gate->inner_fd);
}

static bool chunk_take_fds(Chunk *chunk, struct msghdr *message) {
        bool fits = !(message->msg_flags & MSG_CTRUNC);

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                size_t n;

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                assert(chunk->n_fds + n <= GATE_FDS_MAX);
                memcpy(chunk->fds + chunk->n_fds, CMSG_DATA(c), n * sizeof(int));
                chunk->n_fds += n;
        }
        return fits;
}

/* Adds at most @n bytes to the chunk, with their descriptors. GATE_E_PART: some came. */
static int chunk_read(Chunk *chunk, int fd, bool takes_fds, size_t n) {
        union {
                struct cmsghdr align;
                char buffer[CMSG_SPACE(GATE_FDS_MAX * sizeof(int))];
        } control;
        struct iovec part = { chunk->data + chunk->size, n };
        struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1,
                .msg_control = control.buffer, .msg_controllen = !takes_fds || chunk->n_fds > 0 ? 0 : sizeof control.buffer,
        };
        ssize_t size;

        assert(chunk->size + n <= sizeof chunk->data);

        size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (size < 0 && (errno == ECONNRESET || errno == EPIPE))
                return GATE_E_END;
        if (size < 0)
                return result_errno();
        if (!chunk_take_fds(chunk, &message))
                return GATE_E_REFUSED;
        if (size == 0)
                return GATE_E_END;
        chunk->size += (size_t) size;
        return GATE_E_PART;
}

/* The other side has read everything before, so there is room for a chunk. */
static int chunk_write(Chunk *chunk, int fd) {
        union {
                struct cmsghdr align;
                char buffer[CMSG_SPACE(GATE_FDS_MAX * sizeof(int))];
        } control = {};
        struct iovec part = { chunk->data, chunk->size };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
        ssize_t size;

        if (chunk->n_fds > 0) {
                struct cmsghdr *c;

                message.msg_control = control.buffer;
                message.msg_controllen = CMSG_SPACE(chunk->n_fds * sizeof(int));
                c = CMSG_FIRSTHDR(&message);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(chunk->n_fds * sizeof(int));
                memcpy(CMSG_DATA(c), chunk->fds, chunk->n_fds * sizeof(int));
        }

        size = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0)
                return result_errno();
        return (size_t) size == chunk->size ? 0 : -ENOBUFS;
}

/* How many of the bytes belong to the handshake; GATE_E_WHOLE with its last one among them. */
static int handshake_scan(Gate *gate, const uint8_t *data, size_t size, size_t *ret) {
        for (size_t i = 0; i < size; i++) {
                bool first = gate->n_handshake_bytes + i == 0 && data[i] == '\0';

                if (first)
                        continue;
                if (gate->n_matched >= 0 && data[i] == handshake_end[gate->n_matched])
                        gate->n_matched++;
                else
                        gate->n_matched = data[i] == '\n' ? 0 : -1;
                if (gate->n_matched == (int) strlen(handshake_end)) {
                        *ret = i + 1;
                        return GATE_E_WHOLE;
                }
        }
        *ret = size;
        return GATE_E_PART;
}

static int gate_pass_handshake(Gate *gate) {
        _cleanup_(chunk_done) Chunk chunk;
        uint8_t ahead[1024];
        ssize_t size;
        size_t n;
        int r, outcome;

        chunk_init(&chunk);
        size = recv(gate->client_fd, ahead, sizeof ahead, MSG_PEEK | MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (size <= 0)
                return GATE_E_END;

        outcome = handshake_scan(gate, ahead, (size_t) size, &n);
        gate->n_handshake_bytes += n;
        if (gate->n_handshake_bytes > GATE_HANDSHAKE_BYTES_MAX)
                return GATE_E_REFUSED;

        r = chunk_read(&chunk, gate->client_fd, gate->takes_fds, n);
        if (r != GATE_E_PART)
                return r < 0 ? r : GATE_E_REFUSED;
        if (chunk.size != n || chunk.n_fds > 0)
                return GATE_E_REFUSED;
        r = chunk_write(&chunk, gate->inner_fd);
        if (r < 0)
                return r;

        gate->open = outcome == GATE_E_WHOLE;
        return outcome;
}

/* How long the message is, by its first bytes; 0 if they are not the beginning of one. */
static uint64_t header_message_bytes(const uint8_t header[static GATE_HEADER_BYTES]) {
        uint32_t body, fields;

        memcpy(&body, header + 4, sizeof body);
        memcpy(&fields, header + 12, sizeof fields);
        if (header[0] == 'l') {
                body = le32toh(body);
                fields = le32toh(fields);
        } else if (header[0] == 'B') {
                body = be32toh(body);
                fields = be32toh(fields);
        } else
                return 0;
        return GATE_HEADER_BYTES + (((uint64_t) fields + 7) & ~7ULL) + body;
}

/* The header is kept until it is whole, so that nothing of a refused message goes on. */
static int gate_read_header(Gate *gate, Chunk *chunk) {
        int r;

        memcpy(chunk->data, gate->header, gate->n_header);
        chunk->size = gate->n_header;
        r = chunk_read(chunk, gate->client_fd, gate->takes_fds, GATE_HEADER_BYTES - gate->n_header);
        if (r != GATE_E_PART)
                return r;
        memcpy(gate->header, chunk->data, chunk->size);
        gate->n_header = chunk->size;
        if (gate->n_header < GATE_HEADER_BYTES)
                /* Nobody sends descriptors with a torn header, and they cannot be kept here. */
                return chunk->n_fds > 0 ? GATE_E_REFUSED : 0;

        gate->message_bytes = header_message_bytes(gate->header);
        if (gate->message_bytes == 0 || !gate->on_message(gate->message_bytes, gate->userdata))
                return GATE_E_REFUSED;
        gate->n_left = gate->message_bytes - GATE_HEADER_BYTES;
        return GATE_E_PART;
}

static int gate_pass_message(Gate *gate) {
        _cleanup_(chunk_done) Chunk chunk;
        int r;

        chunk_init(&chunk);
        if (gate->n_header < GATE_HEADER_BYTES) {
                r = gate_read_header(gate, &chunk);
                if (r != GATE_E_PART)
                        return r;
        }

        if (gate->n_left > 0) {
                size_t room = sizeof chunk.data - chunk.size;
                size_t before = chunk.size;

                r = chunk_read(&chunk, gate->client_fd, gate->takes_fds, gate->n_left < room ? (size_t) gate->n_left : room);
                if (r < 0 || r == GATE_E_REFUSED || (r != GATE_E_PART && chunk.size == 0))
                        return r;
                gate->n_left -= chunk.size - before;
        }

        r = chunk_write(&chunk, gate->inner_fd);
        if (r < 0)
                return r;
        if (gate->n_left > 0)
                return GATE_E_PART;
        gate->n_header = 0;
        return GATE_E_WHOLE;
}

int gate_pass(Gate *gate) {
        return gate->open ? gate_pass_message(gate) : gate_pass_handshake(gate);
}
