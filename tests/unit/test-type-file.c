/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/settings/type-file.h"
#include "supervisor/settings/type-table.h"
#include "tests/kit/tree.h"
#include "tests/kit/type-dump.h"
#include "tests/kit/unit.h"

#define SEC 1000000ULL
#define BARE "[Task]\nExecStart=/bin/true\n"

static TaskType *type_of(const char *text) {
        TaskType *type = NULL;
        SettingsFault fault;
        int r;

        r = type_file_parse("t", text, &type, &fault);
        if (r < 0)
                print_error("%s\n", fault.sentence);
        assert_int_equal(r, 0);
        assert_string_equal(fault.sentence, "");
        return type;
}

static void assert_refused(const char *text, const char *sentence) {
        TaskType *type = NULL;
        SettingsFault fault;

        assert_int_equal(type_file_parse("t", text, &type, &fault), -EINVAL);
        assert_null(type);
        assert_string_equal(fault.sentence, sentence);
}

static void every_key_but_the_command_has_a_default(void **state) {
        _cleanup_(task_type_unrefp) TaskType *t = type_of(BARE);

        assert_string_equal(t->name, "t");
        assert_string_equal(t->display_type, "t");
        assert_null(t->description);
        assert_int_equal(strv_length(t->exec_start), 1);
        assert_null(t->user);
        assert_null(t->group);
        assert_string_equal(t->working_directory, "/");
        assert_null(t->environment);
        assert_int_equal(t->umask, 022);
        assert_null(t->standard_input);
        assert_string_equal(t->namespace, "default");
        assert_false(t->read_only);
        assert_int_equal(t->exit_type, EXIT_TYPE_MAIN);
        assert_true(task_type_is_success(t, 0));
        assert_false(task_type_is_success(t, 1));
        assert_int_equal(t->on_restart, ON_RESTART_EXITED);
        assert_int_equal(t->output, OUTPUT_AUTO);
        assert_int_equal(t->output_max_bytes, 0);
        assert_null(t->allow_users);
        assert_null(t->allow_groups);
        assert_null(t->override);
        assert_false(t->allow_others);
        assert_int_equal(t->pause, DISPOSITION_NONE);
        assert_int_equal(t->cancel, DISPOSITION_NONE);
        assert_int_equal(t->cancel_signal, SIGTERM);
        assert_int_equal(t->cancel_grace_usec, 0);
        assert_int_equal(t->cancel_exit_status, 130);
        assert_int_equal(t->cancel_escalate_usec, 0);
        assert_int_equal(t->progress_source, PROGRESS_RING);
        assert_int_equal(t->fail_attempts, 0);
        assert_int_equal(t->retry_on, RETRY_ON_ERROR | RETRY_ON_EXITED | RETRY_ON_TIMEOUT);
        assert_int_equal(t->max_results, 0);
        assert_int_equal(t->timeout_usec, 0);
        assert_memory_equal(&t->limits, &LIMITS_NONE, sizeof(Limits));
        assert_int_equal(t->error_level, ERROR_LEVEL_ERROR);
        assert_int_equal(t->reenqueue_limit, 10);
        assert_int_equal(t->n_parameters, 0);
        assert_int_equal(t->n_display, 0);
        assert_string_equal(t->text, BARE);
        assert_null(t->path);
}

static void the_tasks_keys_are_read(void **state) {
        _cleanup_(task_type_unrefp) TaskType *t = type_of(
                "[Task]\nDisplayType=Database Defragmentation\nDescription=a; b # c\nExecStart=defrag '--a b' ${x}\nUser=db\nGroup=1000\n"
                "WorkingDirectory=/srv\nEnvironment=A=1 'B=2 3'\nEnvironment=A=4\nUMask=0077\nStandardInput=/etc/hosts\n"
                "Namespace=maintenance\nReadOnly=yes\nExitType=cgroup\nSuccessExitStatus=3 10-12\nSuccessExitStatus=255\nOnRestart=hold\n"
                "Output=file\nOutputMaxBytes=1M\nAllowUsers=alice,bob\nAllowGroups=ops\nOverride=CPUWeight Limits.MemoryMax\nAllowOthers=1\n");

        assert_string_equal(t->display_type, "Database Defragmentation");
        assert_string_equal(t->description, "a; b # c");
        assert_int_equal(strv_length(t->exec_start), 3);
        assert_string_equal(t->exec_start[1], "--a b");
        assert_string_equal(t->user, "db");
        assert_string_equal(t->group, "1000");
        assert_string_equal(t->working_directory, "/srv");
        assert_int_equal(strv_length(t->environment), 2);
        assert_string_equal(t->environment[0], "A=4");
        assert_string_equal(t->environment[1], "B=2 3");
        assert_int_equal(t->umask, 077);
        assert_string_equal(t->standard_input, "/etc/hosts");
        assert_string_equal(t->namespace, "maintenance");
        assert_true(t->read_only);
        assert_int_equal(t->exit_type, EXIT_TYPE_CGROUP);
        assert_false(task_type_is_success(t, 0));
        assert_true(task_type_is_success(t, 3));
        assert_false(task_type_is_success(t, 9));
        assert_true(task_type_is_success(t, 10) && task_type_is_success(t, 11) && task_type_is_success(t, 12));
        assert_true(task_type_is_success(t, 255));
        assert_int_equal(t->on_restart, ON_RESTART_HOLD);
        assert_int_equal(t->output, OUTPUT_FILE);
        assert_int_equal(t->output_max_bytes, 1 << 20);
        assert_int_equal(strv_length(t->allow_users), 2);
        assert_string_equal(t->allow_groups[0], "ops");
        assert_int_equal(strv_length(t->override), 2);
        assert_true(t->allow_others);
}

