/* SPDX-License-Identifier: MIT */
#include <linux/magic.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "tests/kit/group.h"

static int root_fd;

static int group_setup(void **state) {
        static Group g;

        *state = &g;
        return group_make(root_fd, &g) ? 0 : -1;
}

static int group_teardown(void **state) {
        return group_end(*state) ? 0 : -1;
}

static void the_mount_is_found_by_its_file_system(void **state) {
        _cleanup_(freep) char *mount = NULL;
        struct statfs st;

        assert_int_equal(cgroup_find_mount(&mount), 0);
        assert_int_equal(statfs(mount, &st), 0);
        assert_int_equal(st.f_type, CGROUP2_SUPER_MAGIC);
}

static void a_path_is_below_itself_and_what_holds_it(void **state) {
        assert_true(cgroup_path_is_below("/a", "/"));
        assert_true(cgroup_path_is_below("/", "/"));
        assert_true(cgroup_path_is_below("/a/b", "/a"));
        assert_true(cgroup_path_is_below("/a", "/a"));
        assert_false(cgroup_path_is_below("/ab", "/a"));
        assert_false(cgroup_path_is_below("/a", "/a/b"));
        assert_false(cgroup_path_is_below("/../x", "/a"));
}

static void a_process_and_the_open_group_it_is_in_have_one_path(void **state) {
        _cleanup_(freep) char *path = NULL;
        Group *g = *state;
        pid_t pid;

        pid = group_spawn(g->fd, NULL, NULL);
        assert_true(pid > 0);
        assert_int_equal(cgroup_of_process(pid, &path), 0);
        assert_string_equal(path, g->path);
}

static void a_process_that_is_not_there_is_no_such_process(void **state) {
        char *path;
        pid_t pid;

        pid = fork();
        if (pid == 0)
                _exit(0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(cgroup_of_process(pid, &path), -ESRCH);
}

static void a_group_is_made_once_and_opened_often(void **state) {
        _cleanup_(fd_closep) int first = -1, second = -1, third = -1;
        uint64_t a, b;
        Group *g = *state;

        assert_int_equal(cgroup_open(g->fd, "x", false, &first), -ENOENT);
        assert_int_equal(cgroup_create(g->fd, "x", &first), 0);
        assert_int_equal(cgroup_create(g->fd, "x", &second), CGROUP_E_EXISTS);
        assert_int_equal(second, -1);
        assert_int_equal(cgroup_open(g->fd, "x", true, &second), 0);
        assert_int_equal(cgroup_open(g->fd, "y", true, &third), 0);

        assert_int_equal(cgroup_id(first, &a), 0);
        assert_int_equal(cgroup_id(second, &b), 0);
        assert_int_equal(a, b);
        assert_int_equal(cgroup_id(third, &b), 0);
        assert_int_not_equal(a, b);
}

/* Another user's link or the kernel's own file under a wanted name. */
static void what_is_no_group_is_not_opened_as_one(void **state) {
        Group *g = *state;
        int fd;

        assert_int_equal(cgroup_open(g->fd, "cgroup.procs", true, &fd), -ENOTDIR);
        assert_int_equal(cgroup_create(g->fd, "cgroup.procs", &fd), CGROUP_E_EXISTS);
}

static void events_follow_the_processes(void **state) {
        CgroupEvents events;
        Group *g = *state;

        assert_int_equal(cgroup_read_events(g->fd, &events), 0);
        assert_false(events.populated || events.frozen);
        assert_true(group_spawn(g->fd, NULL, NULL) > 0);
        assert_int_equal(cgroup_read_events(g->fd, &events), 0);
        assert_true(events.populated);
        assert_int_equal(cgroup_kill(g->fd), 0);
        assert_true(group_await(g->fd, 0, -1));
}

static void a_notice_polls_until_it_is_read(void **state) {
        _cleanup_(fd_closep) int events_fd = -1;
        struct pollfd p = { .events = POLLPRI };
        CgroupEvents events;
        Group *g = *state;

        events_fd = p.fd = cgroup_open_events(g->fd);
        assert_true(events_fd >= 0);
        assert_int_equal(cgroup_events_reread(events_fd, &events), 0);
        assert_int_equal(poll(&p, 1, 0), 0);

        assert_true(group_spawn(g->fd, NULL, NULL) > 0);
        assert_int_equal(poll(&p, 1, GROUP_DEADLINE_USEC / USEC_PER_MSEC), 1);
        assert_true(p.revents & POLLPRI);
        assert_int_equal(cgroup_events_reread(events_fd, &events), 0);
        assert_true(events.populated);
        assert_int_equal(poll(&p, 1, 0), 0);
}

static void a_removed_group_is_gone_for_who_still_holds_it(void **state) {
        _cleanup_(fd_closep) int fd = -1, events_fd = -1;
        CgroupEvents events;
        Group *g = *state;
        pid_t *pids;
        size_t n;

        assert_int_equal(cgroup_create(g->fd, "x", &fd), 0);
        events_fd = cgroup_open_events(fd);
        assert_int_equal(cgroup_remove(g->fd, "x"), 0);
        assert_int_equal(cgroup_remove(g->fd, "x"), CGROUP_E_GONE);

        assert_int_equal(cgroup_read_events(fd, &events), CGROUP_E_GONE);
        assert_int_equal(cgroup_events_reread(events_fd, &events), CGROUP_E_GONE);
        assert_int_equal(cgroup_kill(fd), CGROUP_E_GONE);
        assert_int_equal(cgroup_list_processes(fd, &pids, &n), 0);
        assert_int_equal(n, 0);
        free(pids);
}

static void an_unreaped_zombie_does_not_populate_its_group(void **state) {
        Group *g = *state;
        siginfo_t info;
        pid_t pid;

        pid = group_spawn(g->fd, NULL, NULL);
        assert_true(pid > 0);
        assert_int_equal(cgroup_kill(g->fd), 0);
        assert_true(group_await(g->fd, 0, -1));
        assert_int_equal(cgroup_remove(g->root_fd, g->name), 0);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED), 0);
        assert_int_equal(info.si_status, SIGKILL);
}

