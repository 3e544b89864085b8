/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "supervisor/engine/finish.h"
#include "supervisor/engine/step.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/freezer.h"
#include "supervisor/sys/log.h"

/* Looks without a notice: the kernel's notices come at most once in 10 ms. */
#define LOOKS_MAX 8
#define LOOK_FIRST_USEC 200

int run_new(Run **ret, Supervisor *sv, Task *task) {
        _cleanup_(run_freep) Run *run = NULL;

        run = calloc(1, sizeof *run);
        if (!run)
                return -ENOMEM;
        run->sv = sv;
        run->namespace_fd = run->cgroup_fd = run->spec_fd = run->output_fd = run->events_fd = -1;
        run->stdio[0] = run->stdio[1] = run->stdio[2] = -1;
        run->main = PIDREF_NULL;
        cgroup_tree_task_name(task->id, task->attempt, run->name);
        run->cgroup_path = cgroup_tree_task_path(sv->cgroups, task->namespace, task->id, task->attempt);
        if (!run->cgroup_path)
                return -ENOMEM;
        run->task = task;
        *ret = MOVE(run);
        return 0;
}

Run *run_free(Run *run) {
        if (!run)
                return NULL;

        sd_event_source_disable_unref(run->timeout_source);
        sd_event_source_disable_unref(run->grace_source);
        sd_event_source_disable_unref(run->deadline_source);
        sd_event_source_disable_unref(run->look_source);
        sd_event_source_disable_unref(run->events_source);
        fd_closep(&run->events_fd);
        pidref_done(&run->main);
        fd_closep(&run->output_fd);
        for (size_t i = 0; i < 3; i++)
                fd_closep(run->stdio + i);
        fd_closep(&run->spec_fd);
        (void) strv_free(run->attach);
        free(run->v1_path);
        free(run->cgroup_path);
        fd_closep(&run->cgroup_fd);
        free(run);
        return NULL;
}

KeeperKey run_key(const Run *run) {
        return (KeeperKey) { run->task->id, run->task->attempt, KEEPER_ROLE_TASK };
}

int run_arm(Run *run, sd_event_source **source, uint64_t usec, sd_event_time_handler_t callback, const char *description) {
        int r;

        *source = sd_event_source_disable_unref(*source);       /* a source keeps its first callback for ever */
        r = sd_event_add_time_relative(run->sv->event, source, CLOCK_MONOTONIC, usec, 1, callback, run);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(*source, description);
        return sd_event_source_set_priority(*source, PRIORITY_TIMERS);
}

static void run_disarm(sd_event_source *source) {
        if (source)
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int run_on_notice(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Run *run = userdata;
        CgroupEvents events;

        (void) cgroup_events_reread(run->events_fd, &events);
        run_look(run);
        return 0;
}

static int run_on_look(sd_event_source *source, uint64_t usec, void *userdata) {
        run_look(userdata);
        return 0;
}

/* From now on a change of cgroup.events makes us look again. */
static int run_watch(Run *run) {
        int r;

        if (run->events_source)
                return sd_event_source_set_enabled(run->events_source, SD_EVENT_ON);

        run->events_fd = cgroup_open_events(run->cgroup_fd);
        if (run->events_fd < 0)
                return run->events_fd;
        r = sd_event_add_io(run->sv->event, &run->events_source, run->events_fd, EPOLLPRI, run_on_notice, run);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(run->events_source, "cgroup-events");
        return sd_event_source_set_priority(run->events_source, PRIORITY_CGROUP);
}

static void run_unwatch(Run *run) {
        run->n_looks = 0;
        run_disarm(run->events_source);
        run_disarm(run->look_source);
}

/* Not so yet: look again soon, then when the kernel says that something has changed. */
static void run_await(Run *run) {
        int r;

        r = run_watch(run);
        if (r == 0 && run->n_looks < LOOKS_MAX)
                r = run_arm(run, &run->look_source, LOOK_FIRST_USEC << run->n_looks++, run_on_look, "cgroup-look");
        if (r < 0)
                (void) log_task_failure(r, run->task->id, "Cannot watch the task's cgroup");
}

static int run_on_freeze_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Run *run = userdata;
        char name[64] = "";
        pid_t pid = 0;

        if (run->task->phase != TASK_PAUSING)
                return 0;
        (void) freezer_find_culprit(run->cgroup_fd, &pid, name, sizeof name);
        if (pid > 0)
                (void) snprintf(run->failure, sizeof run->failure,
                                "Process %d (%s) would not freeze in time; the pause was withdrawn and the task goes on.", (int) pid, name);
        else
                (void) snprintf(run->failure, sizeof run->failure,
                                "The kernel did not confirm the freeze in time; the pause was withdrawn and the task goes on.");
        run->task->request = TASK_REQUEST_NONE;
        (void) step(run->sv, run->task, EV_FREEZE_FAILED);
        return 0;
}

