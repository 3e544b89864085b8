/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/properties.h"

#include <limits.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/policy/disposition.h"

static bool is_status(const Snapshot *s, const char *status) {
        return strcmp(task_phase_status(s->phase, s->task->before_ending), status) == 0;
}

/* How it ended is told when it has, and that is durable. */
static const Ending *ending(const Snapshot *s) {
        static const Ending none = { .exit_code = -1 };

        return task_phase_has_ended(s->phase) ? &s->task->ending : &none;
}

static int row_exit_code(Row *row, const char *name, int exit_code) {
        return exit_code < 0 ? 0 : row_i32(row, name, exit_code);
}

static int row_signal(Row *row, const char *name, int signal) {
        return signal == 0 ? 0 : row_i32(row, name, signal);
}

static int row_pid(Row *row, const char *name, pid_t pid) {
        return pid == 0 ? 0 : row_u32(row, name, (uint32_t) pid);
}

static int row_rate(Row *row, const char *name, const Snapshot *s) {
        return s->has_rate ? row_real(row, name, s->rate) : 0;
}

/* Secrets are shown as such and not by their value. */
static int row_add_parameter(Row *row, const TaskType *type, const char *assignment) {
        _cleanup_(freep) char *name = NULL;
        const char *equals = strchr(assignment, '=');
        const Parameter *parameter;

        if (!equals)
                return 0;
        name = strndup(assignment, (size_t) (equals - assignment));
        if (!name)
                return -ENOMEM;
        parameter = task_type_parameter(type, name);
        return row_add_pair(row, name, parameter && parameter->secret ? "***" : equals + 1);
}

static int row_parameters(Row *row, const char *name, const Task *task) {
        int r;

        r = row_begin(row, name, "a{ss}");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_ARRAY, "{ss}");
        if (r < 0)
                return r;
        STRV_FOREACH(assignment, task->parameters) {
                r = row_add_parameter(row, task->type, assignment);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(row->message);
        if (r < 0)
                return r;
        return row_end(row);
}

static int row_identity(Row *row, const char *name, const JobIdentity *job) {
        Row inner = { .message = row->message };
        int r;

        if (job->pid == 0)
                return 0;
        r = row_begin(row, name, "a{sv}");
        if (r < 0)
                return r;
        r = row_open(&inner);
        if (r < 0)
                return r;
        r = row_u32(&inner, "Pid", (uint32_t) job->pid);
        if (r < 0)
                return r;
        r = row_u64(&inner, "StartTicks", job->start_ticks);
        if (r < 0)
                return r;
        r = row_text(&inner, "BootId", job->boot_id);
        if (r < 0)
                return r;
        r = row_time(&inner, "PidfdInode", job->pidfd_inode);
        if (r < 0)
                return r;
        r = row_close(&inner);
        if (r < 0)
                return r;
        row->n_bytes += inner.n_bytes;
        return row_end(row);
}

static int row_error(Row *row, const char *name, const Ending *how) {
        int r;

        if (!how->error_code)
                return 0;
        r = row_begin(row, name, "a{ss}");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_ARRAY, "{ss}");
        if (r < 0)
                return r;
        r = row_add_pair(row, "code", how->error_code);
        if (r < 0)
                return r;
        r = row_add_pair(row, "text", text_or_empty(how->error_text));
        if (r < 0)
                return r;
        if (how->error_callstack) {
                r = row_add_pair(row, "callstack", how->error_callstack);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(row->message);
        if (r < 0)
                return r;
        return row_end(row);
}

static int row_add_display(Row *row, const DisplayProperty *property, const char *value) {
        int r;

        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_STRUCT, "sssb");
        if (r < 0)
                return r;
        r = row_add_text(row, property->name);
        if (r < 0)
                return r;
        r = row_add_text(row, text_or_empty(property->label));
        if (r < 0)
                return r;
        r = row_add_text(row, text_or_empty(value));
        if (r < 0)
                return r;
        r = sd_bus_message_append(row->message, "b", property->with_progress);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(row->message);
}

static int row_display(Row *row, const char *name, const Snapshot *s) {
        const TaskType *type = s->task->type;
        size_t n = strv_length(s->display);
        int r;

        if (type->n_display == 0)
                return 0;
        r = row_begin(row, name, "a(sssb)");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_ARRAY, "(sssb)");
        if (r < 0)
                return r;
        for (size_t i = 0; i < type->n_display; i++) {
                r = row_add_display(row, &type->display[i], i < n ? s->display[i] : NULL);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(row->message);
        if (r < 0)
                return r;
        return row_end(row);
}

#define ALL     PROPERTY_PUBLIC
#define NEWS    PROPERTY_NEWS
#define USAGE   PROPERTY_USAGE
#define ASKED   PROPERTY_ASKED