/* T-20, T-21: the words of a disposition */
static void control_progress_schedule_limits_and_hooks_are_read(void **state) {
        _cleanup_(task_type_unrefp) TaskType *t = type_of(
                BARE
                "[Control]\nPause=direct\nCancel=poll\nCancelSignal=INT\nCancelGraceSec=1min\nCancelExitStatus=9\nCancelEscalateSec=30s\n"
                "[Progress]\nSource=io\nUnits=MB\nExpression=(?<current>\\d+)\nTotal=size\nCommand=/bin/progress ${size}\n[Parameter size]\n"
                "[Schedule]\nPriority=-5\nFailAttempts=-1\nFailWaitSeconds=60\nFailWaitMultiplier=2\nRetryOn=timeout\nMaxResults=-1\n"
                "TimeoutSec=2h\nDevice=tape0\nQueue=q\nMaxRunning=3\nOnStartup=yes\n"
                "[Limits]\nMemoryMax=2G\nMemoryHigh=50%\nCPUQuota=20%\nCPUWeight=50\nIOWeight=1\nTasksMax=infinity\n"
                "[Hooks]\nOnStarting=/bin/a\nOnRunning=/bin/b\nOnCompleted=/bin/c\nOnError=/bin/d ${size}\nErrorLevel=warning\n"
                "MailTo=root@localhost\nReenqueueLimit=1\n");

        assert_int_equal(t->pause, DISPOSITION_DIRECT);
        assert_int_equal(t->cancel, DISPOSITION_POLL);
        assert_int_equal(t->cancel_signal, SIGINT);
        assert_int_equal(t->cancel_grace_usec, 60 * SEC);
        assert_int_equal(t->cancel_exit_status, 9);
        assert_int_equal(t->cancel_escalate_usec, 30 * SEC);
        assert_int_equal(t->progress_source, PROGRESS_IO);
        assert_string_equal(t->progress_units, "MB");
        assert_string_equal(t->progress_expression, "(?<current>\\d+)");
        assert_string_equal(t->progress_total, "size");
        assert_string_equal(t->progress_command[1], "${size}");
        assert_int_equal(t->priority, -5);
        assert_int_equal(t->fail_attempts, -1);
        assert_int_equal(t->fail_wait_seconds, 60);
        assert_int_equal(t->fail_wait_multiplier, 2);
        assert_int_equal(t->retry_on, RETRY_ON_TIMEOUT);
        assert_int_equal(t->max_results, -1);
        assert_int_equal(t->timeout_usec, 7200 * SEC);
        assert_string_equal(t->device, "tape0");
        assert_string_equal(t->queue, "q");
        assert_int_equal(t->max_running, 3);
        assert_true(t->on_startup);
        assert_true(t->limits.memory_max_bytes == 2ULL << 30);
        assert_true(t->limits.memory_high_bytes == (uint64_t) sysconf(_SC_PHYS_PAGES) * (uint64_t) sysconf(_SC_PAGESIZE) / 100 * 50);
        assert_int_equal(t->limits.cpu_quota_percent, 20);
        assert_int_equal(t->limits.cpu_weight, 50);
        assert_int_equal(t->limits.io_weight, 1);
        assert_true(t->limits.tasks_max == UINT64_MAX);
        assert_string_equal(t->on_starting[0], "/bin/a");
        assert_string_equal(t->on_running[0], "/bin/b");
        assert_string_equal(t->on_completed[0], "/bin/c");
        assert_int_equal(strv_length(t->on_error), 2);
        assert_int_equal(t->error_level, ERROR_LEVEL_WARNING);
        assert_string_equal(t->mail_to, "root@localhost");
        assert_int_equal(t->reenqueue_limit, 1);
}

