/* SPDX-License-Identifier: MIT */
#include "tests/kit/keeper.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "tests/kit/unit.h"

static const char *find_mount(void) {
        static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
        struct statfs st;

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (statfs(places[i], &st) == 0 && st.f_type == CGROUP2_SUPER_MAGIC)
                        return places[i];
        return NULL;
}

const char *test_keeper_missing(void) {
        if (geteuid() != 0)
                return "needs root";
        if (!find_mount())
                return "needs cgroup v2";
        if (access(find_mount(), W_OK) < 0)
                return "needs a writable cgroup v2 hierarchy";
        return NULL;
}

/* Readable before the deadline, or the test ends. */
static void await_readable(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        if (poll(&p, 1, KEEPER_DEADLINE_MSEC) != 1)
                fail_msg("nothing happened for %d ms", KEEPER_DEADLINE_MSEC);
}

/* As a file system that cannot punch holes. */
static void deny_fallocate(void) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { ELEMENTSOF(filter), filter };

        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
                _exit(126);
}

/* As under systemd: what is mounted here is mounted for all that come from here. */
static void share_mounts(void) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
                _exit(126);
}

static pid_t start_process(TestKeeper *k) {
        const char *build = getenv("BGT_BUILD_DIR");
        _cleanup_(freep) char *program = text_format("%s/supervisor/keeper/bgt-keeper", build ? build : ".");
        pid_t pid = fork();

        if (pid == 0) {
                (void) setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
                if (k->share_mounts)
                        share_mounts();
                if (k->deny_holes)
                        deny_fallocate();
                (void) execl(program, "bgt-keeper", "--runtime-dir", k->directory, "--cgroup-root", k->root,
                             k->transient ? "--transient" : NULL, NULL);
                _exit(127);
        }
        assert_true(pid > 0);
        return pid;
}

static int exit_status(pid_t pid, int pidfd) {
        int status;

        await_readable(pidfd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int process_open(pid_t pid) {
        int fd = (int) syscall(SYS_pidfd_open, pid, 0);

        assert_true(fd >= 0);
        return fd;
}

/* It says READY=1 when its socket is there. */
void test_keeper_start(TestKeeper *k) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(fd_closep) int notify_fd = -1;
        char word[32] = "";

        (void) snprintf(address.sun_path, sizeof address.sun_path, "@bgt-test-%d", (int) getpid());
        assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
        address.sun_path[0] = '\0';
        notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(notify_fd, (const struct sockaddr *) &address,
                              (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1))), 0);

        k->guard = start_process(k);
        k->guard_pidfd = process_open(k->guard);
        await_readable(notify_fd);
        assert_true(recv(notify_fd, word, sizeof word - 1, 0) > 0);
        assert_string_equal(word, "READY=1");
}

int test_keeper_start_second(TestKeeper *k) {
        pid_t pid = start_process(k);
        _cleanup_(fd_closep) int pidfd = process_open(pid);

        return exit_status(pid, pidfd);
}

int test_keeper_await_exit(TestKeeper *k) {
        int status = exit_status(k->guard, k->guard_pidfd);

        fd_closep(&k->guard_pidfd);
        return status;
}

void test_keeper_kill_all(TestKeeper *k) {
        assert_true(k->keeper > 0);
        (void) kill(k->guard, SIGKILL);
        (void) test_keeper_await_exit(k);
        (void) kill(k->keeper, SIGKILL);
        assert_true(test_process_await_gone(k->keeper));
}

void test_keeper_restart(TestKeeper *k) {
        (void) test_keeper_hello(k);
        test_keeper_kill_all(k);
        test_keeper_start(k);
        (void) test_keeper_hello(k);
}

void test_keeper_kill_keeper(TestKeeper *k) {
        assert_int_equal(kill(k->keeper, SIGKILL), 0);
        assert_true(test_keeper_is_hung_up(k->fd));
        test_keeper_hang_up(k);
}