/* A child, one in a session of its own, and one whose parents are gone. */
static void make_family(void *argument) {
        if (fork() == 0)
                return;
        if (fork() == 0) {
                (void) setsid();
                return;
        }
        if (fork() == 0) {
                (void) setsid();
                if (fork() == 0)
                        return;
                _exit(0);
        }
}

/* Waits for a number of processes that only grows to reach @n. */
static bool await_processes(int fd, size_t n) {
        uint64_t deadline = clock_now_usec(CLOCK_MONOTONIC) + GROUP_DEADLINE_USEC;

        for (;;) {
                _cleanup_(freep) pid_t *pids = NULL;
                size_t now;

                if (cgroup_list_processes(fd, &pids, &now) < 0)
                        return false;
                if (now >= n)
                        return true;
                if (clock_now_usec(CLOCK_MONOTONIC) > deadline)
                        return false;
                (void) sched_yield();
        }
}

/* T-25 */
static void a_kill_takes_children_that_have_left_session_and_parent(void **state) {
        Group *g = *state;

        assert_true(group_spawn(g->fd, make_family, NULL) > 0);
        assert_true(await_processes(g->fd, 4));
        assert_int_equal(cgroup_kill(g->fd), 0);
        assert_true(group_await(g->fd, 0, -1));
}

/* Each forks and makes room for its child, for ever: their number stays, their pids do not. */
static void run_away(void *argument) {
        for (int i = 0; i < 31; i++)
                if (fork() == 0)
                        break;
        for (uint64_t end = clock_now_usec(CLOCK_MONOTONIC) + GROUP_DEADLINE_USEC; clock_now_usec(CLOCK_MONOTONIC) < end;)
                if (fork() > 0)
                        _exit(0);
        _exit(0);
}

/* T-25 */
static void a_kill_is_not_outrun_by_forks(void **state) {
        Group *g = *state;

        assert_true(group_spawn(g->fd, run_away, NULL) > 0);
        assert_true(await_processes(g->fd, 4));
        assert_int_equal(cgroup_kill(g->fd), 0);
        assert_true(group_await(g->fd, 0, -1));
}

