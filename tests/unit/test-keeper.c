/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "tests/kit/keeper.h"
#include "tests/kit/unit.h"

static char program[4096];      /* this one, to be run as a task */

/* What a script says, run as @extras says. */
static char *output_of(TestKeeper *k, SpawnExtras extras, const char *script) {
        _cleanup_(fd_closep) int read_end = -1;
        KeeperMessage end;
        int ends[2];
        char *text;
        uint64_t id;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        read_end = ends[0];
        extras.out = ends[1];
        id = SPAWN_SHELL(k, &extras, script);
        (void) fd_close(ends[1]);
        text = test_read_all(read_end);
        end = test_keeper_await_end(k, id);
        assert_exited(&end, 0);
        return text;
}

static void a_child_is_spawned_execed_and_ended_in_this_order(void **state) {
        TestKeeper *k = *state;
        Leash leash = leash_new();
        Received received;
        uint64_t id;

        assert_int_equal(test_keeper_hello(k), 0);
        id = spawn_on_leash(k, &leash, "exit 7");
        received = test_keeper_expect(k, KEEPER_SPAWNED, id);
        assert_true(received.message.pid > 0);
        assert_true(received.fd >= 0);
        (void) fd_close(received.fd);
        (void) test_keeper_expect(k, KEEPER_EXECED, id);

        leash_done(&leash);
        received = test_keeper_expect(k, KEEPER_ENDED, id);
        assert_exited(&received.message, 7);
        test_keeper_ack(k, id);
        test_keeper_sync(k);
}

/* T-5 */
static void every_exit_status_is_exact(void **state) {
        TestKeeper *k = *state;
        uint64_t first = 0;
        size_t n_ended = 0;

        (void) test_keeper_hello(k);
        for (int status = 0; status < 256; status++) {
                char script[32];
                uint64_t id;

                (void) snprintf(script, sizeof script, "exit %d", status);
                id = SPAWN_SHELL(k, NULL, script);
                if (status == 0)
                        first = id;
        }
        while (n_ended < 256) {
                Received received = test_keeper_receive(k);

                (void) fd_close(received.fd);
                if (received.message.kind != KEEPER_ENDED)
                        continue;
                assert_exited(&received.message, (int) (received.message.id - first));
                test_keeper_ack(k, received.message.id);
                n_ended++;
        }
}

