/* SPDX-License-Identifier: MIT */
#include "supervisor/logs/journal-log.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

/* journald writes what it has been given before this returns. Where that cannot be, what is there has to do. */
static void journal_sync(void) {
        static const char *const argv[] = { "journalctl", "--sync", NULL };
        posix_spawn_file_actions_t actions;
        char *environment[] = { (char *) "PATH=/usr/bin:/bin:/usr/sbin:/sbin", NULL };
        pid_t pid;
        int r;

        if (posix_spawn_file_actions_init(&actions) != 0)
                return;
        r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        if (r == 0)
                r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *) argv, environment);
        (void) posix_spawn_file_actions_destroy(&actions);
        if (r == 0)
                while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                        ;
}

static int match(sd_journal *journal, const char *field, const char *value) {
        _cleanup_(freep) char *text = text_format("%s=%s", field, value);

        return text ? sd_journal_add_match(journal, text, 0) : -ENOMEM;
}

static int match_user(sd_journal *journal, uid_t uid) {
        char number[16];

        (void) snprintf(number, sizeof number, "%u", (unsigned) uid);
        return match(journal, "_UID", number);
}

/* (identifier and transport) and (user or unit). */
static int match_all(sd_journal *journal, const char *identifier, uid_t uid) {
        static const char *const fields[] = { "_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT" };
        int r;

        r = match(journal, "SYSLOG_IDENTIFIER", identifier);
        if (r >= 0)
                r = match(journal, "_TRANSPORT", "stdout");
        if (r >= 0)
                r = sd_journal_add_conjunction(journal);
        if (r >= 0)
                r = match_user(journal, uid);
        if (r >= 0)
                r = match_user(journal, geteuid());
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fields); i++) {
                r = sd_journal_add_disjunction(journal);
                if (r >= 0)
                        r = match(journal, fields[i], "bgt-tasks.service");
                if (r >= 0)
                        r = match(journal, fields[i], "bgtd.service");
        }
        return r;
}

/* @name=VALUE of the current entry: VALUE, borrowed until the next call; NULL if it has none. */
static const char *field_of(sd_journal *journal, const char *name, size_t *ret_size) {
        size_t size, prefix = strlen(name) + 1;
        const void *data;

        if (sd_journal_get_data(journal, name, &data, &size) < 0 || size < prefix)
                return NULL;
        *ret_size = size - prefix;
        return (const char *) data + prefix;
}

static bool is_word(const char *data, size_t size, const char *word) {
        return data && size == strlen(word) && memcmp(data, word, size) == 0;
}

/* journald has cut the output into lines; what ended each says what stood there. */
static int entry_write(sd_journal *journal) {
        const char *data;
        size_t size;
        int r;

        data = field_of(journal, "MESSAGE", &size);
        r = data ? stream_write(data, size) : 0;
        if (r < 0)
                return r;
        data = field_of(journal, "_LINE_BREAK", &size);
        if (is_word(data, size, "nul"))
                return stream_write("", 1);
        return data ? 0 : stream_write("\n", 1);
}

static int journal_drain(sd_journal *journal) {
        int r;

        while ((r = sd_journal_next(journal)) > 0) {
                r = entry_write(journal);
                if (r < 0)
                        return r;
        }
        return r;
}

/* In front of the last @n_lines entries, so that the next one is the first to be read. */
static int journal_seek(sd_journal *journal, uint64_t n_lines) {
        int r;

        if (n_lines == 0)
                return sd_journal_seek_head(journal);
        r = sd_journal_seek_tail(journal);
        if (r < 0)
                return r;
        r = sd_journal_previous_skip(journal, n_lines < INT32_MAX ? n_lines + 1 : INT32_MAX);
        if (r < 0)
                return r;
        return (uint64_t) r <= n_lines ? sd_journal_seek_head(journal) : 0;
}

/* How long until journald's files have to be looked at again, in milliseconds; -1: when they tell. */
static int journal_patience(sd_journal *journal) {
        uint64_t due, now = clock_now_usec(CLOCK_MONOTONIC);

        if (sd_journal_get_timeout(journal, &due) < 0 || due == UINT64_MAX)
                return -1;
        return (int) (usec_sub(due, now) / USEC_PER_MSEC) + 1;
}

static int journal_follow(sd_journal *journal) {
        int fd = sd_journal_get_fd(journal), r;

        if (fd < 0)
                return fd;
        for (;;) {
                r = journal_drain(journal);
                if (r < 0)
                        return r;
                r = stream_wait(fd, (short) sd_journal_get_events(journal), journal_patience(journal));
                if (r == STREAM_E_ENDED)
                        return 0;
                if (r != 0)
                        return r < 0 ? r : -EPIPE;
                r = sd_journal_process(journal);
                if (r < 0)
                        return r;
        }
}

static void journal_closep(sd_journal **journal) {
        sd_journal_close(*journal);
}

static int journal_open(const char *identifier, uid_t uid, sd_journal **ret) {
        _cleanup_(journal_closep) sd_journal *journal = NULL;
        int r;

        r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
        if (r < 0)
                return r;
        r = sd_journal_set_data_threshold(journal, 0);
        if (r < 0)
                return r;
        r = match_all(journal, identifier, uid);
        if (r < 0)
                return r;
        *ret = MOVE(journal);
        return 0;
}

int journal_log_stream(const char *identifier, uid_t uid, const StreamOptions *options) {
        _cleanup_(journal_closep) sd_journal *journal = NULL;
        int r;

        /* what has been written may not have been read by journald yet */
        journal_sync();
        r = journal_open(identifier, uid, &journal);
        if (r < 0)
                return r;
        r = journal_seek(journal, options->n_lines);
        if (r < 0)
                return r;
        if (!options->follow)
                return journal_drain(journal);

        r = journal_follow(journal);
        if (r < 0)
                return r == -EPIPE ? 0 : r;
        journal_sync();
        (void) sd_journal_process(journal);
        return journal_drain(journal);
}