static void a_kill_one_by_one_is_not_outrun_by_forks_either(void **state) {
        bool frozen = true;
        Group *g = *state;

        group_need_pidfds();
        assert_true(group_spawn(g->fd, run_away, NULL) > 0);
        assert_true(await_processes(g->fd, 16));
        assert_int_equal(cgroup_kill_each(g->fd), 0);
        assert_true(group_await(g->fd, 0, -1));
        assert_int_equal(cgroup_read_freeze(g->fd, &frozen), 0);
        assert_false(frozen);
}

static void count_up(void *argument) {
        for (uint64_t end = clock_now_usec(CLOCK_MONOTONIC) + GROUP_DEADLINE_USEC; clock_now_usec(CLOCK_MONOTONIC) < end;)
                atomic_fetch_add((atomic_ulong *) argument, 1);
}

/* T-25 */
static void a_frozen_group_dies_without_one_more_step(void **state) {
        atomic_ulong *steps;
        Group *g = *state;
        bool frozen = false;
        unsigned long seen;

        steps = mmap(NULL, sizeof *steps, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(steps, MAP_FAILED);
        assert_true(group_spawn(g->fd, count_up, steps) > 0);
        while (atomic_load(steps) == 0)
                (void) sched_yield();
        assert_int_equal(cgroup_write_freeze(g->fd, true), 0);
        assert_true(group_await(g->fd, 1, 1));
        seen = atomic_load(steps);

        assert_int_equal(cgroup_kill(g->fd), 0);
        assert_true(group_await(g->fd, 0, 1));
        assert_int_equal(atomic_load(steps), seen);
        assert_int_equal(munmap(steps, sizeof *steps), 0);

        assert_int_equal(cgroup_read_freeze(g->fd, &frozen), 0);
        assert_true(frozen);
        assert_int_equal(cgroup_write_freeze(g->fd, false), 0);
        assert_int_equal(cgroup_remove(g->root_fd, g->name), 0);
}

static void processes_of_groups_below_are_listed_too(void **state) {
        _cleanup_(fd_closep) int a = -1, b = -1;
        _cleanup_(freep) pid_t *pids = NULL;
        pid_t at_top, in_a, in_b, sum = 0;
        Group *g = *state;
        size_t n;

        assert_int_equal(cgroup_create(g->fd, "a", &a), 0);
        assert_int_equal(cgroup_create(a, "b", &b), 0);
        at_top = group_spawn(g->fd, NULL, NULL);
        in_a = group_spawn(a, NULL, NULL);
        in_b = group_spawn(b, NULL, NULL);
        assert_true(at_top > 0 && in_a > 0 && in_b > 0);

        assert_int_equal(cgroup_list_processes(g->fd, &pids, &n), 0);
        assert_int_equal(n, 3);
        for (size_t i = 0; i < n; i++)
                sum += pids[i];
        assert_int_equal(sum, at_top + in_a + in_b);
}

/* T-31 */
static void a_signal_reaches_every_process_in_it_and_below(void **state) {
        _cleanup_(fd_closep) int below = -1;
        Group *g = *state;
        size_t n = 0;

        group_need_pidfds();
        assert_int_equal(cgroup_create(g->fd, "below", &below), 0);
        for (int i = 0; i < 50; i++)
                assert_true(group_spawn(i % 2 ? below : g->fd, NULL, NULL) > 0);
        assert_int_equal(cgroup_signal(g->fd, g->path, SIGTERM, &n), 0);
        assert_int_equal(n, 50);
        assert_true(group_await(g->fd, 0, -1));
}

static void fork_on(void *argument) {
        for (int i = 0; i < 3000; i++)
                if (fork() == 0)
                        return;
}

/* T-31: the one that forks is listed last, so a first pass always leaves some that came since. */
static void a_signal_is_not_outrun_by_forks(void **state) {
        Group *g = *state;
        size_t n = 0;

        group_need_pidfds();
        for (int i = 0; i < 100; i++)
                assert_true(group_spawn(g->fd, NULL, NULL) > 0);
        assert_true(group_spawn(g->fd, fork_on, NULL) > 0);
        assert_true(await_processes(g->fd, 110));
        assert_int_equal(cgroup_signal(g->fd, g->path, SIGTERM, &n), 0);
        assert_true(n >= 110);
        assert_true(group_await(g->fd, 0, -1));
}

/* T-31 */
static void a_process_that_is_no_longer_below_the_path_gets_no_signal(void **state) {
        _cleanup_(freep) char *elsewhere = NULL;
        Group *g = *state;
        size_t n = 1;
        pid_t pid;

        group_need_pidfds();
        pid = group_spawn(g->fd, NULL, NULL);
        assert_true(pid > 0);
        elsewhere = text_format("%s-other", g->path);
        assert_int_equal(cgroup_signal(g->fd, elsewhere, SIGKILL, &n), 0);
        assert_int_equal(n, 0);
        assert_true(group_process_lives(pid));
}

/*
 * T-31. The kernel lists 0 for a process that the reader's namespace has no
 * number for, as it does for a dying one.
 */
static int signal_from_another_namespace(const Group *g) {
        char text[64] = "";
        size_t n = 1;
        pid_t *pids;

        if (cgroup_read_file(g->fd, "cgroup.procs", text, sizeof text) < 0 || strcmp(text, "0\n") != 0)
                return 1;
        if (cgroup_list_processes(g->fd, &pids, &n) < 0 || n != 0)
                return 2;
        if (cgroup_signal(g->fd, g->path, SIGTERM, &n) < 0 || n != 0)
                return 3;
        return 0;
}

static void a_listed_0_is_left_out(void **state) {
        Group *g = *state;
        int status;
        pid_t pid;

        group_need_pidfds();
        assert_true(group_spawn(g->fd, NULL, NULL) > 0);
        pid = fork();
        if (pid == 0) {
                if (unshare(CLONE_NEWPID) < 0)
                        _exit(UNIT_SKIPPED);
                pid = fork();
                if (pid == 0)
                        _exit(setpgid(0, 0) < 0 ? 4 : signal_from_another_namespace(g));
                _exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 5);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == UNIT_SKIPPED)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_group_with_processes_is_not_removed(void **state) {
        _cleanup_(fd_closep) int below = -1;
        Group *g = *state;

        assert_int_equal(cgroup_create(g->fd, "below", &below), 0);
        assert_true(group_spawn(below, NULL, NULL) > 0);
        assert_int_equal(cgroup_remove(g->root_fd, g->name), CGROUP_E_POPULATED);
        assert_int_equal(cgroup_remove(g->fd, "below"), CGROUP_E_POPULATED);
}

/* @n groups in @fd, or each in the one before. */
static void make_groups(int fd, int n, bool nested) {
        int at = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        for (int i = 0; i < n; i++) {
                char name[16];
                int made;

                (void) snprintf(name, sizeof name, "n%d", i);
                assert_int_equal(cgroup_create(at, name, &made), 0);
                (void) fd_close(nested ? at : made);
                at = nested ? made : at;
        }
        (void) fd_close(at);
}

static void groups_that_a_task_has_made_go_with_it(void **state) {
        Group *g = *state;

        make_groups(g->fd, 30, false);
        for (int i = 0; i < 30; i += 7) {
                _cleanup_(fd_closep) int fd = -1;
                char name[16];

                (void) snprintf(name, sizeof name, "n%d", i);
                assert_int_equal(cgroup_open(g->fd, name, false, &fd), 0);
                make_groups(fd, 3, i % 2);
        }
        assert_int_equal(cgroup_remove(g->root_fd, g->name), 0);
}

static void groups_are_removed_however_deep_they_are(void **state) {
        Group *g = *state;

        make_groups(g->fd, 200, true);
        assert_int_equal(cgroup_remove(g->root_fd, g->name), 0);
}

static void thousands_of_groups_are_removed_in_bounded_steps(void **state) {
        Group *g = *state;

        make_groups(g->fd, 4500, false);
        assert_int_equal(cgroup_remove(g->root_fd, g->name), CGROUP_E_MORE);
        assert_int_equal(cgroup_remove(g->root_fd, g->name), 0);
}

static void a_mark_is_read_back(void **state) {
        _cleanup_(freep) char *value = NULL;
        Group *g = *state;

        assert_int_equal(cgroup_read_mark(g->fd, "trusted.bgt.task", &value), 0);
        assert_null(value);
        assert_int_equal(cgroup_mark(g->fd, "trusted.bgt.task", "42.1"), 0);
        assert_int_equal(cgroup_read_mark(g->fd, "trusted.bgt.task", &value), 0);
        assert_string_equal(value, "42.1");
}

static void a_file_is_cut_at_the_room_there_is(void **state) {
        Group *g = *state;
        char text[5];

        assert_int_equal(cgroup_read_file(g->fd, "cgroup.type", text, sizeof text), 0);
        assert_string_equal(text, "doma");
        assert_int_equal(cgroup_read_file(g->fd, "cgroup.no-such-file", text, sizeof text), -ENOENT);
        assert_int_equal(cgroup_write_file(g->fd, "cgroup.freeze", "x"), -EINVAL);
}

static void a_controller_that_is_not_there_is_named(void **state) {
        const char *const names[] = { "nosuch", NULL }, *missing = NULL;
        Group *g = *state;

        assert_int_equal(cgroup_enable_controllers(g->fd, names, &missing), -ENOENT);
        assert_ptr_equal(missing, names[0]);
        assert_int_equal(cgroup_enable_controllers(g->fd, names, NULL), 0);
}

/* pids, where the hierarchy has it at all. */
static void an_enabled_controller_is_there_for_groups_below(void **state) {
        const char *const names[] = { "pids", NULL }, *missing = NULL;
        _cleanup_(fd_closep) int below = -1;
        char offered[256], text[16];
        Group *g = *state;

        assert_int_equal(cgroup_read_file(g->fd, "cgroup.controllers", offered, sizeof offered), 0);
        if (!strstr(offered, "pids")) {
                print_message("skipped: the hierarchy does not offer pids\n");
                skip();
        }
        assert_int_equal(cgroup_create(g->fd, "below", &below), 0);
        assert_int_equal(cgroup_read_file(below, "pids.max", text, sizeof text), -ENOENT);
        assert_int_equal(cgroup_enable_controllers(g->fd, names, &missing), 0);
        assert_int_equal(cgroup_enable_controllers(g->fd, names, &missing), 0);
        assert_int_equal(cgroup_read_file(below, "pids.max", text, sizeof text), 0);
}

#define GROUP_TEST(test) cmocka_unit_test_setup_teardown(test, group_setup, group_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_mount_is_found_by_its_file_system),
                cmocka_unit_test(a_path_is_below_itself_and_what_holds_it),
                cmocka_unit_test(a_process_that_is_not_there_is_no_such_process),
                GROUP_TEST(a_process_and_the_open_group_it_is_in_have_one_path),
                GROUP_TEST(a_group_is_made_once_and_opened_often),
                GROUP_TEST(what_is_no_group_is_not_opened_as_one),
                GROUP_TEST(a_mark_is_read_back),
                GROUP_TEST(a_file_is_cut_at_the_room_there_is),
                GROUP_TEST(events_follow_the_processes),
                GROUP_TEST(a_notice_polls_until_it_is_read),
                GROUP_TEST(a_removed_group_is_gone_for_who_still_holds_it),
                GROUP_TEST(an_unreaped_zombie_does_not_populate_its_group),
                GROUP_TEST(a_kill_takes_children_that_have_left_session_and_parent),
                GROUP_TEST(a_kill_is_not_outrun_by_forks),
                GROUP_TEST(a_kill_one_by_one_is_not_outrun_by_forks_either),
                GROUP_TEST(a_frozen_group_dies_without_one_more_step),
                GROUP_TEST(processes_of_groups_below_are_listed_too),
                GROUP_TEST(a_signal_reaches_every_process_in_it_and_below),
                GROUP_TEST(a_signal_is_not_outrun_by_forks),
                GROUP_TEST(a_process_that_is_no_longer_below_the_path_gets_no_signal),
                GROUP_TEST(a_listed_0_is_left_out),
                GROUP_TEST(a_group_with_processes_is_not_removed),
                GROUP_TEST(groups_that_a_task_has_made_go_with_it),
                GROUP_TEST(groups_are_removed_however_deep_they_are),
                GROUP_TEST(thousands_of_groups_are_removed_in_bounded_steps),
                GROUP_TEST(a_controller_that_is_not_there_is_named),
                GROUP_TEST(an_enabled_controller_is_there_for_groups_below),
        };
        int r;

        root_fd = group_open_root();
        if (root_fd < 0)
                return UNIT_SKIPPED;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        (void) fd_close(root_fd);
        return r;
}
