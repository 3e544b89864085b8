/* SPDX-License-Identifier: MIT */
/*
 * Against whichever hierarchy has the controller on this machine: the unified
 * one, or a v1 one beside it.
 */
#include <mntent.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/sys/limits.h"
#include "supervisor/sys/usage.h"
#include "tests/kit/group.h"

#define MIB (1024 * 1024)

static int root_fd;

/* A namespace's group with one attempt's in it, and what limits_apply() has said. */
typedef struct Setting {
        Group parent;
        int fd;
        char v1_root[80], v1_name[96], missing[64];
        char **attach, *v1_path;
} Setting;

static int setting_setup(void **state) {
        static Setting s;

        s = (Setting) { .fd = -1 };
        *state = &s;
        if (!group_make(root_fd, &s.parent))
                return -1;
        (void) snprintf(s.v1_root, sizeof s.v1_root, "%s", s.parent.name);
        (void) snprintf(s.v1_name, sizeof s.v1_name, "/%s/7.1", s.parent.name);
        return cgroup_create(s.parent.fd, "7.1", &s.fd) == 0 ? 0 : -1;
}

static int setting_teardown(void **state) {
        Setting *s = *state;
        bool done;

        done = group_end(&s->parent);
        done = limits_release(s->v1_name) == 0 && done;
        done = limits_release(s->v1_root) == 0 && done;
        s->fd = fd_close(s->fd);
        s->attach = strv_free(s->attach);
        free(s->v1_path);
        return done ? 0 : -1;
}

static int apply(Setting *s, const Limits *limits) {
        int r;

        r = limits_enable(root_fd, s->parent.name, limits);
        if (r < 0)
                return r;
        return limits_apply(s->parent.fd, s->fd, s->v1_name, limits, &s->attach, &s->v1_path, s->missing, sizeof s->missing);
}

/* The same, and the test is skipped where no hierarchy has the controller. */
static void apply_or_skip(Setting *s, const Limits *limits) {
        int r = apply(s, limits);

        if (r == -EOPNOTSUPP) {
                print_message("skipped: no controller for %s\n", s->missing);
                skip();
        }
        assert_int_equal(r, 0);
}

typedef struct Work {
        const Setting *setting;
        void (*body)(void *argument);
        void *argument;
} Work;

/* As the keeper's child does it: into the v1 groups, then on. */
static void attach_and_work(void *argument) {
        const Work *work = argument;

        STRV_FOREACH(procs, work->setting->attach)
                if (cgroup_write_file(AT_FDCWD, procs, "0") < 0)
                        _exit(98);
        work->body(work->argument);
}

static pid_t spawn(const Setting *s, void (*body)(void *argument), void *argument) {
        Work work = { s, body, argument };

        return group_spawn(s->fd, attach_and_work, &work);
}

/* What the limited group itself says, in whichever hierarchy it is. */
static void read_limit(const Setting *s, const char *controller, const char *name, const char *v1_name, char ret[static 64]) {
        _cleanup_(fd_closep) int v1 = -1;

        if (s->v1_path && limits_open_group(controller, s->v1_path, &v1) == 0)
                assert_int_equal(cgroup_read_file(v1, v1_name, ret, 64), 0);
        else
                assert_int_equal(cgroup_read_file(s->fd, name, ret, 64), 0);
        ret[strcspn(ret, "\n")] = '\0';
}

static void without_limits_nothing_is_made(void **state) {
        Limits limits = LIMITS_NONE;
        Setting *s = *state;
        int fd;

        assert_false(limits_any(&limits));
        assert_int_equal(apply(s, &limits), 0);
        assert_null(s->attach);
        assert_null(s->v1_path);
        assert_int_equal(limits_open_group("memory", s->v1_name, &fd), -ENOENT);
        assert_int_equal(limits_release(s->v1_path), 0);
}

