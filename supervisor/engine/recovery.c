/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/recovery.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/engine/finish.h"
#include "supervisor/engine/helpers.h"
#include "supervisor/engine/output.h"
#include "supervisor/engine/parameters-file.h"
#include "supervisor/engine/run.h"
#include "supervisor/engine/spawn.h"
#include "supervisor/engine/step.h"
#include "supervisor/sys/account.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/limits.h"
#include "supervisor/sys/log.h"

int recovery_on_task(Task *task, void *userdata) {
        Supervisor *sv = userdata;
        int r;

        task->stored = true;
        r = registry_take(sv->registry, task);
        if (r < 0)
                (void) task_free(task);
        return r;
}

/* Why it is being ended, left on the group by whoever began it. */
static void read_cancel_mark(Run *run) {
        _cleanup_(freep) char *mark = cgroup_tree_read_mark(run->cgroup_fd, "cancel");
        Task *task = run->task;

        if (!mark && task->request != TASK_REQUEST_CANCEL)
                return;
        task->request = TASK_REQUEST_CANCEL;
        run->facts.cancel_requested = true;
        run->facts.timed_out = mark && strcmp(mark, "timeout") == 0;
        if (!mark && !task->cancel_acted)
                return;
        task->cancel_acted = true;
        run->facts.cancel_killed = true;
        run->facts.cancel_signalled = task->type->cancel_grace_usec > 0;
}

static void read_slot_mark(Run *run, Namespace *ns) {
        _cleanup_(freep) char *mark = cgroup_tree_read_mark(run->cgroup_fd, "task");
        size_t slot;

        if (!mark || sscanf(mark, "%*u %zu", &slot) != 1 || namespace_mark_slot(ns, slot) < 0)
                return;
        run->slot = slot;
        run->has_slot = true;
}

/* A run for what is there already. */
static int run_adopt(Supervisor *sv, Task *task) {
        _cleanup_(run_freep) Run *run = NULL;
        Namespace *ns;
        int r;

        r = run_new(&run, sv, task);
        if (r < 0)
                return r;
        r = cgroup_tree_namespace(sv->cgroups, task->namespace, &ns);
        if (r < 0)
                (void) log_task_failure(r, task->id, "Cannot open the cgroup of namespace %s", task->namespace);
        else
                run->namespace_fd = ns->fd;
        if (r == 0 && cgroup_open(ns->fd, run->name, false, &run->cgroup_fd) == 0) {
                read_slot_mark(run, ns);
                read_cancel_mark(run);
        }
        if (limits_any(&task->type->limits))
                run->v1_path = cgroup_tree_v1_name(sv->cgroups, task->namespace, run->name);
        task->run = MOVE(run);
        return 0;
}

/* The keeper forgets a file's bound with its process. */
static void renew_bound(Supervisor *sv, Task *task) {
        _cleanup_(fd_closep) int fd = -1;

        if (task->output != OUTPUT_FILE)
                return;
        fd = output_reopen_bound(sv, task);
        if (fd >= 0)
                (void) keeper_link_bound(sv->keeper, run_key(task->run), output_max_bytes(sv, task->type), fd);
}

/* What the stored phase should be, now that the keeper and the cgroup have been heard. */
static void adopt_phase(Task *task, const KeeperMessage *message) {
        Run *run = task->run;
        bool frozen = false;

        if (run->cgroup_fd >= 0)
                (void) cgroup_read_freeze(run->cgroup_fd, &frozen);
        run->facts.ran = message->state == KEEPER_CHILD_EXECED || (message->state == KEEPER_CHILD_ENDED && !message->error);

        if (task->phase == TASK_STARTING && run->facts.ran)
                (void) step(run->sv, task, EV_EXECED);
        if (task->phase == TASK_ENDING) {
                run_kill(run, EV_EXIT);
                run_look(run);
                return;
        }
        if (task->phase < TASK_RUNNING)
                return;

        if (frozen && task->phase == TASK_RUNNING) {
                task->request = task->request == TASK_REQUEST_CANCEL ? TASK_REQUEST_CANCEL : TASK_REQUEST_PAUSE;
                (void) step(run->sv, task, EV_PAUSE);
        } else if (!frozen && (task->phase == TASK_PAUSING || task->phase == TASK_PAUSED)) {
                task->request = task->request == TASK_REQUEST_CANCEL ? TASK_REQUEST_CANCEL : TASK_REQUEST_NONE;
                (void) step(run->sv, task, EV_RESUME);
        } else
                run_look(run);
}

/* A cancel whose time of grace was running goes on, a kill is done again. */
static void resume_cancel(Task *task) {
        Run *run = task->run;

        if (task->request == TASK_REQUEST_CANCEL && task->phase >= TASK_STARTING && task->phase <= TASK_PAUSED)
                run_cancel(run, false, run->facts.timed_out);
}

/* What ran before this start counts towards its time, a pause that still lasts does not. */
static uint64_t usec_before_adoption(const Task *task) {
        uint64_t until = task->paused_since_usec > 0 ? task->paused_since_usec : clock_now_usec(CLOCK_REALTIME);

        if (task->start_time_usec == 0)
                return 0;
        return usec_sub(usec_sub(until, task->start_time_usec), task->paused_usec);
}

