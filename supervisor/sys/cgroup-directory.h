/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Cgroup directories
 *
 * What a group's directory holds: the kernel's files, and a directory for each
 * group below. For the files of cgroup.h alone.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"

#define CGROUP_OPEN_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

DEFINE_OWNED(DIR *, closedir)

/* Borrows @fd and reads from the first entry; NULL with errno. */
static inline DIR *cgroup_directory_open(int fd) {
        _cleanup_(fd_closep) int own = openat(fd, ".", CGROUP_OPEN_FLAGS);
        DIR *dir = own < 0 ? NULL : fdopendir(own);

        if (dir)
                (void) MOVE_FD(own);
        return dir;
}

/* The name of the next group, NULL after the last. */
static inline const char *cgroup_directory_next(DIR *dir) {
        struct dirent *entry;

        while ((entry = readdir(dir)))
                if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        return entry->d_name;
        return NULL;
}

/* Each group below adds a link, so that the many without any need not be read. */
static inline bool cgroup_directory_has_groups(int fd) {
        struct stat st;

        return fstat(fd, &st) == 0 && st.st_nlink > 2;
}
