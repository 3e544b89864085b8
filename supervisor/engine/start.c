/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/start.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/engine/environment.h"
#include "supervisor/engine/faults.h"
#include "supervisor/engine/finish.h"
#include "supervisor/engine/helpers.h"
#include "supervisor/engine/spawn.h"
#include "supervisor/engine/step.h"
#include "supervisor/settings/parameters.h"
#include "supervisor/sys/account.h"
#include "supervisor/sys/log.h"

#define TEXT_MAX 1024

/* A start that is not durable yet. */
typedef struct StartCall {
        struct StartCall *next;         /* Supervisor.starts */
        Supervisor *sv;
        Task *task;                     /* ours until the registry has it */
        uint64_t id;
        uid_t caller_uid;
        int input, output, error;       /* our copies; -1: none */
        StartOnDone on_done;            /* NULL: the client is gone */
        void *userdata;
} StartCall;

/* Why a start is refused. */
typedef struct Refusal {
        BusError error;
        char sentence[1024];
} Refusal;

static int refuse(Refusal *refusal, BusError error, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int refuse(Refusal *refusal, BusError error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        refusal->error = error;
        (void) vsnprintf(refusal->sentence, sizeof refusal->sentence, format, ap);
        va_end(ap);
        return -EINVAL;
}

static int find_type(Supervisor *sv, const Caller *caller, const StartRequest *request, TaskType **ret, Refusal *refusal) {
        TaskType *type;

        if (!request->type) {
                if (!access_to_commands(&sv->access, caller))
                        return refuse(refusal, BUS_ERROR_ACCESS_DENIED, caller->sandboxed
                                      ? "An ad-hoc command cannot be run from inside a sandbox; start a type instead."
                                      : "Ad-hoc commands are only for root and for whom AdHoc= in bgtd.conf names (by default the group bgt); start a type instead.");
                *ret = sv->command_type;
                return 0;
        }
        type = type_set_find(sv->types, request->type);
        if (!type)
                return refuse(refusal, BUS_ERROR_NO_SUCH_TYPE, "There is no type %.64s; \"bgtctl types\" lists those there are.", request->type);
        if (!supervisor_may_start(sv, caller, type))
                return refuse(refusal, BUS_ERROR_ACCESS_DENIED, "You may not start %s; AllowUsers= and AllowGroups= in its file say who may.", type->name);
        *ret = type;
        return 0;
}

/* The type with `--property` on top; the caller's reference. */
static int apply_properties(Supervisor *sv, const Caller *caller, TaskType *type, const StartRequest *request, TaskType **ret, Refusal *refusal) {
        SettingsFault fault = {};
        int r;

        if (!request->properties || !request->properties[0]) {
                *ret = task_type_ref(type);
                return 0;
        }
        r = type_file_override(type, request->properties, access_is_admin(&sv->access, caller), ret, &fault);
        if (r == -EACCES)
                return refuse(refusal, BUS_ERROR_ACCESS_DENIED, "%s", fault.sentence);
        if (r < 0)
                return refuse(refusal, BUS_ERROR_INVALID_OPTION, "%s", fault.sentence);
        return 0;
}

static int take_text(const char *what, const char *given, char **ret, Refusal *refusal) {
        char *copy;

        if (!given)
                return 0;
        if (strlen(given) > TEXT_MAX || !text_is_utf8(given))
                return refuse(refusal, BUS_ERROR_INVALID_OPTION, "The %s is longer than %d bytes or no UTF-8.", what, TEXT_MAX);
        copy = strdup(given);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

static int choose_user(Supervisor *sv, const Caller *caller, const TaskType *type, const StartRequest *request, Task *task, Refusal *refusal) {
        _cleanup_(account_freep) Account *account = NULL;
        const char *wanted = request->as ? request->as : type->user;
        int r;

        r = wanted ? account_find(wanted, &account) : account_find_uid(caller->uid, &account);
        if (r == -ESRCH)
                return refuse(refusal, BUS_ERROR_INVALID_OPTION, "There is no user %.64s on this machine.", wanted ? wanted : "for you");
        if (r < 0)
                return r;
        if (request->as && account->uid != caller->uid && !access_is_admin(&sv->access, caller))
                return refuse(refusal, BUS_ERROR_ACCESS_DENIED, "Only an administrator may run a task as another user.");
        if (sv->user_mode && account->uid != sv->access.self)
                return refuse(refusal, BUS_ERROR_ACCESS_DENIED, "A user's own bgtd runs tasks as that user only.");

        task->uid = account->uid;
        task->gid = account->gid;
        if (type->group && !request->as) {
                r = account_find_group(type->group, &task->gid);
                if (r == -ESRCH)
                        return refuse(refusal, BUS_ERROR_INVALID_OPTION, "There is no group %.64s on this machine.", type->group);
                if (r < 0)
                        return r;
        }
        task->user = strdup(account->name);
        return task->user ? 0 : -ENOMEM;
}

static int take_command(const StartRequest *request, Task *task, Refusal *refusal) {
        int r;

        if (!request->argv || !request->argv[0] || !request->argv[0][0])
                return refuse(refusal, BUS_ERROR_INVALID_PARAMETER, "There is no command to run.");
        if (request->directory && request->directory[0] != '/')
                return refuse(refusal, BUS_ERROR_INVALID_OPTION, "The directory %.200s is not absolute.", request->directory);
        if (request->umask > 0777)
                return refuse(refusal, BUS_ERROR_INVALID_OPTION, "The umask %o is more than 777.", (unsigned) request->umask);
        r = strv_copy(&task->argv, request->argv);
        if (r == 0)
                r = strv_copy(&task->environment, request->environment);
        if (r < 0)
                return r;
        task->umask = request->umask;
        if (request->directory) {
                task->directory = strdup(request->directory);
                if (!task->directory)
                        return -ENOMEM;
        }
        return 0;
}

static int take_parameters(const StartRequest *request, Task *task, Refusal *refusal) {
        SettingsFault fault = {};
        int r;

        r = parameters_check(task->type, request->parameters, &task->parameters, &fault);
        if (r == 0 && request->type)
                r = parameters_substitute(task->type, task->type->exec_start, task->parameters, &task->argv, &fault);
        if (r == -EINVAL)
                return refuse(refusal, BUS_ERROR_INVALID_PARAMETER, "%s", fault.sentence);
        return r;
}

static int take_options(const StartRequest *request, Task *task, Refusal *refusal) {
        const char *namespace = request->namespace ? request->namespace : task->type->namespace;
        int r;

        r = take_text("name", request->name, &task->name, refusal);
        if (r == 0)
                r = take_text("label", request->label, &task->label, refusal);
        if (r < 0)
                return r;
        if (!text_is_name(namespace))
                return refuse(refusal, BUS_ERROR_INVALID_OPTION, "%.64s is not a name for a namespace: letters, digits, \"_\", \".\" and \"-\", at most 63, beginning with a letter or digit.", namespace);
        task->namespace = strdup(namespace);
        task->priority = request->has_priority ? request->priority : task->type->priority;
        task->timeout_usec = request->has_timeout ? request->timeout_usec : task->type->timeout_usec;
        return task->namespace ? 0 : -ENOMEM;
}

/* A task as asked for, not yet in the registry and without an id. */
static int build_task(Supervisor *sv, const Caller *caller, const StartRequest *request, Task **ret, Refusal *refusal) {
        _cleanup_(task_freep) Task *task = task_new(0);
        TaskType *type = NULL;
        int r;

        if (!task)
                return -ENOMEM;
        r = find_type(sv, caller, request, &type, refusal);
        if (r == 0)
                r = apply_properties(sv, caller, type, request, &task->type, refusal);
        if (r == 0)
                r = take_options(request, task, refusal);
        if (r == 0)
                r = choose_user(sv, caller, task->type, request, task, refusal);
        if (r == 0)
                r = take_parameters(request, task, refusal);
        if (r == 0 && !request->type)
                r = take_command(request, task, refusal);
        if (r == 0 && task->type->read_only)
                r = refuse(refusal, BUS_ERROR_FAILED, "%s is ReadOnly=yes, which this version cannot guarantee, so it is not started.", task->type->name);
        if (r < 0)
                return r;
        task->owner = caller->uid;
        *ret = MOVE(task);
        return 0;
}

static void call_unlink(StartCall *call) {
        StartCall **link = &call->sv->starts;

        while (*link && *link != call)
                link = &(*link)->next;
        if (*link)
                *link = call->next;
}

static StartCall *call_free(StartCall *call) {
        call_unlink(call);
        (void) task_free(call->task);
        fd_close(call->input);
        fd_close(call->output);
        fd_close(call->error);
        free(call);
        return NULL;
}

/* Answers and frees. */
static void call_answer(StartCall *call, uint64_t id, BusError error, const char *sentence) {
        Outcome outcome = { id ? OUTCOME_DONE : (int) error, sentence };

        if (id)
                call->sv->counters.started++;
        else
                call->sv->counters.rejected++;
        if (call->on_done)
                call->on_done(id, &outcome, call->userdata);
        (void) call_free(call);
}

static const char *store_sentence(int r, char *buffer, size_t size) {
        (void) snprintf(buffer, size, "The task was not accepted: the store cannot be written (%s)%s.", strerror(-r),
                        r == -ENOSPC ? "; make room in the state directory" : "");
        return buffer;
}

static void call_on_durable(int r, void *userdata) {
        StartCall *call = userdata;
        Supervisor *sv = call->sv;
        Task *task = registry_find(sv->registry, call->id);
        char buffer[256];

        if (r < 0) {
                if (task && !sv->stopping)
                        finish_undo(sv, task);
                call_answer(call, 0, BUS_ERROR_STORE, store_sentence(r, buffer, sizeof buffer));
                return;
        }
        fault_point("start-durable");
        task->stored = true;
        registry_changed(sv->registry, task);
        call_answer(call, call->id, BUS_ERROR_FAILED, "");
}

/* The row, its claim and the answer hang on one commit; so does the spawn. */
static int call_store(StartCall *call, Task *task) {
        Supervisor *sv = call->sv;
        int r = 0;

        if (task->type->definition_id == 0)
                r = store_put_type(sv->store, task->type);
        if (r == 0)
                r = result_strict(step(sv, task, EV_CLAIM));
        if (r == 0)
                r = store_when_durable(sv->store, call_on_durable, call);
        return r;
}

static int call_commit(StartCall *call, Refusal *refusal) {
        const SpawnStreams streams = { call->input, call->output, call->error };
        Supervisor *sv = call->sv;
        Task *task = call->task;
        int r;

        task->id = call->id = ++sv->last_id;
        task->create_time_usec = clock_now_usec(CLOCK_REALTIME);
        r = registry_take(sv->registry, task);
        if (r < 0)
                return r;
        r = spawn_prepare_with(sv, task, &streams);
        if (r < 0) {
                (void) registry_remove(sv->registry, task);
                return refuse(refusal, r == -EOPNOTSUPP ? BUS_ERROR_NO_CONTROLLER : BUS_ERROR_FAILED, "%s",
                              task->ending.final_status ? task->ending.final_status : strerror(-r));
        }
        call->task = NULL;
        r = call_store(call, task);
        if (r < 0) {
                store_forget(sv->store, task);
                finish_undo(sv, task);
        }
        return r;
}

/* Goes on after validation and hook, and answers if that fails. */
static void call_go_on(StartCall *call) {
        Refusal refusal = { BUS_ERROR_FAILED, "" };
        int r;

        fault_point("start-commit");
        r = call_commit(call, &refusal);
        if (r < 0)
                call_answer(call, 0, refusal.error, refusal.sentence[0] ? refusal.sentence : strerror(-r));
}

static void call_on_hook_done(const HelperEnd *end, void *userdata) {
        StartCall *call = userdata;
        char output[512], sentence[1024];

        if (!end->timed_out && end->error == 0 && end->code == CLD_EXITED && end->status == 0) {
                call_go_on(call);
                return;
        }
        text_copy(output, sizeof output, end->output);
        if (end->timed_out)
                (void) snprintf(sentence, sizeof sentence, "The type's OnStarting= did not end in time, so nothing was started.");
        else if (end->error)
                (void) snprintf(sentence, sizeof sentence, "The type's OnStarting= cannot be executed: %s.", strerror(end->error));
        else
                (void) snprintf(sentence, sizeof sentence, "The type's OnStarting= refused the start%s%s", output[0] ? ": " : ".", text_strip(output));
        call_answer(call, 0, BUS_ERROR_FAILED, sentence);
}

/* OnStarting= runs as the task's user and knows who asks. */
static int call_run_hook(StartCall *call, Refusal *refusal) {
        Supervisor *sv = call->sv;
        Task *task = call->task;
        _cleanup_(account_freep) Account *account = NULL;
        _cleanup_(strv_freep) char **argv = NULL, **environment = NULL;
        SettingsFault fault = {};
        char uid[16];
        int r;

        r = parameters_substitute(task->type, task->type->on_starting, task->parameters, &argv, &fault);
        if (r < 0)
                return refuse(refusal, BUS_ERROR_INVALID_PARAMETER, "%s", fault.sentence);
        r = account_find(task->user, &account);
        if (r < 0)
                return r;
        account->uid = task->uid;
        account->gid = task->gid;
        r = environment_make_hook(task, account, &environment);
        if (r < 0)
                return r;
        (void) snprintf(uid, sizeof uid, "%u", (unsigned) call->caller_uid);
        r = strv_set(&environment, "BGT_CALLER_UID", uid);
        if (r < 0)
                return r;

        const HelperSpec spec = {
                .argv = argv, .environment = environment, .directory = "/", .account = account, .input_fd = -1,
                .with_errors = true, .timeout_usec = sv->settings->hook_timeout_usec,
        };
        return helper_run(sv, &spec, call_on_hook_done, call);
}

/* Our copies of what was given; without one of them the task would write elsewhere than it was told to. */
static int call_copy_streams(StartCall *call, const StartRequest *request) {
        const int given[] = { request->input_fd, request->output_fd, request->error_fd };
        int *const copies[] = { &call->input, &call->output, &call->error };

        for (size_t i = 0; i < ELEMENTSOF(given); i++) {
                if (given[i] < 0)
                        continue;
                *copies[i] = fcntl(given[i], F_DUPFD_CLOEXEC, 3);
                if (*copies[i] < 0)
                        return result_errno();
        }
        return 0;
}

static int call_new(StartCall **ret, Supervisor *sv, const Caller *caller, StartOnDone on_done, void *userdata) {
        StartCall *call = calloc(1, sizeof *call);

        if (!call)
                return -ENOMEM;
        *call = (StartCall) {
                .next = sv->starts, .sv = sv, .caller_uid = caller->uid, .on_done = on_done, .userdata = userdata,
                .input = -1, .output = -1, .error = -1,
        };
        sv->starts = call;
        *ret = call;
        return 0;
}

void start_request(Supervisor *sv, const Caller *caller, const StartRequest *request, StartOnDone on_done, void *userdata) {
        Refusal refusal = { BUS_ERROR_FAILED, "" };
        const Outcome no_memory = { BUS_ERROR_FAILED, "Out of memory." };
        StartCall *call;
        int r;

        r = call_new(&call, sv, caller, on_done, userdata);
        if (r < 0) {
                on_done(0, &no_memory, userdata);
                return;
        }
        if (sv->stopping)
                r = refuse(&refusal, BUS_ERROR_FAILED, "bgtd is stopping.");
        else
                r = call_copy_streams(call, request);
        if (r == 0)
                r = build_task(sv, caller, request, &call->task, &refusal);
        if (r == 0 && !call->task->type->on_starting) {
                call_go_on(call);
                return;
        }
        if (r == 0)
                r = call_run_hook(call, &refusal);
        if (r < 0)
                call_answer(call, 0, refusal.error, refusal.sentence[0] ? refusal.sentence : strerror(-r));
}

void start_forget(Supervisor *sv, void *userdata) {
        for (StartCall *call = sv->starts; call; call = call->next)
                if (call->userdata == userdata)
                        call->on_done = NULL;
}

void start_close(Supervisor *sv) {
        while (sv->starts)
                (void) call_free(sv->starts);
}
