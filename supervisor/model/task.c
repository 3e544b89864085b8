/* SPDX-License-Identifier: MIT */
#include "supervisor/model/task.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"

Task *task_new(uint64_t id) {
        Task *task = calloc(1, sizeof *task);

        if (!task)
                return NULL;
        task->id = id;
        task->phase = TASK_READY;
        task->before_ending = TASK_STARTING;
        task->umask = -1;
        task->usage = USAGE_UNKNOWN;
        task->ending.exit_code = -1;
        return task;
}

void ending_done(Ending *ending) {
        free(ending->final_status);
        free(ending->error_code);
        free(ending->error_text);
        free(ending->error_callstack);
        *ending = (Ending) { .exit_code = -1 };
}

void progress_done(Progress *progress) {
        free(progress->units);
        free(progress->details);
        *progress = (Progress) {};
}

int progress_copy(Progress *ret, const Progress *from) {
        Progress copy = *from;

        copy.units = from->units ? strdup(from->units) : NULL;
        copy.details = from->details ? strdup(from->details) : NULL;
        if ((from->units && !copy.units) || (from->details && !copy.details)) {
                progress_done(&copy);
                return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

Task *task_free(Task *task) {
        if (!task)
                return NULL;

        assert(!task->run);
        ending_done(&task->ending);
        progress_done(&task->progress);
        free(task->status_message);
        free(task->directory);
        (void) strv_free(task->environment);
        (void) strv_free(task->argv);
        (void) strv_free(task->parameters);
        free(task->user);
        free(task->namespace);
        free(task->label);
        free(task->name);
        (void) task_type_unref(task->type);
        free(task);
        return NULL;
}

const char *task_display_name(const Task *task) {
        return task->name ? task->name : task->type->display_type;
}
