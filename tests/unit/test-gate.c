/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "supervisor/bus/gate.h"
#include "tests/kit/unit.h"

#define HANDSHAKE_BYTES (sizeof handshake - 1)
#define ADMITTED_MAX 100000

static const char handshake[] = "\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";

/* A client on one side, what sd-bus would read on the other. */
typedef struct Scene {
        int client, server, bus;
        Gate gate;
        uint64_t asked;         /* the length the owner was last asked about */
} Scene;

static bool on_message(uint64_t n_bytes, void *userdata) {
        Scene *scene = userdata;

        scene->asked = n_bytes;
        return n_bytes <= ADMITTED_MAX;
}

static int set_up(void **state) {
        Scene *scene = calloc(1, sizeof *scene);
        int pair[2];

        assert_non_null(scene);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        scene->client = pair[0];
        scene->server = pair[1];
        assert_int_equal(gate_init(&scene->gate, scene->server, on_message, scene, &scene->bus), 0);
        scene->gate.takes_fds = true;
        *state = scene;
        return 0;
}

static int tear_down(void **state) {
        Scene *scene = *state;

        gate_done(&scene->gate);
        (void) fd_close(scene->bus);
        (void) fd_close(scene->server);
        (void) fd_close(scene->client);
        free(scene);
        return 0;
}

static void send_all(Scene *scene, const void *data, size_t size) {
        assert_int_equal(send(scene->client, data, size, MSG_NOSIGNAL), size);
}

/* Everything that has come through, as sd-bus reads it: at once. */
static size_t read_through(Scene *scene, uint8_t *data, size_t size) {
        size_t n = 0;

        while (n < size) {
                ssize_t k = recv(scene->bus, data + n, size - n, MSG_DONTWAIT);

                if (k <= 0)
                        break;
                n += (size_t) k;
        }
        return n;
}

/* Passes on until nothing is left, or a message is whole, or it is over. */
static int pass_on(Scene *scene, uint8_t *data, size_t size, size_t *ret_n) {
        int r;

        *ret_n = 0;
        while ((r = gate_pass(&scene->gate)) == GATE_E_PART)
                *ret_n += read_through(scene, data + *ret_n, size - *ret_n);
        if (r == GATE_E_WHOLE)
                *ret_n += read_through(scene, data + *ret_n, size - *ret_n);
        return r;
}

static void get_through_the_handshake(Scene *scene) {
        uint8_t data[256];
        size_t n;

        send_all(scene, handshake, HANDSHAKE_BYTES);
        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_WHOLE);
        assert_int_equal(n, HANDSHAKE_BYTES);
}

/* A message of @size bytes in all, at least 16, whose fields are @n_fields long. */
static void make_message(uint8_t *data, size_t size, uint32_t n_fields, char order) {
        uint32_t body = (uint32_t) (size - GATE_HEADER_BYTES - ((n_fields + 7) & ~7U));

        memset(data, 'x', size);
        data[0] = (uint8_t) order;
        body = order == 'l' ? htole32(body) : htobe32(body);
        n_fields = order == 'l' ? htole32(n_fields) : htobe32(n_fields);
        memcpy(data + 4, &body, sizeof body);
        memcpy(data + 12, &n_fields, sizeof n_fields);
}

static void nothing_behind_the_handshake_goes_on_before_sd_bus_has_read_it(void **state) {
        Scene *scene = *state;
        uint8_t message[64], data[512];
        size_t n;

        make_message(message, sizeof message, 20, 'l');
        send_all(scene, handshake, HANDSHAKE_BYTES);
        send_all(scene, message, sizeof message);

        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_WHOLE);
        assert_int_equal(n, HANDSHAKE_BYTES);
        assert_memory_equal(data, handshake, n);
        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_WHOLE);
        assert_int_equal(n, sizeof message);
        assert_memory_equal(data, message, n);
        assert_int_equal(pass_on(scene, data, sizeof data, &n), 0);
}

static void a_handshake_in_any_two_pieces_is_whole_at_its_end_alone(void **state) {
        for (size_t cut = 1; cut < HANDSHAKE_BYTES; cut++) {
                uint8_t data[256];
                Scene *scene;
                void *own;
                size_t n;

                assert_int_equal(set_up(&own), 0);
                scene = own;
                send_all(scene, handshake, cut);
                assert_int_equal(pass_on(scene, data, sizeof data, &n), 0);
                assert_int_equal(n, cut);
                send_all(scene, handshake + cut, HANDSHAKE_BYTES - cut);
                assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_WHOLE);
                assert_int_equal(n, HANDSHAKE_BYTES - cut);
                (void) tear_down(&own);
        }
}