/* P-2 */
static void parameters_are_read_in_their_order_and_need_no_keys(void **state) {
        _cleanup_(task_type_unrefp) TaskType *t = type_of(
                BARE "[Parameter b]\nType=choice\nRequired=yes\nDefault=y z\nChoices=x 'y z'\nPattern=.*\nLabel=Bee\nAllowDash=yes\n[Parameter a]\n");
        const Parameter *b = task_type_parameter(t, "b"), *a = task_type_parameter(t, "a");

        assert_int_equal(t->n_parameters, 2);
        assert_ptr_equal(b, t->parameters);
        assert_int_equal(b->kind, PARAMETER_CHOICE);
        assert_true(b->required && b->allow_dash && !b->secret);
        assert_string_equal(b->default_value, "y z");
        assert_int_equal(strv_length(b->choices), 2);
        assert_string_equal(b->pattern, ".*");
        assert_string_equal(b->label, "Bee");
        assert_int_equal(a->kind, PARAMETER_STRING);
        assert_true(!a->required && !a->allow_dash && !a->secret && !a->default_value && !a->choices && !a->pattern && !a->label);
}

/* T-60 */
static void display_properties_are_read_in_their_order(void **state) {
        _cleanup_(task_type_unrefp) TaskType *t = type_of(
                BARE "[Display]\nDatabase=${database} | Database directory\nCurrentFile = ${details}|Current file| xpz \nPlain=a b\nUnlabelled=x||q\n"
                "[Parameter database]\n");

        assert_int_equal(t->n_display, 4);
        assert_string_equal(t->display[0].name, "Database");
        assert_string_equal(t->display[0].value, "${database}");
        assert_string_equal(t->display[0].label, "Database directory");
        assert_false(t->display[0].with_progress);
        assert_string_equal(t->display[1].value, "${details}");
        assert_string_equal(t->display[1].label, "Current file");
        assert_true(t->display[1].with_progress);
        assert_string_equal(t->display[2].value, "a b");
        assert_string_equal(t->display[2].label, "Plain");
        assert_string_equal(t->display[3].label, "Unlabelled");
        assert_false(t->display[3].with_progress);
}

