/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/output.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/engine/cgroup-tree.h"
#include "supervisor/sys/log.h"

OutputMode output_resolve(const TaskType *type) {
        if (type->output != OUTPUT_AUTO)
                return type->output;
        return log_has_journal() ? OUTPUT_JOURNAL : OUTPUT_FILE;
}

void output_identifier(uint64_t id, char ret[static 32]) {
        (void) snprintf(ret, 32, "bgt-%" PRIu64, id);
}

uint64_t output_max_bytes(const Supervisor *sv, const TaskType *type) {
        return type->output_max_bytes ? type->output_max_bytes : sv->settings->output_max_bytes;
}

static char *output_path(const Supervisor *sv, uint64_t id, uint32_t attempt) {
        return text_format("%s/output/%" PRIu64 ".%" PRIu32, sv->state_dir, id, attempt);
}

/* A second description of the same file: the keeper writes holes where the task only appends. */
static int bound_open(const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

        return fd < 0 ? result_errno() : fd;
}

static int output_open_bounded(Supervisor *sv, const Task *task, int *ret_stream, int *ret_bound) {
        _cleanup_(freep) char *path = output_path(sv, task->id, task->attempt);
        _cleanup_(fd_closep) int stream = -1;
        int bound;

        if (!path)
                return -ENOMEM;
        stream = open(path, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (stream < 0)
                return result_errno();
        if (!sv->user_mode && task->uid != 0 && fchown(stream, task->uid, task->gid) < 0)
                return result_errno();
        bound = bound_open(path);
        if (bound < 0)
                return bound;
        *ret_stream = MOVE_FD(stream);
        *ret_bound = bound;
        return 0;
}

/* The unit that owns R, if one does. */
static const char *tasks_unit(const Supervisor *sv) {
        const char *last = strrchr(sv->cgroups->root, '/');

        return last && text_equal(last + 1, "bgt-tasks.service") ? last + 1 : "";
}

int output_open(Supervisor *sv, const Task *task, int *ret_stream, int *ret_bound) {
        char identifier[32];
        int fd;

        switch (task->output) {
        case OUTPUT_FILE:
                return output_open_bounded(sv, task, ret_stream, ret_bound);
        case OUTPUT_JOURNAL:
                output_identifier(task->id, identifier);
                fd = log_open_stream(identifier, tasks_unit(sv), LOG_INFO);
                break;
        default:
                fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
                if (fd < 0)
                        fd = result_errno();
                break;
        }
        if (fd < 0)
                return fd;
        *ret_stream = fd;
        *ret_bound = -1;
        return 0;
}

int output_open_file(const Supervisor *sv, uint64_t id, uint32_t attempt) {
        _cleanup_(freep) char *path = output_path(sv, id, attempt);
        int fd;

        if (!path)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        return fd < 0 ? result_errno() : fd;
}

int output_reopen_bound(const Supervisor *sv, const Task *task) {
        _cleanup_(freep) char *path = output_path(sv, task->id, task->attempt);

        if (!path)
                return -ENOMEM;
        return bound_open(path);
}

uint64_t output_greatest_id(const Supervisor *sv) {
        _cleanup_(freep) char *path = text_format("%s/output", sv->state_dir);
        uint64_t greatest = 0;
        struct dirent *entry;
        DIR *dir = path ? opendir(path) : NULL;

        if (!dir)
                return 0;
        while ((entry = readdir(dir))) {
                uint64_t id = strtoull(entry->d_name, NULL, 10);

                if (id > greatest && id != UINT64_MAX)
                        greatest = id;
        }
        (void) closedir(dir);
        return greatest;
}