int test_keeper_setup(void **state) {
        static TestKeeper k;
        static unsigned n;
        char directory[] = "/tmp/bgt-test-XXXXXX";

        k = (TestKeeper) { .guard_pidfd = -1, .fd = -1 };
        k.mount = strdup(find_mount());
        k.root = text_format("%s/bgt-test-%d-%u", k.mount, (int) getpid(), n++);
        k.directory = strdup(mkdtemp(directory));
        if (mkdir(k.root, 0755) < 0)
                return -1;
        *state = &k;
        test_keeper_start(&k);
        return 0;
}

static void write_file(const char *directory, const char *name, const char *text) {
        _cleanup_(freep) char *path = text_format("%s/%s", directory, name);
        _cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd >= 0)
                (void) fd_write_all(fd, text, strlen(text));
}

/* All below it have ended when `populated` says so; the notice of that wakes POLLPRI. */
static void await_empty(const char *group) {
        _cleanup_(freep) char *path = text_format("%s/cgroup.events", group);
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char text[128];
        ssize_t n;

        while ((n = pread(fd, text, sizeof text - 1, 0)) > 0) {
                struct pollfd p = { .fd = fd, .events = POLLPRI };

                text[n] = '\0';
                if (strstr(text, "populated 0") || poll(&p, 1, KEEPER_DEADLINE_MSEC) != 1)
                        return;
        }
}

static void remove_tree(const char *path, bool files) {
        DIR *d = opendir(path);
        struct dirent *entry;

        while (d && (entry = readdir(d))) {
                _cleanup_(freep) char *child = text_format("%s/%s", path, entry->d_name);

                if (entry->d_name[0] == '.')
                        continue;
                if (entry->d_type == DT_DIR)
                        remove_tree(child, files);
                else if (files)
                        (void) unlink(child);
        }
        if (d)
                (void) closedir(d);
        (void) rmdir(path);
}

int test_keeper_teardown(void **state) {
        TestKeeper *k = *state;

        fd_closep(&k->fd);
        if (k->guard_pidfd >= 0) {
                (void) kill(k->guard, SIGKILL);
                (void) waitpid(k->guard, NULL, 0);
                fd_closep(&k->guard_pidfd);
        }
        write_file(k->root, "cgroup.kill", "1");
        await_empty(k->root);
        remove_tree(k->root, false);
        remove_tree(k->directory, true);
        if (access(k->root, F_OK) == 0)
                (void) fprintf(stderr, "%s is left behind\n", k->root);
        free(k->mount);
        free(k->root);
        free(k->directory);
        return 0;
}

int test_keeper_connect(const TestKeeper *k) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s/keeper", k->directory);
        if (fd >= 0 && connect(fd, (const struct sockaddr *) &address, sizeof address) < 0)
                return fd_close(fd);
        return fd;
}

KeeperMessage test_keeper_message(KeeperKind kind, uint64_t id) {
        return (KeeperMessage) { .version = KEEPER_PROTOCOL_VERSION, .kind = kind, .id = id, .attempt = 1 };
}

size_t test_keeper_hello_all(TestKeeper *k, Received *ret, size_t n_max) {
        KeeperMessage message = test_keeper_message(KEEPER_HELLO, 0);
        Received received;
        size_t n = 0;

        message.epoch = ++k->epoch;
        fd_closep(&k->fd);
        k->fd = test_keeper_connect(k);
        assert_true(k->fd >= 0);
        test_keeper_send(k, &message, NULL, 0);
        received = test_keeper_expect(k, KEEPER_WELCOME, 0);
        assert_int_equal(received.message.epoch, k->epoch);
        k->generation = received.message.generation;
        k->keeper = received.message.pid;

        for (;; n++) {
                received = test_keeper_receive(k);
                if (received.message.kind == KEEPER_KNOWN_END)
                        return n;
                assert_int_equal(received.message.kind, KEEPER_KNOWN);
                if (n < n_max)
                        ret[n] = received;
                else
                        (void) fd_close(received.fd);
        }
}

size_t test_keeper_hello(TestKeeper *k) {
        return test_keeper_hello_all(k, NULL, 0);
}

Received test_keeper_hello_known(TestKeeper *k, uint64_t id) {
        Received known[64], found = { .fd = -1 };
        size_t n = test_keeper_hello_all(k, known, ELEMENTSOF(known));

        for (size_t i = 0; i < n && i < ELEMENTSOF(known); i++)
                if (known[i].message.id == id)
                        found = known[i];
                else
                        (void) fd_close(known[i].fd);
        assert_int_equal(found.message.kind, KEEPER_KNOWN);
        return found;
}

