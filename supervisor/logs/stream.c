/* SPDX-License-Identifier: MIT */
#include "supervisor/logs/stream.h"

#include <poll.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"

int stream_write(const void *data, size_t size) {
        return size > 0 ? fd_write_all(STDOUT_FILENO, data, size) : 0;
}

int stream_wait(int fd, short events, int msec) {
        struct pollfd fds[] = {
                { .fd = fd, .events = events },
                { .fd = STREAM_LIFELINE, .events = POLLIN },
                { .fd = STDOUT_FILENO },        /* an error is told unasked: nobody reads any more */
        };

        if (poll(fds, ELEMENTSOF(fds), msec) < 0)
                return errno == EINTR ? 0 : result_errno();
        if (fds[2].revents != 0)
                return STREAM_E_GONE;
        return fds[1].revents != 0 ? STREAM_E_ENDED : 0;
}
