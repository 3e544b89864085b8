/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/control.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "supervisor/engine/errand.h"
#include "supervisor/engine/run.h"
#include "supervisor/engine/snapshot.h"
#include "supervisor/engine/step.h"
#include "supervisor/engine/waiter.h"
#include "supervisor/policy/disposition.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/log.h"

/* One request on its way through the checks. */
typedef struct Control {
        Supervisor *sv;
        Task *task;
        const ControlOptions *options;
        ControlOnDone on_done;
        void *userdata;
} Control;

static void answer(const Control *control, int error, const char *sentence) {
        Outcome outcome = { error, sentence };

        control->on_done(control->task->id, &outcome, control->userdata);
}

/* Descendants that have left the group are out of reach: they are named (T-32). */
static void name_outside(const Task *task, char *ret, size_t size) {
        _cleanup_(strv_freep) char **outside = NULL;
        size_t length;

        ret[0] = '\0';
        if (snapshot_find_outside(task, &outside) < 0 || !outside)
                return;
        length = (size_t) snprintf(ret, size, "Out of reach, because they have left the task's cgroup:");
        STRV_FOREACH(process, outside)
                if (length < size)
                        length += (size_t) snprintf(ret + length, size - length, " %s", process);
}

static void wait_for(const Control *control, WaiterWant want, const char *note) {
        int r;

        if (control->options->no_wait) {
                answer(control, OUTCOME_DONE, note);
                return;
        }
        r = waiter_add(control->sv, control->task, want, note, control->on_done, control->userdata);
        if (r < 0)
                answer(control, BUS_ERROR_FAILED, strerror(-r));
}

/* Its own ending was quicker than the request (T-3). */
static bool is_too_late(const Control *control, TaskEvent event) {
        Transition t;

        if (transition_find(control->task->phase, event, &t))
                return false;
        answer(control, BUS_ERROR_NOT_AVAILABLE, "The task is ending.");
        return true;
}

/* The answer goes out as soon as it is a fact, before anything is remembered or announced. */
static void carry_out(const Control *control, TaskEvent event, WaiterWant want) {
        bool no_wait = control->options->no_wait;       /* the asker's, and gone with the answer */
        int r;

        if (!no_wait) {
                r = waiter_expect(control->task, want, "", control->on_done, control->userdata);
                if (r < 0) {
                        answer(control, BUS_ERROR_FAILED, strerror(-r));
                        return;
                }
        }
        (void) step(control->sv, control->task, event);
        if (no_wait)
                answer(control, OUTCOME_DONE, "");
}

static void control_pause(const Control *control) {
        Task *task = control->task;

        if (!disposition_pause_is_available(task)) {
                answer(control, BUS_ERROR_NOT_AVAILABLE, disposition_pause_refusal(task));
                return;
        }
        if (task->type->pause == DISPOSITION_POLL) {
                answer(control, BUS_ERROR_NOT_AVAILABLE, "This version cannot ask a task to pause itself; Pause=direct in its type's file can.");
                return;
        }
        if (is_too_late(control, EV_PAUSE))
                return;
        task->request = TASK_REQUEST_PAUSE;
        carry_out(control, EV_PAUSE, WAITER_PAUSED);
}

static void control_resume(const Control *control) {
        Task *task = control->task;

        if (!disposition_resume_is_available(task)) {
                answer(control, BUS_ERROR_NOT_AVAILABLE, disposition_resume_refusal(task));
                return;
        }
        if (is_too_late(control, EV_RESUME))
                return;
        task->request = TASK_REQUEST_NONE;
        carry_out(control, EV_RESUME, WAITER_RESUMED);
}

static void control_cancel(const Control *control, const Caller *caller) {
        Task *task = control->task;
        bool force = control->options->force, not_started = task->start_time_usec == 0;
        char note[512];

        if (force && !access_is_admin(&control->sv->access, caller)) {
                answer(control, BUS_ERROR_ACCESS_DENIED, "Only an administrator may force a cancel.");
                return;
        }
        if (!disposition_cancel_works(task, force)) {
                answer(control, BUS_ERROR_NOT_AVAILABLE, disposition_cancel_refusal(task));
                return;
        }
        if (task->type->cancel == DISPOSITION_POLL && !force && !not_started) {
                answer(control, BUS_ERROR_NOT_AVAILABLE, "This version cannot ask a task to cancel itself; Cancel=direct in its type's file, or an administrator's --force can.");
                return;
        }

        if (not_started)
                (void) snprintf(note, sizeof note, "It had not started.");
        else
                name_outside(task, note, sizeof note);
        if (task->run)
                run_cancel(task->run, force, false);
        else {
                task->request = TASK_REQUEST_CANCEL;
                (void) step(control->sv, task, EV_KILL);
        }
        step_remember(control->sv, task);
        wait_for(control, WAITER_GONE, note);
}