static void values_are_checked_with_line_and_reason(void **state) {
        static const struct {
                const char *line, *sentence;
        } cases[] = {
                { "[Control]\nPause=freeze\n", "t:4: Pause=freeze is not known; use none, poll or direct." },
                { "[Control]\nPause=Direct\n", "t:4: Pause=Direct is not known; use none, poll or direct." },
                { "[Control]\nCancelSignal=SIGFOO\n", "t:4: CancelSignal=SIGFOO is not a signal; write for example SIGTERM, TERM or 15." },
                { "[Control]\nCancelSignal=0\n", "t:4: CancelSignal=0 is not a signal; write for example SIGTERM, TERM or 15." },
                { "[Control]\nCancelGraceSec=infinity\n", "t:4: CancelGraceSec=infinity would wait for ever; write a time, for example 30s." },
                { "[Control]\nCancelExitStatus=0\n", "t:4: CancelExitStatus=0 is not an exit status from 1 to 255." },
                { "SuccessExitStatus=0 256\n", "t:3: SuccessExitStatus=0 256 is not a list of exit statuses from 0 to 255; write for example 0 3 10-12." },
                { "SuccessExitStatus=12-10\n", "t:3: SuccessExitStatus=12-10 is not a list of exit statuses from 0 to 255; write for example 0 3 10-12." },
                { "SuccessExitStatus=1-\n", "t:3: SuccessExitStatus=1- is not a list of exit statuses from 0 to 255; write for example 0 3 10-12." },
                { "UMask=888\n", "t:3: UMask=888 is not a file mode mask; write for example 022." },
                { "UMask=7777\n", "t:3: UMask=7777 is not a file mode mask; write for example 022." },
                { "WorkingDirectory=srv\n", "t:3: WorkingDirectory=srv is not an absolute path." },
                { "ReadOnly=perhaps\n", "t:3: ReadOnly=perhaps is not a yes or no." },
                { "User=a b\n", "t:3: User=a b is not the name or number of a user or group." },
                { "User=-x\n", "t:3: User=-x is not the name or number of a user or group." },
                { "Namespace=a/b\n", "t:3: Namespace=a/b is not a name; use up to 63 letters, digits, `_`, `.` and `-`, a letter or digit first." },
                { "Namespace=cgroup.procs\n", "t:3: Namespace=cgroup.procs is the name of a file in cgroups; choose another." },
                { "Namespace=tasks\n", "t:3: Namespace=tasks is the name of a file in cgroups; choose another." },
                { "Environment=A\n", "t:3: Environment=A holds `A`, which is not NAME=value." },
                { "Environment=BGT_TASK_ID=7\n", "t:3: Environment=BGT_TASK_ID=7 sets BGT_TASK_ID, which every task gets from bgtd." },
                { "OutputMaxBytes=1K\n", "t:3: OutputMaxBytes=1K is not a size in bytes of at least 4096." },
                { "[Limits]\nMemoryMax=2X\n", "t:4: MemoryMax=2X is not an amount of memory; write for example 2G, 20% or infinity." },
                { "[Limits]\nMemoryMax=101%\n", "t:4: MemoryMax=101% is not an amount of memory; write for example 2G, 20% or infinity." },
                { "[Limits]\nMemoryMax=0\n", "t:4: MemoryMax=0 is not an amount of memory; write for example 2G, 20% or infinity." },
                { "[Limits]\nCPUQuota=20\n", "t:4: CPUQuota=20 is not a share of a processor; write for example 20%, or 200% for two." },
                { "[Limits]\nCPUQuota=0%\n", "t:4: CPUQuota=0% is not a share of a processor; write for example 20%, or 200% for two." },
                { "[Limits]\nCPUWeight=10001\n", "t:4: CPUWeight=10001 is not a whole number from 1 to 10000." },
                { "[Limits]\nIOWeight=0\n", "t:4: IOWeight=0 is not a whole number from 1 to 10000." },
                { "[Limits]\nTasksMax=10%\n", "t:4: TasksMax=10% is not a number of processes; write for example 500 or infinity." },
                { "[Schedule]\nPriority=2147483648\n", "t:4: Priority=2147483648 is not a whole number from -2147483648 to 2147483647." },
                { "[Schedule]\nFailAttempts=-2\n", "t:4: FailAttempts=-2 is not a whole number or -1." },
                { "[Schedule]\nRetryOn=error,cancel\n", "t:4: RetryOn=error,cancel is not known; use error, exited or timeout." },
                { "[Schedule]\nDevice=/dev/st0\n",
                  "t:4: Device=/dev/st0 is not a name; use up to 63 letters, digits, `_`, `.` and `-`, a letter or digit first." },
                { "[Schedule]\nTimeoutSec=1 fortnight\n", "t:4: TimeoutSec=1 fortnight is not a time; write for example 30s, or 0 for none." },
                { "[Hooks]\nMailTo=-f x\n", "t:4: MailTo=-f x is not one address such as operator@example.org." },
                { "[Hooks]\nOnError=bin/x\n", "t:4: OnError=bin/x does not begin with a program; write an absolute path or a plain name." },
                { "[Progress]\nTotal=${x}\n", "t:4: Total=${x} is not the name of a parameter; write it without ${}." },
                { "[Display]\nA=|L\n", "t:4: A=|L has no value; write Name = value | Label | qualifiers." },
                { "Puase=none\n", "t:3: [Task] has no key Puase; did you mean Pause?" },
                { "Pause=none\n", "t:3: Pause= does not belong in [Task] but in [Control]." },
                { "[Display x]\n", "t:3: [Display x] takes no name; write [Display]." },
                { "[Parameter a b]\n", "t:3: [Parameter a b] needs a valid name, as in [Parameter NAME]." },
                { "[Parameter]\n", "t:3: [Parameter] needs a valid name, as in [Parameter NAME]." },
                { "[Limit]\n", "t:3: There is no section [Limit]; did you mean Limits?" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *text = text_format(BARE "%s", cases[i].line);

                assert_refused(text, cases[i].sentence);
        }
}

static void a_type_needs_a_program(void **state) {
        assert_refused("", "t: [Task] has no ExecStart=; say which command the type runs.");
        assert_refused("\n[Task]\n", "t:2: [Task] has no ExecStart=; say which command the type runs.");
        assert_refused("[Task]\nExecStart=/bin/true\nExecStart=\n", "t:1: [Task] has no ExecStart=; say which command the type runs.");
        assert_refused("[Task]\nExecStart=bin/true\n", "t:2: ExecStart=bin/true does not begin with a program; write an absolute path or a plain name.");
        assert_refused("[Task]\nExecStart=-/bin/true\n", "t:2: ExecStart=-/bin/true does not begin with a program; write an absolute path or a plain name.");
        assert_refused("[Task]\nExecStart=''\n", "t:2: ExecStart='' does not begin with a program; write an absolute path or a plain name.");
        assert_refused("[Task]\nExecStart=/bin/true 'x\n", "t:2: ExecStart=/bin/true 'x has an open `'`; close it, or write \\' for the character itself.");
}

/* P-3 */
static void commands_hold_declared_parameters_in_arguments_only(void **state) {
        assert_refused("[Task]\nExecStart=x ${dattabase}\n[Parameter database]\n",
                       "t:2: ExecStart= holds ${dattabase}, which is not declared; did you mean database?");
        assert_refused("[Task]\nExecStart=x ${y}\n", "t:2: ExecStart= holds ${y}, which is not declared; add [Parameter y].");
        assert_refused("[Task]\nExecStart=${y} x\n[Parameter y]\n",
                       "t:2: ExecStart= takes its program from ${y}; only arguments may hold parameters.");
        assert_refused("[Task]\nExecStart=/bin/${y}\n[Parameter y]\n",
                       "t:2: ExecStart= takes its program from ${y}; only arguments may hold parameters.");
        assert_refused("[Task]\nExecStart=x $y\n[Parameter y]\n", "t:2: ExecStart= has a `$` that begins no ${name}; write $$ for a dollar.");
        assert_refused(BARE "[Hooks]\nOnError=x ${y}\n", "t:4: OnError= holds ${y}, which is not declared; add [Parameter y].");
        assert_refused(BARE "[Progress]\nCommand=x ${y}\n", "t:4: Command= holds ${y}, which is not declared; add [Parameter y].");
        assert_refused(BARE "[Display]\nA=${y}\n", "t:4: A= holds ${y}, which is not declared; add [Parameter y].");
        assert_refused(BARE "[Display]\nA=$\n", "t:4: A= has a `$` that begins no ${name}; write $$ for a dollar.");
        assert_refused(BARE "[Progress]\nSource=io\nTotal=y\n", "t:5: Total= holds ${y}, which is not declared; add [Parameter y].");

        (void) task_type_unref(type_of("[Task]\nExecStart=x ${y}\nAllowOthers=yes\n[Display]\nA=${z}${details}\n"));
}

/* P-4 */
static void a_secret_stays_out_of_everything_that_others_see(void **state) {
        static const char *const places[] = {
                "[Task]\nExecStart=x -p${s}\n", BARE "[Display]\nS=${s}\n", BARE "[Hooks]\nOnStarting=x ${s}\n",
                BARE "[Progress]\nCommand=x ${s}\n", BARE "[Progress]\nTotal=s\n",
        };
        _cleanup_(task_type_unrefp) TaskType *good = type_of(BARE "[Parameter s]\nSecret=yes\n");

        assert_true(good->parameters[0].secret);
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_(freep) char *text = text_format("%s[Parameter s]\nSecret=yes\n", places[i]);
                TaskType *type = NULL;
                SettingsFault fault;

                assert_int_equal(type_file_parse("t", text, &type, &fault), -EINVAL);
                assert_non_null(strstr(fault.sentence, "= holds the secret ${s}, which others could see there"));
        }
        assert_refused(BARE "DisplayType=Job ${s}\n[Parameter s]\nSecret=yes\n",
                       "t:3: DisplayType= holds ${s}, but parameters are replaced only in commands and in [Display].");
        assert_refused(BARE "[Parameter s]\nSecret=yes\nType=integer\nDefault=hunter2\n",
                       "t:6: Default= is not a whole number of 64 bits.");
        /* others may be secret as well, so a type that lets them in does not show them by accident */
        assert_refused("[Task]\nExecStart=x ${s}\nAllowOthers=yes\n[Parameter s]\nSecret=yes\n",
                       "t:2: ExecStart= holds the secret ${s}, which others could see there; the task reads it from the file BGT_PARAMETERS.");
}

