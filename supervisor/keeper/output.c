/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/output.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "supervisor/keeper/process.h"
#include "supervisor/keeper/watch.h"

#define BLOCK_BYTES 65536
#define REST_USEC (20 * USEC_PER_MSEC)
#define UNNOTICED_REST_USEC USEC_PER_SEC
#define TRIMS_IN_VAIN_MAX 8      /* each after twice the pause of the one before */
#define TRIMMED_SOMETHING 0
#define TRIMMED_NOTHING 1
#define RESERVE_BYTES_MAX (64 << 20)    /* file systems reserve some themselves */

int outputs_init(Outputs *outputs, int epoll_fd, const int *brain_fd) {
        int r;

        *outputs = (Outputs) {
                .epoll_fd = epoll_fd,
                .brain_fd = brain_fd,
                .inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
                .timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                .trimmer_pidfd = -1,
        };
        if (outputs->timer_fd < 0)
                return result_errno();
        r = watch_add(epoll_fd, outputs->timer_fd, EPOLLIN, WATCH_OUTPUT_REST, 0);
        if (r < 0)
                return r;
        if (outputs->inotify_fd < 0)
                return 0;
        return watch_add(epoll_fd, outputs->inotify_fd, EPOLLIN, WATCH_OUTPUT_CHANGE, 0);
}

/* Never later than it is set already, or a stream of changes would put it off for ever. */
static void outputs_arm(Outputs *outputs, uint64_t usec) {
        struct itimerspec timer = {
                .it_value = { (time_t) (usec / USEC_PER_SEC), (long) (usec % USEC_PER_SEC * 1000) },
        };

        if (outputs->armed_usec != 0 && outputs->armed_usec <= usec)
                return;
        outputs->armed_usec = usec;
        (void) timerfd_settime(outputs->timer_fd, 0, &timer, NULL);
}

static void output_unrest(Outputs *outputs, Output *output) {
        if (!output->resting)
                return;
        if (output->rest_previous)
                output->rest_previous->rest_next = output->rest_next;
        else
                outputs->resting = output->rest_next;
        if (output->rest_next)
                output->rest_next->rest_previous = output->rest_previous;
        output->resting = false;
}

static void output_rest(Outputs *outputs, Output *output) {
        if (!output->resting) {
                output->rest_previous = NULL;
                output->rest_next = outputs->resting;
                if (outputs->resting)
                        outputs->resting->rest_previous = output;
                outputs->resting = output;
                output->resting = true;
        }
        outputs_arm(outputs, REST_USEC);
}

static Output **outputs_bucket(Outputs *outputs, int notice) {
        return &outputs->bucket[(unsigned) notice % OUTPUT_BUCKETS];
}

static void output_forget_notice(Outputs *outputs, Output *output) {
        Output **link;

        if (output->notice < 0)
                return;
        link = outputs_bucket(outputs, output->notice);
        while (*link != output)
                link = &(*link)->notice_next;
        *link = output->notice_next;
        output->notice = -1;
}

static void output_notice(Outputs *outputs, Output *output) {
        char path[32];
        Output **bucket;

        if (output->notice >= 0 || outputs->inotify_fd < 0)
                return;
        (void) snprintf(path, sizeof path, "/proc/self/fd/%d", output->fd);
        output->notice = inotify_add_watch(outputs->inotify_fd, path, IN_MODIFY | IN_ONESHOT);
        if (output->notice < 0)
                return;
        bucket = outputs_bucket(outputs, output->notice);
        output->notice_next = *bucket;
        *bucket = output;
}

int output_bound(Outputs *outputs, Output *output, int fd, uint64_t bytes) {
        _cleanup_(fd_closep) int owned = fd;
        struct stat st;
        int flags;

        if (fstat(owned, &st) < 0)
                return result_errno();
        flags = fcntl(owned, F_GETFL);
        if (!S_ISREG(st.st_mode) || flags < 0)
                return -EINVAL;
        if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH))
                return -EBADF;

        output_drop(outputs, output);
        if (bytes > INT64_MAX / 2)
                return 0;       /* as good as none */
        output->fd = MOVE_FD(owned);
        output->kept = ((int64_t) bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
        if (output->kept == 0)
                output->kept = BLOCK_BYTES;
        output->limit = output->kept + (output->kept / 8 > 2 * BLOCK_BYTES ? output->kept / 8 : 2 * BLOCK_BYTES);
        output_rest(outputs, output);
        return 0;
}

void output_touch(Outputs *outputs, Output *output) {
        if (output->fd >= 0)
                output_rest(outputs, output);
}

void output_drop(Outputs *outputs, Output *output) {
        int notice = output->notice;

        output_unrest(outputs, output);
        output_forget_notice(outputs, output);
        if (notice >= 0)
                /* another output on the same file shares the notice; it hears of the removal and rests */
                (void) inotify_rm_watch(outputs->inotify_fd, notice);
        fd_closep(&output->fd);
        *output = OUTPUT_NONE;
}

static void outputs_notice(Outputs *outputs, int notice) {
        Output *next;

        for (Output *output = *outputs_bucket(outputs, notice); output; output = next) {
                next = output->notice_next;
                if (output->notice != notice)
                        continue;
                output_forget_notice(outputs, output);
                output_rest(outputs, output);
        }
}

/* The kernel has dropped notices: everybody rests. */
static void outputs_notice_all(Outputs *outputs) {
        for (size_t i = 0; i < OUTPUT_BUCKETS; i++)
                while (outputs->bucket[i])
                        outputs_notice(outputs, outputs->bucket[i]->notice);
}