/* T-5 */
static void every_signal_that_kills_is_told(void **state) {
        static const int harmless[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
        TestKeeper *k = *state;

        (void) test_keeper_hello(k);
        for (int signal = 1; signal < NSIG; signal++) {
                KeeperMessage end;
                char script[32];
                bool kills = signal != 32 && signal != 33;      /* the C library's own */

                for (size_t i = 0; i < ELEMENTSOF(harmless); i++)
                        kills = kills && signal != harmless[i];
                if (!kills)
                        continue;
                (void) snprintf(script, sizeof script, "kill -%d $$", signal);
                end = test_keeper_await_end(k, SPAWN_SHELL(k, NULL, script));
                assert_true(end.code == CLD_KILLED || end.code == CLD_DUMPED);
                assert_int_equal(end.status, signal);
        }
}

static void what_cannot_be_executed_says_step_and_reason(void **state) {
        static const struct {
                const char *program, *directory, *attach;
                SpawnStep step;
                int error;
        } failures[] = {
                { "/no/such/thing",  NULL,              NULL,              SPAWN_STEP_EXEC,      ENOENT  },
                { "nonexistent",   NULL,              NULL,              SPAWN_STEP_EXEC,      ENOENT  },
                { "/etc/passwd",   NULL,              NULL,              SPAWN_STEP_EXEC,      EACCES  },
                { "/",             NULL,              NULL,              SPAWN_STEP_EXEC,      EACCES  },
                { "/bin/true",     "/no/such/thing",    NULL,              SPAWN_STEP_DIRECTORY, ENOENT  },
                { "/bin/true",     "/etc/passwd",     NULL,              SPAWN_STEP_DIRECTORY, ENOTDIR },
                { "/bin/true",     NULL,              "/no/such/thing",    SPAWN_STEP_CGROUP,    ENOENT  },
                { "/bin/true",     NULL,              "/dev/full",       SPAWN_STEP_CGROUP,    ENOSPC  },
        };
        TestKeeper *k = *state;

        (void) test_keeper_hello(k);
        for (size_t i = 0; i < ELEMENTSOF(failures); i++) {
                const SpawnExtras extras = { .directory = failures[i].directory, .attach = failures[i].attach };
                uint64_t id = SPAWN(k, &extras, (char *) failures[i].program);
                Received received = test_keeper_expect(k, KEEPER_SPAWNED, id);

                (void) fd_close(received.fd);
                received = test_keeper_expect(k, KEEPER_ENDED, id);     /* and no EXECED */
                assert_failed(&received.message, failures[i].step, failures[i].error);
        }
}

static void a_group_that_is_none_fails_the_clone(void **state) {
        TestKeeper *k = *state;
        Received received;
        uint64_t id;

        (void) test_keeper_hello(k);
        id = SPAWN(k, &(SpawnExtras) { .group = "/dev/null" }, (char *) "/bin/true");
        received = test_keeper_expect(k, KEEPER_ENDED, id);
        assert_failed(&received.message, SPAWN_STEP_CLONE, EBADF);
        assert_int_equal(received.message.pid, 0);

        received = test_keeper_hello_known(k, id);
        assert_int_equal(received.message.state, KEEPER_CHILD_ENDED);
        assert_int_equal(received.fd, -1);
        test_keeper_ack(k, id);
        assert_int_equal(test_keeper_hello(k), 0);
}

static void a_child_finds_itself_as_described(void **state) {
        TestKeeper *k = *state;
        _cleanup_(freep) char *said = NULL;
        const SpawnExtras extras = {
                .directory = "/usr", .umask = 027, .uid = 65534,
                .environment = (char *[]) { (char *) "PATH=/usr/bin:/bin", (char *) "WORD=a b\"$%", NULL },
        };

        (void) test_keeper_hello(k);
        said = output_of(k, extras,
                         "pwd; umask; echo \"$WORD\"; env | grep -vc '^\\(PATH\\|WORD\\|PWD\\|SHLVL\\|_\\)='; id -u; id -G;"
                         "ulimit -n; cat /proc/self/oom_score_adj;"
                         "test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo session;"
                         "grep -E 'Sig(Blk|Ign)' /proc/self/status | grep -vc 0000000000000000;"
                         "stat -c %U /proc/$$");
        assert_string_equal(said, "/usr\n0027\na b\"$%\n0\n65534\n65534\n1024\n0\nsession\n0\nnobody\n");
}

static void a_child_gets_its_descriptors_and_no_others(void **state) {
        TestKeeper *k = *state;
        _cleanup_(freep) char *said = NULL;
        _cleanup_(fd_closep) int read_end = -1;
        int ends[2];

        (void) test_keeper_hello(k);
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        read_end = ends[0];
        said = output_of(k, (SpawnExtras) { .extra = ends[1] }, "ls /proc/$$/fd; echo extra >&3");
        (void) fd_close(ends[1]);
        assert_string_equal(said, "0\n1\n2\n3\n");
        free(said);
        said = test_read_all(read_end);
        assert_string_equal(said, "extra\n");
}

static void a_child_is_in_the_group_it_was_given(void **state) {
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int group_fd = -1;
        _cleanup_(freep) char *group = NULL, *said = NULL;

        (void) test_keeper_hello(k);
        group = test_keeper_group(k, &group_fd);
        said = output_of(k, (SpawnExtras) { .group = group }, "grep ^0:: /proc/self/cgroup");
        said[strcspn(said, "\n")] = '\0';
        assert_true(strlen(said) > 3 && strlen(group) >= strlen(said + 3));
        assert_string_equal(group + strlen(group) - strlen(said + 3), said + 3);
}

static void a_child_may_see_the_cgroups_and_not_change_them(void **state) {
        TestKeeper *k = *state;
        _cleanup_(freep) char *said = NULL, *script = NULL, *mine = NULL;

        k->share_mounts = true;
        test_keeper_restart(k);
        script = text_format("mkdir %s/mine 2>/dev/null || echo refused", k->root);
        said = output_of(k, (SpawnExtras) { .cgroup_read_only = true }, script);
        assert_string_equal(said, "refused\n");

        /* for everybody else they are as they were */
        mine = text_format("%s/mine", k->root);
        assert_int_equal(mkdir(mine, 0755), 0);
}

static void what_a_task_mounts_everybody_sees(void **state) {
        TestKeeper *k = *state;
        const SpawnExtras extras = { .cgroup_read_only = true };
        _cleanup_(freep) char *mounts = NULL, *shows = NULL, *said = NULL;

        k->share_mounts = true;
        test_keeper_restart(k);
        mounts = text_format("cd %s && mkdir disk && mount -t tmpfs disk disk && echo word >disk/file", k->directory);
        shows = text_format("cat %s/disk/file", k->directory);
        free(output_of(k, extras, mounts));
        said = output_of(k, extras, shows);
        assert_string_equal(said, "word\n");
        free(said);
        said = output_of(k, (SpawnExtras) {}, shows);
        assert_string_equal(said, "word\n");
}

static void a_group_of_the_older_kind_is_joined_before_exec(void **state) {
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int group_fd = -1;
        _cleanup_(freep) char *group = test_keeper_group(k, &group_fd), *said = NULL;
        _cleanup_(freep) char *procs = text_format("%s/cgroup.procs", group);

        /* any file of this name will do: the child writes itself into it */
        (void) test_keeper_hello(k);
        said = output_of(k, (SpawnExtras) { .attach = procs }, "grep ^0:: /proc/self/cgroup");
        said[strcspn(said, "\n")] = '\0';
        assert_string_equal(group + strlen(group) - strlen(said + 3), said + 3);
}

static void an_end_while_nobody_is_there_is_told_to_the_next(void **state) {
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int pidfd = -1;
        Leash leash = leash_new();
        Received received;
        struct pollfd p;
        uint64_t id;

        (void) test_keeper_hello(k);
        id = spawn_on_leash(k, &leash, "exit 9");
        pidfd = test_keeper_expect(k, KEEPER_SPAWNED, id).fd;
        test_keeper_hang_up(k);

        leash_done(&leash);
        p = (struct pollfd) { .fd = pidfd, .events = POLLIN };
        assert_int_equal(poll(&p, 1, KEEPER_DEADLINE_MSEC), 1);

        received = test_keeper_hello_known(k, id);
        if (received.message.state != KEEPER_CHILD_ENDED)
                received.message = test_keeper_await_end(k, id);
        assert_exited(&received.message, 9);
        (void) fd_close(received.fd);
}

static void an_end_stays_known_until_it_is_acknowledged(void **state) {
        TestKeeper *k = *state;
        Received received;
        uint64_t id;

        (void) test_keeper_hello(k);
        id = SPAWN_SHELL(k, NULL, "exit 3");
        (void) test_keeper_await_end(k, id);
        for (int i = 0; i < 3; i++) {
                received = test_keeper_hello_known(k, id);
                assert_int_equal(received.message.state, KEEPER_CHILD_ENDED);
                assert_exited(&received.message, 3);
                assert_true(received.fd >= 0);
                (void) fd_close(received.fd);
                assert_int_equal(test_process_state(received.message.pid), 'Z');
                test_keeper_sync(k);    /* and nothing is said again */
        }
        test_keeper_ack(k, id);
        test_keeper_ack(k, id);
        test_keeper_sync(k);
        assert_int_equal(test_process_state(received.message.pid), 0);
        assert_int_equal(test_keeper_hello(k), 0);
}

static void an_acknowledgement_before_the_end_does_nothing(void **state) {
        TestKeeper *k = *state;
        Leash leash = leash_new();
        KeeperMessage end;
        uint64_t id;

        (void) test_keeper_hello(k);
        id = spawn_on_leash(k, &leash, "exit 4");
        test_keeper_ack(k, id);
        leash_done(&leash);
        end = test_keeper_await_end(k, id);
        assert_exited(&end, 4);
}

static void a_key_is_used_once(void **state) {
        TestKeeper *k = *state;
        Leash leash = leash_new();
        uint64_t id;

        (void) test_keeper_hello(k);
        id = spawn_on_leash(k, &leash, "exit 0");
        (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id).fd);
        (void) test_keeper_expect(k, KEEPER_EXECED, id);
        k->last_id--;
        assert_int_equal(SPAWN(k, NULL, (char *) "/bin/sleep", (char *) "1000"), id);
        assert_int_equal(test_keeper_expect(k, KEEPER_REFUSED, id).message.error, -EEXIST);

        leash_done(&leash);
        (void) test_keeper_await_end(k, id);
        test_keeper_ack(k, id);
        k->last_id--;
        assert_int_equal(SPAWN(k, NULL, (char *) "/bin/sleep", (char *) "1000"), id);
        assert_int_equal(test_keeper_expect(k, KEEPER_REFUSED, id).message.error, -EEXIST);

        /* even by the next keeper */
        test_keeper_kill_keeper(k);
        assert_int_equal(test_keeper_hello(k), 0);
        k->last_id--;
        assert_int_equal(SPAWN(k, NULL, (char *) "/bin/sleep", (char *) "1000"), id);
        assert_int_equal(test_keeper_expect(k, KEEPER_REFUSED, id).message.error, -EEXIST);
}

