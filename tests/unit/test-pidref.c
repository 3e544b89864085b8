/* SPDX-License-Identifier: MIT */
#include <sys/pidfd.h>
#include <sys/utsname.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/sys/pidref.h"
#include "tests/kit/group.h"

static pid_t spawn_sleeper(void) {
        pid_t pid = fork();

        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        (void) pause();
        }
        return pid;
}

static void end_sleeper(pid_t pid) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_process_is_signalled_until_it_is_reaped(void **state) {
        _cleanup_(pidref_done) PidRef ref = PIDREF_NULL;
        siginfo_t info;
        pid_t pid;

        group_need_pidfds();
        pid = spawn_sleeper();
        assert_int_equal(pidref_open(pid, &ref), 0);
        assert_int_equal(ref.pid, pid);
        assert_int_equal(pidref_signal(&ref, SIGTERM), 0);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(info.si_status, SIGTERM);

        assert_int_equal(pidref_signal(&ref, SIGTERM), 0);      /* a zombie */
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(pidref_signal(&ref, SIGTERM), -ESRCH);
}

static void no_process_is_referred_to_without_a_number(void **state) {
        PidRef ref = PIDREF_NULL;

        group_need_pidfds();
        assert_int_equal(pidref_open(0, &ref), -EINVAL);
        assert_int_equal(pidref_open(-1, &ref), -EINVAL);
        assert_int_equal(ref.fd, -1);
        pidref_done(&ref);
}

static void a_descriptor_is_taken_if_it_is_of_a_process(void **state) {
        _cleanup_(pidref_done) PidRef ref = PIDREF_NULL;
        _cleanup_(fd_closep) int fd = -1, other = -1;
        pid_t pid;

        group_need_pidfds();
        pid = spawn_sleeper();
        fd = pidfd_open(pid, 0);
        other = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0 && other >= 0);
        assert_int_equal(pidref_take(pid, other, &ref), -EBADF);
        assert_int_equal(pidref_take(0, fd, &ref), -EINVAL);
        assert_int_equal(ref.fd, -1);
        assert_int_equal(pidref_take(pid, fd, &ref), 0);
        assert_int_equal(ref.fd, MOVE_FD(fd));
        end_sleeper(pid);
}

static void start_ticks_are_those_of_the_process_meant(void **state) {
        _cleanup_(pidref_done) PidRef first = PIDREF_NULL, self = PIDREF_NULL;
        uint64_t a = 0, b = 0, own = 0;
        pid_t pid;

        group_need_pidfds();
        pid = spawn_sleeper();
        assert_int_equal(pidref_open(pid, &first), 0);
        assert_int_equal(pidref_start_ticks(&first, &a), 0);
        assert_int_equal(pidref_start_ticks(&first, &b), 0);
        assert_int_equal(a, b);
        assert_int_equal(pidref_open(getpid(), &self), 0);
        assert_int_equal(pidref_start_ticks(&self, &own), 0);
        assert_true(own > 0 && a >= own);

        end_sleeper(pid);
        assert_int_equal(pidref_start_ticks(&first, &a), -ESRCH);
}

/* A child with the number @pid, which nobody else got in between; false where that cannot be had. */
static bool spawn_with_number(pid_t pid) {
        for (int attempt = 0; attempt < 20; attempt++) {
                _cleanup_(freep) char *before = text_format("%d", (int) pid - 1);
                pid_t got;

                assert_non_null(before);
                if (cgroup_write_file(AT_FDCWD, "/proc/sys/kernel/ns_last_pid", before) < 0)
                        return false;
                got = spawn_sleeper();
                if (got == pid)
                        return true;
                end_sleeper(got);
        }
        return false;
}

/* T-44 */
static void a_recycled_number_is_not_the_process(void **state) {
        _cleanup_(pidref_done) PidRef ref = PIDREF_NULL;
        uint64_t ticks;
        pid_t pid;

        group_need_pidfds();
        pid = spawn_sleeper();
        assert_int_equal(pidref_open(pid, &ref), 0);
        end_sleeper(pid);
        if (!spawn_with_number(pid)) {
                print_message("skipped: the next pid cannot be chosen here\n");
                skip();
        }
        assert_int_equal(pidref_signal(&ref, SIGKILL), -ESRCH);
        assert_int_equal(pidref_start_ticks(&ref, &ticks), -ESRCH);
        assert_true(group_process_lives(pid));
        end_sleeper(pid);
}

