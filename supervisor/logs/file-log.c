/* SPDX-License-Identifier: MIT */
#include "supervisor/logs/file-log.h"

#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/wire/output-note.h"

#define BLOCK 65536
/* How far back the last lines are looked for, and in how many pieces that may lie. */
#define SCAN_MAX (64 * 1024 * 1024)
#define SEGMENTS_MAX (SCAN_MAX / 4096)
/* How far the first line that is whole is looked for. */
#define LINE_MAX_SKIP 4096

typedef struct FileLog {
        int64_t position;       /* of the next byte to write */
        bool in_line;           /* the last byte written did not end a line */
        char buffer[BLOCK];
} FileLog;

/* Where data begins at or behind @position; -ENXIO if there is none. Where holes are not told, all is data. */
static int64_t data_at(int64_t position) {
        int64_t at = lseek(STDIN_FILENO, position, SEEK_DATA);

        if (at >= 0)
                return at;
        return errno == EINVAL ? position : result_errno();
}

static int64_t size_of(void) {
        struct stat st;

        return fstat(STDIN_FILENO, &st) < 0 ? result_errno() : st.st_size;
}

static ssize_t read_at(void *buffer, size_t size, int64_t position) {
        ssize_t n;

        do
                n = pread(STDIN_FILENO, buffer, size, position);
        while (n < 0 && errno == EINTR);
        return n < 0 ? result_errno() : n;
}

/* What lies before @at is gone: goes on with the first line that is whole, and says so. */
static int file_log_jump(FileLog *log, int64_t at) {
        char note[OUTPUT_NOTE_MAX], *end;
        ssize_t n;

        n = read_at(log->buffer, LINE_MAX_SKIP, at);
        if (n < 0)
                return (int) n;
        end = memchr(log->buffer, '\n', (size_t) n);
        log->position = end && end + 1 < log->buffer + n ? at + (end + 1 - log->buffer) : at;
        if (log->in_line && stream_write("\n", 1) < 0)
                return -EPIPE;
        log->in_line = false;
        output_note_format((uint64_t) log->position, note);
        return stream_write(note, strlen(note));
}

/*
 * Writes a block at most. 1: there may be more. Read first, then looked whether
 * it was still there: what was punched out meanwhile was read as zeros.
 */
static int file_log_step(FileLog *log, int64_t end) {
        int64_t left = end - log->position, at;
        ssize_t n;
        int r;

        if (left <= 0)
                return 0;
        n = read_at(log->buffer, left < BLOCK ? (size_t) left : BLOCK, log->position);
        if (n < 0)
                return (int) n;
        at = data_at(log->position);
        if (at == -ENXIO || at >= end)
                return 0;
        if (at < 0)
                return (int) at;
        if (at > log->position) {
                r = file_log_jump(log, at);
                return r < 0 ? r : 1;
        }
        if (n == 0)
                return 0;
        /* a hole within what was read: no further than to it */
        at = lseek(STDIN_FILENO, log->position, SEEK_HOLE);
        if (at > log->position && at < log->position + n)
                n = (ssize_t) (at - log->position);
        r = stream_write(log->buffer, (size_t) n);
        if (r < 0)
                return r;
        log->in_line = log->buffer[n - 1] != '\n';
        log->position += n;
        return 1;
}

/* All that there is now. A file that has become shorter is read from its beginning. */
static int file_log_drain(FileLog *log) {
        static const char note[] = "[bgt: the output was cut short and begins again]\n";
        int64_t end = size_of();
        int r;

        if (end < 0)
                return (int) end;
        if (end < log->position) {
                log->position = 0;
                r = stream_write(note, sizeof note - 1);
                if (r < 0)
                        return r;
        }
        do
                r = file_log_step(log, end);
        while (r > 0);
        return r;
}

/* ---- the last lines ---- */

/* The newest pieces of data, a ring. */
typedef struct Segments {
        struct {
                int64_t from, to;
        } piece[SEGMENTS_MAX];
        size_t n;               /* ever added */
} Segments;

