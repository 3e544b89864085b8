/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/type-table.h"

#include <string.h>

#include "lib/base/text.h"
#include "supervisor/model/type.h"
#include "supervisor/settings/limit-settings.h"
#include "supervisor/settings/parse.h"

static const SettingWord dispositions[] = {
        { "none", DISPOSITION_NONE }, { "poll", DISPOSITION_POLL, .later = true }, { "direct", DISPOSITION_DIRECT }, {}
};

static const SettingWord exit_types[] = { { "main", EXIT_TYPE_MAIN }, { "cgroup", EXIT_TYPE_CGROUP }, {} };

static const SettingWord on_restarts[] = {
        { "exited", ON_RESTART_EXITED }, { "restart", ON_RESTART_RESTART, .later = true },
        { "hold", ON_RESTART_HOLD, .later = true }, {}
};

static const SettingWord outputs[] = {
        { "auto", OUTPUT_AUTO }, { "journal", OUTPUT_JOURNAL }, { "file", OUTPUT_FILE }, { "null", OUTPUT_NULL }, {}
};

static const SettingWord parameter_kinds[] = {
        { "string", PARAMETER_STRING }, { "integer", PARAMETER_INTEGER }, { "number", PARAMETER_NUMBER },
        { "boolean", PARAMETER_BOOLEAN }, { "path", PARAMETER_PATH }, { "choice", PARAMETER_CHOICE }, {}
};

static const SettingWord progress_sources[] = {
        { "ring", PROGRESS_RING, .later = true }, { "notify", PROGRESS_NOTIFY, .later = true },
        { "output", PROGRESS_OUTPUT, .later = true }, { "files", PROGRESS_FILES },
        { "io", PROGRESS_IO, .later = true }, { "command", PROGRESS_COMMAND, .later = true }, {}
};

static const SettingWord retry_words[] = {
        { "error", RETRY_ON_ERROR }, { "exited", RETRY_ON_EXITED }, { "timeout", RETRY_ON_TIMEOUT }, {}
};

static const SettingWord error_levels[] = {
        { "error", ERROR_LEVEL_ERROR }, { "warning", ERROR_LEVEL_WARNING }, { "ignore", ERROR_LEVEL_IGNORE }, {}
};

static const SettingSection type_sections[] = {
        { "Task", "What runs, as whom, and what its end means." },
        { "Control", "How the task is paused and cancelled. none: it cannot be. direct: the kernel does it to all its processes, at once. "
                     "poll: the task is asked and does it itself." },
        { "Parameter", "What may or must be given to `bgtctl start TYPE NAME=value`. Each parameter has a section of its own.", text_is_identifier },
        { "Progress", "Where the numbers come from." },
        { "Display", "Properties shown beside the usual ones, in this order: Name = value | Label | qualifiers. The value may hold ${parameter} "
                     "and ${details}; the qualifier p puts it next to the progress. For example: Database = ${database} | Database directory | p",
          .is_free = true },
        { "Schedule", "When it starts, and how often it is tried." },
        { "Limits", "What its processes may use, as in systemd.resource-control(5)." },
        { "Hooks", "Commands that run when something happens, written as in ExecStart=." },
        {}
};