void test_keeper_hang_up(TestKeeper *k) {
        fd_closep(&k->fd);
}

void test_keeper_send(TestKeeper *k, const KeeperMessage *message, const int *fds, size_t n_fds) {
        struct pollfd p = { .fd = k->fd, .events = POLLOUT };
        int r;

        while ((r = packet_send(k->fd, message, sizeof *message, fds, n_fds)) == -EAGAIN)
                assert_int_equal(poll(&p, 1, KEEPER_DEADLINE_MSEC), 1);
        assert_int_equal(r, 0);
}

Received test_keeper_receive(TestKeeper *k) {
        int fds[PACKET_FDS_MAX];
        Received received = { .fd = -1 };
        size_t n_fds = 0;

        await_readable(k->fd);
        assert_int_equal(packet_receive(k->fd, &received.message, sizeof received.message, fds, &n_fds),
                         sizeof received.message);
        assert_true(n_fds <= 1);
        if (n_fds == 1)
                received.fd = fds[0];
        return received;
}

Received test_keeper_expect(TestKeeper *k, KeeperKind kind, uint64_t id) {
        Received received = test_keeper_receive(k);

        if (received.message.kind != kind || received.message.id != id)
                fail_msg("kind %u of %llu came instead of %u of %llu",
                         received.message.kind, (unsigned long long) received.message.id, kind, (unsigned long long) id);
        return received;
}

KeeperMessage test_keeper_await_end(TestKeeper *k, uint64_t id) {
        for (;;) {
                Received received = test_keeper_receive(k);

                (void) fd_close(received.fd);
                assert_int_equal(received.message.id, id);
                if (received.message.kind == KEEPER_ENDED)
                        return received.message;
                assert_true(received.message.kind == KEEPER_SPAWNED || received.message.kind == KEEPER_EXECED);
        }
}

bool test_keeper_is_silent(TestKeeper *k, int msec) {
        struct pollfd p = { .fd = k->fd, .events = POLLIN };

        return poll(&p, 1, msec) == 0;
}

void test_keeper_sync(TestKeeper *k) {
        KeeperMessage message = test_keeper_message(KEEPER_SPAWN, UINT64_MAX - k->last_id++);

        test_keeper_send(k, &message, NULL, 0);
        assert_int_equal(test_keeper_expect(k, KEEPER_REFUSED, message.id).message.error, -EBADMSG);
}

bool test_keeper_is_hung_up(int fd) {
        char data[sizeof(KeeperMessage)];
        struct pollfd p = { .fd = fd, .events = POLLIN };
        ssize_t n;

        do
                if (poll(&p, 1, KEEPER_DEADLINE_MSEC) != 1)
                        return false;
        while ((n = recv(fd, data, sizeof data, 0)) > 0);
        return n == 0 || errno == ECONNRESET;
}

void test_keeper_ack(TestKeeper *k, uint64_t id) {
        KeeperMessage message = test_keeper_message(KEEPER_ACK, id);

        test_keeper_send(k, &message, NULL, 0);
}

char *test_keeper_group(TestKeeper *k, int *ret_fd) {
        _cleanup_(freep) char *jobs = text_format("%s/jobs", k->root);
        char *path = text_format("%s/%u", jobs, k->n_groups++);

        assert_true(mkdir(jobs, 0755) == 0 || errno == EEXIST);
        assert_int_equal(mkdir(path, 0755), 0);
        *ret_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
        assert_true(*ret_fd >= 0);
        return path;
}