static int segments_find(Segments *segments, int64_t end) {
        int64_t from = data_at(0), to;

        while (from >= 0 && from < end) {
                to = lseek(STDIN_FILENO, from, SEEK_HOLE);
                if (to <= from || to > end)
                        to = end;
                segments->piece[segments->n % SEGMENTS_MAX].from = from;
                segments->piece[segments->n++ % SEGMENTS_MAX].to = to;
                from = to < end ? data_at(to) : -ENXIO;
        }
        return from == -ENXIO || from >= end ? 0 : (int) from;
}

/* Looks backwards for where the last @n_lines begin. */
typedef struct Scan {
        uint64_t n_lines;       /* still to be found */
        bool last;              /* the next byte is the last of its piece: a line's end there ends no other line */
        int64_t scanned;
        int64_t start;
        char buffer[BLOCK];
} Scan;

/* 1: found. */
static int scan_piece(Scan *scan, int64_t from, int64_t to) {
        while (to > from && scan->scanned < SCAN_MAX) {
                int64_t at = to - from > BLOCK ? to - BLOCK : from;
                ssize_t n = read_at(scan->buffer, (size_t) (to - at), at);

                if (n < 0)
                        return (int) n;
                for (ssize_t i = n; i-- > 0; scan->last = false)
                        if (scan->buffer[i] == '\n' && !scan->last && --scan->n_lines == 0) {
                                scan->start = at + i + 1;
                                return 1;
                        }
                scan->scanned += to - at;
                scan->start = to = at;
        }
        if (scan->scanned >= SCAN_MAX)
                return 1;
        /* what stood before is gone, so a line begins here */
        scan->last = true;
        return from > 0 && --scan->n_lines == 0;
}

/* Where to begin; the beginning if there are no more lines than wanted. */
static int file_log_find_lines(FileLog *log, uint64_t n_lines) {
        _cleanup_(freep) Segments *segments = calloc(1, sizeof *segments);
        _cleanup_(freep) Scan *scan = calloc(1, sizeof *scan);
        int64_t end = size_of();
        size_t oldest;
        int r;

        if (!segments || !scan)
                return -ENOMEM;
        if (end < 0)
                return (int) end;
        r = segments_find(segments, end);
        if (r < 0)
                return r;

        *scan = (Scan) { .n_lines = n_lines, .last = true };
        oldest = segments->n > SEGMENTS_MAX ? segments->n - SEGMENTS_MAX : 0;
        for (size_t i = segments->n; i-- > oldest;) {
                r = scan_piece(scan, segments->piece[i % SEGMENTS_MAX].from, segments->piece[i % SEGMENTS_MAX].to);
                if (r < 0)
                        return r;
                if (r > 0)
                        break;
        }
        if (r > 0)
                log->position = scan->start;
        else if (oldest > 0)
                log->position = segments->piece[oldest % SEGMENTS_MAX].from;
        return 0;
}

/* ---- following ---- */

/* Tells of changes of the file; -1 where there can be no such thing, and then it is looked at once a second. */
static int notice_open(void) {
        _cleanup_(fd_closep) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

        if (fd < 0 || inotify_add_watch(fd, "/proc/self/fd/0", IN_MODIFY) < 0)
                return -1;
        return MOVE_FD(fd);
}

static void notice_clear(int fd) {
        char events[4096];

        while (fd >= 0 && read(fd, events, sizeof events) > 0)
                ;
}

static int file_log_follow(FileLog *log, int notice) {
        int r;

        for (;;) {
                notice_clear(notice);
                r = file_log_drain(log);
                if (r < 0)
                        return r;
                r = stream_wait(notice, POLLIN, notice < 0 ? 1000 : -1);
                if (r == STREAM_E_ENDED)
                        return file_log_drain(log);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
}

int file_log_stream(const StreamOptions *options) {
        _cleanup_(fd_closep) int notice = options->follow ? notice_open() : -1;
        _cleanup_(freep) FileLog *log = calloc(1, sizeof *log);
        int r;

        if (!log)
                return -ENOMEM;
        if (options->n_lines > 0) {
                r = file_log_find_lines(log, options->n_lines);
                if (r < 0)
                        return r;
        }
        return options->follow ? file_log_follow(log, notice) : file_log_drain(log);
}
