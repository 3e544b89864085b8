/* SPDX-License-Identifier: MIT */

/*
 * What the way of one task costs, beside the bare kernel operations it is made
 * of, measured in the same run in turns: bare, bgt, bare, bgt … Medians, since
 * machines are shared. A table on standard output; a line that is over its
 * bound says so, and the program's exit status stays 0: noise is no defect.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sched.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/text.h"
#include "lib/wire/bus-names.h"
#include "supervisor/sys/cgroup.h"

#define ROUNDS 60
#define SHORT_TASKS 300
#define IN_FLIGHT 8
#define SNAPSHOT_TASKS 1000
#define IDLE_TASKS 100
#define IDLE_SEC 5

/* What every benchmark needs: a private bgtd, a connection, a bare place beside it. */
typedef struct Bench {
        char directory[64];
        pid_t bgtd;
        sd_bus *bus;
        char *root;             /* our cgroup: bgtd's tree is `bgt` in it */
        int bare_fd;            /* `bare` in it */
        int file;               /* on the state directory's file system */
        char record[4096];
        char *stamp;
        uint64_t n_groups;
} Bench;

static void die(const char *what) {
        fprintf(stderr, "bench-spine: %s: %s\n", what, strerror(errno));
        exit(1);
}

#define CHECK(expression, what) do { if (!(expression)) die(what); } while (0)

static uint64_t now_nsec(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}

static int compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return (x > y) - (x < y);
}

static double median_usec(uint64_t *nsec, size_t n) {
        qsort(nsec, n, sizeof *nsec, compare);
        return (double) nsec[n / 2] / 1000;
}

/* One line of the table: a ratio to the bare operation and its bound. */
static void report(const char *what, const char *unit, double bgt, double bare, double bound, bool at_most) {
        double ratio = bare > 0 ? bgt / bare : 0;

        printf("%-46s %10.1f %10.1f %-6s %6.2f  %s %.2f  %s\n", what, bgt, bare, unit, ratio,
               at_most ? "<=" : ">=", bound, (at_most ? ratio <= bound : ratio >= bound) ? "met" : "MISSED");
}

static void wait_for_file(const char *directory, const char *name) {
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        struct pollfd p = { fd, POLLIN, 0 };
        char path[108], events[4096];
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void) snprintf(path, sizeof path, "%s/%s", directory, name);
        memcpy(address.sun_path, path, sizeof path);
        CHECK(fd >= 0 && inotify_add_watch(fd, directory, IN_CREATE | IN_ATTRIB) >= 0, "inotify");
        for (int i = 0; i < 1000; i++) {
                int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

                if (connect(s, (struct sockaddr *) &address, sizeof address) == 0) {
                        (void) close(s);
                        (void) close(fd);
                        return;
                }
                (void) close(s);
                (void) poll(&p, 1, 20);
                while (read(fd, events, sizeof events) > 0)
                        ;
        }
        errno = ETIMEDOUT;
        die(path);
}

