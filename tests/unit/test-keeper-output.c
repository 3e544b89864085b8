/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "tests/kit/keeper.h"
#include "tests/kit/unit.h"

#define MIB (1 << 20)
#define BOUND_BYTES MIB
#define NEAR_BYTES (BOUND_BYTES + MIB / 2)      /* what may be left when nobody writes any more */

/* A task's output: one descriptor for the task, one to look at it. */
typedef struct File {
        char *path;
        int writer, reader;
        int notices;            /* an inotify that waits for changes */
} File;

static File file_new(const char *directory, int flags) {
        File file = { .path = text_format("%s/bgt-test-output-%d", directory, (int) getpid()) };

        file.writer = open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0600);
        file.reader = open(file.path, O_RDONLY | O_CLOEXEC);
        file.notices = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        assert_true(file.writer >= 0 && file.reader >= 0 && file.notices >= 0);
        assert_true(inotify_add_watch(file.notices, file.path, IN_MODIFY | IN_CLOSE_WRITE) >= 0);
        return file;
}

static void file_done(File *file) {
        fd_closep(&file->writer);
        fd_closep(&file->reader);
        fd_closep(&file->notices);
        (void) unlink(file->path);
        free(file->path);
}

static int64_t file_taken(const File *file) {
        struct stat st;

        assert_int_equal(fstat(file->reader, &st), 0);
        return (int64_t) st.st_blocks * 512;
}

static int64_t file_size(const File *file) {
        struct stat st;

        assert_int_equal(fstat(file->reader, &st), 0);
        return st.st_size;
}

static void file_await_change(const File *file) {
        struct pollfd p = { .fd = file->notices, .events = POLLIN };
        char buffer[4096];

        if (poll(&p, 1, KEEPER_DEADLINE_MSEC) != 1)
                fail_msg("the file takes %lld bytes and does not change", (long long) file_taken(file));
        assert_true(read(file->notices, buffer, sizeof buffer) > 0);
}

static void file_await_taken(const File *file, int64_t bytes) {
        while (file_taken(file) > bytes)
                file_await_change(file);
}

static void bound(TestKeeper *k, uint64_t id, int fd) {
        KeeperMessage message = test_keeper_message(KEEPER_BOUND, id);

        message.bytes = BOUND_BYTES;
        test_keeper_send(k, &message, &fd, 1);
}

static uint64_t spawn_writer(TestKeeper *k, const File *file, const char *script) {
        uint64_t id = SPAWN_SHELL(k, &(SpawnExtras) { .out = file->writer }, script);

        bound(k, id, file->writer);
        return id;
}

/* The file must hold the lines of `seq` up to @last without a gap from some line in its last bytes on. */
static void assert_newest_lines(const File *file, unsigned long last) {
        _cleanup_(freep) char *text = calloc(1, BOUND_BYTES + 1);
        char *line, *end;
        unsigned long number;

        assert_non_null(text);
        assert_int_equal(pread(file->reader, text, BOUND_BYTES, file_size(file) - BOUND_BYTES), BOUND_BYTES);
        line = strchr(text, '\n');
        assert_non_null(line);
        number = strtoul(line + 1, &end, 10);
        while (number < last) {
                assert_int_equal(*end, '\n');
                line = end;
                assert_int_equal(strtoul(line + 1, &end, 10), ++number);
        }
        assert_string_equal(end, "\n");
}

/* 200 MB, in pieces so that the keeper has its turns. */
static void flood(TestKeeper *k, const char *directory, int64_t most_allowed, bool brain_is_there) {
        enum { PIECES = 40, LINES = 600000 };
        File file = file_new(directory, O_APPEND);
        char script[128];
        int64_t most = 0;
        uint64_t id;

        (void) test_keeper_hello(k);
        (void) snprintf(script, sizeof script,
                        "i=0; while test $i -lt %d; do seq $((i * %d + 1)) $(((i + 1) * %d)); i=$((i + 1)); done",
                        PIECES, LINES, LINES);
        id = spawn_writer(k, &file, script);
        if (!brain_is_there) {
                (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id).fd);
                (void) test_keeper_expect(k, KEEPER_EXECED, id);
                test_keeper_sync(k);
                test_keeper_hang_up(k);
        }
        while (file_size(&file) < 200 * 1000 * 1000) {
                file_await_change(&file);
                if (file_taken(&file) > most)
                        most = file_taken(&file);
        }
        assert_true(most < most_allowed);

        if (!brain_is_there) {
                Received known = test_keeper_hello_known(k, id);

                (void) fd_close(known.fd);
                if (known.message.state != KEEPER_CHILD_ENDED)
                        (void) test_keeper_await_end(k, id);
        } else
                (void) test_keeper_await_end(k, id);
        file_await_taken(&file, NEAR_BYTES);
        assert_newest_lines(&file, (unsigned long) PIECES * LINES);
        file_done(&file);
}

