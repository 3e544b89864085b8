/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/parameters-file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"

static char *directory_path(const Supervisor *sv, const Task *task) {
        return text_format("%s/task/%" PRIu64 ".%" PRIu32, sv->runtime_dir, task->id, task->attempt);
}

static char *parameters_json(char *const *parameters) {
        _cleanup_(text_done) Text text = {};

        text_append(&text, "{");
        STRV_FOREACH(entry, (char **) parameters) {
                const char *equals = strchr(entry, '=');
                char name[128];

                text_copy(name, (size_t) (equals - entry) + 1 < sizeof name ? (size_t) (equals - entry) + 1 : sizeof name, entry);
                text_append(&text, text.length > 1 ? ",\n " : "\n ");
                text_append_json(&text, name);
                text_append(&text, ": ");
                text_append_json(&text, equals + 1);
        }
        text_append(&text, "\n}\n");
        return text_take(&text);
}

int parameters_file_write(Supervisor *sv, const Task *task, char **ret_path) {
        _cleanup_(freep) char *directory = directory_path(sv, task), *json = parameters_json(task->parameters), *path = NULL;
        _cleanup_(fd_closep) int dir = -1, fd = -1;
        int r;

        if (!directory || !json)
                return -ENOMEM;
        path = text_format("%s/parameters.json", directory);
        if (!path)
                return -ENOMEM;

        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return result_errno();
        dir = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0)
                return result_errno();
        (void) unlinkat(dir, "parameters.json", 0);
        fd = openat(dir, "parameters.json", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
        if (fd < 0)
                return result_errno();
        r = fd_write_all(fd, json, strlen(json));
        if (r < 0)
                return r;
        /* The directory stays ours, or what the task puts there would outlive it, and nobody bounds that. */
        if (!sv->user_mode && task->uid != 0 && (fchown(fd, task->uid, task->gid) < 0 || fchmod(dir, 0711) < 0))
                return result_errno();
        *ret_path = MOVE(path);
        return 0;
}

static void directory_remove(const char *directory) {
        _cleanup_(fd_closep) int dir = -1;

        dir = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0)
                return;
        (void) unlinkat(dir, "parameters.json", 0);
        (void) rmdir(directory);        /* what a task of ours has put there keeps it until the next boot */
}

void parameters_file_remove(Supervisor *sv, const Task *task) {
        _cleanup_(freep) char *directory = directory_path(sv, task);

        if (directory)
                directory_remove(directory);
}

void parameters_files_sweep(Supervisor *sv) {
        _cleanup_(freep) char *path = text_format("%s/task", sv->runtime_dir);
        DIR *dir = path ? opendir(path) : NULL;
        struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                uint64_t id = strtoull(entry->d_name, NULL, 10);
                _cleanup_(freep) char *directory = NULL;

                if (id == 0 || registry_find(sv->registry, id))
                        continue;
                directory = text_format("%s/%s", path, entry->d_name);
                if (directory)
                        directory_remove(directory);
        }
        if (dir)
                (void) closedir(dir);
}