static void a_parameter_where_none_is_replaced_does_not_go_unnoticed(void **state) {
        assert_refused(BARE "WorkingDirectory=/srv/${x}\n[Parameter x]\n",
                       "t:3: WorkingDirectory= holds ${x}, but parameters are replaced only in commands and in [Display].");
        assert_refused(BARE "Environment=A=${x}\n[Parameter x]\n",
                       "t:3: Environment= holds ${x}, but parameters are replaced only in commands and in [Display].");
        (void) task_type_unref(type_of(BARE "Environment=A=${HOME}\n[Parameter x]\nPattern=[${x}]\n"));
}

/* P-2 */
static void a_parameter_fits_itself(void **state) {
        assert_refused(BARE "[Parameter x]\nType=choice\n", "t:4: Type=choice needs Choices=.");
        assert_refused(BARE "[Parameter x]\nChoices=a b\n", "t:4: Choices= needs Type=choice.");
        assert_refused(BARE "[Parameter x]\nType=choice\nChoices=a b\nDefault=c\n", "t:6: Default=c is not one of a, b.");
        assert_refused(BARE "[Parameter x]\nType=path\nDefault=tmp\n", "t:5: Default=tmp is not an absolute path without `..`.");
        assert_refused(BARE "[Parameter x]\nPattern=[a-z]+\nDefault=A\n", "t:5: Default=A does not match the pattern [a-z]+.");
        assert_refused(BARE "[Parameter x]\nPattern=[a-z\n",
                       "t:4: Pattern=[a-z is no extended regular expression: Unmatched [, [^, [:, [., or [=.");
}