/* When it was started is remembered lazily; the kernel knows, too, as long as there is a zombie. */
static void learn_start_time(Task *task, const KeeperMessage *message) {
        uint64_t since_boot;

        if (task->start_time_usec > 0 || task->job.start_ticks == 0 || message->error || message->state < KEEPER_CHILD_EXECED)
                return;
        since_boot = task->job.start_ticks * (USEC_PER_SEC / (uint64_t) sysconf(_SC_CLK_TCK));
        task->start_time_usec = usec_sub(clock_now_usec(CLOCK_REALTIME), usec_sub(clock_now_usec(CLOCK_BOOTTIME), since_boot));
}

static void adopt(Supervisor *sv, Task *task, const KeeperMessage *message, int pidfd) {
        bool is_new = !task->run;
        int r;

        if (is_new) {
                r = run_adopt(sv, task);
                if (r < 0) {
                        (void) log_task_failure(r, task->id, "Cannot adopt the running task");
                        fd_close(pidfd);
                        return;
                }
        }
        task->run->known = true;
        run_on_spawned(task->run, message->pid, pidfd);
        if (is_new) {
                learn_start_time(task, message);
                task->run->ran_usec = usec_before_adoption(task);
                if (task->phase == TASK_RUNNING)
                        run_start_clock(task->run);
        }
        renew_bound(sv, task);
        adopt_phase(task, message);
        if (message->state == KEEPER_CHILD_ENDED && task->run)
                run_on_ended(task->run, message);
        else
                resume_cancel(task);
}