static void another_attempt_and_another_role_are_other_keys(void **state) {
        TestKeeper *k = *state;
        KeeperMessage ack;
        uint64_t id;

        (void) test_keeper_hello(k);
        id = SPAWN(k, NULL, (char *) "/bin/true");
        (void) test_keeper_await_end(k, id);
        ack = test_keeper_message(KEEPER_ACK, id);
        ack.attempt = 2;
        test_keeper_send(k, &ack, NULL, 0);
        ack.attempt = 1;
        ack.role = KEEPER_ROLE_HELPER;
        test_keeper_send(k, &ack, NULL, 0);
        test_keeper_sync(k);
        assert_int_equal(test_keeper_hello(k), 1);
}

static void a_child_that_hangs_before_exec_holds_up_nobody(void **state) {
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int reader = -1;
        _cleanup_(freep) char *path = NULL;
        KeeperMessage end;
        uint64_t id;
        char c;

        (void) test_keeper_hello(k);
        id = spawn_hanging(k, &path);
        for (int i = 0; i < 20; i++)
                (void) test_keeper_await_end(k, SPAWN(k, NULL, (char *) "/bin/true"));

        reader = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(reader, &c, 1), 1);
        end = test_keeper_await_end(k, id);
        assert_exited(&end, 0);
}

