/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

bool peer_may_command(int socket_fd, const CgroupRoot *root) {
        _cleanup_(fd_closep) int pidfd = -1;
        struct ucred peer;
        socklen_t size = sizeof peer;

        if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return false;
        if (peer.uid != geteuid() || peer.pid <= 0)
                return false;

        size = sizeof pidfd;
        if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0)
                pidfd = -1;     /* an older kernel */
        return !cgroup_root_holds(root, peer.pid, pidfd);
}