void run_freeze(Run *run) {
        int r;

        run->n_looks = 0;
        run->failure[0] = '\0';
        r = freezer_freeze(run->cgroup_fd);
        if (r < 0)
                (void) log_task_failure(r, run->task->id, "Cannot ask for the freeze");
        if (r == FREEZER_E_PENDING || r == FREEZER_E_EMPTY) {
                r = run_arm(run, &run->deadline_source, run->sv->settings->freeze_timeout_usec, run_on_freeze_deadline, "freeze-deadline");
                if (r < 0)
                        (void) log_task_failure(r, run->task->id, "Cannot set a deadline for the freeze");
        }
}

void run_thaw(Run *run) {
        int r;

        run->n_looks = 0;
        run_disarm(run->deadline_source);
        r = freezer_thaw(run->cgroup_fd);
        if (r < 0)
                (void) log_task_failure(r, run->task->id, "Cannot ask for the thaw");
}

void run_signal(Run *run) {
        size_t n = 0;
        int r;

        run->facts.cancel_signalled = true;
        r = cgroup_signal(run->cgroup_fd, run->cgroup_path, run->task->type->cancel_signal, &n);
        if (r < 0)
                (void) log_task_failure(r, run->task->id, "Cannot signal the task's processes");
}

static int run_on_kill_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Run *run = userdata;

        if (run->task->phase == TASK_ENDING && !run->decided) {
                run->gave_up = true;
                run_look(run);
        }
        return 0;
}

void run_kill(Run *run, TaskEvent why) {
        CgroupEvents events = { .populated = true };
        int r;

        run->n_looks = 0;
        if (why == EV_KILL && !run->main_ended)
                run->facts.cancel_killed = true;
        if (why == EV_KILL && !run->killed && (run->main_ended || run->task->type->exit_type == EXIT_TYPE_CGROUP))
                run->facts.cancel_killed_rest = true;   /* even if the main process is just ending by itself */
        run->killed = true;
        run_disarm(run->grace_source);
        if (run->cgroup_fd < 0)
                return;
        if (why == EV_EXIT && (run->main_ended || !run->spawn_sent) &&
            cgroup_read_events(run->cgroup_fd, &events) == 0 && !events.populated)
                return;

        r = cgroup_kill(run->cgroup_fd);
        if (r < 0)
                (void) log_task_failure(r, run->task->id, "Cannot kill the task's cgroup");
        if (!run->main_ended && run->main.fd >= 0)
                (void) pidref_signal(&run->main, SIGKILL);      /* even if it has left the group: it is ours all the same */
        r = run_arm(run, &run->deadline_source, run->sv->settings->kill_timeout_usec, run_on_kill_deadline, "kill-deadline");
        if (r < 0)
                (void) log_task_failure(r, run->task->id, "Cannot set a deadline for the kill");
}

static void run_look_ending(Run *run) {
        CgroupEvents events = { .populated = false };
        size_t n = 0;
        pid_t *pids = NULL;
        int r = 0;

        if (run->decided)
                return;
        if (run->cgroup_fd >= 0)
                r = cgroup_read_events(run->cgroup_fd, &events);
        if (r == 0 && events.populated && !run->gave_up)
                return run_await(run);
        if (run->spawn_sent && !run->main_ended && !run->gave_up)
                return;                 /* the keeper tells */

        if (r == 0 && events.populated && cgroup_list_processes(run->cgroup_fd, &pids, &n) == 0) {
                run->facts.n_left_processes = n > 0 ? n : 1;
                free(pids);
        }
        run_unwatch(run);
        run_disarm(run->deadline_source);
        finish_decide(run);
}

/* With ExitType=cgroup the last process decides when it has ended, the main one how. */
static bool run_is_over(Run *run) {
        CgroupEvents events;

        if (!run->main_ended)
                return false;
        if (run->task->type->exit_type == EXIT_TYPE_MAIN)
                return true;
        return cgroup_read_events(run->cgroup_fd, &events) != 0 || !events.populated;
}

static void run_look_pausing(Run *run) {
        if (freezer_state_frozen(run->cgroup_fd) != 0)
                return run_await(run);
        run_unwatch(run);
        run_disarm(run->deadline_source);
        (void) step(run->sv, run->task, EV_FROZEN);
}

static void run_look_resuming(Run *run) {
        if (freezer_state_thawed(run->cgroup_fd) != 0)
                return run_await(run);
        run_unwatch(run);
        (void) step(run->sv, run->task, EV_THAWED);
}

/* Whether somebody has thawed it behind our back: paused is a fact. */
static void run_look_paused(Run *run) {
        bool frozen;
        int r;

        if (cgroup_read_freeze(run->cgroup_fd, &frozen) == 0 && !frozen) {
                run->task->request = TASK_REQUEST_NONE;
                (void) step(run->sv, run->task, EV_RESUME);
                return;
        }
        r = run_watch(run);
        if (r < 0)
                (void) log_task_failure(r, run->task->id, "Cannot watch the paused task's cgroup");
}