void outputs_on_change(Outputs *outputs) {
        _Alignas(struct inotify_event) char buffer[4096];
        const struct inotify_event *event;
        ssize_t n;

        n = read(outputs->inotify_fd, buffer, sizeof buffer);
        for (ssize_t at = 0; at < n; at += (ssize_t) sizeof *event + event->len) {
                event = (const struct inotify_event *) (buffer + at);
                if (event->mask & IN_Q_OVERFLOW)
                        outputs_notice_all(outputs);
                else
                        outputs_notice(outputs, event->wd);
        }
}

static int64_t stat_taken(const struct stat *st) {
        return st->st_blocks > INT64_MAX / 512 ? INT64_MAX : (int64_t) st->st_blocks * 512;
}

/*
 * Whether a trim may help: where several have left the file as it was, since the
 * file system cannot do it or the task undoes it, it waits for the next write.
 */
static bool output_look(Output *output) {
        struct stat st;
        int64_t taken;

        if (fstat(output->fd, &st) < 0)
                return false;
        taken = stat_taken(&st);
        if (taken <= output->limit || taken != output->seen)
                output->n_vain = 0;
        output->seen = taken;
        return taken > output->limit && output->n_vain < TRIMS_IN_VAIN_MAX;
}

bool output_is_over(Outputs *outputs, Output *output) {
        if (output->fd < 0 || !output_look(output))
                return false;
        output_rest(outputs, output);
        return true;
}

/* Where no hole can be punched, the file starts again; only where each write goes to the end. */
static void output_restart(const Output *output) {
        static const char note[] = "[bgt: output over its bound, the older part was dropped]\n";

        if (!(fcntl(output->fd, F_GETFL) & O_APPEND) || ftruncate(output->fd, 0) < 0)
                return;
        (void) fd_write_all(output->fd, note, sizeof note - 1);
}

/* Whether it takes less space now. */
static bool output_trim(const Output *output) {
        struct stat before, after;
        int64_t cut;

        if (fstat(output->fd, &before) < 0)
                return false;
        cut = before.st_size > output->kept ? (before.st_size - output->kept) / BLOCK_BYTES * BLOCK_BYTES : 0;
        if (cut > 0 && fallocate(output->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, cut) < 0 &&
            (errno == EOPNOTSUPP || errno == ENOSYS))
                output_restart(output);

        /* Much more than what is left below the end can only have been reserved beyond it. */
        if (fstat(output->fd, &after) == 0 && (stat_taken(&after) - RESERVE_BYTES_MAX) / 8 > after.st_size - cut &&
            ftruncate(output->fd, after.st_size) < 0)
                return false;
        return fstat(output->fd, &after) == 0 && stat_taken(&after) < stat_taken(&before);
}

static _Noreturn void outputs_run_trimmer(const Outputs *outputs) {
        int status = TRIMMED_NOTHING;

        (void) fd_close(*outputs->brain_fd);
        for (const Output *output = outputs->resting; output; output = output->rest_next)
                if (output->over && output_trim(output))
                        status = TRIMMED_SOMETHING;
        _exit(status);
}

static void outputs_trim(Outputs *outputs) {
        pid_t pid = process_clone(-1, 0, NULL, &outputs->trimmer_pidfd);

        if (pid == 0)
                outputs_run_trimmer(outputs);
        if (pid < 0) {
                outputs->trimmer_pidfd = -1;
                outputs_arm(outputs, UNNOTICED_REST_USEC);
                return;
        }
        if (watch_add(outputs->epoll_fd, outputs->trimmer_pidfd, EPOLLIN, WATCH_OUTPUT_TRIMMED, 0) < 0)
                _exit(1);       /* the guard starts a keeper that can */
}

void outputs_on_rest(Outputs *outputs) {
        bool over = false, unnoticed = false;
        uint64_t n_fired;
        Output *next;

        if (read(outputs->timer_fd, &n_fired, sizeof n_fired) < 0)
                return;
        outputs->armed_usec = 0;

        for (Output *output = outputs->resting; output; output = next) {
                next = output->rest_next;
                if (output->over && outputs->trimmer_pidfd >= 0)
                        continue;
                output_notice(outputs, output);         /* first, so that no write falls between notice and look */
                output->over = output_look(output);
                if (output->over)
                        over = true;
                else if (output->notice >= 0)
                        output_unrest(outputs, output);
                else
                        unnoticed = true;
        }

        if (over && outputs->trimmer_pidfd < 0)
                outputs_trim(outputs);
        else if (unnoticed)
                outputs_arm(outputs, UNNOTICED_REST_USEC);
}

void outputs_on_trimmed(Outputs *outputs) {
        unsigned n_vain = TRIMS_IN_VAIN_MAX;
        siginfo_t end = {};

        if (outputs->trimmer_pidfd < 0)
                return;
        if (waitid(P_PIDFD, (id_t) outputs->trimmer_pidfd, &end, WEXITED | WNOHANG | __WALL) < 0 || end.si_pid == 0)
                return;
        watch_remove(outputs->epoll_fd, outputs->trimmer_pidfd);
        fd_closep(&outputs->trimmer_pidfd);

        for (Output *output = outputs->resting; output; output = output->rest_next) {
                if (!output->over)
                        continue;
                output->n_vain = end.si_status == TRIMMED_SOMETHING ? 0 : output->n_vain + 1;
                if (output->n_vain < n_vain)
                        n_vain = output->n_vain;
        }
        outputs_arm(outputs, REST_USEC << n_vain);
}