static void a_source_has_what_it_needs(void **state) {
        assert_refused(BARE "[Progress]\nSource=output\n", "t:4: Source=output needs Expression=.");
        assert_refused(BARE "[Progress]\nSource=io\n", "t:4: Source=io needs Total=.");
        assert_refused(BARE "[Progress]\nSource=command\n", "t:4: Source=command needs Command=.");
}

/* P-43 */
static void nothing_that_decides_about_access_can_be_overridden(void **state) {
        static const char *const keys[] = { "User", "Group", "AllowUsers", "AllowGroups", "Override", "AllowOthers", "Task.User" };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                _cleanup_(freep) char *text = text_format(BARE "Override=CPUWeight %s\n", keys[i]);
                TaskType *type = NULL;
                SettingsFault fault;

                assert_int_equal(type_file_parse("t", text, &type, &fault), -EINVAL);
                assert_non_null(strstr(fault.sentence, "decides about access"));
        }
        assert_refused(BARE "Override=MemoryMx\n", "t:3: Override= lists MemoryMx, which is no key that can be set at a start; did you mean MemoryMax?");
        assert_refused(BARE "Override=Control.MemoryMax\n", "t:3: Override= lists Control.MemoryMax, which is no key that can be set at a start.");
        assert_refused(BARE "Override=Default\n", "t:3: Override= lists Default, which is no key that can be set at a start.");
}

static void a_signal_is_a_name_or_a_number(void **state) {
        static const struct {
                const char *text;
                int number;
        } signals[] = { { "SIGTERM", SIGTERM }, { "TERM", SIGTERM }, { "15", 15 }, { "KILL", SIGKILL }, { "USR1", SIGUSR1 }, { "34", 34 } };

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                _cleanup_(freep) char *text = text_format(BARE "[Control]\nCancelSignal=%s\n", signals[i].text);
                _cleanup_(task_type_unrefp) TaskType *type = type_of(text);

                assert_int_equal(type->cancel_signal, signals[i].number);
        }
}

static void the_name_of_the_file_is_the_name_of_the_type(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(task_type_unrefp) TaskType *type = NULL;
        TaskType *none = NULL;
        SettingsFault fault;
        char path[256];

        tree_write(&tree, "my.type-1.ini", BARE);
        tree_path(&tree, "my.type-1.ini", path);
        assert_int_equal(type_file_load(path, &type, &fault), 0);
        assert_string_equal(type->name, "my.type-1");
        assert_string_equal(type->path, path);

        assert_int_equal(type_file_load("a b.ini", &none, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "`a b` is no name for a type"));
        assert_int_equal(type_file_load("a.conf", &none, &fault), -EINVAL);
        assert_string_equal(fault.sentence, "a.conf: A type's file is called NAME.ini.");
        assert_int_equal(type_file_load(".ini", &none, &fault), -EINVAL);
        assert_int_equal(type_file_load("/x/command.ini", &none, &fault), -EINVAL);
        assert_string_equal(fault.sentence, "/x/command.ini: The type command is built in, for `bgtctl run`; choose another name.");
        assert_int_equal(type_file_load("/nowhere/a.ini", &none, &fault), -ENOENT);
        assert_string_equal(fault.sentence, "/nowhere/a.ini cannot be opened: No such file or directory.");
        assert_null(none);
}

static void the_built_in_type_is_direct_and_reads_back(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = NULL, *again = NULL;
        _cleanup_(freep) char *dump = NULL, *dump_again = NULL;
        SettingsFault fault;

        assert_int_equal(type_file_command(&type), 0);
        assert_string_equal(type->name, TASK_TYPE_COMMAND);
        assert_null(type->exec_start);
        assert_int_equal(type->pause, DISPOSITION_DIRECT);
        assert_int_equal(type->cancel, DISPOSITION_DIRECT);
        assert_int_equal(type->progress_source, PROGRESS_FILES);
        assert_false(type->allow_others);

        assert_int_equal(type_file_parse(type->name, type->text, &again, &fault), 0);
        dump = type_dump(type);
        dump_again = type_dump(again);
        assert_string_equal(dump, dump_again);
}

