/* SPDX-License-Identifier: MIT */
#include "supervisor/sys/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

#define LOG_IDENTIFIER "bgtd"

/* What every message of this process has in common; log_open() sets it, nothing else changes it. */
static struct {
        int max_level;
        bool journal;           /* journald listens */
        bool stderr_journal;    /* standard error is a stream of journald's: it reads <N> before a line */
} log_target = { .max_level = LOG_INFO };

static bool journal_listens(void) {
        static const struct sockaddr_un address = { AF_UNIX, "/run/systemd/journal/socket" };
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        return fd >= 0 && connect(fd, (const struct sockaddr *) &address, sizeof address) == 0;
}

/* JOURNAL_STREAM=DEVICE:INODE is inherited, also by whoever has redirected standard error since. */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        uintmax_t device, inode;
        struct stat st;

        if (!stream || sscanf(stream, "%ju:%ju", &device, &inode) != 2 || fstat(STDERR_FILENO, &st) < 0)
                return false;
        return st.st_dev == device && st.st_ino == inode;
}

void log_open(int max_level) {
        log_target.max_level = max_level;
        log_target.journal = journal_listens();
        log_target.stderr_journal = stderr_is_journal();
}

bool log_has_journal(void) {
        return log_target.journal;
}

/* Leaves off the character that a cut has gone through. */
static void log_trim_cut(char *text) {
        size_t n = strlen(text);

        while (n > 0 && ((unsigned char) text[n - 1] & 0xc0) == 0x80)
                n--;
        if (n > 0 && (unsigned char) text[n - 1] >= 0xc0)
                n--;
        text[n] = '\0';
}

/* C0, DEL, and C1, which in UTF-8 is c2 80 to c2 9f; there the second byte is spelled, and the first is too. */
static bool log_is_control(const unsigned char *s) {
        return *s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0);
}

static void log_escape(char ret[static 4 * LOG_BYTES_MAX], const char *text) {
        bool utf8 = text_is_utf8(text);
        unsigned n_spell = 0;

        for (const unsigned char *s = (const unsigned char *) text; *s; s++) {
                if (n_spell == 0 && log_is_control(s))
                        n_spell = *s == 0xc2 ? 2 : 1;
                if (n_spell > 0 || (*s >= 0x80 && !utf8))
                        ret += sprintf(ret, "\\x%02x", *s);
                else
                        *ret++ = (char) *s;
                n_spell -= n_spell > 0;
        }
        *ret = '\0';
}

static void log_to_journal(const char *function, int level, uint64_t task_id, const char *message) {
        char text[sizeof "MESSAGE=" + 4 * LOG_BYTES_MAX], code[128], priority[16], task[40];
        struct iovec fields[] = {
                { text, (size_t) snprintf(text, sizeof text, "MESSAGE=%s", message) },
                { code, (size_t) snprintf(code, sizeof code, "CODE_FUNC=%.100s", function) },
                { priority, (size_t) snprintf(priority, sizeof priority, "PRIORITY=%d", level) },
                { (char *) "SYSLOG_IDENTIFIER=" LOG_IDENTIFIER, strlen("SYSLOG_IDENTIFIER=" LOG_IDENTIFIER) },
                { task, (size_t) snprintf(task, sizeof task, "BGT_TASK_ID=%" PRIu64, task_id) },
        };

        (void) sd_journal_sendv(fields, ELEMENTSOF(fields) - (task_id == 0));
}

/* One write for one line: others may write there too. */
static void log_to_stderr(int level, uint64_t task_id, const char *message) {
        char line[64 + 4 * LOG_BYTES_MAX], head[64] = "";
        int n;

        if (task_id > 0)
                (void) snprintf(head, sizeof head, "task %" PRIu64 ": ", task_id);
        if (log_target.stderr_journal)
                n = snprintf(line, sizeof line, "<%d>%s%s\n", level, head, message);
        else
                n = snprintf(line, sizeof line, LOG_IDENTIFIER ": %s%s\n", head, message);
        (void) fd_write_all(STDERR_FILENO, line, (size_t) n);
}

static void log_write(const char *function, int level, uint64_t task_id, const char *text) {
        char message[4 * LOG_BYTES_MAX];

        log_escape(message, text);
        if (log_target.journal)
                log_to_journal(function, level, task_id, message);
        else
                log_to_stderr(level, task_id, message);
}

static void log_format(char text[static LOG_BYTES_MAX], const char *format, va_list ap) __attribute__((format(printf, 2, 0)));

static void log_format(char text[static LOG_BYTES_MAX], const char *format, va_list ap) {
        int n = vsnprintf(text, LOG_BYTES_MAX, format, ap);

        if (n < 0)
                text[0] = '\0';
        else if (n >= LOG_BYTES_MAX)
                log_trim_cut(text);
}

void log_message_in(const char *function, int level, uint64_t task_id, const char *format, ...) {
        char text[LOG_BYTES_MAX];
        va_list ap;

        if (level > log_target.max_level)
                return;
        va_start(ap, format);
        log_format(text, format, ap);
        va_end(ap);
        log_write(function, level, task_id, text);
}

int log_result_in(const char *function, int level, int r, uint64_t task_id, const char *format, ...) {
        char text[LOG_BYTES_MAX], reason[128];
        va_list ap;

        if (level > log_target.max_level)
                return r;
        va_start(ap, format);
        log_format(text, format, ap);
        va_end(ap);
        (void) snprintf(reason, sizeof reason, ": %s", strerror(-r));
        if (strlen(text) + strlen(reason) >= sizeof text) {
                text[sizeof text - 1 - strlen(reason)] = '\0';
                log_trim_cut(text);
        }
        (void) strcat(text, reason);
        log_write(function, level, task_id, text);
        return r;
}

/* What sd_journal_stream_fd() does, with a unit, for which it has no parameter. */
int log_open_stream(const char *identifier, const char *unit, int level) {
        const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/stdout" };
        _cleanup_(freep) char *header = text_format("%s\n%s\n%d\n0\n0\n0\n0\n", identifier, unit, level);
        _cleanup_(fd_closep) int fd = -1;
        int r;

        if (!log_target.journal)
                return -ENOMEDIUM;
        if (!header)
                return -ENOMEM;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return result_errno();
        if (connect(fd, (const struct sockaddr *) &address, sizeof address) < 0 || shutdown(fd, SHUT_RD) < 0)
                return result_errno();
        r = fd_write_all(fd, header, strlen(header));
        if (r < 0)
                return r;
        if (fcntl(fd, F_SETFL, 0) < 0)          /* who writes into it waits, as on any other */
                return result_errno();
        return MOVE_FD(fd);
}
