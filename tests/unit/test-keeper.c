/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "tests/kit/keeper.h"
#include "tests/kit/unit.h"

#define SLEEP (char *) "/bin/sleep", (char *) "1000"

/* A child that runs until told: its standard input ends. */
typedef struct Leash {
        int in, end;
} Leash;

static Leash leash_new(void) {
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        return (Leash) { ends[0], ends[1] };
}

static void leash_done(Leash *leash) {
        fd_closep(&leash->in);
        fd_closep(&leash->end);
}

static uint64_t spawn_on_leash(TestKeeper *k, const Leash *leash, const char *script) {
        _cleanup_(freep) char *whole = text_format("read x; %s", script);

        return SPAWN_SHELL(k, &(SpawnExtras) { .in = leash->in }, whole);
}

static void assert_exited(const KeeperMessage *end, int status) {
        assert_int_equal(end->error, 0);
        assert_int_equal(end->step, SPAWN_STEP_NONE);
        assert_int_equal(end->code, CLD_EXITED);
        assert_int_equal(end->status, status);
}

static void assert_failed(const KeeperMessage *end, SpawnStep step, int error) {
        assert_int_equal(end->step, step);
        assert_int_equal(end->error, error);
}

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
                { "/nonexistent",  NULL,              NULL,              SPAWN_STEP_EXEC,      ENOENT  },
                { "nonexistent",   NULL,              NULL,              SPAWN_STEP_EXEC,      ENOENT  },
                { "/etc/passwd",   NULL,              NULL,              SPAWN_STEP_EXEC,      EACCES  },
                { "/",             NULL,              NULL,              SPAWN_STEP_EXEC,      EACCES  },
                { "/bin/true",     "/nonexistent",    NULL,              SPAWN_STEP_DIRECTORY, ENOENT  },
                { "/bin/true",     "/etc/passwd",     NULL,              SPAWN_STEP_DIRECTORY, ENOTDIR },
                { "/bin/true",     NULL,              "/nonexistent",    SPAWN_STEP_CGROUP,    ENOENT  },
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
        _cleanup_(freep) char *said = NULL, *script = text_format("mkdir %s/mine 2>/dev/null || echo refused", k->root), *mine = NULL;

        (void) test_keeper_hello(k);
        said = output_of(k, (SpawnExtras) { .cgroup_read_only = true }, script);
        assert_string_equal(said, "refused\n");

        /* for everybody else they are as they were */
        mine = text_format("%s/mine", k->root);
        assert_int_equal(mkdir(mine, 0755), 0);
}

static void a_group_of_the_older_kind_is_joined_before_exec(void **state) {
        TestKeeper *k = *state;
        _cleanup_(fd_closep) int group_fd = -1;
        _cleanup_(freep) char *group = test_keeper_group(k, &group_fd), *procs = text_format("%s/cgroup.procs", group), *said = NULL;

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
        assert_int_equal(SPAWN(k, NULL, SLEEP), id);
        assert_int_equal(test_keeper_expect(k, KEEPER_REFUSED, id).message.error, -EEXIST);

        leash_done(&leash);
        (void) test_keeper_await_end(k, id);
        test_keeper_ack(k, id);
        k->last_id--;
        assert_int_equal(SPAWN(k, NULL, SLEEP), id);
        assert_int_equal(test_keeper_expect(k, KEEPER_REFUSED, id).message.error, -EEXIST);

        /* even by the next keeper */
        test_keeper_kill_keeper(k);
        assert_int_equal(test_keeper_hello(k), 0);
        k->last_id--;
        assert_int_equal(SPAWN(k, NULL, SLEEP), id);
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
        _cleanup_(freep) char *group = test_keeper_group(k, &group_fd);

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
        failed = SPAWN(k, NULL, (char *) "/nonexistent");
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

/* A child that hangs on its way to exec: it opens a pipe that nobody reads. */
static uint64_t spawn_hanging(TestKeeper *k, char **ret_path) {
        uint64_t id;

        *ret_path = text_format("%s/pipe", k->directory);
        assert_int_equal(mkfifo(*ret_path, 0600), 0);
        id = SPAWN(k, &(SpawnExtras) { .attach = *ret_path }, (char *) "/bin/true");
        (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id).fd);
        return id;
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
                        bool good = after_hello ? kind == KEEPER_SPAWN || kind == KEEPER_ACK || kind == KEEPER_BOUND : kind == KEEPER_HELLO;

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
                uint64_t id = SPAWN(k, &(SpawnExtras) { .directory = i % 3 ? "/" : "/nonexistent" }, (char *) (i % 5 ? "/bin/true" : "/nonexistent"));
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
        id = SPAWN(k, NULL, SLEEP);
        received = test_keeper_expect(k, KEEPER_SPAWNED, id);
        (void) fd_close(received.fd);
        (void) test_keeper_expect(k, KEEPER_EXECED, id);
        assert_int_equal(kill(k->keeper, SIGTERM), 0);  /* as from systemd, to all in the group */
        test_keeper_sync(k);

        assert_int_equal(kill(k->guard, SIGTERM), 0);
        assert_int_equal(test_keeper_await_exit(k), 0);
        assert_true(test_process_await_gone(k->keeper));
        assert_int_equal(test_process_state(received.message.pid), 'S');
        assert_int_equal(access(path, F_OK), -1);
}

