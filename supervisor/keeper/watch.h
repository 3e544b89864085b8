/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Watches
 *
 * Everything that can wake the keeper, as its one epoll names it. Removing is
 * explicit: a child that has been forked and not yet executed still holds every
 * descriptor, so that closing ours would not end the watch.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "lib/base/result.h"

typedef enum WatchSource {
        WATCH_LISTEN,
        WATCH_CANDIDATE,        /* index: which */
        WATCH_BRAIN,
        WATCH_GUARD,            /* it has collected ends */
        WATCH_SIGCHLD,
        WATCH_PATIENCE,         /* nobody has come */
        WATCH_EXIT,             /* index: the ward's */
        WATCH_LIFE,             /* index: the ward's */
        WATCH_OUTPUT_CHANGE,
        WATCH_OUTPUT_REST,
        WATCH_OUTPUT_TRIMMED,
} WatchSource;

static inline int watch_control(int epoll_fd, int operation, int fd, uint32_t events, WatchSource source, uint32_t index) {
        struct epoll_event event = { .events = events, .data.u64 = (uint64_t) source << 32 | index };

        if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
                return result_errno();
        return 0;
}

static inline int watch_add(int epoll_fd, int fd, uint32_t events, WatchSource source, uint32_t index) {
        return watch_control(epoll_fd, EPOLL_CTL_ADD, fd, events, source, index);
}

static inline int watch_change(int epoll_fd, int fd, uint32_t events, WatchSource source, uint32_t index) {
        return watch_control(epoll_fd, EPOLL_CTL_MOD, fd, events, source, index);
}

static inline void watch_remove(int epoll_fd, int fd) {
        (void) epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static inline WatchSource watch_source(const struct epoll_event *event) {
        return (WatchSource) (event->data.u64 >> 32);
}

static inline uint32_t watch_index(const struct epoll_event *event) {
        return (uint32_t) event->data.u64;
}
