/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "supervisor/keeper/child.h"
#include "supervisor/keeper/process.h"

int spawn(Ward *ward, const SpawnOrder *order) {
        _cleanup_(fd_closep) int life_fd = -1, child_life_fd = -1;
        int ends[2], pidfd = -1;
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return result_errno();
        life_fd = ends[0];
        child_life_fd = ends[1];

        pid = process_clone(order->cgroup_fd, SIGCHLD, ward->pid, &pidfd);
        if (pid < 0)
                return pid;
        if (pid == 0)
                child_run(order, ward->entry, child_life_fd);

        ward->pidfd = pidfd;
        ward->life_fd = MOVE_FD(life_fd);
        return 0;
}