/*
 * Name, type, who and when, kind of row_…() that puts it, value in a snapshot
 * `s`. What no task can have yet, such as a result, is null or false.
 */
#define PROPERTIES(P) \
        P(SnapshotTime,         "t",       ALL | NEWS, u64,        s->time_usec) \
        P(Id,                   "t",       ALL | NEWS, u64,        s->task->id) \
        P(Name,                 "s",       NEWS,       text,       task_display_name(s->task)) \
        P(Type,                 "s",       ALL | NEWS, text,       s->task->type->name) \
        P(DisplayType,          "s",       0,          text,       s->task->type->display_type) \
        P(Description,          "s",       0,          text,       s->task->type->description) \
        P(Label,                "s",       NEWS,       text,       s->task->label) \
        P(Namespace,            "s",       0,          text,       s->task->namespace) \
        P(Owner,                "s",       0,          user,       s->task->owner) \
        P(User,                 "s",       0,          text,       s->task->user) \
        P(OwnerUID,             "u",       0,          u32,        s->task->owner) \
        P(Accessible,           "b",       ALL | NEWS, flag,       s->accessible) \
        P(Command,              "as",      0,          words,      s->task->argv) \
        P(Parameters,           "a{ss}",   0,          parameters, s->task) \
        P(Priority,             "i",       0,          i32,        s->task->priority) \
        P(CreateTime,           "t",       0,          time,       s->task->create_time_usec) \
        P(UnlockTime,           "t",       NEWS,       time,       s->task->unlock_time_usec) \
        P(StartTime,            "t",       NEWS,       time,       s->task->start_time_usec) \
        P(FinishTime,           "t",       NEWS,       time,       task_phase_has_ended(s->phase) ? s->task->finish_time_usec : 0) \
        P(RunningState,         "s",       ALL | NEWS, text,       task_phase_running_state(s->phase, s->task->before_ending)) \
        P(Status,               "s",       ALL | NEWS, text,       task_phase_status(s->phase, s->task->before_ending)) \
        P(Phase,                "s",       ALL | NEWS, text,       task_phase_to_string(s->phase)) \
        P(List,                 "s",       ALL | NEWS, text,       task_phase_list(s->phase, s->task->before_ending)) \
        P(TaskmanStatus,        "s",       ALL | NEWS, text,       task_phase_taskman_status(s->phase, s->task->before_ending)) \
        P(StatusMessage,        "s",       NEWS,       text,       s->task->status_message) \
        P(HasEnded,             "b",       ALL | NEWS, flag,       task_phase_has_ended(s->phase)) \
        P(Paused,               "b",       ALL | NEWS, flag,       is_status(s, "Paused")) \
        P(Pending,              "b",       ALL | NEWS, flag,       is_status(s, "Pending")) \
        P(InProcess,            "b",       ALL | NEWS, flag,       is_status(s, "InProcess")) \
        P(Finished,             "b",       ALL | NEWS, flag,       task_phase_has_ended(s->phase)) \
        P(Succeeded,            "b",       ALL | NEWS, flag,       is_status(s, "Succeeded")) \
        P(Failed,               "b",       ALL | NEWS, flag,       is_status(s, "Failed")) \
        P(Ready,                "b",       ALL | NEWS, flag,       s->phase == TASK_READY) \
        P(NamespacePaused,      "b",       ALL | NEWS, flag,       false) \
        P(Request,              "i",       ALL | NEWS, i32,        s->task->request) \
        P(PauseIsAvailable,     "b",       NEWS,       flag,       disposition_pause_is_available(s->task)) \
        P(ResumeIsAvailable,    "b",       NEWS,       flag,       disposition_resume_is_available(s->task)) \
        P(CancelIsAvailable,    "b",       NEWS,       flag,       disposition_cancel_is_available(s->task)) \
        P(PID,                  "u",       NEWS,       pid,        s->task->job.pid) \
        P(JobIdentity,          "a{sv}",   0,          identity,   &s->task->job) \
        P(ProgressCurrent,      "x",       ALL | NEWS, i64,        s->task->progress.current) \
        P(ProgressTotal,        "x",       ALL | NEWS, i64,        s->task->progress.total) \
        P(ProgressUnits,        "s",       ALL | NEWS, text,       s->task->progress.units) \
        P(ProgressDetails,      "s",       NEWS,       text,       s->task->progress.details) \
        P(Progress,             "i",       ALL | NEWS, i32,        s->progress_percent) \
        P(ProgressLine,         "s",       ALL | NEWS, text,       s->progress_line) \
        P(ProgressTime,         "t",       ALL | NEWS, time,       s->task->progress.time_usec) \
        P(Rate,                 "d",       NEWS,       rate,       s) \
        P(ETA,                  "t",       NEWS,       time,       s->has_eta ? s->eta_usec : 0) \
        P(FinalStatus,          "s",       NEWS,       text,       ending(s)->final_status) \
        P(ExitCode,             "i",       NEWS,       exit_code,  ending(s)->exit_code) \
        P(Signal,               "i",       NEWS,       signal,     ending(s)->signal) \
        P(Error,                "a{ss}",   NEWS,       error,      ending(s)) \
        P(Result,               "a{ss}",   0,          null,       s) \
        P(LeftProcesses,        "t",       NEWS,       time,       ending(s)->n_left_processes) \
        P(FailAttempts,         "x",       0,          i64,        s->task->type->fail_attempts) \
        P(MaxResults,           "x",       0,          i64,        s->task->type->max_results) \
        P(CurrentAttempt,       "u",       0,          u32,        s->task->attempt > 0 ? s->task->attempt - 1 : 0) \
        P(FailWaitSeconds,      "t",       0,          u64,        s->task->type->fail_wait_seconds) \
        P(FailWaitMultiplier,   "t",       0,          u64,        s->task->type->fail_wait_multiplier) \
        P(Simulate,             "b",       0,          flag,       false) \
        P(Deferred,             "b",       0,          flag,       s->phase == TASK_DEFERRED) \
        P(PausedTime,           "t",       0,          u64,        s->paused_usec) \
        P(RunTime,              "t",       0,          u64,        s->run_usec) \
        P(CPUTime,              "t",       USAGE,      known,      s->usage.cpu_usec) \
        P(MemoryPeak,           "t",       USAGE,      known,      s->usage.memory_peak_bytes) \
        P(IORead,               "t",       USAGE,      known,      s->usage.io_read_bytes) \
        P(IOWrite,              "t",       USAGE,      known,      s->usage.io_write_bytes) \
        P(TasksPeak,            "t",       USAGE,      known,      s->usage.tasks_peak) \
        P(TimeoutSec,           "d",       0,          seconds,    s->task->timeout_usec) \
        P(WaitingFor,           "s",       NEWS,       text,       s->waiting_for) \
        P(ExternalState,        "s",       0,          text,       s->external_state) \
        P(Display,              "a(sssb)", NEWS,       display,    s) \
        P(OutsideProcesses,     "as",      ASKED,      outside,    s->task)