static void each_key_alone_is_a_limit(void **state) {
        const Limits each[] = {
                { 1, UINT64_MAX, 0, 0, 0, UINT64_MAX },
                { UINT64_MAX, 0, 0, 0, 0, UINT64_MAX },
                { UINT64_MAX, UINT64_MAX, 5, 0, 0, UINT64_MAX },
                { UINT64_MAX, UINT64_MAX, 0, 5, 0, UINT64_MAX },
                { UINT64_MAX, UINT64_MAX, 0, 0, 5, UINT64_MAX },
                { UINT64_MAX, UINT64_MAX, 0, 0, 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(each); i++)
                assert_true(limits_any(each + i));
}

static void what_is_set_is_what_the_group_says(void **state) {
        Limits limits = LIMITS_NONE;
        Setting *s = *state;
        char text[64];

        limits.memory_max_bytes = 64 * MIB;
        limits.memory_high_bytes = 32 * MIB;
        limits.tasks_max = 17;
        limits.cpu_quota_percent = 150;
        limits.cpu_weight = 50;
        apply_or_skip(s, &limits);

        read_limit(s, "memory", "memory.max", "memory.limit_in_bytes", text);
        assert_string_equal(text, "67108864");
        read_limit(s, "memory", "memory.high", "memory.soft_limit_in_bytes", text);
        assert_string_equal(text, "33554432");
        read_limit(s, "pids", "pids.max", "pids.max", text);
        assert_string_equal(text, "17");
        read_limit(s, "cpu", "cpu.max", "cpu.cfs_quota_us", text);
        assert_string_equal(text, s->v1_path ? "150000" : "150000 100000");
        read_limit(s, "cpu", "cpu.weight", "cpu.shares", text);
        assert_string_equal(text, s->v1_path ? "512" : "50");
}

static void the_smallest_and_the_largest_quota_are_taken(void **state) {
        Limits limits = LIMITS_NONE;
        Setting *s = *state;

        limits.cpu_quota_percent = 1;
        apply_or_skip(s, &limits);
        limits.cpu_quota_percent = UINT64_MAX;
        s->attach = strv_free(s->attach);
        free(s->v1_path);
        assert_int_equal(apply(s, &limits), 0);
}

/* Which file there is for it depends on the I/O scheduler. */
static void a_weight_for_io_is_set_or_the_controller_is_named(void **state) {
        Limits limits = LIMITS_NONE;
        Setting *s = *state;
        int r;

        limits.io_weight = 300;
        r = apply(s, &limits);
        if (r < 0) {
                assert_int_equal(r, -EOPNOTSUPP);
                assert_string_equal(s->missing, "io (IOWeight=)");
                assert_null(s->v1_path);
        }
}

static void eat_memory(void *argument) {
        size_t size = *(size_t *) argument;

        /* locked: what has been swapped out would not count */
        if (mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED)
                _exit(1);
        _exit(0);
}

/* T-2: told apart from other kills by this count. */
static void too_much_memory_is_an_oom_kill_that_is_counted(void **state) {
        size_t little = 4 * MIB, much = 96 * MIB;
        Limits limits = LIMITS_NONE;
        Setting *s = *state;
        uint64_t n = 7;
        siginfo_t info;
        pid_t pid;

        limits.memory_max_bytes = 24 * MIB;
        apply_or_skip(s, &limits);
        pid = spawn(s, eat_memory, &little);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED), 0);
        assert_int_equal(info.si_code, CLD_EXITED);
        assert_int_equal(usage_read_oom_kills(s->fd, s->v1_path, &n), 0);
        assert_int_equal(n, 0);

        pid = spawn(s, eat_memory, &much);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED), 0);
        assert_int_equal(info.si_code, CLD_KILLED);
        assert_int_equal(info.si_status, SIGKILL);
        assert_int_equal(usage_read_oom_kills(s->fd, s->v1_path, &n), 0);
        assert_true(n >= 1 && n != UINT64_MAX);
}

/* As many children as it may have at once, up to 50; they stay. */
static void fork_much(void *argument) {
        atomic_int *n = argument;

        while (atomic_load(n) < 50) {
                pid_t pid = fork();

                if (pid == 0)
                        return;
                if (pid < 0)
                        _exit(errno == EAGAIN ? 0 : 1);
                atomic_fetch_add(n, 1);
        }
        _exit(2);
}

static void a_group_has_no_more_tasks_than_it_may(void **state) {
        Limits limits = LIMITS_NONE;
        Setting *s = *state;
        siginfo_t info;
        atomic_int *n;
        pid_t pid;

        limits.tasks_max = 10;
        apply_or_skip(s, &limits);
        n = mmap(NULL, sizeof *n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(n, MAP_FAILED);
        pid = spawn(s, fork_much, n);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED), 0);
        assert_int_equal(info.si_code, CLD_EXITED);
        assert_int_equal(info.si_status, 0);
        assert_int_equal(atomic_load(n), 9);
        assert_int_equal(munmap(n, sizeof *n), 0);
}

static void burn(void *argument) {
        for (uint64_t end = clock_now_usec(CLOCK_MONOTONIC) + GROUP_DEADLINE_USEC; clock_now_usec(CLOCK_MONOTONIC) < end;)
                ;
}

static uint64_t n_throttled(const Setting *s) {
        _cleanup_(fd_closep) int v1 = -1;
        char text[2048];
        const char *found;

        if (s->v1_path)
                assert_int_equal(limits_open_group("cpu", s->v1_path, &v1), 0);
        assert_int_equal(cgroup_read_file(v1 >= 0 ? v1 : s->fd, "cpu.stat", text, sizeof text), 0);
        found = strstr(text, "nr_throttled ");
        assert_non_null(found);
        return strtoull(found + strlen("nr_throttled "), NULL, 10);
}

