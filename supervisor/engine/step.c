/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/step.h"

#include "lib/base/result.h"
#include "supervisor/engine/finish.h"
#include "supervisor/engine/run.h"
#include "supervisor/engine/spawn.h"
#include "supervisor/engine/waiter.h"
#include "supervisor/sys/log.h"

#define LAZY_USEC (2 * USEC_PER_SEC)

static int lazy_on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Supervisor *sv = userdata;
        int r;

        for (size_t i = 0; i < sv->n_lazy; i++) {
                r = store_put_state(sv->store, sv->lazy[i]);
                if (r < 0)
                        (void) log_task_failure(r, sv->lazy[i]->id, "Cannot remember the task's state");
        }
        sv->n_lazy = 0;
        return 0;
}

static int lazy_arm(Supervisor *sv) {
        int r;

        if (sv->lazy_source) {
                r = sd_event_source_set_time_relative(sv->lazy_source, LAZY_USEC);
                if (r < 0)
                        return r;
                return sd_event_source_set_enabled(sv->lazy_source, SD_EVENT_ONESHOT);
        }
        return sd_event_add_time_relative(sv->event, &sv->lazy_source, CLOCK_MONOTONIC, LAZY_USEC, 0, lazy_on_time, sv);
}

void step_remember_lazily(Supervisor *sv, Task *task) {
        if (sv->n_lazy == sv->n_lazy_allocated) {
                size_t n = sv->n_lazy_allocated ? sv->n_lazy_allocated * 2 : 64;
                Task **grown = reallocarray(sv->lazy, n, sizeof *grown);

                if (!grown)
                        return step_remember(sv, task);
                sv->lazy = grown;
                sv->n_lazy_allocated = n;
        }
        for (size_t i = 0; i < sv->n_lazy; i++)
                if (sv->lazy[i] == task)
                        return;
        if (sv->n_lazy == 0 && lazy_arm(sv) < 0)
                return step_remember(sv, task);
        sv->lazy[sv->n_lazy++] = task;
}

void step_forget(Supervisor *sv, Task *task) {
        for (size_t i = 0; i < sv->n_lazy; i++)
                if (sv->lazy[i] == task)
                        sv->lazy[i] = sv->lazy[--sv->n_lazy];
}

void step_remember(Supervisor *sv, Task *task) {
        int r;

        r = store_put_state(sv->store, task);
        if (r < 0)
                (void) log_task_failure(r, task->id, "Cannot remember the task's state");
        registry_changed(sv->registry, task);
}

static void task_enter(Task *task, TaskPhase next) {
        uint64_t now = clock_now_usec(CLOCK_REALTIME);

        if (next == TASK_ENDING && task->phase != TASK_ENDING)
                task->before_ending = task->phase;
        if (next == TASK_PAUSED)
                task->paused_since_usec = now;
        else if (task->paused_since_usec > 0 && next != TASK_RESUMING) {
                task->paused_usec += usec_sub(now, task->paused_since_usec);
                task->paused_since_usec = 0;
        }
        if (next == TASK_RUNNING && task->start_time_usec == 0)
                task->start_time_usec = now;
        if (task_phase_has_ended(next))
                task->finish_time_usec = now;
        task->phase = next;
}

/* The clock of TimeoutSec= stands still in a pause. */
static void task_keep_clock(Task *task) {
        if (!task->run)
                return;
        if (task->phase == TASK_RUNNING)
                run_start_clock(task->run);
        else if (task->phase == TASK_PAUSED || task->phase == TASK_ENDING)
                run_stop_clock(task->run);
}

static void act_now(Task *task, TaskEvent event, unsigned effects) {
        if (effects & EFFECT_FREEZE)
                run_freeze(task->run);
        if (effects & EFFECT_SIGNAL)
                run_signal(task->run);          /* before the thaw: it is waiting when they go on */
        if (effects & EFFECT_THAW)
                run_thaw(task->run);
        if (effects & EFFECT_KILL)
                run_kill(task->run, event);
}

/* What waits for the disk. The task cannot go before its own teardown has been called back. */
static void act_when_spawn_durable(int r, void *userdata) {
        Task *task = userdata;

        if (r == 0 && task->run)
                spawn_send(task->run);
}

static int step_store(Supervisor *sv, Task *task, TaskEvent event, unsigned effects) {
        int r;

        if (event == EV_EXECED) {
                step_remember_lazily(sv, task);         /* the keeper can tell it again */
                return 0;
        }
        if (event == EV_EXIT || (event == EV_KILL && task->phase == TASK_ENDING && task->request != TASK_REQUEST_CANCEL))
                return 0;                               /* its end follows at once */

        if (effects & EFFECT_TEARDOWN)
                return finish_remember(sv, task);
        if (!(effects & EFFECT_SPAWN))
                return store_put_state(sv->store, task);

        r = store_put_task(sv->store, task);
        if (r < 0)
                return r;
        return store_when_durable(sv->store, act_when_spawn_durable, task);
}

int step(Supervisor *sv, Task *task, TaskEvent event) {
        Transition t;
        int r;

        if (!transition_find(task->phase, event, &t))
                return STEP_E_NOT_NOW;

        if (t.effects & EFFECT_PREPARE) {
                r = spawn_prepare(sv, task);
                if (r < 0)
                        return r;
        }
        task_enter(task, t.next);
        act_now(task, event, t.effects);
        waiter_check(task, task->run && task->run->failure[0] ? task->run->failure : NULL);
        if (task->run && t.effects & (EFFECT_FREEZE | EFFECT_THAW)) {
                run_look(task->run);    /* as a rule it is a fact already */
                if (task->phase != t.next)
                        return 0;       /* the step that made it so has done the rest */
        }
        task_keep_clock(task);

        r = step_store(sv, task, event, t.effects);
        if (r < 0 && t.effects & EFFECT_SPAWN)
                return r;
        if (r < 0)
                (void) log_task_failure(r, task->id, "Cannot remember the task's state");

        registry_changed(sv->registry, task);
        if (task->run)
                run_look(task->run);
        return 0;
}
