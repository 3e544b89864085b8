/* SPDX-License-Identifier: MIT */
#include "supervisor/store/state-directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/store/refusal.h"

void state_directory_close(StateDirectory *directory) {
        fd_closep(&directory->lock_fd);
        fd_closep(&directory->fd);
        free(directory->path);
        directory->path = NULL;
}

/* Who holds the lock, as it says of itself; 0 if it does not say. */
static uint64_t lock_holder(int lock_fd) {
        char text[32] = {};
        uint64_t pid = 0;

        if (pread(lock_fd, text, sizeof text - 1, 0) < 0)
                return 0;
        return quantity_parse_u64(text_strip(text), &pid) < 0 ? 0 : pid;
}

static int lock_refuse(const StateDirectory *directory, char **ret_sentence) {
        uint64_t pid = lock_holder(directory->lock_fd);
        char name[32] = "";

        if (pid > 0)
                (void) snprintf(name, sizeof name, " (pid %llu)", (unsigned long long) pid);
        return refuse(ret_sentence, -EBUSY, "Another bgtd%s uses %s: stop it first or give this one its own --state-dir.",
                      name, directory->path);
}

/* The lock is the kernel's and goes with the process; what the file says is for people only. */
static int state_directory_lock(StateDirectory *directory, char **ret_sentence) {
        char text[32];
        int n;

        directory->lock_fd = openat(directory->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (directory->lock_fd < 0)
                return refuse_failed(ret_sentence, result_errno(), "make the lock in", directory->path);
        if (flock(directory->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? lock_refuse(directory, ret_sentence)
                                            : refuse_failed(ret_sentence, result_errno(), "lock", directory->path);

        n = snprintf(text, sizeof text, "%d\n", (int) getpid());
        if (ftruncate(directory->lock_fd, 0) < 0 || pwrite(directory->lock_fd, text, (size_t) n, 0) < 0)
                return refuse_failed(ret_sentence, result_errno(), "write to the lock in", directory->path);
        return 0;
}

static int state_directory_check(const StateDirectory *directory, char **ret_sentence) {
        struct stat st;

        if (fstat(directory->fd, &st) < 0)
                return refuse_failed(ret_sentence, result_errno(), "look at", directory->path);
        if (st.st_uid != geteuid())
                return refuse(ret_sentence, -EPERM, "%s belongs to user %u and bgtd runs as user %u: give it a --state-dir of its own.",
                              directory->path, (unsigned) st.st_uid, (unsigned) geteuid());
        if (st.st_mode & 077)
                return refuse(ret_sentence, -EPERM, "%s is open to others (mode %04o) and will hold what tasks were told in confidence: "
                              "`chmod 0700 %s` would help.", directory->path, (unsigned) st.st_mode & 07777, directory->path);
        return 0;
}

int state_directory_open(const char *path, StateDirectory *ret, char **ret_sentence) {
        _cleanup_(state_directory_close) StateDirectory directory = STATE_DIRECTORY_NONE;
        int r;

        directory.path = strdup(path);
        if (!directory.path)
                return -ENOMEM;
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return refuse_failed(ret_sentence, result_errno(), "make the directory", path);
        directory.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory.fd < 0)
                return refuse_failed(ret_sentence, result_errno(), "open the directory", path);

        r = state_directory_check(&directory, ret_sentence);
        if (r < 0)
                return r;
        r = state_directory_lock(&directory, ret_sentence);
        if (r < 0)
                return r;

        *ret = directory;
        directory = STATE_DIRECTORY_NONE;
        return 0;
}

char *state_directory_path(const StateDirectory *directory, const char *name) {
        return text_format("%s/%s", directory->path, name);
}

int state_directory_make_file(const StateDirectory *directory, const char *name) {
        _cleanup_(fd_closep) int fd = -1;
        struct stat st;

        /* O_RDONLY, and closed at once: this must not be done while the file is open as a database, whose locks would go */
        fd = openat(directory->fd, name, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
        if (fd < 0)
                return result_errno();
        if (fstat(fd, &st) < 0)
                return result_errno();
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
                return -EPERM;
        if (st.st_mode & 077 && fchmod(fd, 0600) < 0)
                return result_errno();
        return 0;
}

int state_directory_sync(const StateDirectory *directory) {
        return fsync(directory->fd) < 0 ? result_errno() : 0;
}

/* `tasks.db.damaged-20260101T120000Z`, with a number if that is taken. */
static char *aside_name(const char *name, unsigned number) {
        time_t now = time(NULL);
        char stamp[32] = "";
        struct tm tm;

        if (gmtime_r(&now, &tm))
                (void) strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
        return number == 0 ? text_format("%s.damaged-%s", name, stamp) : text_format("%s.damaged-%s.%u", name, stamp, number);
}

/* -EEXIST if there is something of that name; nothing to rename is fine. */
static int rename_with_suffix(const StateDirectory *directory, const char *from, const char *to, const char *suffix) {
        _cleanup_(freep) char *old = text_format("%s%s", from, suffix), *new = text_format("%s%s", to, suffix);

        if (!old || !new)
                return -ENOMEM;
        if (renameat2(directory->fd, old, directory->fd, new, RENAME_NOREPLACE) < 0 && errno != ENOENT)
                return result_errno();
        return 0;
}

/* The log first: a database without its log is found damaged again, a log without its database would be thrown away. */
static int state_directory_rename(const StateDirectory *directory, const char *from, const char *to) {
        static const char *const suffixes[] = { "-wal", "-shm", "-journal", "" };
        int r;

        if (faccessat(directory->fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return -EEXIST;
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                r = rename_with_suffix(directory, from, to, suffixes[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int state_directory_move_aside(const StateDirectory *directory, const char *name, char **ret) {
        int r;

        for (unsigned number = 0;; number++) {
                _cleanup_(freep) char *aside = aside_name(name, number);

                if (!aside)
                        return -ENOMEM;
                r = state_directory_rename(directory, name, aside);
                if (r == -EEXIST && number < 1000)
                        continue;
                if (r < 0)
                        return r;
                *ret = state_directory_path(directory, aside);
                return *ret ? state_directory_sync(directory) : -ENOMEM;
        }
}