static void make_place(Bench *bench) {
        _cleanup_(freep) char *mount = NULL, *path = NULL;
        int parent;

        CHECK(cgroup_find_mount(&mount) == 0, "no cgroup v2");
        bench->root = text_format("%s/bgt-bench-%d", mount, (int) getpid());
        path = text_format("%s/bgt", bench->root);
        CHECK(mkdir(bench->root, 0755) == 0 && mkdir(path, 0755) == 0, bench->root);
        parent = open(bench->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(parent >= 0 && cgroup_create(parent, "bare", &bench->bare_fd) == 0, "cgroup");
        (void) close(parent);
}

static void start_bgtd(Bench *bench) {
        _cleanup_(freep) char *program = text_format("%s/supervisor/bgtd", getenv("BGT_BUILD_DIR"));
        _cleanup_(freep) char *config = text_format("%s/config", bench->directory), *state = text_format("%s/state", bench->directory);
        _cleanup_(freep) char *runtime = text_format("%s/runtime", bench->directory), *cgroup = text_format("%s/bgt", bench->root);

        (void) mkdir(config, 0755);
        (void) mkdir(state, 0700);
        (void) mkdir(runtime, 0755);
        bench->bgtd = fork();
        CHECK(bench->bgtd >= 0, "fork");
        if (bench->bgtd == 0) {
                int null = open("/dev/null", O_RDWR);

                (void) dup2(null, 1);
                (void) dup2(null, 2);
                (void) execl(program, program, "--config-dir", config, "--state-dir", state, "--runtime-dir", runtime,
                             "--cgroup-root", cgroup, NULL);
                _exit(127);
        }
        wait_for_file(runtime, "bus");
}

static void connect_bus(Bench *bench) {
        _cleanup_(freep) char *address = text_format("unix:path=%s/runtime/bus", bench->directory);

        CHECK(sd_bus_new(&bench->bus) >= 0 && sd_bus_set_address(bench->bus, address) >= 0 && sd_bus_start(bench->bus) >= 0, "bus");
}

static void ping(Bench *bench) {
        CHECK(sd_bus_call_method(bench->bus, BUS_NAME, BUS_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL) >= 0, "Ping");
}

/* Starts a command, its output on @output or nowhere; its id comes back. */
static uint64_t start_command(Bench *bench, char **argv, int output) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        uint64_t id;

        CHECK(sd_bus_message_new_method_call(bench->bus, &m, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE, "StartCommand") >= 0 &&
              sd_bus_message_append_strv(m, argv) >= 0 && sd_bus_message_open_container(m, 'a', "{sv}") >= 0 &&
              sd_bus_message_append(m, "{sv}", "stdout", "h", output) >= 0 && sd_bus_message_close_container(m) >= 0, "message");
        if (sd_bus_call(bench->bus, m, 0, &error, &reply) < 0) {
                fprintf(stderr, "bench-spine: StartCommand: %s\n", error.message);
                exit(1);
        }
        CHECK(sd_bus_message_read(reply, "to", &id, NULL) >= 0, "reply");
        return id;
}

static void control(Bench *bench, const char *verb, uint64_t id) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *name = NULL, *sentence = NULL;

        if (sd_bus_call_method(bench->bus, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE, verb, &error, &reply, "ata{sv}", 1, id, 0) < 0) {
                fprintf(stderr, "bench-spine: %s: %s\n", verb, error.message);
                exit(1);
        }
        CHECK(sd_bus_message_enter_container(reply, 'a', "(tss)") >= 0 &&
              sd_bus_message_read(reply, "(tss)", &id, &name, &sentence) >= 0, "reply");
        if (name[0]) {
                fprintf(stderr, "bench-spine: %s: %s\n", verb, sentence);
                exit(1);
        }
}

static void wait_for(Bench *bench, uint64_t id, const char *what) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        if (sd_bus_call_method(bench->bus, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE, "Wait", &error, NULL, "atta{sv}",
                               1, id, (uint64_t) 30000, what ? 1 : 0, "for", "s", what) < 0) {
                fprintf(stderr, "bench-spine: Wait: %s\n", error.message);
                exit(1);
        }
}

/* The bare operations. */

static pid_t bare_clone(int cgroup_fd) {
        struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t) cgroup_fd };

        return (pid_t) syscall(SYS_clone3, &args, sizeof args);
}

static void bare_sync(Bench *bench) {
        CHECK(pwrite(bench->file, bench->record, sizeof bench->record, 0) == sizeof bench->record && fdatasync(bench->file) == 0, "fdatasync");
}

/* mkdir, clone3, exec, wait, rmdir; the instant of the first instruction comes back. */
static uint64_t bare_run(Bench *bench, const int *pipe_fds) {
        char name[32];
        uint64_t stamp;
        pid_t pid;
        int fd;

        (void) snprintf(name, sizeof name, "%" PRIu64, bench->n_groups++);
        CHECK(cgroup_create(bench->bare_fd, name, &fd) == 0, "mkdir");
        pid = bare_clone(fd);
        CHECK(pid >= 0, "clone3");
        if (pid == 0) {
                (void) dup2(pipe_fds[1], 1);
                (void) execl(bench->stamp, bench->stamp, NULL);
                _exit(127);
        }
        CHECK(read(pipe_fds[0], &stamp, sizeof stamp) == sizeof stamp && waitpid(pid, NULL, 0) == pid, "wait");
        (void) close(fd);
        CHECK(cgroup_remove(bench->bare_fd, name) == 0, "rmdir");
        return stamp;
}

