/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where configuration is found
 *
 * Several directories, the first one's files before the others': a file hides
 * one of the same name further down, and one that is empty or a link to
 * /dev/null hides it without taking its place.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/owned.h"
#include "supervisor/settings/fault.h"

typedef struct SettingsPaths {
        char **directories;             /* each holds bgtd.conf, bgtd.conf.d/, types.d/ */
        bool user_mode;                 /* they are one user's: files that others may write to are his business */
} SettingsPaths;

/*
 * /etc/bgt, /run/bgt, PREFIX/lib/bgt, /usr/local/lib/bgt, /usr/lib/bgt (with the
 * configured /etc and prefix), or the user's; or @config_dir alone if it is not
 * NULL. -ENOENT or -ENOTDIR if that is no directory.
 */
int settings_paths_default(const char *config_dir, bool user_mode, SettingsPaths *ret);
void settings_paths_done(SettingsPaths *paths);

/*
 * The files FOLDER/NAME of all directories that count, whole paths sorted by
 * NAME; FOLDER is "" for the directories themselves. NAME ends in @suffix, has
 * more than that, and does not begin with a dot; or is @only, if that is not
 * NULL. Files that hide others without taking their place are left out.
 */
int settings_paths_find(const SettingsPaths *paths, const char *folder, const char *suffix, const char *only,
                        char ***ret, SettingsFault *ret_fault);

/* What stands behind the last slash. Borrowed. */
const char *path_last(const char *path);