void run_look(Run *run) {
        TaskPhase phase = run->task->phase;

        if (phase >= TASK_RUNNING && phase <= TASK_PAUSED && run_is_over(run)) {
                (void) step(run->sv, run->task, EV_EXIT);
                return;
        }

        switch (phase) {
        case TASK_RUNNING:
                if (run->main_ended)
                        run_await(run);
                break;
        case TASK_PAUSING:
                run_look_pausing(run);
                break;
        case TASK_RESUMING:
                run_look_resuming(run);
                break;
        case TASK_PAUSED:
                run_look_paused(run);
                break;
        case TASK_ENDING:
                run_look_ending(run);
                break;
        default:
                break;
        }
}

void run_on_spawned(Run *run, pid_t pid, int pidfd) {
        Task *task = run->task;
        int r;

        pidref_done(&run->main);
        if (pidfd >= 0) {
                r = pidref_take(pid, pidfd, &run->main);
                if (r < 0) {
                        (void) log_task_failure(r, task->id, "Cannot keep a reference to process %d", (int) pid);
                        fd_close(pidfd);
                }
        }
        run->spawn_sent = true;
        run->spec_fd = fd_close(run->spec_fd);
        for (size_t i = 0; i < 3; i++)
                run->stdio[i] = fd_close(run->stdio[i]);

        task->job.pid = pid;
        memcpy(task->job.boot_id, run->sv->boot_id, sizeof task->job.boot_id);
        if (run->main.fd >= 0) {
                (void) pidref_start_ticks(&run->main, &task->job.start_ticks);
                task->job.pidfd_inode = pidref_inode(&run->main);
        }
        if (task->phase == TASK_ENDING)
                run_kill(run, EV_EXIT);         /* born after the kill */
}

void run_on_execed(Run *run) {
        run->facts.ran = true;
        if (run->task->phase == TASK_STARTING)
                run_disarm(run->deadline_source);       /* later it is a kill's */
        (void) step(run->sv, run->task, EV_EXECED);
}

void run_on_ended(Run *run, const KeeperMessage *message) {
        if (run->main_ended)
                return;
        run->main_ended = true;
        run->facts.status_known = true;
        run->facts.code = message->code;
        run->facts.status = message->status;
        if (message->error && message->step < _SPAWN_STEP_MAX) {
                run->facts.spawn_error = message->error;
                run->facts.spawn_step = message->step;
        }
        if (run->task->phase == TASK_STARTING && !run->facts.spawn_error && !run->killed)
                run_on_execed(run);             /* its end overtook the news of its exec */
        if (run->task->phase == TASK_STARTING)
                (void) step(run->sv, run->task, EV_EXIT);
        else
                run_look(run);
}

uint64_t run_usec(const Run *run) {
        if (run->resumed_usec == 0)
                return run->ran_usec;
        return run->ran_usec + usec_sub(clock_now_usec(CLOCK_MONOTONIC), run->resumed_usec);
}

static int run_on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Run *run = userdata;

        if (run->task->request != TASK_REQUEST_CANCEL)
                run_cancel(run, false, true);
        return 0;
}

void run_start_clock(Run *run) {
        uint64_t ran = run->ran_usec, timeout = run->task->timeout_usec;
        int r;

        if (run->resumed_usec > 0)
                return;
        run->resumed_usec = clock_now_usec(CLOCK_MONOTONIC);
        if (timeout == 0 || timeout == USEC_INFINITY)
                return;
        r = run_arm(run, &run->timeout_source, usec_sub(timeout, ran), run_on_timeout, "task-timeout");
        if (r < 0)
                (void) log_task_failure(r, run->task->id, "Cannot watch over the task's time");
}

void run_stop_clock(Run *run) {
        run->ran_usec = run_usec(run);
        run->resumed_usec = 0;
        run_disarm(run->timeout_source);
}

static int run_on_grace(sd_event_source *source, uint64_t usec, void *userdata) {
        Run *run = userdata;

        (void) step(run->sv, run->task, EV_KILL);
        return 0;
}

void run_cancel(Run *run, bool direct, bool timed_out) {
        Task *task = run->task;
        uint64_t grace = task->type->cancel_grace_usec;
        bool politely = !direct && grace > 0 && task->phase != TASK_STARTING && task->phase != TASK_ENDING;
        int r;

        if (run->decided)
                return;         /* its own ending was quicker */
        task->request = TASK_REQUEST_CANCEL;
        task->cancel_acted = true;
        run->facts.cancel_requested = true;
        run->facts.timed_out = run->facts.timed_out || timed_out;
        if (run->cgroup_fd >= 0)        /* a bgtd that comes after this one shall know why it ended */
                cgroup_tree_mark(run->cgroup_fd, "cancel", timed_out ? "timeout" : "cancel");

        if (politely) {
                r = run_arm(run, &run->grace_source, grace, run_on_grace, "cancel-grace");
                if (r == 0) {
                        (void) step(run->sv, task, EV_TERMINATE);
                        return;
                }
                (void) log_task_failure(r, task->id, "Cannot wait for the cancel signal to work, so the task is killed");
        }
        (void) step(run->sv, task, EV_KILL);
}
