/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "supervisor/engine/helpers.h"
#include "supervisor/engine/program.h"
#include "supervisor/engine/run.h"
#include "supervisor/sys/log.h"

#define LOOK_INTERVAL_USEC USEC_PER_SEC
#define LOOK_TIMEOUT_USEC (2 * USEC_PER_SEC)
#define LOOKS_MAX 4

typedef struct Watcher {
        struct Watcher *next;           /* ProgressLook.watchers */
        ProgressOnFresh on_fresh;
        void *userdata;
} Watcher;

/* A helper that looks at the files a task has open. */
typedef struct ProgressLook {
        Supervisor *sv;
        Task *task;                     /* NULL: it has gone meanwhile */
        Watcher *watchers;
} ProgressLook;

/* The numbers are bytes; a type may show them in other units. */
static int64_t unit_bytes(const char *units) {
        static const struct {
                const char *name;
                int64_t bytes;
        } known[] = {
                { "kB", 1000 }, { "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 },
                { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 },
        };

        for (size_t i = 0; units && i < ELEMENTSOF(known); i++)
                if (strcmp(known[i].name, units) == 0)
                        return known[i].bytes;
        return 1;
}

static void take_numbers(Task *task, const char *text) {
        long long current, total;
        int64_t unit = unit_bytes(task->type->progress_units);

        if (sscanf(text, "%lld %lld", &current, &total) != 2 || current < 0 || total < 0)
                return;
        task->progress.current = current / unit;
        task->progress.total = total / unit;
        task->progress.time_usec = clock_now_usec(CLOCK_REALTIME);
        task->run->progress_run_usec = run_usec(task->run);
        if (!task->progress.units && task->type->progress_units)
                task->progress.units = strdup(task->type->progress_units);
}

static void look_on_done(const HelperEnd *end, void *userdata) {
        ProgressLook *look = userdata;

        if (look->task) {
                look->task->run->look = NULL;
                if (!end->timed_out && end->error == 0 && end->size > 0)
                        take_numbers(look->task, end->output);
        }
        while (look->watchers) {
                Watcher *watcher = look->watchers;

                look->watchers = watcher->next;
                if (watcher->on_fresh)
                        watcher->on_fresh(watcher->userdata);
                free(watcher);
        }
        free(look);
}

static int look_watch(ProgressLook *look, ProgressOnFresh on_fresh, void *userdata) {
        Watcher *watcher = calloc(1, sizeof *watcher);

        if (!watcher)
                return -ENOMEM;
        *watcher = (Watcher) { look->watchers, on_fresh, userdata };
        look->watchers = watcher;
        return 0;
}

/* The helper reads the processes of the group from its standard input. */
static int look_start(ProgressLook *look) {
        Supervisor *sv = look->sv;
        _cleanup_(account_freep) Account *account = NULL;
        _cleanup_(freep) char *program = NULL;
        _cleanup_(fd_closep) int procs = -1;
        char *environment[] = { NULL };
        int r;

        r = program_find("bgt-files", "files", &program);
        if (r < 0)
                return r;
        r = account_find_uid(look->task->uid, &account);
        if (r < 0)
                return r;
        account->gid = look->task->gid;
        procs = openat(look->task->run->cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        if (procs < 0)
                return result_errno();

        char *argv[] = { program, NULL };
        const HelperSpec spec = {
                .argv = argv, .environment = environment, .directory = "/", .account = account,
                .input_fd = procs, .timeout_usec = LOOK_TIMEOUT_USEC, .task_id = look->task->id,
        };
        return helper_run(sv, &spec, look_on_done, look);
}

bool progress_refresh(Supervisor *sv, Task *task, ProgressOnFresh on_fresh, void *userdata) {
        uint64_t now = clock_now_usec(CLOCK_MONOTONIC);
        ProgressLook *look;
        Run *run = task->run;
        int r;

        if (!run || run->cgroup_fd < 0 || task->type->progress_source != PROGRESS_FILES ||
            task->phase < TASK_RUNNING || task->phase > TASK_PAUSED)
                return false;
        if (run->look)
                return look_watch(run->look, on_fresh, userdata) == 0;
        if ((run->looked_usec > 0 && usec_sub(now, run->looked_usec) < LOOK_INTERVAL_USEC) || helpers_running(sv) >= LOOKS_MAX)
                return false;

        look = calloc(1, sizeof *look);
        if (!look)
                return false;
        *look = (ProgressLook) { sv, task, NULL };
        r = look_watch(look, on_fresh, userdata);
        if (r == 0)
                r = look_start(look);
        if (r < 0) {
                if (r != -EBUSY)        /* the last look hangs still */
                        (void) log_task_failure(r, task->id, "Cannot look at the task's progress");
                free(look->watchers);
                free(look);
                return false;
        }
        run->looked_usec = now;
        run->look = look;
        return true;
}

void progress_forget(Supervisor *sv, void *userdata) {
        Task **tasks;
        size_t n_tasks;

        if (registry_list(sv->registry, &tasks, &n_tasks) < 0)
                return;
        for (size_t i = 0; i < n_tasks; i++) {
                ProgressLook *look = tasks[i]->run ? tasks[i]->run->look : NULL;

                for (Watcher *watcher = look ? look->watchers : NULL; watcher; watcher = watcher->next)
                        if (watcher->userdata == userdata)
                                watcher->on_fresh = NULL;
        }
}

void progress_drop(Supervisor *sv, Task *task) {
        if (task->run && task->run->look) {
                task->run->look->task = NULL;
                task->run->look = NULL;
        }
}