static void a_debugger_that_holds_on_to_an_ended_child_costs_nothing(void **state) {
        TestKeeper *k = *state;
        Leash leash = leash_new();
        Received received;
        KeeperMessage end;
        uint64_t id, before;
        pid_t pid;

        (void) test_keeper_hello(k);
        id = spawn_on_leash(k, &leash, "exit 6");
        received = test_keeper_expect(k, KEEPER_SPAWNED, id);
        (void) fd_close(received.fd);
        (void) test_keeper_expect(k, KEEPER_EXECED, id);
        pid = received.message.pid;
        assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);

        leash_done(&leash);
        assert_int_equal(waitid(P_PID, (id_t) pid, &(siginfo_t) {}, WEXITED | WNOWAIT), 0);
        before = test_process_cpu_usec(k->keeper);
        assert_true(test_keeper_is_silent(k, 300));
        assert_true(test_process_cpu_usec(k->keeper) - before < 100000);

        assert_int_equal(waitpid(pid, NULL, 0), pid);
        end = test_keeper_await_end(k, id);
        assert_exited(&end, 6);
}

static void what_tasks_leave_orphaned_is_reaped(void **state) {
        TestKeeper *k = *state;
        _cleanup_(freep) char *said = NULL;
        Leash leash = leash_new();
        pid_t orphan;

        (void) test_keeper_hello(k);
        said = output_of(k, (SpawnExtras) { .in = leash.in }, "exec 3<&0; (exec >/dev/null 2>&1; read x <&3) & echo $!");
        orphan = (pid_t) atoi(said);
        assert_true(orphan > 0);
        assert_int_not_equal(test_process_state(orphan), 0);
        leash_done(&leash);
        assert_true(test_process_await_gone(orphan));
}

