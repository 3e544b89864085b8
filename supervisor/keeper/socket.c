/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/socket.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"

#define LOCK_NAME "keeper.lock"
#define BACKLOG 16

static bool address_answers(const struct sockaddr_un *address) {
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return false;
        /* EAGAIN: somebody is there who has no time */
        return connect(fd, (const struct sockaddr *) address, sizeof *address) == 0 || errno == EAGAIN;
}

int socket_listen(int directory_fd, int *ret_fd) {
        _cleanup_(fd_closep) int fd = -1, lock_fd = -1;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        mode_t old_mask;
        int r;

        /* Two that start at once must not each find a dead socket and replace the other's. */
        lock_fd = openat(directory_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock_fd < 0 || flock(lock_fd, LOCK_EX) < 0)
                return result_errno();

        /* By its descriptor, since a path may be longer than an address. */
        (void) snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" SOCKET_NAME, directory_fd);
        if (address_answers(&address))
                return SOCKET_E_ANSWERED;
        if (unlinkat(directory_fd, SOCKET_NAME, 0) < 0 && errno != ENOENT)
                return result_errno();

        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return result_errno();
        old_mask = umask(0177);
        r = bind(fd, (const struct sockaddr *) &address, sizeof address) < 0 ? result_errno() : 0;
        (void) umask(old_mask);
        if (r < 0)
                return r;
        if (listen(fd, BACKLOG) < 0)
                return result_errno();
        *ret_fd = MOVE_FD(fd);
        return 0;
}

void socket_notify_ready(void) {
        static const char ready[] = "READY=1";
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(fd_closep) int fd = -1;
        size_t n = path ? strlen(path) : 0;

        if (n < 2 || n >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
                return;
        memcpy(address.sun_path, path, n);
        if (path[0] == '@')
                address.sun_path[0] = '\0';

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd >= 0)
                (void) sendto(fd, ready, sizeof ready - 1, MSG_NOSIGNAL, (const struct sockaddr *) &address,
                              (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n));
}