/* The namespace that has a group of this name; the caller's string. */
static char *find_namespace(Supervisor *sv, const char *name) {
        int fd = openat(sv->cgroups->jobs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *entry;
        char *found = NULL;

        while (dir && !found && (entry = readdir(dir))) {
                _cleanup_(freep) char *path = text_format("%s/%s", entry->d_name, name);

                if (entry->d_type == DT_DIR && entry->d_name[0] != '.' && path && faccessat(sv->cgroups->jobs_fd, path, F_OK, 0) == 0)
                        found = strdup(entry->d_name);
        }
        if (dir)
                (void) closedir(dir);
        return found;
}

static int read_command_line(pid_t pid, char ***ret) {
        _cleanup_(fd_closep) int fd = -1;
        char path[64], data[4096];
        ssize_t n;

        (void) snprintf(path, sizeof path, "/proc/%d/cmdline", (int) pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, data, sizeof data - 1);
        if (n <= 0)
                return strv_append(ret, "unknown");
        data[n] = '\0';
        return strv_unpack(ret, data, (size_t) n + (data[n - 1] != '\0'));
}

/*
 * The store was lost, the task was not: what can be told of it is put into the
 * new store.
 */
static int adopt_unremembered(Supervisor *sv, const KeeperMessage *message, int pidfd) {
        _cleanup_(task_freep) Task *task = task_new(message->id);
        _cleanup_(account_freep) Account *account = NULL;
        char name[CGROUP_NAME_MAX], path[64];
        struct stat st;
        int r;

        if (!task)
                return -ENOMEM;
        cgroup_tree_task_name(message->id, message->attempt, name);
        (void) snprintf(path, sizeof path, "/proc/%d", (int) message->pid);
        r = account_find_uid(stat(path, &st) == 0 ? st.st_uid : sv->access.self, &account);
        if (r < 0)
                return r;
        task->type = task_type_ref(sv->command_type);
        task->namespace = find_namespace(sv, name);
        task->name = strdup("recovered");
        task->user = strdup(account->name);
        task->uid = account->uid;
        task->owner = account->uid;
        task->gid = account->gid;
        task->attempt = message->attempt;
        task->output = faccessat(AT_FDCWD, sv->state_dir, F_OK, 0) == 0 ? output_resolve(task->type) : OUTPUT_NULL;
        task->claim_generation = keeper_link_generation(sv->keeper);
        task->create_time_usec = task->start_time_usec = clock_now_usec(CLOCK_REALTIME);
        task->phase = TASK_RUNNING;
        task->before_ending = TASK_RUNNING;
        task->stored = true;
        if (!task->namespace)
                task->namespace = strdup("default");
        if (!task->namespace || !task->name || !task->user)
                return -ENOMEM;
        r = read_command_line(message->pid, &task->argv);
        if (r < 0)
                return r;
        if (task->type->definition_id == 0)
                r = store_put_type(sv->store, task->type);
        if (r == 0)
                r = store_put_task(sv->store, task);
        if (r == 0)
                r = registry_take(sv->registry, task);
        if (r < 0)
                return r;
        if (sv->last_id < task->id)
                sv->last_id = task->id;
        log_warning("Task %llu was running when its record was lost; it goes on under the name \"recovered\".", (unsigned long long) task->id);
        adopt(sv, MOVE(task), message, pidfd);
        return 0;
}

void recovery_on_known(Supervisor *sv, const KeeperMessage *message, int pidfd) {
        Task *task;
        int r;

        if (message->role != KEEPER_ROLE_TASK) {
                helpers_on_known(sv, message);
                fd_close(pidfd);
                return;
        }
        task = registry_find(sv->registry, message->id);
        if (task && task->attempt == message->attempt) {
                adopt(sv, task, message, pidfd);
                return;
        }
        if (!task && sv->aside) {
                r = adopt_unremembered(sv, message, pidfd);
                if (r == 0)
                        return;
                (void) log_task_failure(r, message->id, "Cannot take over a task whose record was lost");
        }
        /* its end is durable, and only the acknowledgement was lost */
        (void) keeper_link_ack(sv->keeper, (KeeperKey) { message->id, message->attempt, KEEPER_ROLE_TASK });
        fd_close(pidfd);
}

/* Claimed, but the keeper does not know it, and it is the keeper that was meant: it was never started. */
static void start_again(Supervisor *sv, Task *task) {
        int r;

        if (task->run) {
                spawn_send(task->run);
                renew_bound(sv, task);
                return;
        }
        task->attempt--;
        r = spawn_prepare(sv, task);
        if (r == 0) {
                spawn_send(task->run);
                return;
        }
        (void) log_task_failure(r, task->id, "Cannot start the task");
        task->attempt++;
        if (run_adopt(sv, task) < 0)
                return;
        task->run->facts.spawn_error = -r;
        task->run->facts.spawn_step = SPAWN_STEP_CLONE;
        task->run->main_ended = true;
        (void) step(sv, task, EV_EXIT);
}

/* It cannot be known whether it ran, or how far: what is left of it is ended. */
static void interrupt(Supervisor *sv, Task *task) {
        int r;

        if (!task->run) {
                r = run_adopt(sv, task);
                if (r < 0) {
                        (void) log_task_failure(r, task->id, "Cannot end the interrupted task");
                        return;
                }
        }
        task->run->spawn_sent = false;
        task->run->main_ended = true;
        task->run->facts.status_known = false;
        task->run->facts.interrupted = true;
        if (task->phase == TASK_ENDING) {
                run_kill(task->run, EV_EXIT);
                run_look(task->run);
        } else
                (void) step(sv, task, EV_EXIT);
}

static void reconcile(Supervisor *sv, Task *task) {
        if (task->phase < TASK_STARTING) {
                if (task->phase == TASK_READY)
                        (void) step(sv, task, EV_CLAIM);
                return;
        }
        if (task_has_ended(task) || (task->run && (task->run->known || task->run->main_ended || task->run->decided)))
                return;
        if (task->run && !task->run->spawn_sent)
                return;         /* its claim is still on its way to the disk */
        if (task->phase == TASK_STARTING && task->claim_generation == keeper_link_generation(sv->keeper) &&
            task->request != TASK_REQUEST_CANCEL)
                start_again(sv, task);
        else
                interrupt(sv, task);
}

/* Groups that no task has: what an unfinished start or a lost keeper has left. */
static void sweep_namespace(Supervisor *sv, const char *name) {
        Namespace *ns;
        struct dirent *entry;
        DIR *dir;
        int fd;

        if (cgroup_tree_namespace(sv->cgroups, name, &ns) < 0)
                return;
        fd = openat(ns->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd >= 0 ? fdopendir(fd) : NULL;
        while (dir && (entry = readdir(dir))) {
                _cleanup_(fd_closep) int group = -1;
                uint64_t id = strtoull(entry->d_name, NULL, 10);

                if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || registry_find(sv->registry, id))
                        continue;
                if (cgroup_open(ns->fd, entry->d_name, false, &group) != 0)
                        continue;
                (void) cgroup_kill(group);
                cgroup_tree_discard(sv->cgroups, sv->event, ns->fd, entry->d_name);
        }
        if (dir)
                (void) closedir(dir);
        cgroup_tree_prune(sv->cgroups, name);
}

static void sweep(Supervisor *sv) {
        int fd = openat(sv->cgroups->jobs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *entry;

        while (dir && (entry = readdir(dir)))
                if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
                        sweep_namespace(sv, entry->d_name);
        if (dir)
                (void) closedir(dir);
        parameters_files_sweep(sv);
}

void recovery_on_known_end(Supervisor *sv) {
        _cleanup_(freep) Task **copy = NULL;
        Task **tasks;
        size_t n_tasks;
        int r;

        helpers_on_known_end(sv);
        r = registry_list(sv->registry, &tasks, &n_tasks);
        if (r < 0) {
                (void) log_failure(r, "Cannot compare the tasks with the keeper");
                return;
        }
        copy = calloc(n_tasks + 1, sizeof *copy);
        if (!copy)
                return;
        if (n_tasks > 0)
                memcpy(copy, tasks, n_tasks * sizeof *copy);
        for (size_t i = 0; i < n_tasks; i++)
                reconcile(sv, copy[i]);
        for (size_t i = 0; i < n_tasks; i++)
                if (copy[i]->run)
                        copy[i]->run->known = false;    /* until the next connection */
        sweep(sv);
}
