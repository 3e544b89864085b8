/* SPDX-License-Identifier: MIT */
#include "supervisor/store/spare.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"

/* Always of one length, so that writing it anew in place needs no room. */
#define SPARE_FORMAT "instance=%016" PRIx64 " epoch=%020" PRIu64 " ids=%020" PRIu64 "\n"
#define SPARE_SCAN "instance=%16" SCNx64 " epoch=%20" SCNu64 " ids=%20" SCNu64

void spare_close(Spare *spare) {
        fd_closep(&spare->fd);
}

int spare_open(const StateDirectory *directory, Spare *ret) {
        _cleanup_(spare_close) Spare spare = SPARE_NONE;
        char text[128] = {};
        ssize_t n;

        spare.fd = openat(directory->fd, "spare", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (spare.fd < 0)
                return result_errno();
        n = pread(spare.fd, text, sizeof text - 1, 0);
        if (n < 0)
                return result_errno();
        if (sscanf(text, SPARE_SCAN, &spare.instance, &spare.epoch, &spare.ids) != 3)
                spare = (Spare) { .fd = spare.fd };

        *ret = spare;
        spare = SPARE_NONE;
        return 0;
}

int spare_write(Spare *spare) {
        char text[128];
        ssize_t n, size;

        size = snprintf(text, sizeof text, SPARE_FORMAT, spare->instance, spare->epoch, spare->ids);
        n = pwrite(spare->fd, text, (size_t) size, 0);
        if (n < 0)
                return result_errno();
        if (n < size)
                return -ENOSPC;
        if (fdatasync(spare->fd) < 0)
                return result_errno();
        return 0;
}

int spare_reserve(Spare *spare, uint64_t id) {
        uint64_t before = spare->ids;
        int r;

        if (id <= before)
                return 0;
        spare->ids = id + SPARE_ID_BLOCK;
        r = spare_write(spare);
        if (r < 0)
                spare->ids = before;
        return r;
}