static const Setting type_keys[] = {
        { "Task", "DisplayType", "", parse_text, offsetof(TaskType, display_type),
          "What people call it. Empty: the name of the file." },
        { "Task", "Description", "", parse_text, offsetof(TaskType, description),
          "One line about what it does." },
        { "Task", "ExecStart", "", parse_command, offsetof(TaskType, exec_start),
          "The command, required. An absolute path or a name in the PATH, then arguments, quoted as in systemd.service(5); there is no shell. "
          "${name} is a parameter and stays part of one argument whatever it holds; an argument that is only an absent one is left out; "
          "$$ is a dollar." },
        { "Task", "User", "", parse_account, offsetof(TaskType, user),
          "Whom it runs as. Empty: who starts it.", .decides_access = true },
        { "Task", "Group", "", parse_account, offsetof(TaskType, group),
          "Empty: the user's group.", .decides_access = true },
        { "Task", "WorkingDirectory", "/", parse_path, offsetof(TaskType, working_directory),
          "Where it runs." },
        { "Task", "Environment", "", parse_environment, offsetof(TaskType, environment),
          "NAME=value, quoted as in ExecStart=, parameters not replaced: the task has them as BGT_PARAM_name.", .list = true },
        { "Task", "UMask", "022", parse_umask, offsetof(TaskType, umask),
          "The mask of the files it makes." },
        { "Task", "StandardInput", "", parse_path, offsetof(TaskType, standard_input),
          "The file it reads. Empty: /dev/null." },
        { "Task", "Namespace", "default", parse_namespace, offsetof(TaskType, namespace),
          "The group of tasks it belongs to." },
        { "Task", "ReadOnly", "no", parse_boolean, offsetof(TaskType, read_only),
          "Whether it sees all file systems read-only.", .later = true },
        { "Task", "ExitType", "main", parse_word, offsetof(TaskType, exit_type),
          "When it ends: with its main process, and what that left behind is killed, or when no process is left.", exit_types },
        { "Task", "SuccessExitStatus", "0", parse_exit_statuses, offsetof(TaskType, success_exit_status),
          "The exit statuses that mean success, such as 0 3 10-12.", .list = true },
        { "Task", "OnRestart", "exited", parse_word, offsetof(TaskType, on_restart),
          "What becomes of it when the machine went down under it.", on_restarts },
        { "Task", "Output", "auto", parse_word, offsetof(TaskType, output),
          "Where its standard output and error go; auto is the journal where there is one.", outputs },
        { "Task", "OutputMaxBytes", "", parse_bytes, offsetof(TaskType, output_max_bytes),
          "How much of it is kept in a file, the newest. Empty: bgtd.conf's.", .minimum = 4096 },
        { "Task", "AllowUsers", "", parse_accounts, offsetof(TaskType, allow_users),
          "Who may start it. With this and AllowGroups= empty: everybody, or with User= admins.", .list = true, .decides_access = true },
        { "Task", "AllowGroups", "", parse_accounts, offsetof(TaskType, allow_groups),
          "Groups whose members may start it.", .list = true, .decides_access = true },
        { "Task", "Override", "", parse_keys, offsetof(TaskType, override),
          "Keys of this file that `bgtctl start --property` may set, such as CPUWeight.", .list = true, .decides_access = true },
        { "Task", "AllowOthers", "no", parse_boolean, offsetof(TaskType, allow_others),
          "Whether parameters may be given that have no section.", .decides_access = true },

        { "Control", "Pause", "none", parse_word, offsetof(TaskType, pause),
          "How it is paused.", dispositions },
        { "Control", "Cancel", "none", parse_word, offsetof(TaskType, cancel),
          "How it is cancelled.", dispositions },
        { "Control", "CancelSignal", "SIGTERM", parse_signal, offsetof(TaskType, cancel_signal),
          "What a direct cancel sends first, if CancelGraceSec= is more than 0." },
        { "Control", "CancelGraceSec", "0", parse_span, offsetof(TaskType, cancel_grace_usec),
          "How long the processes have after the signal before they are killed; 0 kills them at once." },
        { "Control", "CancelExitStatus", "130", parse_exit_status, offsetof(TaskType, cancel_exit_status),
          "The exit status by which the task says that it ended because it was asked to.", .minimum = 1, .maximum = 255, .later = true },
        { "Control", "CancelEscalateSec", "0", parse_deadline, offsetof(TaskType, cancel_escalate_usec),
          "When a polled cancel that the task ignores becomes a direct one; 0 is never.", .later = true },

        { "Parameter", "Type", "string", parse_word, offsetof(Parameter, kind),
          "What a value must be; a path is absolute and has no `..`.", parameter_kinds },
        { "Parameter", "Required", "no", parse_boolean, offsetof(Parameter, required),
          "Whether it must be given." },
        { "Parameter", "Default", "", parse_text, offsetof(Parameter, default_value),
          "The value if none is given." },
        { "Parameter", "Choices", "", parse_choices, offsetof(Parameter, choices),
          "The values that a choice has, quoted as in ExecStart=, between them spaces or commas.", .list = true },
        { "Parameter", "Pattern", "", parse_pattern, offsetof(Parameter, pattern),
          "An extended regular expression that all of the value must match, such as [a-z]+[0-9]*." },
        { "Parameter", "Label", "", parse_text, offsetof(Parameter, label),
          "What people call it. Empty: its name." },
        { "Parameter", "Secret", "no", parse_boolean, offsetof(Parameter, secret),
          "Whether only the task may see it, in the file BGT_PARAMETERS; arguments of processes are public on Linux, "
          "so it cannot be part of a command." },
        { "Parameter", "AllowDash", "no", parse_boolean, offsetof(Parameter, allow_dash),
          "Whether it may begin an argument with `-`, where programs expect options." },

        { "Progress", "Source", "ring", parse_word, offsetof(TaskType, progress_source),
          "ring: what libbgt posts. notify: sd_notify. output: an expression on what it writes. files: how far it is in the files it has open, "
          "for unmodified programs. io: bytes moved against a total. command: what Command= prints.", progress_sources },
        { "Progress", "Units", "", parse_text, offsetof(TaskType, progress_units),
          "What the numbers count. Numbers of bytes are shown in kB, MB, GB, KiB, MiB or GiB. Empty: a percentage." },
        { "Progress", "Expression", "", parse_text, offsetof(TaskType, progress_expression),
          "For Source=output, with the named groups current, total, units and details.", .later = true },
        { "Progress", "Total", "", parse_parameter_name, offsetof(TaskType, progress_total),
          "For Source=io, the parameter that holds the total.", .later = true },
        { "Progress", "Command", "", parse_command, offsetof(TaskType, progress_command),
          "Is given the last numbers and may replace them.", .later = true },

        { "Schedule", "Priority", "0", parse_priority, offsetof(TaskType, priority),
          "Greater starts first.", .later = true },
        { "Schedule", "FailAttempts", "0", parse_count_or_forever, offsetof(TaskType, fail_attempts),
          "How often it is tried again; -1 until it succeeds.", .later = true },
        { "Schedule", "FailWaitSeconds", "0", parse_count, offsetof(TaskType, fail_wait_seconds),
          "The wait before the second attempt.", .later = true },
        { "Schedule", "FailWaitMultiplier", "0", parse_count, offsetof(TaskType, fail_wait_multiplier),
          "How much longer each further wait is: FailWaitSeconds * (1 + FailWaitMultiplier * attempt).", .later = true },
        { "Schedule", "RetryOn", "error,exited,timeout", parse_word_set, offsetof(TaskType, retry_on),
          "After what it is tried again.", retry_words, .list = true, .later = true },
        { "Schedule", "MaxResults", "0", parse_count_or_forever, offsetof(TaskType, max_results),
          "How many attempts are remembered; 0 all, -1 none.", .later = true },
        { "Schedule", "TimeoutSec", "0", parse_deadline, offsetof(TaskType, timeout_usec),
          "How long it may run, pauses not counted; 0 is no limit." },
        { "Schedule", "Device", "", parse_name, offsetof(TaskType, device),
          "The device it needs, a section of bgtd.conf.", .later = true },
        { "Schedule", "Queue", "", parse_name, offsetof(TaskType, queue),
          "Of the tasks with the same queue one runs at a time.", .later = true },
        { "Schedule", "MaxRunning", "0", parse_count, offsetof(TaskType, max_running),
          "How many of the type may run at once; 0 is no limit.", .later = true },
        { "Schedule", "OnStartup", "no", parse_boolean, offsetof(TaskType, on_startup),
          "Whether one is started once per boot.", .later = true },

        LIMIT_SETTINGS("Limits", TaskType, "They", false),

        { "Hooks", "OnStarting", "", parse_command, offsetof(TaskType, on_starting),
          "Runs before the task exists; if it fails, the start is refused." },
        { "Hooks", "OnRunning", "", parse_command, offsetof(TaskType, on_running),
          "Runs in the task before its command; if it fails, the command is not run.", .later = true },
        { "Hooks", "OnCompleted", "", parse_command, offsetof(TaskType, on_completed),
          "Runs after success with the results on standard input.", .later = true },
        { "Hooks", "OnError", "", parse_command, offsetof(TaskType, on_error),
          "Runs after the last attempt has failed; if it succeeds, the failure is handled and nobody is told.", .later = true },
        { "Hooks", "ErrorLevel", "error", parse_word, offsetof(TaskType, error_level),
          "How much a failure that nothing has handled matters.", error_levels, .later = true },
        { "Hooks", "MailTo", "", parse_address, offsetof(TaskType, mail_to),
          "Who gets a mail then.", .later = true },
        { "Hooks", "ReenqueueLimit", "10", parse_count, offsetof(TaskType, reenqueue_limit),
          "How often in a minute a hook may start the type again.", .later = true },
        {}
};

const SettingTable type_table = { type_sections, type_keys };

const Setting *type_table_named(const char *name) {
        const char *dot = strchr(name, '.'), *key = dot ? dot + 1 : name;

        for (const Setting *s = type_keys; s->key; s++) {
                if (strcmp(s->section, "Parameter") == 0 || strcmp(s->key, key) != 0)
                        continue;
                if (!dot || (strlen(s->section) == (size_t) (dot - name) && strncmp(s->section, name, (size_t) (dot - name)) == 0))
                        return s;
        }
        return NULL;
}

bool type_table_is_list(const char *section, const char *key) {
        const Setting *setting = setting_find(&type_table, section, key);

        return setting && setting->list;
}
