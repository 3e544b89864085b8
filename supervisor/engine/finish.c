/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/finish.h"

#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "supervisor/engine/faults.h"
#include "supervisor/engine/output.h"
#include "supervisor/engine/parameters-file.h"
#include "supervisor/engine/progress.h"
#include "supervisor/engine/step.h"
#include "supervisor/engine/waiter.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/limits.h"
#include "supervisor/sys/log.h"
#include "supervisor/sys/usage.h"

#define RETRY_USEC USEC_PER_SEC

/* An ending on its way to the disk. */
typedef struct Finish {
        Supervisor *sv;
        Task *task;
} Finish;

static void read_last_facts(Run *run) {
        Task *task = run->task;
        uint64_t oom_kills = UINT64_MAX;

        run->facts.spawn_path = run->facts.spawn_step == SPAWN_STEP_DIRECTORY
                                ? (task->directory ? task->directory : task->type->working_directory)
                                : task->argv ? task->argv[0] : NULL;
        if (run->cgroup_fd < 0)
                return;
        (void) usage_read(run->cgroup_fd, run->v1_path, &task->usage);
        (void) usage_read_oom_kills(run->cgroup_fd, run->v1_path, &oom_kills);
        run->facts.oom_killed = oom_kills != UINT64_MAX && oom_kills > run->oom_kills_before;
}

static int finish_on_look(sd_event_source *source, uint64_t usec, void *userdata) {
        run_look(userdata);
        return 0;
}

void finish_decide(Run *run) {
        Task *task = run->task;
        Ending ending;
        TaskEvent event;
        int r;

        fault_point("end-decide");
        read_last_facts(run);
        r = verdict_decide(task->type, &run->facts, &event, &ending);
        if (r < 0) {
                (void) log_task_failure(r, task->id, "Cannot decide how the task ended; trying again");
                (void) run_arm(run, &run->grace_source, RETRY_USEC, finish_on_look, "finish-retry");
                return;
        }
        run->decided = true;
        ending_done(&task->ending);
        task->ending = ending;
        task->environment = strv_free(task->environment);
        if (event == EV_DONE && task->type->progress_source == PROGRESS_FILES && task->progress.total > 0)
                task->progress.current = task->progress.total;  /* nobody can look any more, and what succeeded has read it all */
        (void) step(run->sv, task, event);
}

static void count_end(Supervisor *sv, const Task *task) {
        switch (task->phase) {
        case TASK_DONE:
                sv->counters.done++;
                break;
        case TASK_ERROR:
                sv->counters.error++;
                break;
        case TASK_CANCELLED:
                sv->counters.cancelled++;
                break;
        default:
                sv->counters.exited++;
                break;
        }
}

/* What the task had on the machine. */
static void tear_down(Run *run) {
        Supervisor *sv = run->sv;

        if (run->cgroup_fd >= 0) {
                (void) cgroup_write_freeze(run->cgroup_fd, false);      /* a killed group stays frozen else */
                run->cgroup_fd = fd_close(run->cgroup_fd);
                cgroup_tree_discard(sv->cgroups, sv->event, run->namespace_fd, run->name);
        }
        if (run->v1_path)
                (void) limits_release(run->v1_path);
        if (run->has_slot)
                cgroup_tree_release_slot(sv->cgroups, run->task->namespace, run->slot);
        parameters_file_remove(sv, run->task);
        fault_point("end-ack");
        if (run->spawn_sent)
                (void) keeper_link_ack(sv->keeper, run_key(run));
}

static void task_remove(Supervisor *sv, Task *task) {
        step_forget(sv, task);
        progress_drop(sv, task);
        if (task->run)
                task->run = run_free(task->run);
        (void) task_free(registry_remove(sv->registry, task));
}

static void settle(Supervisor *sv, Task *task) {
        fault_point("end-durable");
        task->settled = true;
        count_end(sv, task);
        log_message(LOG_INFO, task->id, "%s ended: %s", task->type->name,
                    task->ending.final_status ? task->ending.final_status : task_phase_to_string(task->phase));
        registry_changed(sv->registry, task);
        waiter_check(task, NULL);
        if (task->run)
                tear_down(task->run);
        task_remove(sv, task);
}

static void finish_on_durable(int r, void *userdata);

static int finish_put(Finish *finish) {
        int r;

        r = store_put_state(finish->sv->store, finish->task);
        if (r < 0)
                return r;
        return store_when_durable(finish->sv->store, finish_on_durable, finish);
}

static void finish_again(Finish *finish, int reason);

static int finish_on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Finish *finish = userdata;
        int r;

        r = finish_put(finish);
        if (r < 0)
                finish_again(finish, r);
        return 0;
}

static void finish_again(Finish *finish, int reason) {
        int r;

        (void) log_task_failure(reason, finish->task->id, "Cannot remember how the task ended; trying again in a second");
        r = sd_event_add_time_relative(finish->sv->event, NULL, CLOCK_MONOTONIC, RETRY_USEC, 0, finish_on_retry, finish);
        if (r < 0)
                (void) log_task_failure(r, finish->task->id, "Cannot try again");
}

static void finish_on_durable(int r, void *userdata) {
        Finish *finish = userdata;

        if (finish->sv->stopping && r < 0) {
                free(finish);
                return;
        }
        if (r < 0) {
                finish_again(finish, r);
                return;
        }
        settle(finish->sv, finish->task);
        free(finish);
}

int finish_remember(Supervisor *sv, Task *task) {
        Finish *finish = calloc(1, sizeof *finish);
        int r;

        if (!finish)
                return -ENOMEM;
        *finish = (Finish) { sv, task };
        r = finish_put(finish);
        if (r < 0)
                finish_again(finish, r);
        return 0;
}

void finish_undo(Supervisor *sv, Task *task) {
        if (task->run)
                tear_down(task->run);
        task_remove(sv, task);
}
