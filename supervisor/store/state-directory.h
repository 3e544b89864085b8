/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * State directory
 *
 * Where the store lives. It is ours alone: nobody else can look into it, and
 * the file `lock` in it is held as long as we live.
 */

#include "lib/base/owned.h"

typedef struct StateDirectory {
        char *path;
        int fd;
        int lock_fd;
} StateDirectory;

#define STATE_DIRECTORY_NONE ((StateDirectory) { .fd = -1, .lock_fd = -1 })

/* Makes the directory, not its parents, if there is none. -EBUSY: another process holds it; the sentence names it. */
int state_directory_open(const char *path, StateDirectory *ret, char **ret_sentence);
void state_directory_close(StateDirectory *directory);

/* The path of a file in it; the caller's. NULL if out of memory. */
char *state_directory_path(const StateDirectory *directory, const char *name);

/* An empty file, 0600, if there is none; else checks that it is ours and makes it 0600. */
int state_directory_make_file(const StateDirectory *directory, const char *name);

/*
 * Renames the database @name, and what belongs to it, to a name that tells the
 * time; nothing that has such a name is overwritten. @ret is the new path, the
 * caller's.
 */
int state_directory_move_aside(const StateDirectory *directory, const char *name, char **ret);

/* What has been made, renamed and removed in it is durable after this. */
int state_directory_sync(const StateDirectory *directory);
