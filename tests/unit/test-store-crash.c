/* SPDX-License-Identifier: MIT */

/*
 * bgtd is killed while it writes: what it was told to be durable is there.
 */

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/kit/store.h"

#define N_ROUNDS 50

typedef struct Crash {
        Box box;
        uint64_t acknowledged;          /* the last id that the child told of */
        uint64_t epoch;
} Crash;

static int set_up(void **state) {
        Crash *crash = calloc(1, sizeof *crash);

        box_make(&crash->box);
        *state = crash;
        return 0;
}

static int tear_down(void **state) {
        Crash *crash = *state;

        box_remove(&crash->box);
        free(crash);
        return 0;
}

/* Starts tasks and tells of each that is durable, until it is killed. */
static void child_write(Box *box, int told_fd) {
        if (box_try_open(box) != 0)
                _exit(1);
        for (uint64_t id = box->facts.last_id + 1;; id++) {
                if (!box_child_commit(box, id))
                        _exit(2);
                if (write(told_fd, &id, sizeof id) != sizeof id)
                        _exit(3);
        }
}

/* Reads what the child tells until it has told @n times or the time is over; -1: until it is dead. */
static void listen_to(int fd, size_t n, int msec, uint64_t *last) {
        uint64_t end_usec = clock_now_usec(CLOCK_MONOTONIC) + (uint64_t) msec * USEC_PER_MSEC, id;
        struct pollfd p = { .fd = fd, .events = POLLIN };

        for (size_t i = 0; i < n; i++) {
                int left = (int) (usec_sub(end_usec, clock_now_usec(CLOCK_MONOTONIC)) / USEC_PER_MSEC);

                if (poll(&p, 1, msec < 0 ? -1 : left) != 1 || read(fd, &id, sizeof id) != sizeof id)
                        return;
                *last = id;
        }
}

static void kill_while_it_writes(Crash *crash, size_t n, int msec) {
        int told[2], status;
        pid_t child;

        assert_int_equal(pipe2(told, O_CLOEXEC), 0);
        child = fork();
        if (child == 0)
                child_write(&crash->box, told[1]);
        (void) fd_close(told[1]);

        listen_to(told[0], n, msec, &crash->acknowledged);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        listen_to(told[0], SIZE_MAX, -1, &crash->acknowledged);
        (void) fd_close(told[0]);
}

static void assert_nothing_lost(Crash *crash) {
        _cleanup_(found_done) Found found = {};

        box_open(&crash->box);
        assert_true(crash->box.facts.epoch > crash->epoch);
        crash->epoch = crash->box.facts.epoch;
        box_load(&crash->box, &found);

        /* one more may have become durable without anybody having been told */
        assert_in_range(found.n_tasks, crash->acknowledged, crash->acknowledged + 1);
        assert_int_equal(crash->box.facts.last_id, found.n_tasks);
        for (size_t i = 0; i < found.n_tasks; i++) {
                assert_int_equal(found.tasks[i]->id, i + 1);
                assert_int_equal(found.tasks[i]->phase, TASK_RUNNING);
                assert_true(found.tasks[i]->claim_epoch <= crash->epoch);
                assert_string_equal(found.tasks[i]->type->text, "text");
        }
        crash->acknowledged = found.n_tasks;
        box_close(&crash->box);
}

/* T-7, and of Q-48 that no accepted task is lost */
static void what_was_acknowledged_survives_a_kill_at_any_moment(void **state) {
        Crash *crash = *state;
        unsigned seed = (unsigned) getpid();

        print_message("seed %u\n", seed);
        srand(seed);
        for (int i = 0; i < N_ROUNDS; i++) {
                /* after some commits, or after some milliseconds of opening */
                if (i % 2)
                        kill_while_it_writes(crash, (size_t) rand() % 100, -1);
                else
                        kill_while_it_writes(crash, SIZE_MAX, rand() % 40);
                assert_nothing_lost(crash);
        }
        print_message("%llu tasks acknowledged\n", (unsigned long long) crash->acknowledged);
}

/* The same with nobody in between who opens and closes it in order. */
static void kills_in_a_row_lose_nothing(void **state) {
        Crash *crash = *state;

        for (int i = 0; i < 10; i++)
                kill_while_it_writes(crash, 20, -1);
        assert_true(crash->acknowledged >= 200);
        assert_nothing_lost(crash);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_was_acknowledged_survives_a_kill_at_any_moment, set_up, tear_down),
                cmocka_unit_test_setup_teardown(kills_in_a_row_lose_nothing, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("store-crash", tests, NULL, NULL);
}
