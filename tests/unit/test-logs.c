/* SPDX-License-Identifier: MIT */

/*
 * bgt-logs on files: started as bgtd starts it, with a file, a pipe and a
 * lifeline. What it does in time is waited for by reading what it writes.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "lib/wire/output-note.h"
#include "tests/kit/unit.h"

#define DEADLINE_MSEC 20000

typedef struct Reader {
        char path[64];
        int file;               /* the task's end: appends */
        int stream;             /* what the client reads */
        int lifeline;           /* held while the task has not ended */
        pid_t pid;
        Text read;
} Reader;

static int set_up(void **state) {
        Reader *reader = calloc(1, sizeof *reader);

        if (!reader)
                return -1;
        (void) snprintf(reader->path, sizeof reader->path, "/tmp/test-logs-XXXXXX");
        reader->file = mkstemp(reader->path);
        reader->stream = reader->lifeline = -1;
        if (reader->file < 0 || fcntl(reader->file, F_SETFL, O_APPEND) < 0)
                return -1;
        *state = reader;
        return 0;
}

static int tear_down(void **state) {
        Reader *reader = *state;

        if (reader->pid > 0) {
                (void) kill(reader->pid, SIGKILL);
                (void) waitpid(reader->pid, NULL, 0);
        }
        (void) unlink(reader->path);
        fd_closep(&reader->file);
        fd_closep(&reader->stream);
        fd_closep(&reader->lifeline);
        text_done(&reader->read);
        free(reader);
        return 0;
}

static void start(Reader *reader, const char *lines, bool follow) {
        const char *argv[8] = { "bgt-logs", "file", "bgt-1" };
        _cleanup_(freep) char *program = text_format("%s/supervisor/logs/bgt-logs", getenv("BGT_BUILD_DIR"));
        int stream[2], life[2], source;
        posix_spawn_file_actions_t actions;
        size_t n = 3;

        if (lines) {
                argv[n++] = "--lines";
                argv[n++] = lines;
        }
        if (follow)
                argv[n++] = "--follow";
        source = open(reader->path, O_RDONLY | O_CLOEXEC);
        assert_true(source >= 0);
        assert_int_equal(pipe2(stream, O_CLOEXEC), 0);
        assert_int_equal(pipe2(life, O_CLOEXEC), 0);

        assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
        assert_int_equal(posix_spawn_file_actions_adddup2(&actions, source, 0), 0);
        assert_int_equal(posix_spawn_file_actions_adddup2(&actions, stream[1], 1), 0);
        assert_int_equal(posix_spawn_file_actions_adddup2(&actions, life[0], 3), 0);
        assert_int_equal(posix_spawn(&reader->pid, program, &actions, NULL, (char *const *) argv, NULL), 0);
        (void) posix_spawn_file_actions_destroy(&actions);

        (void) fd_close(source);
        (void) fd_close(stream[1]);
        (void) fd_close(life[0]);
        reader->stream = stream[0];
        reader->lifeline = life[1];
}

/* One piece of the stream; false at its end. */
static bool read_more(Reader *reader) {
        struct pollfd fd = { .fd = reader->stream, .events = POLLIN };
        char buffer[65536];
        ssize_t n;

        assert_int_equal(poll(&fd, 1, DEADLINE_MSEC), 1);
        n = read(reader->stream, buffer, sizeof buffer);
        assert_true(n >= 0);
        text_append_bytes(&reader->read, buffer, (size_t) n);
        return n > 0;
}

/* Until what has been read ends in @end. */
static void read_until(Reader *reader, const char *end) {
        size_t n = strlen(end);

        while (reader->read.length < n || memcmp(reader->read.data + reader->read.length - n, end, n) != 0)
                assert_true(read_more(reader));
}

static void end_task(Reader *reader) {
        reader->lifeline = fd_close(reader->lifeline);
}

static void read_all(Reader *reader) {
        int status;

        while (read_more(reader))
                ;
        assert_int_equal(waitpid(reader->pid, &status, 0), reader->pid);
        reader->pid = 0;
        assert_int_equal(status, 0);
}

static void write_text(Reader *reader, const char *text) {
        assert_int_equal(fd_write_all(reader->file, text, strlen(text)), 0);
}

/* `FROM\n` to `TO\n`. */
static void write_numbers(Reader *reader, int from, int to) {
        _cleanup_(text_done) Text text = {};

        for (int i = from; i <= to; i++)
                text_appendf(&text, "%d\n", i);
        assert_int_equal(fd_write_all(reader->file, text.data, text.length), 0);
}

static bool punch(Reader *reader, int64_t bytes) {
        return fallocate(reader->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, bytes) >= 0 &&
               lseek(reader->file, 0, SEEK_DATA) == bytes;
}