static bool kernel_is(int version, int patch_level) {
        struct utsname name;
        int v, p;

        return uname(&name) == 0 && sscanf(name.release, "%d.%d", &v, &p) == 2 &&
               (v > version || (v == version && p >= patch_level));
}

static void an_inode_is_of_one_process_or_there_is_none(void **state) {
        _cleanup_(pidref_done) PidRef a = PIDREF_NULL, again = PIDREF_NULL, b = PIDREF_NULL;
        pid_t pid;

        group_need_pidfds();
        pid = spawn_sleeper();
        assert_int_equal(pidref_open(pid, &a), 0);
        assert_int_equal(pidref_open(pid, &again), 0);
        assert_int_equal(pidref_open(getpid(), &b), 0);
        assert_int_equal(pidref_inode(&a), pidref_inode(&again));
        if (kernel_is(6, 9))
                assert_int_not_equal(pidref_inode(&a), pidref_inode(&b));
        else
                assert_int_equal(pidref_inode(&a), 0);
        end_sleeper(pid);
}

static void a_name_cannot_pass_for_other_fields(void **state) {
        ProcessStat stat;
        char before[16];

        assert_int_equal(prctl(PR_GET_NAME, before), 0);
        assert_int_equal(prctl(PR_SET_NAME, "x) Z 1 (\x1b\xc3"), 0);
        assert_int_equal(process_read_stat(getpid(), &stat), 0);
        assert_int_equal(prctl(PR_SET_NAME, before), 0);
        assert_string_equal(stat.name, "x) Z 1 (\?\?");
        assert_int_equal(stat.parent, getppid());
        assert_int_equal(stat.state, 'R');
}

/* A child that stays in its parent's group, and one that leaves it together with its own child. */
static void scatter(void *argument) {
        const Group *elsewhere = argument;

        if (fork() == 0)
                return;
        if (fork() > 0)
                return;
        (void) prctl(PR_SET_NAME, "bgt-leaver");
        (void) cgroup_write_file(elsewhere->fd, "cgroup.procs", "0");
        (void) fork();
}

static size_t processes_in(const Group *g) {
        _cleanup_(freep) pid_t *pids = NULL;
        size_t n;

        assert_int_equal(cgroup_list_processes(g->fd, &pids, &n), 0);
        return n;
}

static void check_outside(const Group *g, const Group *elsewhere) {
        _cleanup_(strv_freep) char **outside = NULL, **one = NULL, **none = NULL;
        uint64_t deadline = clock_now_usec(CLOCK_MONOTONIC) + GROUP_DEADLINE_USEC;
        pid_t pid;

        pid = group_spawn(g->fd, scatter, (void *) elsewhere);
        assert_true(pid > 0);
        while (processes_in(g) < 2 || processes_in(elsewhere) < 2)
                assert_true(clock_now_usec(CLOCK_MONOTONIC) < deadline);

        assert_int_equal(process_find_outside(pid, g->path, 10, &outside), 0);
        assert_int_equal(strv_length(outside), 2);
        assert_non_null(strstr(outside[0], " (bgt-leaver)"));
        assert_int_equal(process_find_outside(pid, g->path, 1, &one), 0);
        assert_int_equal(strv_length(one), 1);
        assert_int_equal(process_find_outside(pid, "/", 10, &none), 0);
        assert_int_equal(strv_length(none), 0);
}

/* T-32 */
static void descendants_that_have_left_the_group_are_named(void **state) {
        _cleanup_(fd_closep) int root_fd = group_open_root();
        Group g, elsewhere;

        if (root_fd < 0)
                skip();
        assert_true(group_make(root_fd, &g));
        assert_true(group_make(root_fd, &elsewhere));
        check_outside(&g, &elsewhere);
        assert_true(group_end(&elsewhere));
        assert_true(group_end(&g));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_process_is_signalled_until_it_is_reaped),
                cmocka_unit_test(no_process_is_referred_to_without_a_number),
                cmocka_unit_test(a_descriptor_is_taken_if_it_is_of_a_process),
                cmocka_unit_test(start_ticks_are_those_of_the_process_meant),
                cmocka_unit_test(a_recycled_number_is_not_the_process),
                cmocka_unit_test(an_inode_is_of_one_process_or_there_is_none),
                cmocka_unit_test(a_name_cannot_pass_for_other_fields),
                cmocka_unit_test(descendants_that_have_left_the_group_are_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