static void an_override_stands_on_top_of_the_type(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of(
                BARE "Override=CPUWeight Limits.MemoryMax Environment\nEnvironment=A=1\n[Limits]\nCPUWeight=10\nTasksMax=5\n");
        _cleanup_(task_type_unrefp) TaskType *changed = NULL, *again = NULL;
        _cleanup_(freep) char *dump = NULL, *dump_again = NULL;
        char *assignments[] = { (char *) "Limits.CPUWeight=20", (char *) "MemoryMax=1G", (char *) "Environment='B=2 ; x=y'", NULL };
        SettingsFault fault;

        assert_int_equal(type_file_override(type, assignments, false, &changed, &fault), 0);
        assert_int_equal(changed->limits.cpu_weight, 20);
        assert_int_equal(changed->limits.memory_max_bytes, 1 << 30);
        assert_int_equal(changed->limits.tasks_max, 5);
        assert_int_equal(type->limits.cpu_weight, 10);
        assert_string_equal(changed->name, "t");

        assert_int_equal(type_file_parse("t", changed->text, &again, &fault), 0);
        dump = type_dump(changed);
        dump_again = type_dump(again);
        assert_string_equal(dump, dump_again);
}

/* P-43 */
static void only_listed_keys_can_be_overridden_and_limits_by_admins(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of(BARE "Override=CPUWeight\n[Control]\nCancel=direct\n"), *changed = NULL;
        static const struct {
                const char *assignment;
                bool any_limit;
                int r;
                const char *sentence;
        } cases[] = {
                { "CPUWeight=5", false, 0, "" },
                { "CPUWeight=", false, 0, "" },
                { "MemoryMax=1G", true, 0, "" },
                { "Limits.TasksMax=7", true, 0, "" },
                { "MemoryMax=1G", false, -EACCES, "MemoryMax= cannot be set for a task of type t; an admin would have to list it in the type's Override=." },
                { "Cancel=none", true, -EACCES, "Cancel= cannot be set for a task of type t; an admin would have to list it in the type's Override=." },
                { "User=root", true, -EACCES, "User= cannot be set for a task of type t; an admin would have to list it in the type's Override=." },
                { "CPUWeight=lots", false, -EINVAL, "CPUWeight=lots is not a whole number from 1 to 10000." },
                { "CPUWeight=5\nUser=root", false, -EINVAL,
                  "CPUWeight= holds a line break or another control character; write \\n where it is quoted, or remove it." },
                { "CPUWieght=5", false, -EINVAL, "There is no key CPUWieght that a start can set; did you mean CPUWeight?" },
                { "Default=5", true, -EINVAL, "There is no key Default that a start can set." },
                { "CPUWeight", true, -EINVAL, "`CPUWeight` sets nothing; write KEY=VALUE." },
                { "=5", true, -EINVAL, "`=5` sets nothing; write KEY=VALUE." },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *assignments[] = { (char *) cases[i].assignment, NULL };
                SettingsFault fault;

                assert_int_equal(type_file_override(type, assignments, cases[i].any_limit, &changed, &fault), cases[i].r);
                assert_string_equal(fault.sentence, cases[i].sentence);
                changed = task_type_unref(changed);
        }
}

static void an_admin_may_limit_commands_of_somebodys_own(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = NULL, *changed = NULL;
        char *assignments[] = { (char *) "MemoryMax=64M", NULL };
        SettingsFault fault;

        assert_int_equal(type_file_command(&type), 0);
        assert_int_equal(type_file_override(type, assignments, false, &changed, &fault), -EACCES);
        assert_int_equal(type_file_override(type, assignments, true, &changed, &fault), 0);
        assert_int_equal(changed->limits.memory_max_bytes, 64 << 20);
}

/* Every key with a name of its own can be called by it alone. */
static void no_two_keys_that_can_be_overridden_have_one_name(void **state) {
        for (const Setting *s = type_table.settings; s->key; s++) {
                _cleanup_(freep) char *full = text_format("%s.%s", s->section, s->key);

                if (strcmp(s->section, "Parameter") == 0)
                        continue;
                assert_ptr_equal(type_table_named(s->key), s);
                assert_ptr_equal(type_table_named(full), s);
        }
}