static const char *what_was_read(const Reader *reader) {
        return text_or_empty(reader->read.data);
}

static void a_whole_output_comes_byte_by_byte(void **state) {
        Reader *reader = *state;
        char data[300000];

        for (size_t i = 0; i < sizeof data; i++)
                data[i] = (char) (i * 7 + i / 255);
        assert_int_equal(fd_write_all(reader->file, data, sizeof data), 0);
        start(reader, NULL, false);
        read_all(reader);
        assert_int_equal(reader->read.length, sizeof data);
        assert_memory_equal(reader->read.data, data, sizeof data);
}

static void an_empty_output_is_empty(void **state) {
        Reader *reader = *state;

        start(reader, NULL, false);
        read_all(reader);
        assert_int_equal(reader->read.length, 0);
}

static void without_following_nobody_waits_for_the_task(void **state) {
        Reader *reader = *state;

        write_text(reader, "so far\n");
        start(reader, NULL, false);
        read_all(reader);
        assert_string_equal(what_was_read(reader), "so far\n");
}

static void the_last_lines_are_found(void **state) {
        static const struct {
                const char *output, *lines, *expected;
        } cases[] = {
                { "1\n2\n3\n4\n", "2", "3\n4\n" },
                { "1\n2\n3\n4", "2", "3\n4" },
                { "1\n2\n3\n4\n", "4", "1\n2\n3\n4\n" },
                { "1\n2\n3\n4\n", "9", "1\n2\n3\n4\n" },
                { "\n\n\n", "2", "\n\n" },
                { "x", "1", "x" },
                { "", "1", "" },
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                void *each;
                Reader *reader;

                assert_int_equal(set_up(&each), 0);
                reader = each;
                write_text(reader, cases[i].output);
                start(reader, cases[i].lines, false);
                read_all(reader);
                assert_string_equal(what_was_read(reader), cases[i].expected);
                assert_int_equal(tear_down(&each), 0);
        }
}

static void the_last_lines_may_be_far_back(void **state) {
        Reader *reader = *state;
        _cleanup_(freep) char *line = malloc(200001);

        memset(line, 'x', 200000);
        line[199999] = '\n';
        line[200000] = '\0';
        for (int i = 0; i < 5; i++)
                write_text(reader, line);
        start(reader, "3", false);
        read_all(reader);
        assert_int_equal(reader->read.length, 600000);
}

static void following_ends_with_the_task(void **state) {
        Reader *reader = *state;

        write_text(reader, "one\n");
        start(reader, NULL, true);
        read_until(reader, "one\n");
        write_text(reader, "two\n");
        read_until(reader, "two\n");
        write_text(reader, "three");
        read_until(reader, "three");
        end_task(reader);
        read_all(reader);
        assert_string_equal(what_was_read(reader), "one\ntwo\nthree");
}

static void what_was_written_last_comes_before_the_end(void **state) {
        Reader *reader = *state;

        start(reader, NULL, true);
        write_numbers(reader, 1, 200000);
        write_text(reader, "last\n");
        end_task(reader);
        read_all(reader);
        assert_memory_equal(reader->read.data, "1\n2\n3\n", 6);
        assert_string_equal(reader->read.data + reader->read.length - 12, "200000\nlast\n");
        assert_int_equal(reader->read.length, lseek(reader->file, 0, SEEK_END));
}

static void following_an_ended_task_prints_it_and_ends(void **state) {
        Reader *reader = *state;

        write_text(reader, "all\n");
        start(reader, "5", true);
        end_task(reader);
        read_all(reader);
        assert_string_equal(what_was_read(reader), "all\n");
}

static void a_client_that_goes_away_ends_the_reader(void **state) {
        Reader *reader = *state;
        int status;

        start(reader, NULL, true);
        write_text(reader, "x\n");
        read_until(reader, "x\n");
        reader->stream = fd_close(reader->stream);
        assert_int_equal(waitpid(reader->pid, &status, 0), reader->pid);
        reader->pid = 0;
}

static void what_has_been_punched_out_is_told_and_not_read(void **state) {
        Reader *reader = *state;
        char note[OUTPUT_NOTE_MAX];

        write_numbers(reader, 1, 100000);
        if (!punch(reader, 131072))
                skip();
        start(reader, NULL, false);
        read_all(reader);
        /* 9, 90, 900 and 9000 numbers take 48,888 bytes, the next six each: the first whole one begins at 131,076 */
        output_note_format(131076, note);
        assert_memory_equal(what_was_read(reader), note, strlen(note));
        assert_null(memchr(reader->read.data, '\0', reader->read.length));
        assert_string_equal(reader->read.data + reader->read.length - 7, "100000\n");
        assert_int_equal((int64_t) (reader->read.length - strlen(note)), lseek(reader->file, 0, SEEK_END) - 131076);
}

