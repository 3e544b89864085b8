/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/snapshot.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/engine/run.h"
#include "supervisor/policy/disposition.h"
#include "supervisor/policy/progress-line.h"
#include "supervisor/settings/parameters.h"
#include "supervisor/sys/process.h"
#include "supervisor/sys/usage.h"

#define OUTSIDE_MAX 10

/* Time from the first instruction to now or the end, pauses left out. */
static void take_times(Snapshot *snapshot) {
        const Task *task = snapshot->task;
        uint64_t until = task->finish_time_usec ? task->finish_time_usec : snapshot->time_usec;

        snapshot->paused_usec = task->paused_usec;
        if (task->paused_since_usec > 0)
                snapshot->paused_usec += usec_sub(until, task->paused_since_usec);
        if (task->start_time_usec > 0)
                snapshot->run_usec = usec_sub(usec_sub(until, task->start_time_usec), snapshot->paused_usec);
}

static int take_progress(Snapshot *snapshot) {
        const Task *task = snapshot->task;
        const Progress *progress = &task->progress;
        uint64_t then = task->run ? task->run->progress_run_usec : 0;
        bool running = snapshot->phase == TASK_RUNNING;

        snapshot->progress_percent = progress_percent(progress->current, progress->total);
        if (running && progress->time_usec > 0) {
                snapshot->has_rate = progress_rate(progress, then, &snapshot->rate);
                snapshot->has_eta = progress_eta(progress, then, snapshot->time_usec, &snapshot->eta_usec);
        }
        return progress_line(progress, &snapshot->progress_line);
}

static int take_external_state(Snapshot *snapshot) {
        const Task *task = snapshot->task;
        const Progress *progress = &task->progress;
        _cleanup_(text_done) Text text = {};

        text_append(&text, "[");
        text_append_json(&text, task_phase_running_state(snapshot->phase, task->before_ending));
        text_appendf(&text, ",%d,%" PRId64 ",%" PRId64 ",", (int) task->request, progress->current, progress->total);
        text_append_json(&text, text_or_empty(progress->units));
        text_append(&text, ",");
        text_append_json(&text, text_or_empty(progress->details));
        text_append(&text, "]");
        snapshot->external_state = text_take(&text);
        return snapshot->external_state ? 0 : -ENOMEM;
}

static int take_display(Snapshot *snapshot) {
        const Task *task = snapshot->task;
        int r;

        for (size_t i = 0; i < task->type->n_display; i++) {
                char *value = NULL;

                r = parameters_expand(task->type->display[i].value, task->parameters, text_or_empty(task->progress.details), &value);
                if (r == 0)
                        r = strv_consume(&snapshot->display, value);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int take_waiting_for(Snapshot *snapshot) {
        if (snapshot->phase != TASK_STARTING)
                return 0;
        snapshot->waiting_for = strdup(snapshot->task->run && snapshot->task->run->spawn_sent
                                       ? "Its command is being executed." : "Its start is being written to the disk.");
        return snapshot->waiting_for ? 0 : -ENOMEM;
}

int snapshot_take(Supervisor *sv, const Caller *caller, const Task *task, bool with_usage, Snapshot *ret) {
        _cleanup_(snapshot_done) Snapshot snapshot = {
                .task = task,
                .phase = disposition_visible_phase(task),
                .time_usec = clock_now_usec(CLOCK_REALTIME),
                .accessible = access_to_task(&sv->access, caller, task),
                .usage = task->usage,
        };
        int r;

        take_times(&snapshot);
        if (with_usage && task->run && task->run->cgroup_fd >= 0 && !task->run->decided)
                (void) usage_read(task->run->cgroup_fd, task->run->v1_path, &snapshot.usage);
        r = take_progress(&snapshot);
        if (r == 0)
                r = take_external_state(&snapshot);
        if (r == 0)
                r = take_display(&snapshot);
        if (r == 0)
                r = take_waiting_for(&snapshot);
        if (r < 0)
                return r;
        *ret = snapshot;
        snapshot = (Snapshot) {};
        return 0;
}

void snapshot_done(Snapshot *snapshot) {
        free(snapshot->progress_line);
        free(snapshot->waiting_for);
        free(snapshot->external_state);
        (void) strv_free(snapshot->display);
        *snapshot = (Snapshot) {};
}

int snapshot_find_outside(const Task *task, char ***ret) {
        *ret = NULL;
        if (!task->run || task->job.pid <= 0 || task->run->main_ended)
                return 0;
        return process_find_outside(task->job.pid, task->run->cgroup_path, OUTSIDE_MAX, ret);
}
