/* SPDX-License-Identifier: MIT */
#include "lib/base/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"

int fd_close(int fd) {
        int saved = errno;

        if (fd >= 0)
                (void) close(fd);
        errno = saved;
        return -1;
}

int fd_write_all(int fd, const void *data, size_t size) {
        const char *p = data;
        size_t left = size;

        while (left > 0) {
                ssize_t n = write(fd, p, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return result_errno();
                p += n;
                left -= (size_t) n;
        }
        return 0;
}

int fd_raise_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return result_errno();
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                return result_errno();
        return 0;
}

int fd_new_sealed(const char *name, const void *data, size_t size) {
        _cleanup_(fd_closep) int fd = -1;
        int r;

        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return result_errno();

        r = fd_write_all(fd, data, size);
        if (r < 0)
                return r;

        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return result_errno();
        return MOVE_FD(fd);
}
