/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/runtime-lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

/* `12\n`, for people only: the lock is the kernel's and goes with the process. */
#define PID_TEXT_MAX 32

static char *holder_sentence(int fd, const char *runtime_dir) {
        char text[PID_TEXT_MAX] = {}, name[PID_TEXT_MAX] = "";
        uint64_t pid;

        if (pread(fd, text, sizeof text - 1, 0) > 0 && quantity_parse_u64(text_strip(text), &pid) == 0)
                (void) snprintf(name, sizeof name, " (pid %llu)", (unsigned long long) pid);
        return text_format("Another bgtd%s uses %s: stop it first or give this one its own --runtime-dir.", name, runtime_dir);
}

static int lock_write_pid(int fd) {
        char text[PID_TEXT_MAX];
        int n = snprintf(text, sizeof text, "%d\n", (int) getpid());

        if (ftruncate(fd, 0) < 0)
                return result_errno();
        return fd_write_all(fd, text, (size_t) n);
}

int runtime_lock_take(const char *runtime_dir, int *ret_fd, char **ret_sentence) {
        _cleanup_(freep) char *path = text_format("%s/bgtd.lock", runtime_dir);
        _cleanup_(fd_closep) int fd = -1;
        int r;

        if (!path)
                return -ENOMEM;
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        r = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ? result_errno() : lock_write_pid(fd);
        if (r == -EAGAIN) {
                *ret_sentence = holder_sentence(fd, runtime_dir);
                return -EBUSY;
        }
        if (r < 0) {
                *ret_sentence = text_format("Cannot lock the runtime directory with %s: %s.", path, strerror(-r));
                return r;
        }
        *ret_fd = MOVE_FD(fd);
        return 0;
}