/* T-75 */
static void a_flood_stays_near_its_bound_and_keeps_the_newest(void **state) {
        TestKeeper *k = *state;

        /* ext4 writes out what is then dropped: meanwhile there may be any amount */
        flood(k, k->directory, INT64_MAX, true);
}

/* T-75 */
static void a_flood_into_memory_stays_near_its_bound(void **state) {
        flood(*state, "/dev/shm", 100 * MIB, true);
}

/* T-75 */
static void a_flood_is_bounded_while_no_brain_is_there(void **state) {
        TestKeeper *k = *state;

        flood(k, k->directory, INT64_MAX, false);
}

static void what_is_below_the_bound_is_left_alone(void **state) {
        TestKeeper *k = *state;
        File file = file_new(k->directory, O_APPEND);
        _cleanup_(freep) char *text = NULL;

        (void) test_keeper_hello(k);
        (void) test_keeper_await_end(k, spawn_writer(k, &file, "seq 1 1000"));
        test_keeper_ack(k, k->last_id);
        test_keeper_sync(k);
        text = test_read_all(file.reader);
        assert_memory_equal(text, "1\n2\n", 4);
        assert_string_equal(text + strlen(text) - 5, "1000\n");
        file_done(&file);
}

/* T-75 */
static void a_task_that_plays_with_its_file_does_not_get_more(void **state) {
        static const char *const games[] = {
                /* far apart: the end is not where the data is */
                "truncate -s 4T /proc/self/fd/1; dd if=/dev/zero of=/proc/self/fd/1 bs=1M count=64 conv=notrunc status=none",
                /* back to nothing, and again */
                "for i in 1 2 3; do truncate -s 0 /proc/self/fd/1; head -c 16M /dev/zero; done",
                /* space beyond the end, which no data shows */
                "head -c 2M /dev/zero; fallocate -n -o 4M -l 400M /proc/self/fd/1; echo",
                /* many small pieces */
                "for i in 9 8 7 6 5 4 3 2 1; do dd if=/dev/zero of=/proc/self/fd/1 bs=64k count=16 seek=${i}0000 conv=notrunc status=none; done",
        };
        TestKeeper *k = *state;

        (void) test_keeper_hello(k);
        for (size_t i = 0; i < ELEMENTSOF(games); i++) {
                File file = file_new(k->directory, O_APPEND);

                (void) test_keeper_await_end(k, spawn_writer(k, &file, games[i]));
                file_await_taken(&file, NEAR_BYTES);
                test_keeper_ack(k, k->last_id);
                file_done(&file);
        }
}

static void two_tasks_may_write_to_one_file(void **state) {
        TestKeeper *k = *state;
        File file = file_new(k->directory, O_APPEND);
        uint64_t first, second;
        size_t n_ended = 0;

        (void) test_keeper_hello(k);
        first = spawn_writer(k, &file, "head -c 4M /dev/zero");
        second = spawn_writer(k, &file, "head -c 4M /dev/zero");
        while (n_ended < 2) {
                Received received = test_keeper_receive(k);

                assert_true(received.message.id == first || received.message.id == second);
                (void) fd_close(received.fd);
                n_ended += received.message.kind == KEEPER_ENDED;
        }
        file_await_taken(&file, NEAR_BYTES);

        /* what is left of one's bound still works when the other is gone */
        test_keeper_ack(k, first);
        test_keeper_sync(k);
        for (int i = 0; i < 8; i++) {
                _cleanup_(freep) char *zeros = calloc(1, MIB);

                assert_int_equal(fd_write_all(file.writer, zeros, MIB), 0);
        }
        file_await_taken(&file, NEAR_BYTES);
        file_done(&file);
}

