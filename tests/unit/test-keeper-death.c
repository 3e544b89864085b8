/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "tests/kit/keeper.h"
#include "tests/kit/unit.h"

static void children_survive_their_keeper_and_end_exactly(void **state) {
        enum { N = 8 };
        TestKeeper *k = *state;
        Leash leash[N];
        uint64_t id[N], generation;
        pid_t old_keeper;

        (void) test_keeper_hello(k);
        for (int i = 0; i < N; i++) {
                char script[32];

                leash[i] = leash_new();
                (void) snprintf(script, sizeof script, i < 6 ? "exit %d" : "kill -%d $$", i < 6 ? 10 + i : i);
                id[i] = spawn_on_leash(k, &leash[i], script);
                (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id[i]).fd);
                (void) test_keeper_expect(k, KEEPER_EXECED, id[i]);
        }
        generation = k->generation;
        old_keeper = k->keeper;
        test_keeper_kill_keeper(k);
        leash_done(&leash[0]);          /* maybe before the next keeper is there */

        assert_int_equal(test_keeper_hello(k), N);
        assert_int_equal(k->generation, generation);
        assert_int_not_equal(k->keeper, old_keeper);
        for (int i = 0; i < N; i++) {
                Received received;

                if (i > 0)
                        leash_done(&leash[i]);
                received = test_keeper_hello_known(k, id[i]);
                if (received.message.state != KEEPER_CHILD_ENDED) {
                        assert_int_equal(received.message.state, KEEPER_CHILD_EXECED);
                        received.message = test_keeper_await_end(k, id[i]);
                }
                (void) fd_close(received.fd);
                assert_int_equal(received.message.error, 0);
                assert_int_equal(received.message.code, i < 6 ? CLD_EXITED : CLD_KILLED);
                assert_int_equal(received.message.status, i < 6 ? 10 + i : i);
                test_keeper_ack(k, id[i]);
        }
        assert_int_equal(test_keeper_hello(k), 0);
        (void) test_keeper_await_end(k, SPAWN(k, NULL, (char *) "/bin/true"));
}

static void an_unacknowledged_end_survives_the_keeper(void **state) {
        TestKeeper *k = *state;
        Received received;
        uint64_t id, failed;

        (void) test_keeper_hello(k);
        id = SPAWN_SHELL(k, NULL, "exit 77");
        (void) test_keeper_await_end(k, id);
        failed = SPAWN(k, NULL, (char *) "/no/such/thing");
        (void) test_keeper_await_end(k, failed);
        test_keeper_kill_keeper(k);

        received = test_keeper_hello_known(k, id);
        assert_int_equal(received.message.state, KEEPER_CHILD_ENDED);
        assert_exited(&received.message, 77);
        (void) fd_close(received.fd);
        received = test_keeper_hello_known(k, failed);
        assert_failed(&received.message, SPAWN_STEP_EXEC, ENOENT);
        test_keeper_ack(k, id);
        test_keeper_ack(k, failed);
        assert_int_equal(test_keeper_hello(k), 0);
}

static void a_child_whose_keeper_died_before_exec_is_lost_and_said_to_be(void **state) {
        TestKeeper *k = *state;
        _cleanup_(freep) char *path = NULL;
        Received received;
        uint64_t id;

        (void) test_keeper_hello(k);
        id = spawn_hanging(k, &path);
        test_keeper_kill_keeper(k);

        received = test_keeper_hello_known(k, id);
        if (received.message.state != KEEPER_CHILD_ENDED)
                received.message = test_keeper_await_end(k, id);
        (void) fd_close(received.fd);
        assert_failed(&received.message, SPAWN_STEP_LOST, EINTR);
        assert_int_equal(received.message.status, SIGKILL);
        test_keeper_ack(k, id);
        assert_int_equal(test_keeper_hello(k), 0);
}

/* It still has all of the keeper's descriptors when it is frozen at birth. */
static void a_child_frozen_before_exec_keeps_no_connection_open(void **state) {
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int group_fd = -1, freeze_fd = -1;
        _cleanup_(freep) char *group = NULL;
        int older;
        uint64_t id;

        (void) test_keeper_hello(k);
        group = test_keeper_group(k, &group_fd);
        freeze_fd = openat(group_fd, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
        assert_int_equal(write(freeze_fd, "1", 1), 1);
        id = SPAWN(k, &(SpawnExtras) { .group = group }, (char *) "/bin/true");
        (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id).fd);
        assert_true(test_keeper_is_silent(k, 50));

        older = k->fd;
        k->fd = -1;
        (void) test_keeper_hello(k);
        assert_true(test_keeper_is_hung_up(older));
        (void) fd_close(older);

        /* a keeper that is killed cannot say goodbye: the next one kills what holds the last copy */
        id = SPAWN(k, (&(SpawnExtras) { .group = group }), (char *) "/bin/true");
        (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id).fd);
        test_keeper_kill_keeper(k);
        assert_int_equal(test_keeper_hello(k), 2);
}