static void control_signal(const Control *control) {
        Task *task = control->task;
        int signal = control->options->signal, r;
        size_t n = 0;

        if (signal < 1 || signal > SIGRTMAX) {
                answer(control, BUS_ERROR_INVALID_OPTION, "There is no such signal.");
                return;
        }
        if (!task->run || task->phase < TASK_RUNNING || task->phase > TASK_ENDING) {
                answer(control, BUS_ERROR_NOT_AVAILABLE, "The task does not run, so there is no process to signal.");
                return;
        }
        r = cgroup_signal(task->run->cgroup_fd, task->run->cgroup_path, signal, &n);
        if (r < 0)
                answer(control, BUS_ERROR_FAILED, strerror(-r));
        else
                answer(control, OUTCOME_DONE, task->phase == TASK_PAUSED && signal != SIGKILL
                                              ? "The task is paused: a handler of the signal runs when it is resumed." : "");
}

/* No such task in memory: it has ended, or has never been. */
typedef struct Absent {
        ControlOnDone on_done;
        void *userdata;
} Absent;

static void absent_on_read(Task *task, int r, uint64_t id, const Caller *caller, void *closure, void *userdata) {
        const Absent *absent = closure;
        Outcome outcome = { BUS_ERROR_NO_SUCH_TASK, "" };
        char sentence[128];

        (void) snprintf(sentence, sizeof sentence, "There is no task %llu.", (unsigned long long) id);
        outcome.sentence = sentence;
        if (r < 0)
                outcome = (Outcome) { BUS_ERROR_STORE, strerror(-r) };
        else if (task)
                outcome = (Outcome) { BUS_ERROR_NOT_AVAILABLE, "The task has ended." };
        absent->on_done(id, &outcome, userdata);
}

static void waited_on_read(Task *task, int r, uint64_t id, const Caller *caller, void *closure, void *userdata) {
        const Absent *absent = closure;
        const Outcome done = { OUTCOME_DONE, "" };

        if (r == 0 && task)
                absent->on_done(id, &done, userdata);
        else
                absent_on_read(task, r, id, caller, closure, userdata);
}

static void ask_store(Supervisor *sv, uint64_t id, ErrandOnRead on_read, ControlOnDone on_done, void *userdata) {
        const Absent absent = { on_done, userdata };
        Outcome outcome = { BUS_ERROR_STORE, "" };
        int r;

        r = errand_run(sv, NULL, id, on_read, &absent, sizeof absent, userdata);
        if (r < 0) {
                outcome.sentence = strerror(-r);
                on_done(id, &outcome, userdata);
        }
}

void control_request(Supervisor *sv, const Caller *caller, uint64_t id, ControlVerb verb, const ControlOptions *options,
                     ControlOnDone on_done, void *userdata) {
        const Control control = { sv, registry_find(sv->registry, id), options, on_done, userdata };

        if (!control.task || !control.task->stored) {
                ask_store(sv, id, absent_on_read, on_done, userdata);
                return;
        }
        if (!access_to_task(&sv->access, caller, control.task)) {
                answer(&control, BUS_ERROR_ACCESS_DENIED, "The task belongs to another user.");
                return;
        }
        switch (verb) {
        case CONTROL_PAUSE:
                control_pause(&control);
                break;
        case CONTROL_RESUME:
                control_resume(&control);
                break;
        case CONTROL_CANCEL:
                control_cancel(&control, caller);
                break;
        case CONTROL_SIGNAL:
                control_signal(&control);
                break;
        }
}

void control_wait(Supervisor *sv, uint64_t id, WaitFor wait_for_what, ControlOnDone on_done, void *userdata) {
        static const WaiterWant wants[] = {
                [WAIT_ENDED] = WAITER_ENDED, [WAIT_RUNNING] = WAITER_HAS_RUN, [WAIT_PAUSED] = WAITER_HAS_PAUSED,
        };
        Task *task = registry_find(sv->registry, id);
        Outcome outcome = { BUS_ERROR_FAILED, "" };
        int r;

        if (!task || !task->stored) {
                ask_store(sv, id, waited_on_read, on_done, userdata);
                return;
        }
        r = waiter_add(sv, task, wants[wait_for_what], "", on_done, userdata);
        if (r < 0) {
                outcome.sentence = strerror(-r);
                on_done(id, &outcome, userdata);
        }
}

void control_forget(Supervisor *sv, void *userdata) {
        waiter_forget(sv, userdata);
        errand_forget(sv, userdata);
}