/* As a task would: children whose parent is the task's parent, gone at once. */
static int make_siblings(int n) {
        for (int i = 0; i < n; i++) {
                struct clone_args args = { .flags = CLONE_PARENT };
                long pid = syscall(SYS_clone3, &args, sizeof args);

                if (pid < 0)
                        return 1;
                if (pid == 0)
                        _exit(0);
        }
        return 0;
}

static bool has_children(pid_t pid) {
        _cleanup_(freep) char *path = text_format("/proc/%d/task/%d/children", (int) pid, (int) pid);
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char c;

        return read(fd, &c, 1) == 1;
}

static void children_that_a_task_foists_on_the_keeper_are_reaped(void **state) {
        TestKeeper *k = *state;
        uint64_t ended, id;
        KeeperMessage end;

        (void) test_keeper_hello(k);
        ended = SPAWN_SHELL(k, NULL, "exit 3");
        (void) test_keeper_await_end(k, ended);         /* not acknowledged */
        id = SPAWN(k, NULL, program, (char *) "make-siblings", (char *) "1000");
        end = test_keeper_await_end(k, id);
        assert_exited(&end, 0);
        test_keeper_ack(k, id);
        test_keeper_ack(k, ended);
        for (int i = 0; has_children(k->keeper) && i < KEEPER_DEADLINE_MSEC; i++)
                (void) poll(NULL, 0, 1);
        assert_false(has_children(k->keeper));
        assert_int_equal(test_keeper_hello(k), 0);
}