static void a_keeper_killed_again_and_again_comes_back(void **state) {
        TestKeeper *k = *state;
        Leash leash = leash_new();
        KeeperMessage end;
        uint64_t id;

        (void) test_keeper_hello(k);
        id = spawn_on_leash(k, &leash, "exit 5");
        (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id).fd);
        (void) test_keeper_expect(k, KEEPER_EXECED, id);
        for (int i = 0; i < 10; i++) {
                test_keeper_kill_keeper(k);
                assert_int_equal(test_keeper_hello(k), 1);
        }
        assert_true(test_process_cpu_usec(k->guard) < 500000);
        leash_done(&leash);
        end = test_keeper_await_end(k, id);
        assert_exited(&end, 5);
}

/* Children of one round: how far each came before the keeper was killed is chance. */
typedef struct Round {
        uint64_t first;
        bool known[4], ended[4];
} Round;

static void round_note(Round *round, const KeeperMessage *message) {
        uint64_t i = message->id - round->first;

        assert_true(i < ELEMENTSOF(round->known));
        round->known[i] = true;
        if (message->kind != KEEPER_ENDED && message->state != KEEPER_CHILD_ENDED)
                return;
        round->ended[i] = true;
        if (message->step == SPAWN_STEP_LOST)
                assert_int_equal(message->error, EINTR);
        else
                assert_exited(message, 20 + (int) i);
}

static void round_spawn(TestKeeper *k, uint64_t i) {
        char script[16];

        (void) snprintf(script, sizeof script, "exit %u", 20 + (unsigned) i);
        (void) SPAWN_SHELL(k, NULL, script);
}

static bool round_has_ended(const Round *round) {
        for (size_t i = 0; i < ELEMENTSOF(round->known); i++)
                if (round->known[i] && !round->ended[i])
                        return false;
        return true;
}

/* After a HELLO: what is known ends, what is not known was never started and is now. */
static void round_finish(TestKeeper *k, Round *round) {
        Received received;

        for (uint64_t i = 0; i < ELEMENTSOF(round->known); i++)
                if (!round->known[i]) {
                        k->last_id = round->first + i - 1;
                        round_spawn(k, i);
                        round->known[i] = true;
                }
        k->last_id = round->first + ELEMENTSOF(round->known) - 1;
        while (!round_has_ended(round)) {
                received = test_keeper_receive(k);
                (void) fd_close(received.fd);
                assert_int_not_equal(received.message.kind, KEEPER_REFUSED);
                received.message.state = 0;
                round_note(round, &received.message);
        }
        for (uint64_t i = 0; i < ELEMENTSOF(round->known); i++)
                test_keeper_ack(k, round->first + i);
        test_keeper_sync(k);
}

static void a_keeper_killed_at_any_moment_loses_no_child_and_starts_none_twice(void **state) {
        enum { ROUNDS = 10 };
        TestKeeper *k = *state;

        (void) test_keeper_hello(k);
        srandom((unsigned) getpid());
        for (int n = 0; n < ROUNDS; n++) {
                uint64_t moment = clock_now_usec(CLOCK_MONOTONIC) + (uint64_t) random() % 3000;
                Round round = { .first = k->last_id + 1 };
                Received known[ELEMENTSOF(round.known)];
                size_t n_known;

                for (uint64_t i = 0; i < ELEMENTSOF(round.known); i++)
                        round_spawn(k, i);
                while (clock_now_usec(CLOCK_MONOTONIC) < moment)
                        ;
                test_keeper_kill_keeper(k);

                n_known = test_keeper_hello_all(k, known, ELEMENTSOF(known));
                for (size_t i = 0; i < n_known; i++) {
                        round_note(&round, &known[i].message);
                        (void) fd_close(known[i].fd);
                }
                round_finish(k, &round);
        }
        assert_int_equal(test_keeper_hello(k), 0);
}

