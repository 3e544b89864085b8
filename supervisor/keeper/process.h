/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Processes
 *
 * The three system calls about a process that libc has no word for, or only
 * newer ones have.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A copy of this process: 0 in the child, its pid in the parent, or a negative
 * errno. @cgroup_fd is the directory it is born in, -1 for the same as ours.
 * The pid stands in @ret_pid, unless NULL, before the child runs. Without
 * @exit_signal its end is seen by its pidfd alone and waited for with __WALL.
 *
 * Never CLONE_VFORK: whatever holds the child up before exec, a freeze or a
 * hanging file system, must not hold us.
 */
pid_t process_clone(int cgroup_fd, int exit_signal, _Atomic int32_t *ret_pid, int *ret_pidfd);

int process_open(pid_t pid);
int process_kill(int pidfd);

typedef enum ProcessImage {
        PROCESS_IMAGE_NONE,     /* it is on its way out, or gone */
        PROCESS_IMAGE_OURS,     /* has not been replaced: the program of this process */
        PROCESS_IMAGE_OTHER,
} ProcessImage;

ProcessImage process_image(pid_t pid);