static void bench_pause(Bench *bench, int n_processes) {
        char script[128], what[64], name[32];
        char *argv[] = { (char *) "/bin/sh", (char *) "-c", script, NULL };
        uint64_t bgt[ROUNDS], bare[ROUNDS], id;
        int fd, null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        pid_t pid;

        (void) snprintf(script, sizeof script, "i=1; while [ $i -lt %d ]; do sleep 1000 & i=$((i+1)); done; exec sleep 1000", n_processes);
        id = start_command(bench, argv, null);
        wait_for(bench, id, "Running");
        (void) snprintf(name, sizeof name, "pause-%d", n_processes);
        CHECK(cgroup_create(bench->bare_fd, name, &fd) == 0, "mkdir");
        pid = bare_clone(fd);
        if (pid == 0) {
                (void) dup2(null, 1);
                (void) execv(argv[0], argv);
                _exit(127);
        }
        for (size_t i = 0; i < 200; i++) {      /* until all of them are there */
                pid_t *pids = NULL;
                size_t n = 0;

                CHECK(cgroup_list_processes(fd, &pids, &n) == 0, "cgroup.procs");
                free(pids);
                if ((int) n >= n_processes)
                        break;
                (void) poll(NULL, 0, 10);
        }

        for (size_t i = 0; i < ROUNDS; i++) {
                CgroupEvents events = {};
                uint64_t begin;

                (void) poll(NULL, 0, 2);        /* who has not left the freezer yet is frozen at once */
                begin = now_nsec();
                ping(bench);
                CHECK(cgroup_write_freeze(fd, true) == 0, "freeze");
                while (!events.frozen)
                        CHECK(cgroup_read_events(fd, &events) == 0, "cgroup.events");
                bare[i] = now_nsec() - begin;
                CHECK(cgroup_write_freeze(fd, false) == 0, "thaw");
                while (events.frozen)
                        CHECK(cgroup_read_events(fd, &events) == 0, "cgroup.events");

                begin = now_nsec();
                control(bench, "Pause", id);
                bgt[i] = now_nsec() - begin;
                control(bench, "Resume", id);
        }
        (void) snprintf(what, sizeof what, "pause until confirmed, %d process%s", n_processes, n_processes == 1 ? "" : "es");
        report(what, "us", median_usec(bgt, ROUNDS), median_usec(bare, ROUNDS), 1.5, true);

        control(bench, "Cancel", id);
        CHECK(cgroup_kill(fd) == 0 && waitpid(pid, NULL, 0) == pid, "kill");
        (void) close(fd);
        (void) close(null);
        for (size_t i = 0; cgroup_remove(bench->bare_fd, name) == CGROUP_E_POPULATED && i < 500; i++)
                (void) poll(NULL, 0, 10);
}

static void bench_start(Bench *bench) {
        char *argv[] = { bench->stamp, NULL };
        uint64_t bgt[ROUNDS], bare[ROUNDS], ends[ROUNDS];
        int pipe_fds[2];

        CHECK(pipe2(pipe_fds, O_CLOEXEC) == 0, "pipe");
        for (size_t i = 0; i < ROUNDS; i++) {
                uint64_t begin = now_nsec(), stamp, id;

                ping(bench);
                bare_sync(bench);
                bare[i] = bare_run(bench, pipe_fds) - begin;

                begin = now_nsec();
                id = start_command(bench, argv, pipe_fds[1]);
                CHECK(read(pipe_fds[0], &stamp, sizeof stamp) == sizeof stamp, "stamp");
                bgt[i] = stamp - begin;
                wait_for(bench, id, NULL);
                ends[i] = now_nsec() - stamp;
        }
        report("start call to first instruction", "us", median_usec(bgt, ROUNDS), median_usec(bare, ROUNDS), 2, true);
        printf("%-46s %10.1f %10s us      (reported)\n", "first instruction to durable, announced end", median_usec(ends, ROUNDS), "");
        (void) close(pipe_fds[0]);
        (void) close(pipe_fds[1]);
}

/* Short tasks, so many in flight: submission to durable end. */
typedef struct Flight {
        Bench *bench;
        size_t n_started, n_ended;
        char **argv;
        int null;
} Flight;

