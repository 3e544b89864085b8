/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * File descriptors
 *
 * -1 is "none". A verb says who owns afterwards: fd_close() takes, everything
 * else borrows.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Closes @fd unless it is negative and keeps errno. Always returns -1. */
int fd_close(int fd);

static inline void fd_closep(int *fd) {
        *fd = fd_close(*fd);
}

/* Writes all of it, however often that takes; -EAGAIN only if nothing was written. */
int fd_write_all(int fd, const void *data, size_t size);

/* Raises the soft limit on open files to the hard one. */
int fd_raise_limit(void);

/* A memfd that holds @data and can no longer change in any way. */
int fd_new_sealed(const char *name, const void *data, size_t size);