static void only_a_line_of_its_own_ends_the_handshake(void **state) {
        static const char *const others[] = { "\nBEGI\r\n", "XBEGIN\r\n", "BEGIN \r\n", "begin\r\n", "BEGINBEGIN\r\n", "BEGIN\n" };
        Scene *scene = *state;
        uint8_t data[256];
        size_t n;

        send_all(scene, "", 1);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
                send_all(scene, others[i], strlen(others[i]));
                assert_int_equal(pass_on(scene, data, sizeof data, &n), 0);
                assert_int_equal(n, strlen(others[i]) + (i == 0));
                assert_false(scene->gate.open);
        }
        send_all(scene, "BEGIN\r\n", 7);
        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_WHOLE);
        assert_true(scene->gate.open);
}

static void a_handshake_that_never_ends_is_refused(void **state) {
        Scene *scene = *state;
        uint8_t data[4096];
        size_t n, sent = 0;
        int r = 0;

        while (r == 0 && sent < 1 << 20) {
                send_all(scene, "0123456789abcdef0123456789abcdef", 32);
                sent += 32;
                r = pass_on(scene, data, sizeof data, &n);
        }
        assert_int_equal(r, GATE_E_REFUSED);
        assert_in_range(sent, GATE_HANDSHAKE_BYTES_MAX, GATE_HANDSHAKE_BYTES_MAX + 64);
}

static void messages_of_every_small_length_come_one_by_one(void **state) {
        Scene *scene = *state;
        uint8_t message[200], data[400];
        size_t n;

        get_through_the_handshake(scene);
        for (size_t size = GATE_HEADER_BYTES; size <= sizeof message; size += 8)
                for (int order = 0; order < 2; order++) {
                        make_message(message, size, 0, order ? 'B' : 'l');
                        send_all(scene, message, size);
                        send_all(scene, message, size);
                        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_WHOLE);
                        assert_int_equal(n, size);
                        assert_int_equal(scene->asked, size);
                        assert_memory_equal(data, message, size);
                        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_WHOLE);
                        assert_int_equal(n, size);
                        assert_int_equal(pass_on(scene, data, sizeof data, &n), 0);
                }
}

static void a_message_in_any_two_pieces_arrives_as_it_is(void **state) {
        Scene *scene = *state;
        uint8_t message[120], data[120];

        get_through_the_handshake(scene);
        make_message(message, sizeof message, 40, 'l');
        for (size_t cut = 1; cut < sizeof message; cut++) {
                size_t first, second;

                send_all(scene, message, cut);
                assert_int_equal(pass_on(scene, data, sizeof data, &first), 0);
                send_all(scene, message + cut, sizeof message - cut);
                assert_int_equal(pass_on(scene, data + first, sizeof data - first, &second), GATE_E_WHOLE);
                assert_int_equal(first + second, sizeof message);
                assert_memory_equal(data, message, sizeof message);
        }
}

static void a_long_message_comes_in_parts(void **state) {
        static uint8_t message[ADMITTED_MAX], data[ADMITTED_MAX];
        Scene *scene = *state;
        size_t n, got = 0, sent = 0;
        int r = 0;

        get_through_the_handshake(scene);
        make_message(message, sizeof message, 100, 'l');
        while (r != GATE_E_WHOLE) {
                ssize_t k = send(scene->client, message + sent, sizeof message - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

                sent += k > 0 ? (size_t) k : 0;
                r = pass_on(scene, data + got, sizeof data - got, &n);
                assert_true(r == 0 || r == GATE_E_WHOLE);
                got += n;
        }
        assert_int_equal(got, sizeof message);
        assert_memory_equal(data, message, got);
}

static void nothing_of_a_message_that_is_not_admitted_goes_on(void **state) {
        static const uint64_t too_long[][2] = { { ADMITTED_MAX, 0 }, { UINT32_MAX, 0 }, { 0, UINT32_MAX }, { UINT32_MAX, UINT32_MAX } };

        for (size_t i = 0; i < sizeof too_long / sizeof *too_long; i++) {
                uint32_t body = htole32((uint32_t) too_long[i][0]), fields = htole32((uint32_t) too_long[i][1]);
                uint8_t header[GATE_HEADER_BYTES] = { 'l', 1, 0, 1 }, data[64];
                Scene *scene;
                void *own;
                size_t n;

                assert_int_equal(set_up(&own), 0);
                scene = own;
                get_through_the_handshake(scene);
                memcpy(header + 4, &body, sizeof body);
                memcpy(header + 12, &fields, sizeof fields);
                send_all(scene, header, sizeof header);
                assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_REFUSED);
                assert_int_equal(n, 0);
                assert_int_equal(scene->asked, GATE_HEADER_BYTES + ((too_long[i][1] + 7) & ~7ULL) + too_long[i][0]);
                (void) tear_down(&own);
        }
}

