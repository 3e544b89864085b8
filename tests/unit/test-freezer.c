/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <sys/mman.h>

#include "lib/base/result.h"
#include "supervisor/sys/freezer.h"
#include "supervisor/sys/process.h"
#include "supervisor/sys/usage.h"
#include "tests/kit/group.h"
#include "tests/kit/hang.h"

static int root_fd;

static int group_setup(void **state) {
        static Group g;

        *state = &g;
        return group_make(root_fd, &g) ? 0 : -1;
}

static int group_teardown(void **state) {
        return group_end(*state) ? 0 : -1;
}

static void burn(void *argument) {
        for (uint64_t end = clock_now_usec(CLOCK_MONOTONIC) + GROUP_DEADLINE_USEC; clock_now_usec(CLOCK_MONOTONIC) < end;)
                ;
}

static uint64_t cpu_usec(int fd) {
        Usage usage;

        assert_int_equal(usage_read(fd, NULL, &usage), 0);
        return usage.cpu_usec;
}

static void await_cpu_use(int fd) {
        uint64_t start = cpu_usec(fd);

        while (cpu_usec(fd) == start)
                (void) sched_yield();
}

/* As the engine does it: ask, and where it takes longer wait for the notice. */
static int freeze_and_await(int fd) {
        int r = freezer_freeze(fd);

        if (r == FREEZER_E_PENDING && group_await(fd, 1, 1))
                return freezer_state_frozen(fd);
        return r;
}

static int thaw_and_await(int fd) {
        int r = freezer_thaw(fd);

        if (r == FREEZER_E_PENDING && group_await(fd, 1, 0))
                return freezer_state_thawed(fd);
        return r;
}

/* T-24 */
static void the_cpu_time_of_a_frozen_group_stands_still(void **state) {
        Group *g = *state;
        uint64_t stood;

        assert_true(group_spawn(g->fd, burn, NULL) > 0);
        await_cpu_use(g->fd);
        assert_int_equal(freeze_and_await(g->fd), 0);
        assert_int_equal(freezer_state_frozen(g->fd), 0);

        stood = cpu_usec(g->fd);
        for (int i = 0; i < 1000; i++)
                (void) sched_yield();
        assert_int_equal(cpu_usec(g->fd), stood);

        assert_int_equal(thaw_and_await(g->fd), 0);
        await_cpu_use(g->fd);
}

/* T-24 */
static void many_processes_stop_and_go_on_together(void **state) {
        Group *g = *state;

        for (int i = 0; i < 300; i++)
                assert_true(group_spawn(g->fd, NULL, NULL) > 0);
        for (int i = 0; i < 5; i++) {
                assert_int_equal(freeze_and_await(g->fd), 0);
                assert_int_equal(thaw_and_await(g->fd), 0);
        }
}

/* Reading at once shows what the notice would tell 10 ms later. */
static void one_process_is_seen_frozen_without_a_notice(void **state) {
        Group *g = *state;
        int n_at_once = 0;

        assert_true(group_spawn(g->fd, NULL, NULL) > 0);
        for (int i = 0; i < 50; i++) {
                n_at_once += freezer_freeze(g->fd) == 0;
                assert_int_equal(thaw_and_await(g->fd), 0);
        }
        assert_true(n_at_once > 0);
}

/* T-24: confirmed means frozen and populated. */
static void an_empty_group_is_never_called_frozen(void **state) {
        CgroupEvents events;
        Group *g = *state;

        assert_int_equal(freezer_freeze(g->fd), FREEZER_E_EMPTY);
        assert_int_equal(cgroup_read_events(g->fd, &events), 0);
        assert_true(events.frozen);
        assert_int_equal(freezer_thaw(g->fd), FREEZER_E_EMPTY);
}

