/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "tests/kit/keeper.h"
#include "tests/kit/unit.h"

static int say_hello(const TestKeeper *k, uint32_t version, uint64_t epoch) {
        KeeperMessage message = test_keeper_message(KEEPER_HELLO, 0);
        int fd = test_keeper_connect(k);

        assert_true(fd >= 0);
        message.version = version;
        message.epoch = epoch;
        assert_int_equal(packet_send(fd, &message, sizeof message, NULL, 0), 0);
        return fd;
}

static void assert_refused(int fd, int error) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        KeeperMessage message = {};

        assert_int_equal(poll(&p, 1, KEEPER_DEADLINE_MSEC), 1);
        assert_int_equal(recv(fd, &message, sizeof message, 0), sizeof message);
        assert_int_equal(message.kind, KEEPER_REFUSED);
        assert_int_equal(message.error, error);
        assert_true(test_keeper_is_hung_up(fd));
        (void) fd_close(fd);
}

static void an_older_brain_is_refused(void **state) {
        TestKeeper *k = *state;

        k->epoch = 10;
        (void) test_keeper_hello(k);
        assert_refused(say_hello(k, KEEPER_PROTOCOL_VERSION, 10), -ESTALE);
        test_keeper_sync(k);    /* the newer one is not disturbed */

        test_keeper_kill_keeper(k);
        assert_refused(say_hello(k, KEEPER_PROTOCOL_VERSION, 10), -ESTALE);
        k->epoch = 10;
        (void) test_keeper_hello(k);    /* the same one may come again */
}

static void a_brain_of_another_version_is_refused(void **state) {
        TestKeeper *k = *state;

        assert_refused(say_hello(k, KEEPER_PROTOCOL_VERSION + 1, 1), -EPROTO);
        (void) test_keeper_hello(k);
}

static void a_new_brain_ends_the_older_ones_connection(void **state) {
        TestKeeper *k = *state;
        int older;

        (void) test_keeper_hello(k);
        older = k->fd;
        k->fd = -1;
        (void) test_keeper_hello(k);
        assert_true(test_keeper_is_hung_up(older));
        (void) fd_close(older);
        test_keeper_sync(k);
}

/* Runs @body in another process and returns its exit status. */
static int in_another_process(int (*body)(const TestKeeper *k), const TestKeeper *k) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(body(k));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 0: was hung up on without a word. */
static int try_to_command(const TestKeeper *k) {
        KeeperMessage message = test_keeper_message(KEEPER_HELLO, 0);
        struct pollfd p = { .events = POLLIN };

        p.fd = test_keeper_connect(k);
        if (p.fd < 0)
                return 1;
        message.epoch = 100;
        (void) packet_send(p.fd, &message, sizeof message, NULL, 0);
        if (poll(&p, 1, KEEPER_DEADLINE_MSEC) != 1)
                return 2;
        return recv(p.fd, &message, sizeof message, 0) <= 0 ? 0 : 3;
}

static int try_from(const TestKeeper *k, const char *group) {
        _cleanup_(freep) char *path = text_format("%s/%s", k->root, group), *procs = text_format("%s/cgroup.procs", path);
        _cleanup_(fd_closep) int fd = -1;

        (void) mkdir(path, 0755);
        fd = open(procs, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1)
                return 4;
        return try_to_command(k);
}

static int try_from_job(const TestKeeper *k) {
        return try_from(k, "jobs/0");
}

static int try_from_hooks(const TestKeeper *k) {
        return try_from(k, "hooks");
}

static int try_from_elsewhere(const TestKeeper *k) {
        return try_from(k, "jobsite");
}

static int try_as_nobody(const TestKeeper *k) {
        if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
                return 4;
        return try_to_command(k);
}

/* P-46 */
static void a_process_in_a_tasks_or_hooks_group_is_not_heard(void **state) {
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int group_fd = -1;
        _cleanup_(freep) char *group = NULL;

        group = test_keeper_group(k, &group_fd);
        assert_non_null(group);
        (void) test_keeper_hello(k);
        assert_int_equal(in_another_process(try_from_job, k), 0);
        assert_int_equal(in_another_process(try_from_hooks, k), 0);
        test_keeper_sync(k);
        assert_int_equal(in_another_process(try_from_elsewhere, k), 3);         /* WELCOME */
}

/* P-46 */
static void another_user_is_not_heard(void **state) {
        TestKeeper *k = *state;
        _cleanup_(freep) char *path = text_format("%s/keeper", k->directory);
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(in_another_process(try_as_nobody, k), 1);

        /* nor one that has got past the file */
        assert_int_equal(chmod(k->directory, 0755), 0);
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(in_another_process(try_as_nobody, k), 0);
}

static void send_raw(const TestKeeper *k, bool after_hello, const void *data, size_t size, const int *fds, size_t n_fds) {
        int fd = after_hello ? say_hello(k, KEEPER_PROTOCOL_VERSION, k->epoch) : test_keeper_connect(k);

        assert_true(fd >= 0);
        assert_int_equal(packet_send(fd, data, size, fds, n_fds), 0);
        assert_true(test_keeper_is_hung_up(fd));
        (void) fd_close(fd);
}