static void flight_start(Flight *flight);

static int flight_on_end(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Flight *flight = userdata;

        CHECK(!sd_bus_message_is_method_error(m, NULL), "Wait");
        flight->n_ended++;
        if (flight->n_started < SHORT_TASKS)
                flight_start(flight);
        return 0;
}

static int flight_on_started(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Flight *flight = userdata;
        uint64_t id = 0;

        CHECK(!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "to", &id, NULL) >= 0, "StartCommand");
        CHECK(sd_bus_call_method_async(flight->bench->bus, NULL, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE, "Wait", flight_on_end, flight,
                                       "atta{sv}", 1, id, (uint64_t) 30000, 0) >= 0, "Wait");
        return 0;
}

static void flight_start(Flight *flight) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        CHECK(sd_bus_message_new_method_call(flight->bench->bus, &m, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE, "StartCommand") >= 0 &&
              sd_bus_message_append_strv(m, flight->argv) >= 0 && sd_bus_message_open_container(m, 'a', "{sv}") >= 0 &&
              sd_bus_message_append(m, "{sv}", "stdout", "h", flight->null) >= 0 && sd_bus_message_close_container(m) >= 0 &&
              sd_bus_call_async(flight->bench->bus, NULL, m, flight_on_started, flight, 0) >= 0, "StartCommand");
        flight->n_started++;
}

static double fly(Bench *bench, size_t in_flight) {
        char *argv[] = { bench->stamp, NULL };
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        Flight flight = { .bench = bench, .argv = argv, .null = null };
        uint64_t begin = now_nsec();

        for (size_t i = 0; i < in_flight; i++)
                flight_start(&flight);
        while (flight.n_ended < SHORT_TASKS) {
                int r = sd_bus_process(bench->bus, NULL);

                CHECK(r >= 0, "process");
                if (r == 0)
                        CHECK(sd_bus_wait(bench->bus, 30 * USEC_PER_SEC) >= 0, "wait");
        }
        (void) close(null);
        return SHORT_TASKS * 1e9 / (double) (now_nsec() - begin);
}

/* The same work bare, one after another: as many fdatasyncs as bgtd needs for a task. */
static double walk(Bench *bench) {
        int pipe_fds[2];
        uint64_t begin;

        CHECK(pipe2(pipe_fds, O_CLOEXEC) == 0, "pipe");
        begin = now_nsec();
        for (size_t i = 0; i < SHORT_TASKS; i++) {
                bare_sync(bench);
                (void) bare_run(bench, pipe_fds);
                bare_sync(bench);
        }
        (void) close(pipe_fds[0]);
        (void) close(pipe_fds[1]);
        return SHORT_TASKS * 1e9 / (double) (now_nsec() - begin);
}

static void bench_short_tasks(Bench *bench) {
        double bare[3], one[3], eight[3];

        for (size_t i = 0; i < 3; i++) {
                bare[i] = walk(bench);
                one[i] = fly(bench, 1);
                eight[i] = fly(bench, IN_FLIGHT);
        }
        for (size_t i = 0; i < 3; i++) {
                report("short tasks a second, one in flight", "1/s", one[i], bare[i], 0.7, false);
                report("short tasks a second, eight in flight", "1/s", eight[i], bare[i], 1.0, false);
        }
}

static uint64_t list_tasks(Bench *bench, size_t expected) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        uint64_t begin = now_nsec(), taken;
        size_t n = 0;

        if (sd_bus_call_method(bench->bus, BUS_NAME, BUS_PATH, BUS_MANAGER_INTERFACE, "List", &error, &reply, "a{sv}as", 0, 8,
                               "Id", "Phase", "Name", "ProgressCurrent", "ProgressTotal", "Progress", "StartTime", "RunTime") < 0) {
                fprintf(stderr, "bench-spine: List: %s\n", error.message);
                exit(1);
        }
        taken = now_nsec() - begin;
        CHECK(sd_bus_message_enter_container(reply, 'a', "a{sv}") >= 0, "List");
        while (sd_bus_message_skip(reply, "a{sv}") > 0 && !sd_bus_message_at_end(reply, false))
                n++;
        if (n + 1 < expected)
                fprintf(stderr, "bench-spine: only %zu tasks are listed\n", n + 1);
        return taken;
}

