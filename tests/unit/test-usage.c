/* SPDX-License-Identifier: MIT */
/*
 * Against whichever hierarchy has the controllers on this machine, and what
 * has none must be unknown and not 0.
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "supervisor/sys/limits.h"
#include "supervisor/sys/usage.h"
#include "tests/kit/group.h"

#define MIB (1024 * 1024)

static int root_fd;

typedef struct Setting {
        Group parent;
        int fd;
        char v1_name[96];
        char **attach, *v1_path;
} Setting;

/* A group with every limit so wide that it limits nothing, as far as this machine has controllers for them. */
static void apply_wide_limits(Setting *s) {
        const Limits each[] = {
                { UINT64_C(1) << 40, UINT64_MAX, 0, 0, 0, 10000 },
                { UINT64_C(1) << 40, UINT64_MAX, 0, 0, 0, UINT64_MAX },
                { UINT64_MAX, UINT64_MAX, 0, 0, 0, 10000 },
        };
        char missing[64];

        for (size_t i = 0; i < ELEMENTSOF(each); i++)
                if (limits_apply(s->parent.fd, s->fd, s->v1_name, each + i,
                                 &s->attach, &s->v1_path, missing, sizeof missing) == 0)
                        return;
}

static int setting_setup(void **state) {
        static Setting s;

        s = (Setting) { .fd = -1 };
        *state = &s;
        if (!group_make(root_fd, &s.parent) || limits_enable(root_fd, s.parent.name, NULL) < 0)
                return -1;
        (void) snprintf(s.v1_name, sizeof s.v1_name, "%s-v1", s.parent.name);
        return cgroup_create(s.parent.fd, "7.1", &s.fd) == 0 ? 0 : -1;
}

static int setting_teardown(void **state) {
        Setting *s = *state;
        bool done;

        done = group_end(&s->parent);
        done = limits_release(s->v1_path) == 0 && done;
        s->fd = fd_close(s->fd);
        s->attach = strv_free(s->attach);
        free(s->v1_path);
        return done ? 0 : -1;
}

typedef struct Work {
        const Setting *setting;
        void (*body)(void *argument);
        void *argument;
} Work;

static void attach_and_work(void *argument) {
        const Work *work = argument;

        STRV_FOREACH(procs, work->setting->attach)
                if (cgroup_write_file(AT_FDCWD, procs, "0") < 0)
                        _exit(98);
        work->body(work->argument);
        _exit(0);
}

static void work_to_the_end(const Setting *s, void (*body)(void *argument), void *argument) {
        Work work = { s, body, argument };
        siginfo_t info;
        pid_t pid;

        pid = group_spawn(s->fd, attach_and_work, &work);
        assert_true(pid > 0);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED), 0);
        assert_int_equal(info.si_code, CLD_EXITED);
        assert_int_equal(info.si_status, 0);
}

static void burn_50_ms(void *argument) {
        for (uint64_t end = clock_now_usec(CLOCK_PROCESS_CPUTIME_ID) + 50000; clock_now_usec(CLOCK_PROCESS_CPUTIME_ID) < end;)
                ;
}

/* cpu.stat is in every group of the unified hierarchy, whoever has the controller. */
static void cpu_time_is_that_of_all_its_processes(void **state) {
        Setting *s = *state;
        Usage before, after;

        assert_int_equal(usage_read(s->fd, NULL, &before), 0);
        assert_int_equal(before.cpu_usec, 0);
        work_to_the_end(s, burn_50_ms, NULL);
        work_to_the_end(s, burn_50_ms, NULL);
        assert_int_equal(usage_read(s->fd, NULL, &after), 0);
        assert_true(after.cpu_usec >= 90000 && after.cpu_usec < USEC_INFINITY);
}

