/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/sys/log.h"
#include "tests/kit/private.h"
#include "tests/kit/unit.h"

/* Standard error as a pipe, and where it went before. */
typedef struct Capture {
        int read_fd, saved_fd;
        char text[16384];
} Capture;

static void capture_begin(Capture *c) {
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        c->read_fd = ends[0];
        c->saved_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
        (void) fd_close(ends[1]);
}

static void capture_end(Capture *c) {
        ssize_t n;

        assert_true(dup2(c->saved_fd, STDERR_FILENO) >= 0);
        c->saved_fd = fd_close(c->saved_fd);
        n = read(c->read_fd, c->text, sizeof c->text - 1);
        assert_true(n >= 0);
        c->text[n] = '\0';
        c->read_fd = fd_close(c->read_fd);
}

static int listen_at(const char *path, int type) {
        struct sockaddr_un address = { AF_UNIX };
        int fd;

        (void) stpcpy(address.sun_path, path);
        fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        if (type == SOCK_STREAM)
                assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static void without_a_journal_a_message_is_a_line_on_standard_error(void **state) {
        Capture c;

        log_open(LOG_INFO);
        assert_false(log_has_journal());
        capture_begin(&c);
        log_info("Took over %d tasks", 3);
        log_message(LOG_WARNING, 17, "Would not %s", "freeze");
        capture_end(&c);
        assert_string_equal(c.text, "bgtd: Took over 3 tasks\nbgtd: task 17: Would not freeze\n");
}

static void what_is_above_the_level_is_not_written(void **state) {
        Capture c;

        log_open(LOG_WARNING);
        capture_begin(&c);
        log_info("No");
        assert_int_equal(log_result(LOG_INFO, -EIO, 0, "Nor this"), -EIO);
        log_warning("Yes");
        capture_end(&c);
        assert_string_equal(c.text, "bgtd: Yes\n");
}

static void a_failure_carries_its_reason_and_is_returned(void **state) {
        Capture c;

        log_open(LOG_INFO);
        capture_begin(&c);
        assert_int_equal(log_failure(-EACCES, "Cannot open %s", "x"), -EACCES);
        assert_int_equal(log_task_failure(-ENOENT, 5, "Cannot spawn"), -ENOENT);
        capture_end(&c);
        assert_string_equal(c.text, "bgtd: Cannot open x: Permission denied\n"
                                    "bgtd: task 5: Cannot spawn: No such file or directory\n");
}

static void a_message_is_one_line_of_characters(void **state) {
        Capture c;

        log_open(LOG_INFO);
        capture_begin(&c);
        log_info("a\nbgtd: b\t\x1b[2J\x7fü\xc2\x9b" "2Jé");
        log_info("gr\xfc\xc3\xbc");
        capture_end(&c);
        assert_string_equal(c.text, "bgtd: a\\x0abgtd: b\\x09\\x1b[2J\\x7fü\\xc2\\x9b2Jé\n"
                                    "bgtd: gr\\xfc\\xc3\\xbc\n");
}

static void a_message_is_bounded_and_keeps_its_reason(void **state) {
        _cleanup_(text_done) Text text = {};
        Capture c;

        for (int i = 0; i < 5000; i++)
                text_append(&text, "ü");
        log_open(LOG_INFO);
        for (int i = 0; i < 2; i++) {
                capture_begin(&c);
                (void) log_failure(-EIO, "%s%s", i ? "x" : "", text.data);
                capture_end(&c);
                assert_true(strlen(c.text) <= LOG_BYTES_MAX + 16);
                assert_true(text_is_utf8(c.text));
                assert_null(strstr(c.text, "\\x"));
                assert_non_null(strstr(c.text, ": Input/output error\n"));
        }
}

static void a_stream_of_the_journal_gets_the_level_before_the_line(void **state) {
        char stream[64];
        struct stat st;
        Capture c;

        capture_begin(&c);
        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        (void) snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
        log_open(LOG_INFO);
        log_error("Bad");
        assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
        log_open(LOG_INFO);
        log_error("Bad");
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
        capture_end(&c);
        assert_string_equal(c.text, "<3>Bad\nbgtd: Bad\n");
}

static void a_journal_that_nobody_reads_is_none(void **state) {
        int fd;

        fd = listen_at("/run/systemd/journal/socket", SOCK_DGRAM);
        (void) fd_close(fd);
        log_open(LOG_INFO);
        assert_false(log_has_journal());
        assert_int_equal(log_open_stream("bgt-1", "", LOG_INFO), -ENOMEDIUM);
        assert_int_equal(unlink("/run/systemd/journal/socket"), 0);
}

/* One of the lines `NAME=VALUE` of a datagram. */
static bool has_field(const char *datagram, const char *field) {
        const char *found = strstr(datagram, field);

        return found && (found == datagram || found[-1] == '\n') && found[strlen(field)] == '\n';
}

static void the_journal_gets_level_task_and_function(void **state) {
        _cleanup_(fd_closep) int fd = listen_at("/run/systemd/journal/socket", SOCK_DGRAM);
        char datagram[4096];
        ssize_t n;

        log_open(LOG_INFO);
        assert_true(log_has_journal());
        log_message(LOG_WARNING, 42, "Would not freeze: %s", "a\nPRIORITY=0");
        n = recv(fd, datagram, sizeof datagram - 1, MSG_DONTWAIT);
        assert_true(n > 0);
        datagram[n] = '\0';
        assert_true(has_field(datagram, "MESSAGE=Would not freeze: a\\x0aPRIORITY=0"));
        assert_true(has_field(datagram, "PRIORITY=4"));
        assert_true(has_field(datagram, "SYSLOG_IDENTIFIER=bgtd"));
        assert_true(has_field(datagram, "BGT_TASK_ID=42"));
        assert_true(has_field(datagram, "CODE_FUNC=the_journal_gets_level_task_and_function"));

        log_info("About no task");
        n = recv(fd, datagram, sizeof datagram - 1, MSG_DONTWAIT);
        assert_true(n > 0);
        datagram[n] = '\0';
        assert_null(strstr(datagram, "BGT_TASK_ID"));
        assert_int_equal(unlink("/run/systemd/journal/socket"), 0);
}

static void a_task_writes_to_a_stream_under_its_own_name(void **state) {
        _cleanup_(fd_closep) int journal = listen_at("/run/systemd/journal/socket", SOCK_DGRAM),
                                 streams = listen_at("/run/systemd/journal/stdout", SOCK_STREAM), fd = -1, peer = -1;
        char text[256];
        ssize_t n;

        assert_true(journal >= 0);
        log_open(LOG_INFO);
        fd = log_open_stream("bgt-42", "bgt-tasks.service", LOG_INFO);
        assert_true(fd >= 0);
        peer = accept4(streams, NULL, NULL, SOCK_CLOEXEC);
        n = read(peer, text, sizeof text - 1);
        assert_true(n > 0);
        text[n] = '\0';
        assert_string_equal(text, "bgt-42\nbgt-tasks.service\n6\n0\n0\n0\n0\n");
        assert_int_equal(unlink("/run/systemd/journal/stdout"), 0);
        assert_int_equal(unlink("/run/systemd/journal/socket"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_a_journal_a_message_is_a_line_on_standard_error),
                cmocka_unit_test(what_is_above_the_level_is_not_written),
                cmocka_unit_test(a_failure_carries_its_reason_and_is_returned),
                cmocka_unit_test(a_message_is_one_line_of_characters),
                cmocka_unit_test(a_message_is_bounded_and_keeps_its_reason),
                cmocka_unit_test(a_stream_of_the_journal_gets_the_level_before_the_line),
                cmocka_unit_test(a_journal_that_nobody_reads_is_none),
                cmocka_unit_test(the_journal_gets_level_task_and_function),
                cmocka_unit_test(a_task_writes_to_a_stream_under_its_own_name),
        };

        if (!private_enter() || !private_replace_directory("/run"))
                return UNIT_SKIPPED;
        if (mkdir("/run/systemd", 0755) < 0 || mkdir("/run/systemd/journal", 0755) < 0)
                return UNIT_SKIPPED;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