/* Voluntary and other context switches of a process so far. */
static uint64_t switches(pid_t pid) {
        char path[64], line[256];
        uint64_t sum = 0, n;
        FILE *file;

        (void) snprintf(path, sizeof path, "/proc/%d/status", (int) pid);
        file = fopen(path, "re");
        CHECK(file, path);
        while (fgets(line, sizeof line, file))
                if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &n) == 1)
                        sum += n;
        (void) fclose(file);
        return sum;
}

static void start_sleepers(Bench *bench, size_t n) {
        char *argv[] = { (char *) "/bin/sleep", (char *) "1000", NULL };
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        uint64_t id = 0;

        for (size_t i = 0; i < n; i++)
                id = start_command(bench, argv, null);
        wait_for(bench, id, "Running");
        (void) close(null);
}

static void bench_many(Bench *bench) {
        uint64_t snapshots[ROUNDS], before;

        start_sleepers(bench, IDLE_TASKS);
        (void) poll(NULL, 0, 4000);     /* what is remembered lazily is on the disk */
        before = switches(bench->bgtd);
        (void) poll(NULL, 0, IDLE_SEC * 1000);
        printf("%-46s %10.1f %10s 1/s     (at most the watchdog's)\n", "wake-ups of bgtd when idle with 100 tasks",
               (double) (switches(bench->bgtd) - before) / IDLE_SEC, "");

        start_sleepers(bench, SNAPSHOT_TASKS - IDLE_TASKS);
        for (size_t i = 0; i < ROUNDS; i++)
                snapshots[i] = list_tasks(bench, SNAPSHOT_TASKS);
        report("snapshot of 1,000 running tasks, against 10 ms", "us", median_usec(snapshots, ROUNDS), 10000, 1, true);
}

static void stop(Bench *bench) {
        _cleanup_(freep) char *command = NULL;
        int fd;

        sd_bus_close_unref(bench->bus);
        (void) kill(bench->bgtd, SIGKILL);
        (void) waitpid(bench->bgtd, NULL, 0);
        fd = open(bench->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void) cgroup_kill(fd);
        for (size_t i = 0; i < 500; i++) {
                CgroupEvents events;

                if (cgroup_read_events(fd, &events) != 0 || !events.populated)
                        break;
                (void) poll(NULL, 0, 20);
        }
        (void) close(fd);
        command = text_format("find %s -depth -type d -exec rmdir {} + ; rm -rf %s", bench->root, bench->directory);
        (void) !system(command);
}

/* Without arguments all of them, else those that are named. */
static bool is_wanted(int argc, char **argv, const char *name) {
        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], name) == 0)
                        return true;
        return argc == 1;
}

int main(int argc, char **argv) {
        Bench bench = { .directory = "/var/tmp/bgt-bench-XXXXXX", .bare_fd = -1 };
        _cleanup_(freep) char *file = NULL;

        if (geteuid() != 0 || !getenv("BGT_BUILD_DIR")) {
                fprintf(stderr, "bench-spine: needs root and BGT_BUILD_DIR\n");
                return 77;
        }
        CHECK(mkdtemp(bench.directory), "mkdtemp");
        bench.stamp = text_format("%s/tests/bench/stamp", getenv("BGT_BUILD_DIR"));
        file = text_format("%s/bare", bench.directory);
        bench.file = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK(bench.file >= 0, file);
        bare_sync(&bench);
        (void) fd_raise_limit();
        make_place(&bench);
        start_bgtd(&bench);
        connect_bus(&bench);

        printf("%-46s %10s %10s %-6s %6s  %s\n", "what", "bgt", "bare", "unit", "ratio", "bound");
        if (is_wanted(argc, argv, "pause")) {
                bench_pause(&bench, 1);
                bench_pause(&bench, 100);
        }
        if (is_wanted(argc, argv, "start"))
                bench_start(&bench);
        if (is_wanted(argc, argv, "short"))
                bench_short_tasks(&bench);
        if (is_wanted(argc, argv, "many"))
                bench_many(&bench);
        stop(&bench);
        free(bench.root);
        free(bench.stamp);
        return 0;
}
