/* SPDX-License-Identifier: MIT */
#include "lib/base/clock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"

uint64_t clock_now_usec(clockid_t id) {
        struct timespec ts = {};

        (void) clock_gettime(id, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

int clock_boot_id(char ret[static 33]) {
        _cleanup_(fd_closep) int fd = -1;
        char text[64];
        size_t n_digits = 0;
        ssize_t n;

        fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return result_errno();

        n = read(fd, text, sizeof text);
        if (n < 0)
                return result_errno();

        for (ssize_t i = 0; i < n && n_digits < 32; i++)
                if (text[i] != '-' && text[i] != '\n')
                        ret[n_digits++] = text[i];
        ret[n_digits] = '\0';
        return n_digits == 32 ? 0 : -EBADMSG;
}
