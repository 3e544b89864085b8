/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Task types
 *
 * What a type file says, checked and with its defaults filled in. A task keeps
 * the type it was started with: a later change of the file changes nothing for
 * it. So a type is shared between the set it was loaded into and its tasks, and
 * the store keeps its text, from which the same type can be made again.
 *
 * Never changed once it is made; settings/type-file.c makes it.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/owned.h"
#include "supervisor/sys/limits.h"

typedef enum Disposition {
        DISPOSITION_NONE = 0,
        DISPOSITION_POLL = 1,
        DISPOSITION_DIRECT = -1,
} Disposition;

typedef enum ExitType {
        EXIT_TYPE_MAIN,         /* the task ends with its main process */
        EXIT_TYPE_CGROUP,       /* the task ends when its cgroup is empty */
} ExitType;

typedef enum OnRestart {
        ON_RESTART_EXITED,
        ON_RESTART_RESTART,
        ON_RESTART_HOLD,
} OnRestart;

typedef enum OutputMode {
        OUTPUT_AUTO,            /* journal where there is one, else file */
        OUTPUT_JOURNAL,
        OUTPUT_FILE,
        OUTPUT_NULL,
} OutputMode;

typedef enum ProgressSource {
        PROGRESS_RING,
        PROGRESS_NOTIFY,
        PROGRESS_OUTPUT,
        PROGRESS_FILES,
        PROGRESS_IO,
        PROGRESS_COMMAND,
} ProgressSource;

typedef enum ParameterKind {
        PARAMETER_STRING,
        PARAMETER_INTEGER,
        PARAMETER_NUMBER,
        PARAMETER_BOOLEAN,
        PARAMETER_PATH,         /* absolute, without `..` */
        PARAMETER_CHOICE,
} ParameterKind;

typedef struct Parameter {
        char *name;
        ParameterKind kind;
        bool required;
        bool secret;
        bool allow_dash;
        char *default_value;    /* NULL: none */
        char **choices;
        char *pattern;          /* POSIX extended regular expression for the whole value; NULL: any */
        char *label;            /* NULL: its name */
} Parameter;

typedef struct DisplayProperty {
        char *name;
        char *value;            /* with ${parameter} and ${details} */
        char *label;
        bool with_progress;     /* qualifier p */
} DisplayProperty;

enum {
        RETRY_ON_ERROR = 1 << 0,
        RETRY_ON_EXITED = 1 << 1,
        RETRY_ON_TIMEOUT = 1 << 2,
};

typedef enum ErrorLevel {
        ERROR_LEVEL_ERROR,
        ERROR_LEVEL_WARNING,
        ERROR_LEVEL_IGNORE,
} ErrorLevel;

typedef struct TaskType {
        unsigned n_refs;
        uint64_t definition_id;         /* the store's number for its text; 0 until stored */
        char *name;                     /* `command` for ad-hoc commands */
        char *path;                     /* the file it came from; NULL if from the store or built in */
        char *text;                     /* INI text of every key that was set, from which the same type can be made again */

        /* [Task] */
        char *display_type;
        char *description;
        char **exec_start;              /* as words, ${parameter} not yet replaced */
        char *user, *group;             /* NULL: the owner's */
        char *working_directory;
        char **environment;
        mode_t umask;
        char *standard_input;           /* NULL: /dev/null */
        char *namespace;
        bool read_only;
        ExitType exit_type;
        uint8_t success_exit_status[32];        /* a bit for each of 0 to 255 */
        OnRestart on_restart;
        OutputMode output;
        uint64_t output_max_bytes;      /* 0: the manager's setting */
        char **allow_users, **allow_groups;
        char **override;                /* keys that `start --property` may set */
        bool allow_others;

        /* [Control] */
        Disposition pause, cancel;
        int cancel_signal;
        uint64_t cancel_grace_usec;
        uint8_t cancel_exit_status;
        uint64_t cancel_escalate_usec;  /* 0: never */

        Parameter *parameters;
        size_t n_parameters;

        /* [Progress] */
        ProgressSource progress_source;
        char *progress_units;           /* NULL: none */
        char *progress_expression;
        char *progress_total;
        char **progress_command;

        DisplayProperty *display;
        size_t n_display;

        /* [Schedule] */
        int32_t priority;
        int64_t fail_attempts;          /* -1: until it succeeds */
        uint64_t fail_wait_seconds;
        uint64_t fail_wait_multiplier;
        unsigned retry_on;
        int64_t max_results;
        uint64_t timeout_usec;          /* 0: none */
        char *device, *queue;           /* NULL: none */
        uint64_t max_running;           /* 0: no limit */
        bool on_startup;

        Limits limits;

        /* [Hooks] */
        char **on_starting, **on_running, **on_completed, **on_error;
        ErrorLevel error_level;
        char *mail_to;
        uint64_t reenqueue_limit;
} TaskType;

#define TASK_TYPE_COMMAND "command"

TaskType *task_type_ref(TaskType *type);
/* Returns NULL. Takes NULL. */
TaskType *task_type_unref(TaskType *type);
DEFINE_OWNED(TaskType *, task_type_unref)

/* An empty one with one reference; NULL if out of memory. The default values are settings'. */
TaskType *task_type_new(void);

const Parameter *task_type_parameter(const TaskType *type, const char *name);

static inline bool task_type_is_success(const TaskType *type, int exit_status) {
        return exit_status >= 0 && exit_status < 256 && type->success_exit_status[exit_status / 8] & (1 << exit_status % 8);
}

const char *disposition_to_string(Disposition d);
const char *parameter_kind_to_string(ParameterKind kind);
