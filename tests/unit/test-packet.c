/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/packet.h"
#include "lib/base/result.h"
#include "tests/kit/unit.h"

static int open_pair(void **state) {
        static int ends[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -1;
        *state = ends;
        return 0;
}

static int close_pair(void **state) {
        int *ends = *state;

        (void) fd_close(ends[0]);
        (void) fd_close(ends[1]);
        return 0;
}

static size_t n_open_fds(void) {
        DIR *d = opendir("/proc/self/fd");
        size_t n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        (void) closedir(d);
        return n;
}

static void a_packet_arrives_whole_with_its_descriptors(void **state) {
        const int *ends = *state;
        int pipe_ends[2], fds[PACKET_FDS_MAX];
        char data[16], c;
        size_t n_fds;

        assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
        assert_int_equal(packet_send(ends[0], "hello", 5, pipe_ends, 2), 0);
        assert_int_equal(packet_receive(ends[1], data, sizeof data, fds, &n_fds), 5);
        assert_memory_equal(data, "hello", 5);
        assert_int_equal(n_fds, 2);

        assert_int_equal(write(fds[1], "x", 1), 1);
        assert_int_equal(read(pipe_ends[0], &c, 1), 1);
        for (size_t i = 0; i < n_fds; i++) {
                assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
                (void) fd_close(fds[i]);
                (void) fd_close(pipe_ends[i]);
        }
}

static void as_many_descriptors_as_allowed_fit(void **state) {
        const int *ends = *state;
        int many[PACKET_FDS_MAX], fds[PACKET_FDS_MAX];
        size_t n_fds, before = n_open_fds();
        char c;

        for (size_t i = 0; i < PACKET_FDS_MAX; i++)
                many[i] = ends[0];
        assert_int_equal(packet_send(ends[0], "x", 1, many, PACKET_FDS_MAX), 0);
        assert_int_equal(packet_receive(ends[1], &c, 1, fds, &n_fds), 1);
        assert_int_equal(n_fds, PACKET_FDS_MAX);
        for (size_t i = 0; i < n_fds; i++)
                (void) fd_close(fds[i]);
        assert_int_equal(n_open_fds(), before);
}

static void neither_side_ever_waits(void **state) {
        const int *ends = *state;
        int fds[PACKET_FDS_MAX], r;
        size_t n_fds;
        char data[4096] = "";

        assert_int_equal(packet_receive(ends[1], data, sizeof data, fds, &n_fds), -EAGAIN);
        do
                r = packet_send(ends[0], data, sizeof data, NULL, 0);
        while (r == 0);
        assert_int_equal(r, -EAGAIN);
}

static void the_end_of_the_stream_is_a_packet_of_nothing(void **state) {
        int *ends = *state, fds[PACKET_FDS_MAX];
        size_t n_fds;
        char c;

        ends[0] = fd_close(ends[0]);
        assert_int_equal(packet_receive(ends[1], &c, 1, fds, &n_fds), 0);
        assert_int_equal(n_fds, 0);
}

static void sending_to_a_closed_end_is_an_error_and_no_signal(void **state) {
        int *ends = *state;

        ends[1] = fd_close(ends[1]);
        assert_int_equal(packet_send(ends[0], "x", 1, NULL, 0), -EPIPE);
}

static void a_packet_that_is_too_long_is_refused_and_leaves_no_descriptor(void **state) {
        const int *ends = *state;
        int fds[PACKET_FDS_MAX];
        size_t n_fds, before = n_open_fds();
        char data[4];

        assert_int_equal(packet_send(ends[0], "too long", 8, ends, 2), 0);
        assert_int_equal(packet_receive(ends[1], data, sizeof data, fds, &n_fds), -EMSGSIZE);
        assert_int_equal(n_open_fds(), before);
}

/* What packet_send() would never send. */
static void more_descriptors_than_allowed_are_refused_and_none_is_kept(void **state) {
        enum { N = 40 };
        const int *ends = *state;
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * N)];
        } control = {};
        struct iovec iov = { (void *) "x", 1 };
        struct msghdr message = {
                .msg_iov = &iov, .msg_iovlen = 1,
                .msg_control = &control, .msg_controllen = sizeof control,
        };
        int fds[PACKET_FDS_MAX], many[N];
        size_t n_fds, before = n_open_fds();
        char c;

        for (size_t i = 0; i < N; i++)
                many[i] = ends[0];
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof many);
        memcpy(CMSG_DATA(&control.header), many, sizeof many);

        assert_int_equal(sendmsg(ends[0], &message, 0), 1);
        assert_int_equal(packet_receive(ends[1], &c, 1, fds, &n_fds), -EMSGSIZE);
        assert_int_equal(n_open_fds(), before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_packet_arrives_whole_with_its_descriptors),
                TEST(as_many_descriptors_as_allowed_fit),
                TEST(neither_side_ever_waits),
                TEST(the_end_of_the_stream_is_a_packet_of_nothing),
                TEST(sending_to_a_closed_end_is_an_error_and_no_signal),
                TEST(a_packet_that_is_too_long_is_refused_and_leaves_no_descriptor),
                TEST(more_descriptors_than_allowed_are_refused_and_none_is_kept),
        };

        return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
