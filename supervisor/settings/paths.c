/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/paths.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"

void settings_paths_done(SettingsPaths *paths) {
        (void) strv_free(paths->directories);
        *paths = (SettingsPaths) {};
}

static int paths_add(SettingsPaths *paths, const char *parent, const char *below) {
        _cleanup_(freep) char *path = text_format("%s%s", parent, below);

        if (!path)
                return -ENOMEM;
        return strv_contains(paths->directories, path) ? 0 : strv_append(&paths->directories, path);
}

static int paths_add_given(SettingsPaths *paths, const char *directory) {
        _cleanup_(fd_closep) int fd = -1;

        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return result_errno();
        return paths_add(paths, directory, "");
}

/* The directory that the environment names, if it is one, else the usual place in the home directory. */
static int paths_add_user(SettingsPaths *paths, const char *variable, const char *below_home) {
        const char *named = getenv(variable), *home = getenv("HOME");
        _cleanup_(freep) char *usual = NULL;

        if (named && *named == '/')
                return paths_add(paths, named, "/bgt");
        if (!below_home || !home || *home != '/')
                return 0;
        usual = text_format("%s/%s", home, below_home);
        if (!usual)
                return -ENOMEM;
        return paths_add(paths, usual, "/bgt");
}

static int paths_fill(SettingsPaths *paths, const char *config_dir) {
        static const char *const places[][2] = {
                { BGT_SYSCONF_DIR, "/bgt" }, { "/run", "/bgt" }, { BGT_PREFIX, "/lib/bgt" },
                { "/usr/local", "/lib/bgt" }, { "/usr", "/lib/bgt" },
        };
        int r;

        if (config_dir)
                return paths_add_given(paths, config_dir);

        if (paths->user_mode) {
                r = paths_add_user(paths, "XDG_CONFIG_HOME", ".config");
                if (r < 0)
                        return r;
                return paths_add_user(paths, "XDG_RUNTIME_DIR", NULL);
        }

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                r = paths_add(paths, places[i][0], places[i][1]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int settings_paths_default(const char *config_dir, bool user_mode, SettingsPaths *ret) {
        _cleanup_(settings_paths_done) SettingsPaths paths = { .user_mode = user_mode };
        int r;

        r = paths_fill(&paths, config_dir);
        if (r < 0)
                return r;
        *ret = paths;
        paths = (SettingsPaths) {};
        return 0;
}

const char *path_last(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(path_last(*(char *const *) a), path_last(*(char *const *) b));
}

static bool is_wanted(const char *name, const char *suffix, const char *only) {
        size_t length = strlen(name), n_suffix = strlen(suffix);

        if (only)
                return strcmp(name, only) == 0;
        return *name != '.' && length > n_suffix && strcmp(name + length - n_suffix, suffix) == 0;
}

static bool is_known(char *const *paths, const char *name) {
        for (size_t i = 0; paths && paths[i]; i++)
                if (strcmp(path_last(paths[i]), name) == 0)
                        return true;
        return false;
}

/* Empty, or /dev/null. One that cannot be looked at counts: reading it will say why. */
static bool is_mask(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return false;
        return S_ISREG(st.st_mode) ? st.st_size == 0 : S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static void dir_closep(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

/* Appends the wanted files of one directory whose names @found does not have. */
static int directory_collect(const char *directory, const char *suffix, const char *only, char ***found, SettingsFault *fault) {
        _cleanup_(strv_freep) char **known = NULL;
        _cleanup_(dir_closep) DIR *stream = opendir(directory);
        struct dirent *entry;
        int r;

        if (!stream && errno == ENOENT)
                return 0;
        if (!stream)
                return fault_errno(fault, result_errno(), "The directory %s cannot be read", directory);

        r = strv_copy(&known, *found);
        if (r < 0)
                return r;
        while ((errno = 0, entry = readdir(stream))) {
                if (!is_wanted(entry->d_name, suffix, only) || is_known(known, entry->d_name))
                        continue;
                r = strv_consume(found, text_format("%s/%s", directory, entry->d_name));
                if (r < 0)
                        return r;
        }
        if (errno > 0)
                return fault_errno(fault, result_errno(), "The directory %s cannot be read", directory);
        return 0;
}

static void drop_masks(char **found) {
        size_t n = 0;

        for (size_t i = 0; found && found[i]; i++)
                if (is_mask(found[i]))
                        free(found[i]);
                else
                        found[n++] = found[i];
        if (found)
                found[n] = NULL;
}

int settings_paths_find(const SettingsPaths *paths, const char *folder, const char *suffix, const char *only,
                        char ***ret, SettingsFault *ret_fault) {
        _cleanup_(strv_freep) char **found = NULL;
        int r;

        STRV_FOREACH(parent, paths->directories) {
                _cleanup_(freep) char *directory = text_format("%s%s%s", parent, *folder ? "/" : "", folder);

                if (!directory)
                        return -ENOMEM;
                r = directory_collect(directory, suffix, only, &found, ret_fault);
                if (r < 0)
                        return r;
        }

        drop_masks(found);
        if (found)
                qsort(found, strv_length(found), sizeof *found, compare_names);
        *ret = MOVE(found);
        return 0;
}