static void a_quota_stops_who_has_used_it_up(void **state) {
        uint64_t deadline = clock_now_usec(CLOCK_MONOTONIC) + GROUP_DEADLINE_USEC;
        Limits limits = LIMITS_NONE;
        Setting *s = *state;

        limits.cpu_quota_percent = 5;
        apply_or_skip(s, &limits);
        assert_true(spawn(s, burn, NULL) > 0);
        while (n_throttled(s) == 0) {
                assert_true(clock_now_usec(CLOCK_MONOTONIC) < deadline);
                (void) sched_yield();
        }
}

/* A v1 hierarchy of @controller is no longer there for this process. */
static bool hide_v1(const char *controller) {
        FILE *f = setmntent("/proc/self/mounts", "re");
        struct mntent *entry;
        bool done = f;

        while (f && (entry = getmntent(f)))
                if (strcmp(entry->mnt_type, "cgroup") == 0 && hasmntopt(entry, controller))
                        done = umount2(entry->mnt_dir, MNT_DETACH) == 0 && done;
        if (f)
                (void) endmntent(f);
        return done;
}

/* The status of a child: neither hierarchy has the controller in a group two below one that hands on nothing. */
static int apply_without_controllers(const Setting *s) {
        _cleanup_(strv_freep) char **attach = NULL;
        _cleanup_(freep) char *v1_path = NULL;
        Limits limits = LIMITS_NONE;
        char missing[64] = "";
        int between, below, r;

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 || !hide_v1("memory"))
                return UNIT_SKIPPED;
        if (cgroup_create(s->fd, "between", &between) != 0 || cgroup_create(between, "below", &below) != 0)
                return 1;
        limits.memory_high_bytes = MIB;
        r = limits_apply(between, below, s->v1_name, &limits, &attach, &v1_path, missing, sizeof missing);
        if (r != -EOPNOTSUPP)
                return 2;
        return strcmp(missing, "memory (MemoryHigh=)") == 0 ? 0 : 3;
}

static void a_controller_that_no_hierarchy_has_is_named_with_the_key(void **state) {
        Setting *s = *state;
        int status;
        pid_t pid;

        pid = fork();
        if (pid == 0)
                _exit(apply_without_controllers(s));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == UNIT_SKIPPED)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* v1 alone: its groups are made here and removed here. */
static void a_v1_group_is_released_when_it_is_empty_and_leaves_the_one_around_it(void **state) {
        _cleanup_(fd_closep) int around = -1, inside = -1;
        Limits limits = LIMITS_NONE;
        Setting *s = *state;
        pid_t pid;
        int fd;

        limits.tasks_max = 10;
        apply_or_skip(s, &limits);
        if (!s->v1_path) {
                print_message("skipped: the unified hierarchy has the controller\n");
                skip();
        }
        assert_int_equal(strv_length(s->attach), 1);
        assert_string_equal(s->v1_path, s->v1_name);
        assert_int_equal(limits_open_group("pids", s->v1_path, &inside), 0);
        pid = group_spawn(inside, NULL, NULL);
        assert_true(pid > 0);
        assert_int_equal(limits_release(s->v1_path), CGROUP_E_POPULATED);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);

        assert_int_equal(limits_release(s->v1_path), 0);
        assert_int_equal(limits_open_group("pids", s->v1_path, &fd), -ENOENT);
        assert_int_equal(limits_release(s->v1_path), 0);
        assert_int_equal(limits_open_group("pids", s->v1_root, &around), 0);
}

#define SETTING_TEST(test) cmocka_unit_test_setup_teardown(test, setting_setup, setting_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_key_alone_is_a_limit),
                SETTING_TEST(without_limits_nothing_is_made),
                SETTING_TEST(what_is_set_is_what_the_group_says),
                SETTING_TEST(the_smallest_and_the_largest_quota_are_taken),
                SETTING_TEST(a_weight_for_io_is_set_or_the_controller_is_named),
                SETTING_TEST(too_much_memory_is_an_oom_kill_that_is_counted),
                SETTING_TEST(a_group_has_no_more_tasks_than_it_may),
                SETTING_TEST(a_quota_stops_who_has_used_it_up),
                SETTING_TEST(a_controller_that_no_hierarchy_has_is_named_with_the_key),
                SETTING_TEST(a_v1_group_is_released_when_it_is_empty_and_leaves_the_one_around_it),
        };
        int r;

        root_fd = group_open_root();
        if (root_fd < 0)
                return UNIT_SKIPPED;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        (void) fd_close(root_fd);
        return r;
}
