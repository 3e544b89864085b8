/* SPDX-License-Identifier: MIT */
#include "lib/base/packet.h"

#include <string.h>
#include <sys/socket.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"

typedef union PacketControl {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * PACKET_FDS_MAX)];
} PacketControl;

int packet_send(int socket_fd, const void *data, size_t size, const int *fds, size_t n_fds) {
        PacketControl control = {};
        struct iovec iov = { (void *) data, size };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

        assert(n_fds <= PACKET_FDS_MAX);

        if (n_fds > 0) {
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
                memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
        }

        if (sendmsg(socket_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return result_errno();
        return 0;
}

static size_t packet_collect(struct msghdr *message, int *fds) {
        size_t n_fds = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                size_t n;

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < n; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
                        if (n_fds < PACKET_FDS_MAX)
                                fds[n_fds++] = fd;
                        else
                                fd_close(fd);
                }
        }
        return n_fds;
}

ssize_t packet_receive(int socket_fd, void *data, size_t size, int ret_fds[static PACKET_FDS_MAX], size_t *ret_n_fds) {
        PacketControl control = {};
        struct iovec iov = { data, size };
        struct msghdr message = {
                .msg_iov = &iov, .msg_iovlen = 1,
                .msg_control = &control, .msg_controllen = sizeof control,
        };
        size_t n_fds;
        ssize_t n;

        n = recvmsg(socket_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return result_errno();

        n_fds = packet_collect(&message, ret_fds);
        if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
                for (size_t i = 0; i < n_fds; i++)
                        fd_close(ret_fds[i]);
                return -EMSGSIZE;
        }

        *ret_n_fds = n_fds;
        return n;
}