uint64_t test_keeper_spawn(TestKeeper *k, const SpawnExtras *extras, char *const *argv) {
        static const SpawnExtras none = {};
        const SpawnExtras *x = extras ? extras : &none;
        _cleanup_(fd_closep) int spec_fd = -1, group_fd = -1, null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        _cleanup_(freep) char *group = NULL;
        KeeperMessage message = test_keeper_message(KEEPER_SPAWN, ++k->last_id);
        int fds[6];

        spec_fd = spawn_spec_encode(&(SpawnSpec) {
                .uid = x->uid, .gid = 65534, .groups = (const gid_t[]) { 65534 }, .n_groups = 1,
                .flags = (x->uid ? SPAWN_CHANGE_IDENTITY : 0U) | (x->cgroup_read_only ? SPAWN_CGROUP_READ_ONLY : 0U),
                .umask = x->umask,
                .directory = x->directory ? x->directory : "/",
                .argv = argv,
                .environment = x->environment ? x->environment : (char *[]) { (char *) "PATH=/usr/bin:/bin", NULL },
                .attach = (char *[]) { (char *) x->attach, NULL },
                .cgroup_mount = k->mount,
        });
        assert_true(spec_fd >= 0);
        if (x->group)
                group_fd = open(x->group, O_RDONLY | O_CLOEXEC);
        else
                group = test_keeper_group(k, &group_fd);

        fds[0] = spec_fd;
        fds[1] = group_fd;
        fds[2] = x->in ? x->in : null_fd;
        fds[3] = fds[4] = x->out ? x->out : null_fd;
        fds[5] = x->extra;
        test_keeper_send(k, &message, fds, x->extra ? 6 : 5);
        return message.id;
}

Leash leash_new(void) {
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        return (Leash) { ends[0], ends[1] };
}

void leash_done(Leash *leash) {
        fd_closep(&leash->in);
        fd_closep(&leash->end);
}

uint64_t spawn_on_leash(TestKeeper *k, const Leash *leash, const char *script) {
        _cleanup_(freep) char *whole = text_format("read x; %s", script);

        return SPAWN_SHELL(k, &(SpawnExtras) { .in = leash->in }, whole);
}

void assert_exited(const KeeperMessage *end, int status) {
        assert_int_equal(end->error, 0);
        assert_int_equal(end->step, SPAWN_STEP_NONE);
        assert_int_equal(end->code, CLD_EXITED);
        assert_int_equal(end->status, status);
}

void assert_failed(const KeeperMessage *end, SpawnStep step, int error) {
        assert_int_equal(end->step, step);
        assert_int_equal(end->error, error);
}

uint64_t spawn_hanging(TestKeeper *k, char **ret_path) {
        uint64_t id;

        *ret_path = text_format("%s/pipe", k->directory);
        assert_int_equal(mkfifo(*ret_path, 0600), 0);
        id = SPAWN(k, &(SpawnExtras) { .attach = *ret_path }, (char *) "/bin/true");
        (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id).fd);
        return id;
}

char *test_read_all(int fd) {
        Text text = {};
        char data[4096];
        ssize_t n;

        for (;;) {
                await_readable(fd);
                n = read(fd, data, sizeof data);
                assert_true(n >= 0);
                if (n == 0)
                        return text_take(&text);
                text_append_bytes(&text, data, (size_t) n);
        }
}

size_t test_process_n_fds(pid_t pid) {
        _cleanup_(freep) char *path = text_format("/proc/%d/fd", (int) pid);
        DIR *d = opendir(path);
        size_t n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        (void) closedir(d);
        return n - 2;
}

/* What stands after the name in /proc/PID/stat; "" if it is gone. */
static void process_stat(pid_t pid, char ret[static 1024]) {
        _cleanup_(freep) char *path = text_format("/proc/%d/stat", (int) pid);
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char text[1024];
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

        text[n < 0 ? 0 : n] = '\0';
        (void) snprintf(ret, 1024, "%s", strrchr(text, ')') ? strrchr(text, ')') + 2 : "");
}

char test_process_state(pid_t pid) {
        char text[1024];

        process_stat(pid, text);
        return text[0];
}

uint64_t test_process_cpu_usec(pid_t pid) {
        unsigned long user, system;
        char text[1024];

        process_stat(pid, text);
        assert_int_equal(sscanf(text, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
        return (user + system) * 1000000 / (uint64_t) sysconf(_SC_CLK_TCK);
}

/* There is no event for being reaped before Linux 6.12. */
bool test_process_await_gone(pid_t pid) {
        for (int i = 0; i < KEEPER_DEADLINE_MSEC; i++) {
                if (test_process_state(pid) == 0)
                        return true;
                (void) poll(NULL, 0, 1);
        }
        return false;
}