/* T-29 */
static void a_frozen_group_whose_processes_are_killed_is_empty(void **state) {
        Group *g = *state;
        pid_t pid;

        pid = group_spawn(g->fd, NULL, NULL);
        assert_int_equal(freeze_and_await(g->fd), 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_true(group_await(g->fd, 0, -1));
        assert_int_equal(freezer_state_frozen(g->fd), FREEZER_E_EMPTY);
        assert_int_equal(freezer_state_thawed(g->fd), FREEZER_E_EMPTY);
}

static void a_removed_group_is_empty(void **state) {
        Group *g = *state;

        assert_int_equal(cgroup_remove(g->root_fd, g->name), 0);
        assert_int_equal(freezer_freeze(g->fd), FREEZER_E_EMPTY);
        assert_int_equal(freezer_thaw(g->fd), FREEZER_E_EMPTY);
}

/* T-24 */
static void a_group_under_a_frozen_one_is_thawed_when_it_does_not_ask_itself(void **state) {
        _cleanup_(fd_closep) int between = -1, below = -1;
        CgroupEvents events;
        Group *g = *state;
        bool own = true;

        assert_int_equal(cgroup_create(g->fd, "between", &between), 0);
        assert_int_equal(cgroup_create(between, "below", &below), 0);
        assert_true(group_spawn(below, NULL, NULL) > 0);
        assert_int_equal(freeze_and_await(g->fd), 0);
        assert_int_equal(freeze_and_await(below), 0);
        assert_int_equal(freezer_state_thawed(below), FREEZER_E_PENDING);

        assert_int_equal(freezer_thaw(below), 0);
        assert_int_equal(cgroup_read_freeze(below, &own), 0);
        assert_false(own);
        assert_int_equal(cgroup_read_events(below, &events), 0);
        assert_true(events.frozen);
        assert_int_equal(thaw_and_await(g->fd), 0);
        assert_true(group_await(below, 1, 0));
}

static void nobody_is_to_blame_in_a_frozen_group(void **state) {
        Group *g = *state;
        char name[32];
        pid_t pid = 1;

        for (int i = 0; i < 10; i++)
                assert_true(group_spawn(g->fd, NULL, NULL) > 0);
        assert_int_equal(freeze_and_await(g->fd), 0);
        assert_int_equal(freezer_find_culprit(g->fd, &pid, name, sizeof name), 0);
        assert_int_equal(pid, 0);
        assert_string_equal(name, "");
}

static void sleep_in_the_file_system(void *argument) {
        Hang *h = argument;
        int fd;

        hang_leave(h);
        (void) prctl(PR_SET_NAME, "bgt-sleeper");
        fd = open(h->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void) fd_close(fd);
}

static void await_state(pid_t pid, char state) {
        uint64_t deadline = clock_now_usec(CLOCK_MONOTONIC) + GROUP_DEADLINE_USEC;
        ProcessStat stat;

        do {
                assert_int_equal(process_read_stat(pid, &stat), 0);
                assert_true(clock_now_usec(CLOCK_MONOTONIC) < deadline);
                (void) sched_yield();
        } while (stat.state != state);
}

/* T-24 */
static void a_process_in_uninterruptible_sleep_keeps_the_freeze_pending_and_is_named(void **state) {
        Group *g = *state;
        char name[32];
        pid_t sleeper, pid;
        Hang h;

        for (int i = 0; i < 3; i++)
                assert_true(group_spawn(g->fd, NULL, NULL) > 0);
        if (!hang_make(&h)) {
                print_message("skipped: no FUSE to make a hanging file system of\n");
                skip();
        }
        sleeper = group_spawn(g->fd, sleep_in_the_file_system, &h);
        assert_true(sleeper > 0);
        await_state(sleeper, 'D');

        assert_int_equal(freezer_freeze(g->fd), FREEZER_E_PENDING);
        assert_int_equal(freezer_find_culprit(g->fd, &pid, name, sizeof name), 0);
        assert_int_equal(pid, sleeper);
        assert_string_equal(name, "bgt-sleeper");

        /* given up, and asked for again: there when the sleep is over */
        assert_int_equal(thaw_and_await(g->fd), 0);
        assert_int_equal(freezer_freeze(g->fd), FREEZER_E_PENDING);
        hang_end(&h);
        assert_true(group_await(g->fd, 1, 1));
        assert_int_equal(freezer_state_frozen(g->fd), 0);
}

#define GROUP_TEST(test) cmocka_unit_test_setup_teardown(test, group_setup, group_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                GROUP_TEST(the_cpu_time_of_a_frozen_group_stands_still),
                GROUP_TEST(one_process_is_seen_frozen_without_a_notice),
                GROUP_TEST(many_processes_stop_and_go_on_together),
                GROUP_TEST(an_empty_group_is_never_called_frozen),
                GROUP_TEST(a_frozen_group_whose_processes_are_killed_is_empty),
                GROUP_TEST(a_removed_group_is_empty),
                GROUP_TEST(a_group_under_a_frozen_one_is_thawed_when_it_does_not_ask_itself),
                GROUP_TEST(nobody_is_to_blame_in_a_frozen_group),
                GROUP_TEST(a_process_in_uninterruptible_sleep_keeps_the_freeze_pending_and_is_named),
        };
        int r;

        root_fd = group_open_root();
        if (root_fd < 0)
                return UNIT_SKIPPED;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        (void) fd_close(root_fd);
        return r;
}