/* Named in seconds by everybody, so it is told in seconds; null is no timeout. */
static int row_seconds(Row *row, const char *name, uint64_t usec) {
        return usec == 0 || usec == USEC_INFINITY ? 0 : row_real(row, name, (double) usec / (double) USEC_PER_SEC);
}

static int row_outside(Row *row, const char *name, const Task *task) {
        _cleanup_(strv_freep) char **outside = NULL;
        int r;

        r = snapshot_find_outside(task, &outside);
        return r < 0 || !outside ? 0 : row_words(row, name, outside);
}

static int row_null(Row *row, const char *name, const Snapshot *s) {
        return 0;
}

#define PUT(Name, signature, flags, kind, value) \
        static int put_##Name(Row *row, const char *name, const Snapshot *s) { \
                return row_##kind(row, name, value); \
        }
PROPERTIES(PUT)

#define ENTRY(Name, signature, flags, kind, value) { #Name, signature, flags, put_##Name },
const Property properties_table[] = { PROPERTIES(ENTRY) };
const size_t n_properties = ELEMENTSOF(properties_table);

const Property *property_find(const char *name) {
        for (size_t i = 0; i < n_properties; i++)
                if (strcmp(properties_table[i].name, name) == 0)
                        return &properties_table[i];
        return NULL;
}

int property_put(const Property *property, Row *row, const Snapshot *snapshot) {
        if (!snapshot->accessible && !(property->flags & PROPERTY_PUBLIC))
                return 0;
        return property->put(row, property->name, snapshot);
}

static int properties_put_all(Row *row, const Snapshot *snapshot, unsigned flags) {
        int r;

        for (size_t i = 0; i < n_properties; i++) {
                if ((properties_table[i].flags & flags) != flags || properties_table[i].flags & PROPERTY_ASKED)
                        continue;
                r = property_put(&properties_table[i], row, snapshot);
                if (r < 0)
                        return r;
        }
        return 0;
}

int properties_put(Row *row, const Snapshot *snapshot, const Property *const *columns, size_t n_columns, unsigned flags) {
        int r;

        r = row_open(row);
        if (r < 0)
                return r;
        if (!columns) {
                r = properties_put_all(row, snapshot, flags);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n_columns; i++) {
                r = property_put(columns[i], row, snapshot);
                if (r < 0)
                        return r;
        }
        return row_close(row);
}
