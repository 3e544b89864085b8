/* SPDX-License-Identifier: MIT */
#include "lib/wire/task-words.h"

#include <string.h>

#include "lib/base/result.h"

typedef struct PhaseWords {
        const char *phase, *running_state, *status, *list, *taskman_status;
} PhaseWords;

static const PhaseWords words[_TASK_PHASE_MAX] = {
        [TASK_REGISTERED]     = { "registered",     "Starting",  "Pending",   NULL,       "2" },
        [TASK_DEFERRED]       = { "deferred",       "Starting",  "Pending",   NULL,       "2" },
        [TASK_HELD]           = { "held",           "Starting",  "Paused",    NULL,       "2" },
        [TASK_SCHEDULED]      = { "scheduled",      "Starting",  "Pending",   "schedule", "1" },
        [TASK_BLOCKED]        = { "blocked",        "Starting",  "Pending",   "schedule", "1" },
        [TASK_READY]          = { "ready",          "Starting",  "Pending",   "job",      "3" },
        [TASK_WAITING_DEVICE] = { "waiting-device", "Starting",  "Pending",   "io",       "A" },
        [TASK_STARTING]       = { "starting",       "Starting",  "Pending",   NULL,       "4" },
        [TASK_RUNNING]        = { "running",        "Running",   "InProcess", "task",     "5" },
        [TASK_PAUSING]        = { "pausing",        "Running",   "InProcess", "task",     "5" },
        [TASK_RESUMING]       = { "resuming",       "Paused",    "Paused",    "task",     "5" },
        [TASK_PAUSED]         = { "paused",         "Paused",    "Paused",    "task",     "5" },
        [TASK_ENDING]         = { "ending",         NULL,        NULL,        NULL,       NULL },
        [TASK_DONE]           = { "done",           "Done",      "Succeeded", NULL,       "6" },
        [TASK_ERROR]          = { "error",          "Error",     "Failed",    NULL,       "C" },
        [TASK_CANCELLED]      = { "cancelled",      "Cancelled", "Failed",    NULL,       "D" },
        [TASK_EXITED]         = { "exited",         "Exited",    "Failed",    NULL,       "E" },
};

const char *task_phase_to_string(TaskPhase phase) {
        assert(phase >= 0 && phase < _TASK_PHASE_MAX);
        return words[phase].phase;
}

TaskPhase task_phase_from_string(const char *s) {
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++)
                if (strcmp(words[phase].phase, s) == 0)
                        return phase;
        return _TASK_PHASE_INVALID;
}

static const PhaseWords *phase_words(TaskPhase phase, TaskPhase before) {
        assert(phase >= 0 && phase < _TASK_PHASE_MAX);
        assert(phase != TASK_ENDING || (before >= 0 && before < TASK_ENDING));
        return words + (phase == TASK_ENDING ? before : phase);
}

const char *task_phase_running_state(TaskPhase phase, TaskPhase before) {
        return phase_words(phase, before)->running_state;
}

const char *task_phase_status(TaskPhase phase, TaskPhase before) {
        return phase_words(phase, before)->status;
}

const char *task_phase_list(TaskPhase phase, TaskPhase before) {
        return phase_words(phase, before)->list;
}

const char *task_phase_taskman_status(TaskPhase phase, TaskPhase before) {
        return phase_words(phase, before)->taskman_status;
}