static void where_holes_cannot_be_punched_the_file_starts_again_and_says_so(void **state) {
        TestKeeper *k = *state;
        _cleanup_(freep) char *text = calloc(1, NEAR_BYTES + 1);
        File file;

        k->deny_holes = true;
        test_keeper_restart(k);

        file = file_new(k->directory, O_APPEND);
        (void) test_keeper_await_end(k, spawn_writer(k, &file, "seq 1 3000000"));
        file_await_taken(&file, NEAR_BYTES);
        while (file_size(&file) == 0)           /* between its end and its first line */
                file_await_change(&file);
        assert_true(pread(file.reader, text, NEAR_BYTES, 0) > 0);
        assert_non_null(strstr(text, "[bgt: output over its bound, the older part was dropped]\n"));
        file_done(&file);
}

static void where_nothing_can_be_done_nothing_is_lost_and_no_time_spent(void **state) {
        TestKeeper *k = *state;
        bool rests = false;
        File file;

        k->deny_holes = true;
        test_keeper_restart(k);

        file = file_new(k->directory, 0);
        (void) test_keeper_await_end(k, spawn_writer(k, &file, "head -c 8M /dev/zero"));
        for (int i = 0; i < 100 && !rests; i++) {        /* it tries some times before */
                uint64_t before = test_process_cpu_usec(k->keeper);

                assert_true(test_keeper_is_silent(k, 300));
                rests = test_process_cpu_usec(k->keeper) == before;
        }
        assert_true(rests);
        assert_int_equal(file_size(&file), 8 * MIB);
        file_done(&file);
}

static void what_is_no_file_to_write_is_not_bounded(void **state) {
        TestKeeper *k = *state;
        int pipe_ends[2], fds[5];
        size_t n_fds;
        uint64_t id;

        assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
        fds[0] = pipe_ends[0];
        fds[1] = pipe_ends[1];
        fds[2] = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        fds[3] = open("/etc/passwd", O_PATH | O_CLOEXEC);
        fds[4] = open(k->directory, O_RDONLY | O_CLOEXEC);

        (void) test_keeper_hello(k);
        id = SPAWN_SHELL(k, NULL, "exit 0");
        (void) test_keeper_await_end(k, id);
        test_keeper_sync(k);
        n_fds = test_process_n_fds(k->keeper);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                bound(k, id, fds[i]);
                bound(k, id + 1000, fds[i]);    /* nor is anything of a child nobody knows */
        }
        test_keeper_sync(k);
        assert_int_equal(test_process_n_fds(k->keeper), n_fds);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void) fd_close(fds[i]);
}

static void any_number_of_bytes_is_a_bound(void **state) {
        static const uint64_t bounds[] = { 0, 1, 65535, 65536, INT64_MAX - 1, INT64_MAX, (uint64_t) INT64_MAX + 1, UINT64_MAX };
        TestKeeper *k = *state;
        File file = file_new(k->directory, O_APPEND);
        KeeperMessage message;
        uint64_t id;

        (void) test_keeper_hello(k);
        id = SPAWN_SHELL(k, &(SpawnExtras) { .out = file.writer }, "head -c 2M /dev/zero; exec sleep 1000");
        (void) fd_close(test_keeper_expect(k, KEEPER_SPAWNED, id).fd);
        (void) test_keeper_expect(k, KEEPER_EXECED, id);
        for (size_t i = ELEMENTSOF(bounds); i-- > 0;) {
                message = test_keeper_message(KEEPER_BOUND, id);
                message.bytes = bounds[i];
                test_keeper_send(k, &message, &file.writer, 1);
                test_keeper_sync(k);
        }
        file_await_taken(&file, 256 * 1024);
        file_done(&file);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_keeper_setup, test_keeper_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_is_below_the_bound_is_left_alone),
                TEST(what_is_no_file_to_write_is_not_bounded),
                TEST(any_number_of_bytes_is_a_bound),
                TEST(a_flood_stays_near_its_bound_and_keeps_the_newest),
                TEST(a_flood_into_memory_stays_near_its_bound),
                TEST(a_flood_is_bounded_while_no_brain_is_there),
                TEST(a_task_that_plays_with_its_file_does_not_get_more),
                TEST(two_tasks_may_write_to_one_file),
                TEST(where_holes_cannot_be_punched_the_file_starts_again_and_says_so),
                TEST(where_nothing_can_be_done_nothing_is_lost_and_no_time_spent),
        };

        if (test_keeper_missing()) {
                (void) printf("skipped: %s\n", test_keeper_missing());
                return UNIT_SKIPPED;
        }
        return cmocka_run_group_tests_name("keeper-output", tests, NULL, NULL);
}