static void last_lines_behind_a_hole_need_no_note(void **state) {
        Reader *reader = *state;

        write_numbers(reader, 1, 100000);
        if (!punch(reader, 131072))
                skip();
        start(reader, "2", false);
        read_all(reader);
        assert_string_equal(what_was_read(reader), "99999\n100000\n");
}

/* What the task makes of its file: ten terabytes of nothing behind a little. */
static void a_huge_empty_file_is_read_at_once(void **state) {
        Reader *reader = *state;

        write_text(reader, "1\n2\n");
        if (ftruncate(reader->file, 10LL << 40) < 0)
                skip();
        start(reader, NULL, false);
        read_all(reader);
        /* the block's rest is zeros, as the task has made it */
        assert_memory_equal(reader->read.data, "1\n2\n", 4);
        assert_true(reader->read.length <= 65536);
}

static void last_lines_of_a_huge_empty_file_are_found_at_once(void **state) {
        Reader *reader = *state;

        write_text(reader, "1\n2\n");
        if (ftruncate(reader->file, 10LL << 40) < 0)
                skip();
        write_text(reader, "far\nbehind\n");
        start(reader, "2", false);
        read_all(reader);
        assert_string_equal(reader->read.data + reader->read.length - 11, "far\nbehind\n");
        assert_true(reader->read.length <= 2 * 65536);
}

static void a_file_cut_short_is_read_from_its_beginning(void **state) {
        Reader *reader = *state;

        start(reader, NULL, true);
        write_numbers(reader, 1, 1000);
        read_until(reader, "\n1000\n");
        assert_int_equal(ftruncate(reader->file, 0), 0);
        read_until(reader, "begins again]\n");
        write_text(reader, "new\n");
        read_until(reader, "new\n");
        end_task(reader);
        read_all(reader);
        assert_non_null(strstr(reader->read.data, "begins again]\nnew\n"));
}

/* The reader is overtaken by the bound while the client does not read. */
static void a_slow_reader_is_told_what_it_missed(void **state) {
        Reader *reader = *state;
        const char *note;

        write_numbers(reader, 1, 100000);
        start(reader, NULL, true);
        assert_true(read_more(reader));         /* its pipe is full now, or will be */
        write_numbers(reader, 100001, 200000);
        if (!punch(reader, 1048576))
                skip();
        end_task(reader);
        read_all(reader);
        note = strstr(reader->read.data, "\n[bgt: the first ");
        assert_non_null(note);
        assert_null(memchr(reader->read.data, '\0', reader->read.length));
        assert_string_equal(reader->read.data + reader->read.length - 7, "200000\n");
}

static void wrong_usage_is_told(void **state) {
        _cleanup_(freep) char *program = text_format("%s/supervisor/logs/bgt-logs", getenv("BGT_BUILD_DIR"));
        const char *const wrong[][5] = { { "bgt-logs" }, { "bgt-logs", "file" }, { "bgt-logs", "book", "x" },
                                         { "bgt-logs", "file", "x", "--lines" }, { "bgt-logs", "file", "x", "--other" } };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                posix_spawn_file_actions_t actions;
                pid_t pid;
                int status;

                assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
                assert_int_equal(posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0), 0);
                assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char *const *) wrong[i], NULL), 0);
                (void) posix_spawn_file_actions_destroy(&actions);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(WEXITSTATUS(status), 2);
        }
}

#define test_with_file(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                test_with_file(a_whole_output_comes_byte_by_byte),
                test_with_file(an_empty_output_is_empty),
                test_with_file(without_following_nobody_waits_for_the_task),
                cmocka_unit_test(the_last_lines_are_found),
                test_with_file(the_last_lines_may_be_far_back),
                test_with_file(following_ends_with_the_task),
                test_with_file(what_was_written_last_comes_before_the_end),
                test_with_file(following_an_ended_task_prints_it_and_ends),
                test_with_file(a_client_that_goes_away_ends_the_reader),
                test_with_file(what_has_been_punched_out_is_told_and_not_read),
                test_with_file(last_lines_behind_a_hole_need_no_note),
                test_with_file(a_huge_empty_file_is_read_at_once),
                test_with_file(last_lines_of_a_huge_empty_file_are_found_at_once),
                test_with_file(a_file_cut_short_is_read_from_its_beginning),
                test_with_file(a_slow_reader_is_told_what_it_missed),
                cmocka_unit_test(wrong_usage_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
