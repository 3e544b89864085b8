/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/waiter.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/engine/run.h"
#include "supervisor/policy/disposition.h"

typedef struct Waiter {
        struct Waiter *next;    /* Task.waiters */
        WaiterWant want;
        ControlOnDone on_done;
        void *userdata;
        char *note;             /* NULL: none */
} Waiter;

typedef enum Answer {
        ANSWER_LATER,
        ANSWER_DONE,
        ANSWER_FAILED,
} Answer;

/* Whoever comes after a crash finds its group empty and marked; of what was never spawned only the disk tells. */
static bool task_is_gone(const Task *task) {
        return task->run && task->run->spawn_sent && task_phase_has_ended(task->phase);
}

static Answer waiter_answer(const Waiter *waiter, const Task *task) {
        TaskPhase phase = disposition_visible_phase(task);
        bool ended = task_phase_has_ended(phase);

        switch (waiter->want) {
        case WAITER_PAUSED:
                if (phase == TASK_PAUSED)
                        return ANSWER_DONE;
                return phase == TASK_PAUSING ? ANSWER_LATER : ANSWER_FAILED;
        case WAITER_RESUMED:
                if (phase == TASK_RUNNING)
                        return ANSWER_DONE;
                return phase == TASK_RESUMING ? ANSWER_LATER : ANSWER_FAILED;
        case WAITER_GONE:
                return ended || task_is_gone(task) ? ANSWER_DONE : ANSWER_LATER;
        case WAITER_ENDED:
                return ended ? ANSWER_DONE : ANSWER_LATER;
        case WAITER_HAS_RUN:
                return ended || task->start_time_usec > 0 ? ANSWER_DONE : ANSWER_LATER;
        case WAITER_HAS_PAUSED:
                return ended || phase == TASK_PAUSED ? ANSWER_DONE : ANSWER_LATER;
        }
        return ANSWER_LATER;
}

static const char *failure_sentence(const Task *task) {
        TaskPhase phase = disposition_visible_phase(task);

        if (phase == TASK_ENDING || task_phase_has_ended(phase))
                return "The task ended before that was done.";
        return "Another request came in between.";
}

static void waiter_tell(Waiter *waiter, const Task *task, Answer answer, const char *sentence) {
        Outcome outcome = { OUTCOME_DONE, text_or_empty(waiter->note) };

        if (answer == ANSWER_FAILED)
                outcome = (Outcome) { BUS_ERROR_NOT_AVAILABLE, sentence ? sentence : failure_sentence(task) };
        waiter->on_done(task->id, &outcome, waiter->userdata);
}

static Waiter *waiter_free(Waiter *waiter) {
        free(waiter->note);
        free(waiter);
        return NULL;
}

int waiter_expect(Task *task, WaiterWant want, const char *note, ControlOnDone on_done, void *userdata) {
        Waiter *waiter = calloc(1, sizeof *waiter);

        if (!waiter)
                return -ENOMEM;
        *waiter = (Waiter) { task->waiters, want, on_done, userdata, note[0] ? strdup(note) : NULL };
        task->waiters = waiter;
        return 0;
}

int waiter_add(Supervisor *sv, Task *task, WaiterWant want, const char *note, ControlOnDone on_done, void *userdata) {
        Waiter now = { NULL, want, on_done, userdata, (char *) note };
        Answer answer = waiter_answer(&now, task);

        if (answer == ANSWER_LATER)
                return waiter_expect(task, want, note, on_done, userdata);
        waiter_tell(&now, task, answer, NULL);
        return 0;
}

void waiter_check(Task *task, const char *sentence) {
        Waiter **link = &task->waiters;

        while (*link) {
                Waiter *waiter = *link;
                Answer answer = waiter_answer(waiter, task);

                if (answer == ANSWER_LATER) {
                        link = &waiter->next;
                        continue;
                }
                *link = waiter->next;
                waiter_tell(waiter, task, answer, sentence);
                (void) waiter_free(waiter);
                link = &task->waiters;          /* the callback may have added or forgotten others */
        }
}

static void task_forget_waiters(Task *task, void *userdata) {
        Waiter **link = &task->waiters;

        while (*link) {
                Waiter *waiter = *link;

                if (waiter->userdata != userdata) {
                        link = &waiter->next;
                        continue;
                }
                *link = waiter->next;
                (void) waiter_free(waiter);
        }
}

void waiter_forget(Supervisor *sv, void *userdata) {
        Task **tasks;
        size_t n_tasks;

        if (registry_list(sv->registry, &tasks, &n_tasks) < 0)
                return;
        for (size_t i = 0; i < n_tasks; i++)
                task_forget_waiters(tasks[i], userdata);
}