static void three_hundred_children_leave_no_descriptor(void **state) {
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int file = -1;
        size_t n_fds;

        (void) test_keeper_hello(k);
        (void) test_keeper_await_end(k, SPAWN(k, NULL, (char *) "/bin/true"));
        test_keeper_ack(k, k->last_id);
        test_keeper_sync(k);
        n_fds = test_process_n_fds(k->keeper);
        file = open(k->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        for (int i = 0; i < 300; i++) {
                const SpawnExtras extras = { .directory = i % 3 ? "/" : "/no/such/thing" };
                uint64_t id = SPAWN(k, &extras, (char *) (i % 5 ? "/bin/true" : "/no/such/thing"));
                KeeperMessage bound = test_keeper_message(KEEPER_BOUND, id);

                bound.bytes = 1 << 20;
                test_keeper_send(k, &bound, &file, 1);
                test_keeper_send(k, &bound, &file, 1);
                (void) test_keeper_await_end(k, id);
                test_keeper_ack(k, id);
        }
        test_keeper_sync(k);
        assert_int_equal(test_process_n_fds(k->keeper), n_fds);
}

static void eleven_hundred_children_run_at_once(void **state) {
        enum { N = 1100 };
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int group_fd = -1;
        _cleanup_(freep) char *group = test_keeper_group(k, &group_fd);
        Leash leash = leash_new();
        size_t n_spawned = 0, n_ended = 0, n_known;

        (void) test_keeper_hello(k);
        for (int i = 0; i < N; i++)
                (void) SPAWN(k, (&(SpawnExtras) { .in = leash.in, .group = group }), (char *) "/bin/cat");
        while (n_spawned < N) {
                Received received = test_keeper_receive(k);

                n_spawned += received.message.kind == KEEPER_SPAWNED;
                assert_int_not_equal(received.message.kind, KEEPER_ENDED);
                (void) fd_close(received.fd);
        }
        n_known = test_keeper_hello(k);
        assert_int_equal(n_known, N);

        leash_done(&leash);
        while (n_ended < N) {
                Received received = test_keeper_receive(k);

                if (received.message.kind != KEEPER_ENDED)
                        continue;
                assert_exited(&received.message, 0);
                test_keeper_ack(k, received.message.id);
                n_ended++;
        }
        test_keeper_sync(k);
        assert_int_equal(test_keeper_hello(k), 0);
}

static void an_idle_keeper_uses_no_time(void **state) {
        TestKeeper *k = *state;
        _cleanup_(freep) char *path = NULL;
        _cleanup_(fd_closep) int file = -1;
        KeeperMessage bound;
        uint64_t before = 0, after = 0;

        (void) test_keeper_hello(k);
        file = open(k->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        for (int i = 0; i < 20; i++) {
                uint64_t id = SPAWN(k, NULL, (char *) "/bin/sleep", (char *) "1000");

                (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id).fd);
                (void) test_keeper_expect(k, KEEPER_EXECED, id);
                bound = test_keeper_message(KEEPER_BOUND, id);
                bound.bytes = 1 << 20;
                test_keeper_send(k, &bound, &file, 1);
        }
        test_keeper_sync(k);
        assert_true(test_keeper_is_silent(k, 100));     /* the first look at the files is over */

        path = text_format("/proc/%d/status", (int) k->keeper);
        for (uint64_t *switches = &before; switches; switches = switches == &before ? &after : NULL) {
                FILE *f = fopen(path, "re");
                char line[128];

                assert_non_null(f);
                while (fgets(line, sizeof line, f))
                        (void) sscanf(line, "voluntary_ctxt_switches: %lu", switches);
                (void) fclose(f);
                assert_true(test_keeper_is_silent(k, 300));
        }
        assert_true(before > 0);
        assert_int_equal(before, after);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_keeper_setup, test_keeper_teardown)

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                TEST(a_child_is_spawned_execed_and_ended_in_this_order),
                TEST(every_exit_status_is_exact),
                TEST(every_signal_that_kills_is_told),
                TEST(what_cannot_be_executed_says_step_and_reason),
                TEST(a_group_that_is_none_fails_the_clone),
                TEST(a_child_finds_itself_as_described),
                TEST(a_child_gets_its_descriptors_and_no_others),
                TEST(a_child_is_in_the_group_it_was_given),
                TEST(a_child_may_see_the_cgroups_and_not_change_them),
                TEST(what_a_task_mounts_everybody_sees),
                TEST(a_group_of_the_older_kind_is_joined_before_exec),
                TEST(an_end_while_nobody_is_there_is_told_to_the_next),
                TEST(an_end_stays_known_until_it_is_acknowledged),
                TEST(an_acknowledgement_before_the_end_does_nothing),
                TEST(a_key_is_used_once),
                TEST(another_attempt_and_another_role_are_other_keys),
                TEST(a_child_that_hangs_before_exec_holds_up_nobody),
                TEST(a_debugger_that_holds_on_to_an_ended_child_costs_nothing),
                TEST(what_tasks_leave_orphaned_is_reaped),
                TEST(children_that_a_task_foists_on_the_keeper_are_reaped),
                TEST(three_hundred_children_leave_no_descriptor),
                TEST(eleven_hundred_children_run_at_once),
                TEST(an_idle_keeper_uses_no_time),
        };

        if (argc == 3 && strcmp(argv[1], "make-siblings") == 0)
                return make_siblings(atoi(argv[2]));
        if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
                return 1;
        if (test_keeper_missing()) {
                (void) printf("skipped: %s\n", test_keeper_missing());
                return UNIT_SKIPPED;
        }
        return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