static void keys_without_effect_are_remarked(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of(
                BARE "ReadOnly=yes\nOnRestart=exited\n[Control]\nPause=direct\nCancel=poll\n[Progress]\nSource=files\n"
                "[Schedule]\nPriority=0\nFailAttempts=3\n[Hooks]\nOnError=/bin/x\n[Limits]\nMemoryMax=1G\n");
        _cleanup_(task_type_unrefp) TaskType *bare = type_of(BARE);
        _cleanup_(strv_freep) char **remarks = NULL, **none = NULL;

        assert_int_equal(type_file_remarks(type, &remarks), 0);
        assert_int_equal(strv_length(remarks), 4);
        assert_string_equal(remarks[0], "[Task] ReadOnly= is accepted and has no effect yet.");
        assert_string_equal(remarks[1], "[Control] Cancel=poll is accepted and has no effect yet.");
        assert_string_equal(remarks[2], "[Schedule] FailAttempts= is accepted and has no effect yet.");
        assert_string_equal(remarks[3], "[Hooks] OnError= is accepted and has no effect yet.");

        assert_int_equal(type_file_remarks(bare, &none), 0);
        assert_null(none);
}

/* P-45: who may add to a list cannot make it cost more than it is worth */
static void lists_and_overrides_are_bounded(void **state) {
        _cleanup_(task_type_unrefp) TaskType *type = type_of(BARE "Override=Environment\n"), *changed = NULL;
        _cleanup_(freep) char *long_list = NULL, *long_value = NULL;
        Text text = {};
        char *assignments[2] = {};
        SettingsFault fault;

        text_append(&text, "Environment=");
        for (int i = 0; i <= 1000; i++)
                text_appendf(&text, "A%d= ", i);
        assignments[0] = long_list = text_take(&text);
        assert_int_equal(type_file_override(type, assignments, false, &changed, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "makes more than 1000 variables"));

        text_append(&text, "Environment=A=");
        for (int i = 0; i < 66000; i++)
                text_append_char(&text, 'x');
        assignments[0] = long_value = text_take(&text);
        assert_int_equal(type_file_override(type, assignments, false, &changed, &fault), -EINVAL);
        assert_string_equal(fault.sentence, "The properties together are longer than 64 KiB.");
        assert_null(changed);
}

static void a_sentence_is_one_line_of_valid_text(void **state) {
        _cleanup_(freep) char *value = malloc(60000), *text = NULL;
        TaskType *type = NULL;
        SettingsFault fault;

        memset(value, 'x', 59999);
        value[59999] = '\0';
        text = text_format(BARE "UMask=%s\n", value);
        assert_int_equal(type_file_parse("t", text, &type, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "xxx\xe2\x80\xa6 is not a file mode mask"));
        assert_true(strlen(fault.sentence) < 200);

        assert_int_equal(type_file_load("/nowhere/\xff\n.ini", &type, &fault), -EINVAL);
        assert_true(text_is_utf8(fault.sentence));
        assert_null(strchr(fault.sentence, '\n'));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key_but_the_command_has_a_default),
                cmocka_unit_test(the_tasks_keys_are_read),
                cmocka_unit_test(control_progress_schedule_limits_and_hooks_are_read),
                cmocka_unit_test(parameters_are_read_in_their_order_and_need_no_keys),
                cmocka_unit_test(display_properties_are_read_in_their_order),
                cmocka_unit_test(values_are_checked_with_line_and_reason),
                cmocka_unit_test(a_type_needs_a_program),
                cmocka_unit_test(commands_hold_declared_parameters_in_arguments_only),
                cmocka_unit_test(a_secret_stays_out_of_everything_that_others_see),
                cmocka_unit_test(a_parameter_where_none_is_replaced_does_not_go_unnoticed),
                cmocka_unit_test(a_parameter_fits_itself),
                cmocka_unit_test(a_source_has_what_it_needs),
                cmocka_unit_test(nothing_that_decides_about_access_can_be_overridden),
                cmocka_unit_test(a_signal_is_a_name_or_a_number),
                cmocka_unit_test(the_name_of_the_file_is_the_name_of_the_type),
                cmocka_unit_test(the_built_in_type_is_direct_and_reads_back),
                cmocka_unit_test(an_override_stands_on_top_of_the_type),
                cmocka_unit_test(only_listed_keys_can_be_overridden_and_limits_by_admins),
                cmocka_unit_test(an_admin_may_limit_commands_of_somebodys_own),
                cmocka_unit_test(no_two_keys_that_can_be_overridden_have_one_name),
                cmocka_unit_test(keys_without_effect_are_remarked),
                cmocka_unit_test(lists_and_overrides_are_bounded),
                cmocka_unit_test(a_sentence_is_one_line_of_valid_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