static void what_begins_like_no_message_is_refused(void **state) {
        Scene *scene = *state;
        uint8_t data[64];
        size_t n;

        get_through_the_handshake(scene);
        send_all(scene, "0123456789abcdef", GATE_HEADER_BYTES);
        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_REFUSED);
        assert_int_equal(n, 0);
}

static void the_end_is_told_after_what_came_before_it(void **state) {
        Scene *scene = *state;
        uint8_t message[64], data[64];
        size_t n;

        get_through_the_handshake(scene);
        make_message(message, sizeof message, 0, 'l');
        send_all(scene, message, sizeof message);
        send_all(scene, message, 30);
        scene->client = fd_close(scene->client);
        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_WHOLE);
        assert_int_equal(n, sizeof message);
        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_END);
}

static void send_with_fds(Scene *scene, const void *data, size_t size, int fd, size_t n_fds) {
        union {
                struct cmsghdr align;
                char buffer[CMSG_SPACE(64 * sizeof(int))];
        } control = {};
        struct iovec part = { (void *) data, size };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.buffer,
                                  .msg_controllen = CMSG_SPACE(n_fds * sizeof(int)) };
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        for (size_t i = 0; i < n_fds; i++)
                memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof fd);
        assert_int_equal(sendmsg(scene->client, &message, MSG_NOSIGNAL), size);
}

/* How many descriptors come with the next bytes; closes them. */
static size_t receive_fds(Scene *scene, size_t size) {
        union {
                struct cmsghdr align;
                char buffer[CMSG_SPACE(64 * sizeof(int))];
        } control;
        uint8_t data[256];
        struct iovec part = { data, size };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.buffer, .msg_controllen = sizeof control.buffer };
        size_t n = 0;

        assert_int_equal(recvmsg(scene->bus, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), size);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
                n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < n; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
                        (void) close(fd);
                }
        }
        return n;
}

static void descriptors_go_with_their_own_message(void **state) {
        Scene *scene = *state;
        uint8_t message[64];

        get_through_the_handshake(scene);
        make_message(message, sizeof message, 0, 'l');
        send_all(scene, message, sizeof message);
        send_with_fds(scene, message, sizeof message, STDIN_FILENO, 3);
        send_all(scene, message, sizeof message);

        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(gate_pass(&scene->gate), GATE_E_WHOLE);
                assert_int_equal(receive_fds(scene, sizeof message), i == 1 ? 3 : 0);
        }
}

/* The far end of a pipe tells whether anybody still has the near one. */
static void refused_descriptors_are_closed(Scene *scene, size_t n_fds) {
        int ends[2];
        struct pollfd poll_fd;
        uint8_t message[64], data[64];
        size_t n;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        make_message(message, sizeof message, 0, 'l');
        send_with_fds(scene, message, sizeof message, ends[1], n_fds);
        (void) close(ends[1]);
        assert_int_equal(pass_on(scene, data, sizeof data, &n), GATE_E_REFUSED);

        poll_fd = (struct pollfd) { .fd = ends[0], .events = POLLIN };
        assert_int_equal(poll(&poll_fd, 1, 0), 1);
        assert_true(poll_fd.revents & POLLHUP);
        (void) close(ends[0]);
}

static void too_many_descriptors_are_refused_and_closed(void **state) {
        Scene *scene = *state;

        get_through_the_handshake(scene);
        refused_descriptors_are_closed(scene, GATE_FDS_MAX + 1);
}

static void descriptors_are_refused_from_who_may_not_send_any(void **state) {
        Scene *scene = *state;

        scene->gate.takes_fds = false;
        get_through_the_handshake(scene);
        refused_descriptors_are_closed(scene, 1);
}

static void descriptors_in_the_handshake_are_refused_and_closed(void **state) {
        refused_descriptors_are_closed(*state, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(nothing_behind_the_handshake_goes_on_before_sd_bus_has_read_it, set_up, tear_down),
                cmocka_unit_test(a_handshake_in_any_two_pieces_is_whole_at_its_end_alone),
                cmocka_unit_test_setup_teardown(only_a_line_of_its_own_ends_the_handshake, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_handshake_that_never_ends_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(messages_of_every_small_length_come_one_by_one, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_message_in_any_two_pieces_arrives_as_it_is, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_long_message_comes_in_parts, set_up, tear_down),
                cmocka_unit_test(nothing_of_a_message_that_is_not_admitted_goes_on),
                cmocka_unit_test_setup_teardown(what_begins_like_no_message_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_end_is_told_after_what_came_before_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(descriptors_go_with_their_own_message, set_up, tear_down),
                cmocka_unit_test_setup_teardown(too_many_descriptors_are_refused_and_closed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(descriptors_are_refused_from_who_may_not_send_any, set_up, tear_down),
                cmocka_unit_test_setup_teardown(descriptors_in_the_handshake_are_refused_and_closed, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
