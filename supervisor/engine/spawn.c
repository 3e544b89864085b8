/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/spawn.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "lib/wire/spawn-spec.h"
#include "supervisor/engine/environment.h"
#include "supervisor/engine/faults.h"
#include "supervisor/engine/output.h"
#include "supervisor/engine/parameters-file.h"
#include "supervisor/engine/step.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/limits.h"
#include "supervisor/sys/log.h"
#include "supervisor/sys/usage.h"

static int refuse(Task *task, int r, char *sentence) {
        free(task->ending.final_status);
        task->ending.final_status = sentence;
        return r;
}

/* A group of this name can only be left from a claim that never came to a spawn: it must not be used again. */
static int create_fresh_cgroup(Run *run) {
        int r;

        r = cgroup_create(run->namespace_fd, run->name, &run->cgroup_fd);
        if (r != CGROUP_E_EXISTS)
                return r;
        r = cgroup_remove(run->namespace_fd, run->name);
        if (r == CGROUP_E_POPULATED || r == CGROUP_E_MORE)
                return -EBUSY;
        if (r < 0)
                return r;
        return result_strict(cgroup_create(run->namespace_fd, run->name, &run->cgroup_fd));
}

static int prepare_cgroup(Run *run) {
        Supervisor *sv = run->sv;
        Task *task = run->task;
        char value[64];
        Namespace *ns;
        int r;

        r = cgroup_tree_namespace(sv->cgroups, task->namespace, &ns);
        if (r < 0)
                return refuse(task, r, text_format("Cannot make the cgroup of namespace %s: %s.", task->namespace, strerror(-r)));
        run->namespace_fd = ns->fd;
        r = create_fresh_cgroup(run);
        if (r < 0)
                return refuse(task, r, text_format("Cannot make the task's cgroup: %s.", strerror(-r)));
        r = namespace_take_slot(ns, &run->slot);
        if (r < 0)
                return r;
        run->has_slot = true;
        (void) snprintf(value, sizeof value, "%llu %zu", (unsigned long long) task->id, run->slot);
        cgroup_tree_mark(run->cgroup_fd, "task", value);
        return 0;
}

static int prepare_limits(Run *run) {
        Task *task = run->task;
        _cleanup_(freep) char *below = text_format("jobs/%s", task->namespace);
        _cleanup_(freep) char *v1_name = cgroup_tree_v1_name(run->sv->cgroups, task->namespace, run->name);
        char missing[128] = "";
        int r;

        if (!below || !v1_name)
                return -ENOMEM;
        if (!limits_any(&task->type->limits))
                return 0;
        r = limits_enable(run->sv->cgroups->root_fd, below, &task->type->limits);
        if (r < 0)
                return refuse(task, r, text_format("Cannot hand the cgroup controllers on to the task: %s.", strerror(-r)));
        r = limits_apply(run->namespace_fd, run->cgroup_fd, v1_name, &task->type->limits,
                         &run->attach, &run->v1_path, missing, sizeof missing);
        if (r == -EOPNOTSUPP)
                return refuse(task, r, text_format("This machine has no cgroup controller for the limit: %s; leave the limit out, or run where the controller is delegated to bgtd.", missing));
        if (r < 0)
                return refuse(task, r, text_format("Cannot set the task's limits: %s.", strerror(-r)));
        (void) usage_read_oom_kills(run->cgroup_fd, run->v1_path, &run->oom_kills_before);
        return 0;
}