static void touch_memory(void *argument) {
        if (mmap(NULL, 40 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
                _exit(1);
}

static void the_peak_of_memory_outlives_the_process_or_is_unknown(void **state) {
        Setting *s = *state;
        Usage usage;

        apply_wide_limits(s);
        work_to_the_end(s, touch_memory, NULL);
        assert_int_equal(usage_read(s->fd, s->v1_path, &usage), 0);
        if (usage.memory_peak_bytes == UINT64_MAX) {
                print_message("skipped: this machine does not tell\n");
                skip();
        }
        assert_in_range(usage.memory_peak_bytes, 40 * MIB, 80 * MIB);
}

static void fork_20(void *argument) {
        for (int i = 0; i < 20; i++)
                if (fork() == 0) {
                        (void) alarm(60);
                        (void) pause();
                }
}

static void the_peak_of_tasks_outlives_them_or_is_unknown(void **state) {
        Setting *s = *state;
        Usage usage;

        apply_wide_limits(s);
        work_to_the_end(s, fork_20, NULL);
        assert_int_equal(cgroup_kill(s->fd), 0);
        assert_true(group_await(s->fd, 0, -1));
        assert_int_equal(usage_read(s->fd, s->v1_path, &usage), 0);
        if (usage.tasks_peak == UINT64_MAX) {
                print_message("skipped: this machine does not tell\n");
                skip();
        }
        assert_int_equal(usage.tasks_peak, 21);
}

static void without_controllers_the_rest_is_unknown_and_not_0(void **state) {
        _cleanup_(fd_closep) int between = -1, below = -1;
        Setting *s = *state;
        uint64_t n = 0;
        Usage usage;

        assert_int_equal(cgroup_create(s->fd, "between", &between), 0);
        assert_int_equal(cgroup_create(between, "below", &below), 0);
        assert_int_equal(usage_read(below, NULL, &usage), 0);
        assert_int_equal(usage.cpu_usec, 0);
        assert_true(usage.memory_peak_bytes == UINT64_MAX);
        assert_true(usage.io_read_bytes == UINT64_MAX && usage.io_write_bytes == UINT64_MAX);
        assert_true(usage.tasks_peak == UINT64_MAX);
        assert_int_equal(usage_read_oom_kills(below, NULL, &n), 0);
        assert_true(n == UINT64_MAX);
}

static void a_removed_group_has_nothing_to_tell(void **state) {
        Setting *s = *state;
        uint64_t n = 0;
        Usage usage;

        assert_int_equal(cgroup_remove(s->parent.fd, "7.1"), 0);
        assert_int_equal(usage_read(s->fd, "bgt-test-no-such-group", &usage), 0);
        assert_true(usage.cpu_usec == UINT64_MAX);
        assert_int_equal(usage_read_oom_kills(s->fd, "bgt-test-no-such-group", &n), 0);
        assert_true(n == UINT64_MAX);
}

static void write_file(void *argument) {
        static char block[MIB];
        int fd = openat(AT_FDCWD, "/var/tmp", O_TMPFILE | O_WRONLY, 0600);

        for (int i = 0; fd >= 0 && i < 4; i++)
                if (fd_write_all(fd, block, sizeof block) < 0)
                        _exit(1);
        _exit(fd < 0 || fsync(fd) < 0 ? 2 : 0);
}

/* A rule that never bites makes v1 count for the disk that has /var/tmp. */
static void count_on_v1(const char *v1_path) {
        _cleanup_(fd_closep) int v1 = -1;
        char rule[64];
        struct stat st;

        if (!v1_path || stat("/var/tmp", &st) < 0 || limits_open_group("blkio", v1_path, &v1) < 0)
                return;
        (void) snprintf(rule, sizeof rule, "%u:%u 1000000000000", major(st.st_dev), minor(st.st_dev));
        (void) cgroup_write_file(v1, "blkio.throttle.write_bps_device", rule);
}

static void bytes_written_to_a_disk_are_counted_or_unknown(void **state) {
        Limits limits = LIMITS_NONE;
        Setting *s = *state;
        char missing[64];
        Usage usage;

        /* for its v1 group, where it is in one */
        limits.io_weight = 100;
        (void) limits_apply(s->parent.fd, s->fd, s->v1_name, &limits, &s->attach, &s->v1_path, missing, sizeof missing);
        if (s->v1_path) {
                work_to_the_end(s, write_file, NULL);
                assert_int_equal(usage_read(s->fd, s->v1_path, &usage), 0);
                assert_true(usage.io_write_bytes >= 4 * MIB);           /* unknown, if the kernel does not count */
        }
        count_on_v1(s->v1_path);
        work_to_the_end(s, write_file, NULL);
        assert_int_equal(usage_read(s->fd, s->v1_path, &usage), 0);
        if (usage.io_write_bytes == UINT64_MAX) {
                print_message("skipped: this machine does not tell\n");
                skip();
        }
        assert_true(usage.io_write_bytes >= 4 * MIB);
}

#define SETTING_TEST(test) cmocka_unit_test_setup_teardown(test, setting_setup, setting_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                SETTING_TEST(cpu_time_is_that_of_all_its_processes),
                SETTING_TEST(the_peak_of_memory_outlives_the_process_or_is_unknown),
                SETTING_TEST(the_peak_of_tasks_outlives_them_or_is_unknown),
                SETTING_TEST(bytes_written_to_a_disk_are_counted_or_unknown),
                SETTING_TEST(without_controllers_the_rest_is_unknown_and_not_0),
                SETTING_TEST(a_removed_group_has_nothing_to_tell),
        };
        int r;

        root_fd = group_open_root();
        if (root_fd < 0)
                return UNIT_SKIPPED;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        (void) fd_close(root_fd);
        return r;
}
