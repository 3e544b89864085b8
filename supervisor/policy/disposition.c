/* SPDX-License-Identifier: MIT */
#include "supervisor/policy/disposition.h"

TaskPhase disposition_visible_phase(const Task *task) {
        return task_has_ended(task) && !task->settled ? TASK_ENDING : task->phase;
}

typedef enum Running {
        NOT_STARTED,
        RUNNING,
        PAUSED,
        ENDED,
} Running;

/* What S0 calls the task, as far as requests care. */
static Running running(const Task *task) {
        TaskPhase phase = disposition_visible_phase(task);

        if (phase == TASK_ENDING)
                phase = task->before_ending;
        switch (phase) {
        case TASK_RUNNING:
        case TASK_PAUSING:
                return RUNNING;
        case TASK_PAUSED:
        case TASK_RESUMING:
                return PAUSED;
        default:
                return task_phase_has_ended(phase) ? ENDED : NOT_STARTED;
        }
}

bool disposition_pause_is_available(const Task *task) {
        return task->type->pause != DISPOSITION_NONE && task->request == TASK_REQUEST_NONE && running(task) == RUNNING;
}

bool disposition_resume_is_available(const Task *task) {
        Running r = running(task);

        return task->type->pause != DISPOSITION_NONE && task->request == TASK_REQUEST_PAUSE && (r == RUNNING || r == PAUSED);
}

bool disposition_cancel_is_available(const Task *task) {
        Running r = running(task);

        return task->type->cancel != DISPOSITION_NONE && task->request != TASK_REQUEST_CANCEL && (r == RUNNING || r == PAUSED);
}

bool disposition_cancel_works(const Task *task, bool force) {
        Running r = running(task);

        if (r == ENDED)
                return false;
        return force || r == NOT_STARTED || disposition_cancel_is_available(task);
}

const char *disposition_pause_refusal(const Task *task) {
        switch (running(task)) {
        case NOT_STARTED:
                return "The task does not run yet, only a running task can be paused.";
        case ENDED:
                return "The task has ended.";
        case PAUSED:
                return "The task is paused already.";
        case RUNNING:
                break;
        }
        if (task->type->pause == DISPOSITION_NONE)
                return "Its type does not allow a pause; [Control] Pause= in the type's file decides.";
        if (task->request == TASK_REQUEST_CANCEL)
                return "The task is being cancelled.";
        return "The task has been asked to pause already.";
}

const char *disposition_resume_refusal(const Task *task) {
        switch (running(task)) {
        case NOT_STARTED:
                return "The task does not run yet, only a paused task can be resumed.";
        case ENDED:
                return "The task has ended.";
        case RUNNING:
        case PAUSED:
                break;
        }
        if (task->request == TASK_REQUEST_CANCEL)
                return "The task is being cancelled.";
        if (task->type->pause == DISPOSITION_NONE)
                return "Its type does not allow a pause, so there is nothing to resume.";
        return "The task is not paused.";
}

const char *disposition_cancel_refusal(const Task *task) {
        if (running(task) == ENDED)
                return "The task has ended.";
        if (task->request == TASK_REQUEST_CANCEL)
                return "The task is being cancelled already; an administrator's --force ends it at once.";
        return "Its type does not allow a cancel; an administrator's --force ends it all the same.";
}