static int prepare_input(Run *run, int given) {
        const char *path = run->task->type->standard_input ? run->task->type->standard_input : "/dev/null";
        int fd = given >= 0 ? fcntl(given, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        int r = fd < 0 ? result_errno() : 0;

        if (r < 0)
                return refuse(run->task, r, text_format("Cannot open %s as standard input: %s.", path, strerror(-r)));
        if (given < 0)
                (void) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        run->stdio[0] = fd;
        return 0;
}

static int prepare_output(Run *run, const SpawnStreams *streams) {
        Task *task = run->task;
        int r;

        task->output = streams->output >= 0 ? OUTPUT_NULL : output_resolve(task->type);
        if (streams->output >= 0)
                run->stdio[1] = fcntl(streams->output, F_DUPFD_CLOEXEC, 3);
        else {
                r = output_open(run->sv, task, &run->stdio[1], &run->output_fd);
                if (r == -ENOMEDIUM)
                        return refuse(task, r, strdup("There is no journal on this machine; use Output=file or Output=auto."));
                if (r < 0)
                        return refuse(task, r, text_format("Cannot open the task's output: %s.", strerror(-r)));
        }
        run->stdio[2] = fcntl(streams->error >= 0 ? streams->error : run->stdio[1], F_DUPFD_CLOEXEC, 3);
        return run->stdio[1] < 0 || run->stdio[2] < 0 ? -EMFILE : 0;
}

static int prepare_spec(Run *run) {
        Supervisor *sv = run->sv;
        Task *task = run->task;
        _cleanup_(account_freep) Account *account = NULL;
        _cleanup_(freep) char *parameters_path = NULL;
        _cleanup_(strv_freep) char **environment = NULL;
        int r;

        r = account_find(task->user, &account);
        if (r < 0)
                return refuse(task, r, text_format("There is no user %s on this machine.", task->user));
        account->uid = task->uid;
        account->gid = task->gid;
        r = parameters_file_write(sv, task, &parameters_path);
        if (r < 0)
                return refuse(task, r, text_format("Cannot write the task's parameters below %s: %s.", sv->runtime_dir, strerror(-r)));
        r = environment_make(task, account, run->slot, parameters_path, &environment);
        if (r < 0)
                return r;

        const SpawnSpec spec = {
                .uid = task->uid, .gid = task->gid, .groups = account->groups, .n_groups = account->n_groups,
                .umask = task->umask >= 0 ? (mode_t) task->umask : task->type->umask,
                .flags = (sv->user_mode ? 0 : SPAWN_CHANGE_IDENTITY) | SPAWN_CGROUP_READ_ONLY,
                .directory = task->directory ? task->directory : task->type->working_directory,
                .argv = task->argv, .environment = environment, .attach = run->attach,
                .cgroup_mount = sv->cgroups->mount,
        };
        r = spawn_spec_encode(&spec);
        if (r == -E2BIG)
                return refuse(task, r, strdup("The command with its arguments and environment is too long (8 MiB at most)."));
        if (r < 0)
                return r;
        run->spec_fd = r;
        return 0;
}

static int prepare(Run *run, const SpawnStreams *streams) {
        int r;

        r = prepare_cgroup(run);
        if (r == 0)
                r = prepare_limits(run);
        if (r == 0)
                r = prepare_input(run, streams->input);
        if (r == 0)
                r = prepare_output(run, streams);
        if (r == 0)
                r = prepare_spec(run);
        return r;
}

/* What a failed preparation has made. */
static void prepare_undo(Run *run) {
        if (run->cgroup_fd >= 0) {
                run->cgroup_fd = fd_close(run->cgroup_fd);
                (void) cgroup_remove(run->namespace_fd, run->name);
        }
        if (run->v1_path)
                (void) limits_release(run->v1_path);
        if (run->has_slot)
                cgroup_tree_release_slot(run->sv->cgroups, run->task->namespace, run->slot);
        parameters_file_remove(run->sv, run->task);
}

int spawn_prepare_with(Supervisor *sv, Task *task, const SpawnStreams *streams) {
        _cleanup_(run_freep) Run *run = NULL;
        int r;

        assert(!task->run);

        task->attempt++;
        task->claim_generation = keeper_link_generation(sv->keeper);
        task->claim_epoch = sv->facts.epoch;
        r = run_new(&run, sv, task);
        if (r == 0) {
                r = prepare(run, streams);
                if (r < 0)
                        prepare_undo(run);
        }
        if (r < 0) {
                task->attempt--;
                return r;
        }
        task->run = MOVE(run);
        return 0;
}

int spawn_prepare(Supervisor *sv, Task *task) {
        const SpawnStreams none = { -1, -1, -1 };

        if (task->run)
                return 0;       /* prepared with the client's own streams */
        return spawn_prepare_with(sv, task, &none);
}

/* Between clone and exec it may hang on a file system that does not answer. */
static int spawn_on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Run *run = userdata;

        if (run->task->phase != TASK_STARTING)
                return 0;
        run->facts.spawn_error = ETIMEDOUT;
        run->facts.spawn_step = SPAWN_STEP_EXEC;
        (void) step(run->sv, run->task, EV_EXIT);
        return 0;
}

static void spawn_fail(Run *run, int r) {
        run->facts.spawn_error = -r;
        run->facts.spawn_step = SPAWN_STEP_CLONE;
        run->main_ended = true;
        (void) step(run->sv, run->task, EV_EXIT);
}

void spawn_send(Run *run) {
        const int fds[] = { run->spec_fd, run->cgroup_fd, run->stdio[0], run->stdio[1], run->stdio[2] };
        Task *task = run->task;
        int r;

        if (task->phase != TASK_STARTING)
                return;                 /* cancelled before it was durable: the kill found nobody */

        fault_point("claim-durable");
        r = keeper_link_spawn(run->sv->keeper, run_key(run), fds, ELEMENTSOF(fds));
        if (r < 0) {
                (void) log_task_failure(r, task->id, "Cannot hand the task to the keeper");
                spawn_fail(run, r);
                return;
        }
        run->spawn_sent = true;
        if (run->output_fd >= 0) {
                (void) keeper_link_bound(run->sv->keeper, run_key(run), output_max_bytes(run->sv, task->type), run->output_fd);
                run->output_fd = fd_close(run->output_fd);
        }
        fault_point("spawn-sent");
        r = run_arm(run, &run->deadline_source, run->sv->settings->hook_timeout_usec, spawn_on_deadline, "spawn-deadline");
        if (r < 0)
                (void) log_task_failure(r, task->id, "Cannot set a deadline for the start");
}
