/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What belongs to the caller's own supervisor, terminal or session and not to the task. */
static bool is_callers_own(const char *entry) {
        static const char *const prefixes[] = {
                "BGT_", "NOTIFY_SOCKET=", "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES=", "INVOCATION_ID=", "JOURNAL_STREAM=",
                "WATCHDOG_PID=", "WATCHDOG_USEC=", "MANAGERPID=", "SYSTEMD_EXEC_PID=",
        };

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (strncmp(entry, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

static int set_all(char ***environment, const char *const (*entries)[2], size_t n) {
        int r;

        for (size_t i = 0; i < n; i++) {
                r = strv_set(environment, entries[i][0], entries[i][1]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int set_login(char ***environment, const Account *account) {
        const char *const entries[][2] = {
                { "HOME", account->home }, { "USER", account->name }, { "LOGNAME", account->name }, { "SHELL", account->shell },
                { "PATH", DEFAULT_PATH }, { "LANG", "C.UTF-8" },
        };

        return set_all(environment, entries, ELEMENTSOF(entries));
}

static int set_entries(char ***environment, char *const *entries) {
        int r;

        for (size_t i = 0; entries && entries[i]; i++) {
                _cleanup_(freep) char *name = NULL;
                const char *equals = strchr(entries[i], '=');

                if (!equals || equals == entries[i] || is_callers_own(entries[i]))
                        continue;
                name = strndup(entries[i], (size_t) (equals - entries[i]));
                if (!name)
                        return -ENOMEM;
                r = strv_set(environment, name, equals + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int set_parameters(char ***environment, const Task *task) {
        for (size_t i = 0; task->parameters && task->parameters[i]; i++) {
                const char *entry = task->parameters[i], *equals = strchr(entry, '=');
                _cleanup_(freep) char *name = strndup(entry, (size_t) (equals - entry)), *variable = NULL;
                const Parameter *parameter;
                int r;

                if (!name)
                        return -ENOMEM;
                parameter = task_type_parameter(task->type, name);
                if ((parameter && parameter->secret) || strlen(equals + 1) > ENVIRONMENT_PARAMETER_MAX)
                        continue;
                variable = text_format("BGT_PARAM_%s", name);
                if (!variable)
                        return -ENOMEM;
                r = strv_set(environment, variable, equals + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int set_self(char ***environment, const Task *task, size_t slot, const char *parameters_path) {
        char id[24], attempt[16], slot_text[24];
        const char *const entries[][2] = {
                { "BGT_TASK_ID", id }, { "BGT_ATTEMPT", attempt }, { "BGT_SLOT", slot_text },
                { "BGT_SIMULATE", "0" }, { "BGT_PARAMETERS", parameters_path },
        };

        (void) snprintf(id, sizeof id, "%" PRIu64, task->id);
        (void) snprintf(attempt, sizeof attempt, "%" PRIu32, task->attempt - 1);
        (void) snprintf(slot_text, sizeof slot_text, "%zu", slot);
        return set_all(environment, entries, ELEMENTSOF(entries));
}

/* What the command and the type's hooks have in common. */
static int make_common(const Task *task, const Account *account, char ***environment) {
        const char *const entries[][2] = { { "BGT_TYPE", task->type->name }, { "BGT_NAMESPACE", task->namespace } };
        bool own = task->owner == task->uid;
        int r;

        r = set_login(environment, account);
        if (r == 0)
                r = set_entries(environment, task->environment);
        if (r == 0 && task->environment && !own)
                r = set_login(environment, account);    /* another user's home is none of its business */
        if (r == 0)
                r = set_entries(environment, task->type->environment);
        if (r == 0)
                r = set_parameters(environment, task);
        if (r == 0)
                r = set_all(environment, entries, ELEMENTSOF(entries));
        return r;
}

int environment_make(const Task *task, const Account *account, size_t slot, const char *parameters_path, char ***ret) {
        _cleanup_(strv_freep) char **environment = NULL;
        int r;

        r = make_common(task, account, &environment);
        if (r == 0)
                r = set_self(&environment, task, slot, parameters_path);
        if (r < 0)
                return r;
        *ret = MOVE(environment);
        return 0;
}

int environment_make_hook(const Task *task, const Account *account, char ***ret) {
        _cleanup_(strv_freep) char **environment = NULL;
        int r;

        r = make_common(task, account, &environment);
        if (r < 0)
                return r;
        *ret = MOVE(environment);
        return 0;
}