static void garbage_ends_the_connection_and_nothing_else(void **state) {
        TestKeeper *k = *state;
        KeeperMessage message;
        char noise[4096];
        size_t n_fds;
        pid_t keeper;

        (void) test_keeper_hello(k);
        keeper = k->keeper;
        n_fds = test_process_n_fds(keeper);
        srandom(1);
        for (size_t i = 0; i < sizeof noise; i++)
                noise[i] = (char) random();

        for (int after_hello = 0; after_hello < 2; after_hello++) {
                const int many[PACKET_FDS_MAX] = {};

                send_raw(k, after_hello, noise, 1, NULL, 0);
                send_raw(k, after_hello, noise, sizeof message - 1, NULL, 0);
                send_raw(k, after_hello, noise, sizeof message, many, PACKET_FDS_MAX);
                send_raw(k, after_hello, noise, sizeof message + 1, many, 1);
                send_raw(k, after_hello, noise, sizeof noise, many, PACKET_FDS_MAX);
                for (uint32_t kind = 0; kind <= _KEEPER_KIND_MAX; kind++) {
                        bool order = kind == KEEPER_SPAWN || kind == KEEPER_ACK || kind == KEEPER_BOUND || kind == KEEPER_GOODBYE;
                        bool good = after_hello ? order : kind == KEEPER_HELLO;

                        message = test_keeper_message(kind, 1);
                        message.role = good ? _KEEPER_ROLE_MAX : 0;
                        message.version += good && !after_hello;
                        send_raw(k, after_hello, &message, sizeof message, NULL, 0);
                }
                message = test_keeper_message(KEEPER_ACK, 1);
                send_raw(k, after_hello, &message, sizeof message, many, 1);
                message = test_keeper_message(KEEPER_BOUND, 1);
                send_raw(k, after_hello, &message, sizeof message, NULL, 0);
                send_raw(k, after_hello, &message, sizeof message, many, 2);
        }
        (void) test_keeper_hello(k);
        assert_int_equal(k->keeper, keeper);
        assert_int_equal(test_process_n_fds(keeper), n_fds);
}

static void those_who_connect_and_say_nothing_are_dropped_in_the_end(void **state) {
        enum { N = 40 };
        TestKeeper *k = *state;
        int fds[N];

        for (int i = 0; i < N; i++) {
                fds[i] = test_keeper_connect(k);
                assert_true(fds[i] >= 0);
        }
        (void) test_keeper_hello(k);
        assert_true(test_process_n_fds(k->keeper) < 30);
        assert_true(test_keeper_is_hung_up(fds[0]));
        for (int i = 0; i < N; i++)
                (void) fd_close(fds[i]);
}

static void a_spawn_that_makes_no_sense_is_refused_by_its_key(void **state) {
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), unsealed = -1;
        int fds[PACKET_FDS_MAX];
        size_t n_fds;

        (void) test_keeper_hello(k);
        n_fds = test_process_n_fds(k->keeper);
        unsealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        for (size_t n = 0; n <= PACKET_FDS_MAX; n++) {
                KeeperMessage message = test_keeper_message(KEEPER_SPAWN, 1000 + n);

                for (size_t i = 0; i < n; i++)
                        fds[i] = i == 0 && n % 2 ? unsealed : null_fd;
                test_keeper_send(k, &message, fds, n);
                assert_int_equal(test_keeper_expect(k, KEEPER_REFUSED, 1000 + n).message.error, -EBADMSG);
        }
        test_keeper_sync(k);    /* the descriptors of an order go after its answer */
        assert_int_equal(test_process_n_fds(k->keeper), n_fds);
        assert_int_equal(test_keeper_hello(k), 0);
}

static void a_brain_that_does_not_read_is_waited_for_and_loses_nothing(void **state) {
        enum { N = 3000 };
        TestKeeper *k = *state;
        pid_t pid;

        (void) test_keeper_hello(k);
        pid = fork();
        if (pid == 0) {
                for (uint64_t i = 0; i < N; i++) {
                        KeeperMessage message = test_keeper_message(KEEPER_SPAWN, 5000 + i);

                        if (send(k->fd, &message, sizeof message, 0) < 0)
                                _exit(1);
                }
                _exit(0);
        }
        /* the child comes to a stop when the keeper has nowhere to answer to */
        assert_int_equal(poll(&(struct pollfd) { .fd = k->fd, .events = POLLIN }, 1, KEEPER_DEADLINE_MSEC), 1);
        for (uint64_t i = 0; i < N; i++)
                assert_int_equal(test_keeper_expect(k, KEEPER_REFUSED, 5000 + i).message.error, -EBADMSG);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        test_keeper_sync(k);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_keeper_setup, test_keeper_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(an_older_brain_is_refused),
                TEST(a_brain_of_another_version_is_refused),
                TEST(a_new_brain_ends_the_older_ones_connection),
                TEST(a_process_in_a_tasks_or_hooks_group_is_not_heard),
                TEST(another_user_is_not_heard),
                TEST(garbage_ends_the_connection_and_nothing_else),
                TEST(those_who_connect_and_say_nothing_are_dropped_in_the_end),
                TEST(a_spawn_that_makes_no_sense_is_refused_by_its_key),
                TEST(a_brain_that_does_not_read_is_waited_for_and_loses_nothing),
        };

        if (test_keeper_missing()) {
                (void) printf("skipped: %s\n", test_keeper_missing());
                return UNIT_SKIPPED;
        }
        return cmocka_run_group_tests_name("keeper-brain", tests, NULL, NULL);
}