static void a_second_keeper_is_refused_and_a_dead_ones_socket_replaced(void **state) {
        TestKeeper *k = *state;

        (void) test_keeper_hello(k);
        assert_int_equal(test_keeper_start_second(k), 3);
        test_keeper_sync(k);

        test_keeper_kill_all(k);
        test_keeper_start(k);
        k->epoch = 0;
        assert_int_equal(test_keeper_hello(k), 0);
}

static void a_keeper_without_its_guard_goes_on(void **state) {
        TestKeeper *k = *state;
        KeeperMessage end;

        (void) test_keeper_hello(k);
        assert_int_equal(kill(k->guard, SIGKILL), 0);
        (void) test_keeper_await_exit(k);
        end = test_keeper_await_end(k, SPAWN_SHELL(k, NULL, "exit 8"));
        assert_exited(&end, 8);
        assert_int_equal(test_keeper_start_second(k), 3);
}

static void a_terminated_guard_takes_the_keeper_and_no_child(void **state) {
        TestKeeper *k = *state;
        _cleanup_(freep) char *path = text_format("%s/keeper", k->directory);
        Received received;
        uint64_t id;

        (void) test_keeper_hello(k);
        id = SPAWN(k, NULL, (char *) "/bin/sleep", (char *) "1000");
        received = test_keeper_expect(k, KEEPER_SPAWNED, id);
        (void) fd_close(received.fd);
        (void) test_keeper_expect(k, KEEPER_EXECED, id);
        assert_int_equal(kill(k->keeper, SIGTERM), 0);  /* as from systemd, to all in the group */
        test_keeper_sync(k);

        assert_int_equal(kill(k->guard, SIGTERM), 0);
        assert_int_equal(test_keeper_await_exit(k), 0);
        assert_true(test_process_await_gone(k->keeper));
        assert_int_not_equal(test_process_state(received.message.pid), 0);
        assert_int_not_equal(test_process_state(received.message.pid), 'Z');
        assert_int_equal(access(path, F_OK), -1);
}

static bool guard_stays(const TestKeeper *k) {
        return poll(&(struct pollfd) { .fd = k->guard_pidfd, .events = POLLIN }, 1, 100) == 0;
}

static void say_goodbye(TestKeeper *k) {
        KeeperMessage message = test_keeper_message(KEEPER_GOODBYE, 0);

        test_keeper_send(k, &message, NULL, 0);
        test_keeper_sync(k);
        test_keeper_hang_up(k);
}

static void a_transient_keeper_leaves_when_its_brain_has_and_nothing_is_left(void **state) {
        TestKeeper *k = *state;
        Received received;
        uint64_t id;

        (void) test_keeper_hello(k);
        test_keeper_kill_all(k);
        k->transient = true;
        test_keeper_start(k);

        /* not before the first brain has come */
        assert_true(guard_stays(k));
        (void) test_keeper_hello(k);

        /* nor while an end is not acknowledged */
        id = SPAWN_SHELL(k, NULL, "exit 2");
        (void) test_keeper_await_end(k, id);
        say_goodbye(k);
        assert_true(guard_stays(k));

        received = test_keeper_hello_known(k, id);
        (void) fd_close(received.fd);
        assert_exited(&received.message, 2);
        test_keeper_ack(k, id);
        test_keeper_sync(k);

        /* nor when the brain has died instead of stopping */
        test_keeper_hang_up(k);
        assert_true(guard_stays(k));

        (void) test_keeper_hello(k);
        say_goodbye(k);
        assert_int_equal(test_keeper_await_exit(k), 0);
        assert_int_equal(test_keeper_connect(k), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_keeper_setup, test_keeper_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(children_survive_their_keeper_and_end_exactly),
                TEST(an_unacknowledged_end_survives_the_keeper),
                TEST(a_child_whose_keeper_died_before_exec_is_lost_and_said_to_be),
                TEST(a_child_frozen_before_exec_keeps_no_connection_open),
                TEST(a_keeper_killed_again_and_again_comes_back),
                TEST(a_keeper_killed_at_any_moment_loses_no_child_and_starts_none_twice),
                TEST(a_second_keeper_is_refused_and_a_dead_ones_socket_replaced),
                TEST(a_keeper_without_its_guard_goes_on),
                TEST(a_terminated_guard_takes_the_keeper_and_no_child),
                TEST(a_transient_keeper_leaves_when_its_brain_has_and_nothing_is_left),
        };

        if (test_keeper_missing()) {
                (void) printf("skipped: %s\n", test_keeper_missing());
                return UNIT_SKIPPED;
        }
        return cmocka_run_group_tests_name("keeper-death", tests, NULL, NULL);
}