static void a_transient_keeper_leaves_when_nothing_is_left(void **state) {
        TestKeeper *k = *state;
        Received received;
        uint64_t id;

        (void) test_keeper_hello(k);
        test_keeper_kill_all(k);
        k->transient = true;
        test_keeper_start(k);

        /* not before the first brain has come */
        assert_int_equal(poll(&(struct pollfd) { .fd = k->guard_pidfd, .events = POLLIN }, 1, 100), 0);
        (void) test_keeper_hello(k);

        /* nor while an end is not acknowledged */
        id = SPAWN_SHELL(k, NULL, "exit 2");
        (void) test_keeper_await_end(k, id);
        test_keeper_hang_up(k);
        assert_int_equal(poll(&(struct pollfd) { .fd = k->guard_pidfd, .events = POLLIN }, 1, 100), 0);

        received = test_keeper_hello_known(k, id);
        (void) fd_close(received.fd);
        assert_exited(&received.message, 2);
        test_keeper_ack(k, id);
        test_keeper_sync(k);
        test_keeper_hang_up(k);
        assert_int_equal(test_keeper_await_exit(k), 0);
        assert_int_equal(test_keeper_connect(k), -1);
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
                uint64_t id = SPAWN(k, NULL, SLEEP);

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

int main(void) {
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
                TEST(a_group_of_the_older_kind_is_joined_before_exec),
                TEST(an_end_while_nobody_is_there_is_told_to_the_next),
                TEST(an_end_stays_known_until_it_is_acknowledged),
                TEST(an_acknowledgement_before_the_end_does_nothing),
                TEST(a_key_is_used_once),
                TEST(another_attempt_and_another_role_are_other_keys),
                TEST(an_older_brain_is_refused),
                TEST(a_brain_of_another_version_is_refused),
                TEST(a_new_brain_ends_the_older_ones_connection),
                TEST(a_process_in_a_tasks_or_hooks_group_is_not_heard),
                TEST(another_user_is_not_heard),
                TEST(children_survive_their_keeper_and_end_exactly),
                TEST(an_unacknowledged_end_survives_the_keeper),
                TEST(a_child_that_hangs_before_exec_holds_up_nobody),
                TEST(a_child_whose_keeper_died_before_exec_is_lost_and_said_to_be),
                TEST(a_child_frozen_before_exec_keeps_no_connection_open),
                TEST(a_keeper_killed_again_and_again_comes_back),
                TEST(a_keeper_killed_at_any_moment_loses_no_child_and_starts_none_twice),
                TEST(a_debugger_that_holds_on_to_an_ended_child_costs_nothing),
                TEST(what_tasks_leave_orphaned_is_reaped),
                TEST(garbage_ends_the_connection_and_nothing_else),
                TEST(those_who_connect_and_say_nothing_are_dropped_in_the_end),
                TEST(a_spawn_that_makes_no_sense_is_refused_by_its_key),
                TEST(a_brain_that_does_not_read_is_waited_for_and_loses_nothing),
                TEST(three_hundred_children_leave_no_descriptor),
                TEST(eleven_hundred_children_run_at_once),
                TEST(a_second_keeper_is_refused_and_a_dead_ones_socket_replaced),
                TEST(a_keeper_without_its_guard_goes_on),
                TEST(a_terminated_guard_takes_the_keeper_and_no_child),
                TEST(a_transient_keeper_leaves_when_nothing_is_left),
                TEST(an_idle_keeper_uses_no_time),
        };

        if (test_keeper_missing()) {
                (void) printf("skipped: %s\n", test_keeper_missing());
                return UNIT_SKIPPED;
        }
        return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
