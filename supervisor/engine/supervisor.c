/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/supervisor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/engine/cgroup-tree.h"
#include "supervisor/engine/guard.h"
#include "supervisor/engine/helpers.h"
#include "supervisor/engine/logs.h"
#include "supervisor/engine/output.h"
#include "supervisor/engine/recovery.h"
#include "supervisor/engine/run.h"
#include "supervisor/engine/runtime-lock.h"
#include "supervisor/engine/start.h"
#include "supervisor/sys/account.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/log.h"

#define AD_HOC_GROUP "bgt"

/* The keeper's news, sorted by whose they are. */

static Run *find_run(Supervisor *sv, const KeeperMessage *message) {
        Task *task = message->role == KEEPER_ROLE_TASK ? registry_find(sv->registry, message->id) : NULL;

        return task && task->attempt == message->attempt ? task->run : NULL;
}

static void on_known(const KeeperMessage *message, int pidfd, void *userdata) {
        recovery_on_known(userdata, message, pidfd);
}

static void on_known_end(void *userdata) {
        recovery_on_known_end(userdata);
}

static void on_spawned(const KeeperMessage *message, int pidfd, void *userdata) {
        Run *run = find_run(userdata, message);

        if (run)
                run_on_spawned(run, message->pid, pidfd);
        else
                fd_close(pidfd);
}

static void on_execed(const KeeperMessage *message, void *userdata) {
        Run *run = find_run(userdata, message);

        if (run)
                run_on_execed(run);
}

static void on_ended(const KeeperMessage *message, void *userdata) {
        Supervisor *sv = userdata;
        Run *run;

        if (message->role != KEEPER_ROLE_TASK) {
                helpers_on_ended(sv, message);
                return;
        }
        run = find_run(sv, message);
        if (run)
                run_on_ended(run, message);
        else
                (void) keeper_link_ack(sv->keeper, (KeeperKey) { message->id, message->attempt, KEEPER_ROLE_TASK });
}

/* The keeper would not make the process: that is how it ended. */
static void on_refused(const KeeperMessage *message, void *userdata) {
        KeeperMessage ended = *message;

        ended.error = message->error ? abs(message->error) : EPROTO;
        ended.step = SPAWN_STEP_CLONE;
        (void) log_task_failure(-ended.error, message->id, "The keeper refused a spawn");
        on_ended(&ended, userdata);
}

static const KeeperNews keeper_news = {
        .on_known = on_known,
        .on_known_end = on_known_end,
        .on_spawned = on_spawned,
        .on_execed = on_execed,
        .on_ended = on_ended,
        .on_refused = on_refused,
};

/* Groups by name; those that this machine does not have give nobody anything. */
static int resolve_groups(char *const *names, gid_t **ret, size_t *ret_n) {
        gid_t *gids = calloc(strv_length(names) + 1, sizeof *gids);
        size_t n = 0;

        if (!gids)
                return -ENOMEM;
        STRV_FOREACH(name, (char **) names)
                if (account_find_group(name[0] == '@' ? name + 1 : name, gids + n) == 0)
                        n++;
        *ret = gids;
        *ret_n = n;
        return 0;
}

static int resolve_users(char *const *names, uid_t **ret, size_t *ret_n) {
        uid_t *uids = calloc(strv_length(names) + 1, sizeof *uids);
        size_t n = 0;

        if (!uids)
                return -ENOMEM;
        STRV_FOREACH(name, (char **) names) {
                _cleanup_(account_freep) Account *account = NULL;

                if (name[0] != '@' && account_find(name, &account) == 0)
                        uids[n++] = account->uid;
        }
        *ret = uids;
        *ret_n = n;
        return 0;
}

static int resolve_ad_hoc(const Settings *settings, AccessRules *rules) {
        _cleanup_(strv_freep) char **groups = NULL;
        int r;

        if (!settings->ad_hoc)
                r = strv_append(&groups, "@" AD_HOC_GROUP);
        else {
                r = resolve_users(settings->ad_hoc, &rules->ad_hoc_users, &rules->n_ad_hoc_users);
                STRV_FOREACH(name, settings->ad_hoc)
                        if (r == 0 && name[0] == '@')
                                r = strv_append(&groups, name);
        }
        if (r < 0)
                return r;
        return resolve_groups(groups, &rules->ad_hoc_groups, &rules->n_ad_hoc_groups);
}

static int resolve_access(const Settings *settings, AccessRules *ret) {
        _cleanup_(access_rules_done) AccessRules rules = { .self = geteuid() };
        int r;

        r = resolve_groups(settings->admins, &rules.admins, &rules.n_admins);
        if (r == 0)
                r = resolve_groups(settings->developers, &rules.developers, &rules.n_developers);
        if (r == 0)
                r = resolve_ad_hoc(settings, &rules);
        if (r < 0)
                return r;
        *ret = rules;
        rules = (AccessRules) {};
        return 0;
}

static int load_configuration(const SettingsPaths *paths, Settings **ret_settings, TypeSet **ret_types, AccessRules *ret_access, SettingsFault *fault) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        _cleanup_(type_set_freep) TypeSet *types = NULL;
        int r;

        r = settings_load(paths, &settings, fault);
        if (r < 0)
                return r;
        r = type_set_load(paths, &types, fault);
        if (r < 0)
                return r;
        r = resolve_access(settings, ret_access);
        if (r < 0)
                return r;
        *ret_settings = MOVE(settings);
        *ret_types = MOVE(types);
        return 0;
}

int supervisor_reload(Supervisor *sv, SettingsFault *ret_fault) {
        Settings *settings;
        AccessRules access;
        TypeSet *types;
        int r;

        r = load_configuration(&sv->paths, &settings, &types, &access, ret_fault);
        if (r < 0)
                return r;
        (void) settings_free(sv->settings);
        (void) type_set_free(sv->types);
        access_rules_done(&sv->access);
        sv->settings = settings;
        sv->types = types;
        sv->access = access;
        return 0;
}

static int on_store(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Supervisor *sv = userdata;

        store_dispatch(sv->store);
        return 0;
}

/* Runs when everything else that was ready has: their rows share one commit. */
static int on_turn_end(sd_event_source *source, void *userdata) {
        Supervisor *sv = userdata;

        store_flush(sv->store);
        return 0;
}

static int attach_store(Supervisor *sv) {
        int r;

        r = sd_event_add_io(sv->event, &sv->store_source, store_fd(sv->store), EPOLLIN, on_store, sv);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(sv->store_source, "store");
        (void) sd_event_source_set_priority(sv->store_source, PRIORITY_STORE);
        r = sd_event_add_post(sv->event, &sv->flush_source, on_turn_end, sv);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(sv->flush_source, "store-flush");
        return sd_event_source_set_priority(sv->flush_source, PRIORITY_FLUSH);
}

/* A directory of ours alone; @mode may let others in. */
static int make_directory(const char *path, mode_t mode, const char *what, char **ret_sentence) {
        struct stat st;

        if (mkdir(path, mode) < 0 && errno != EEXIST) {
                *ret_sentence = text_format("Cannot make the %s %s: %s.", what, path, strerror(errno));
                return result_errno();
        }
        if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
                *ret_sentence = text_format("The %s %s is not a directory.", what, path);
                return -ENOTDIR;
        }
        if (st.st_uid != geteuid()) {
                *ret_sentence = text_format("The %s %s belongs to user %u; give bgtd one of its own.", what, path, (unsigned) st.st_uid);
                return -EPERM;
        }
        if (st.st_mode & 022 && !(mode & 022)) {
                *ret_sentence = text_format("Others may write to the %s %s; take that right from them (chmod go-w).", what, path);
                return -EPERM;
        }
        return 0;
}

static int make_directories(const Supervisor *sv, char **ret_sentence) {
        _cleanup_(freep) char *output = text_format("%s/output", sv->state_dir), *task = text_format("%s/task", sv->runtime_dir);
        int r;

        if (!output || !task)
                return -ENOMEM;
        r = make_directory(sv->state_dir, 0700, "state directory", ret_sentence);
        if (r == 0)
                r = make_directory(sv->runtime_dir, 0755, "runtime directory", ret_sentence);
        if (r == 0)
                r = make_directory(output, 0700, "output directory", ret_sentence);
        if (r == 0)
                r = make_directory(task, 0755, "directory of tasks", ret_sentence);
        return r;
}

static int open_configuration(Supervisor *sv, char **ret_sentence) {
        SettingsFault fault = {};
        int r;

        r = settings_paths_default(sv->config_dir, sv->user_mode, &sv->paths);
        if (r < 0) {
                if (sv->config_dir)
                        *ret_sentence = text_format("Cannot use the configuration directory %s: %s.", sv->config_dir, strerror(-r));
                return r;
        }
        r = load_configuration(&sv->paths, &sv->settings, &sv->types, &sv->access, &fault);
        if (r < 0) {
                if (fault.sentence[0])
                        *ret_sentence = strdup(fault.sentence);
                return r;
        }
        return type_file_command(&sv->command_type);
}

/* Also called by the store's reader thread. A type of another version must not keep its tasks from being adopted. */
static int parse_stored_type(const char *name, const char *text, TaskType **ret) {
        SettingsFault fault = {};
        int r;

        r = type_file_parse(name, text, ret, &fault);
        if (r != -EINVAL)
                return r;
        (void) log_failure(r, "The store has a type %s that this version cannot read, so its tasks count as commands: %s", name, fault.sentence);
        return type_file_command(ret);
}

static int open_store(Supervisor *sv, char **ret_sentence) {
        uint64_t greatest;
        int r;

        r = store_open(&sv->store, sv->state_dir, parse_stored_type, &sv->facts, ret_sentence);
        if (r < 0)
                return r;
        if (r == STORE_E_MOVED_ASIDE) {
                sv->aside = strdup(sv->facts.aside);
                log_warning("The store was damaged and is kept as %s; a new one was begun.", sv->facts.aside);
        }
        greatest = output_greatest_id(sv);
        sv->last_id = sv->facts.last_id > greatest ? sv->facts.last_id : greatest;
        return store_load_unfinished(sv->store, recovery_on_task, sv);
}

/* The keeper's own group is R/keeper, wherever that is. */
static int open_cgroups(Supervisor *sv, char **ret_sentence) {
        _cleanup_(freep) char *mount = NULL, *path = NULL;
        char *last;
        int r;

        r = cgroup_find_mount(&mount);
        if (r == 0)
                r = cgroup_of_process(keeper_link_pid(sv->keeper), &path);
        if (r < 0)
                return r;
        last = strrchr(path, '/');
        if (!last || strcmp(last, "/keeper") != 0) {
                *ret_sentence = text_format("The keeper (pid %d) is in the cgroup %s, which is not named keeper.", (int) keeper_link_pid(sv->keeper), path);
                return -EROFS;
        }
        last[last == path ? 1 : 0] = '\0';
        r = cgroup_tree_open(&sv->cgroups, mount, path, ret_sentence);
        if (r < 0)
                return r;
        return 0;
}

static int open_alive(Supervisor *sv, const char *cgroup_root, char **ret_sentence) {
        int r;

        r = guard_reach(sv, cgroup_root, &keeper_news, &sv->keeper, ret_sentence);
        if (r < 0)
                return r;
        r = open_cgroups(sv, ret_sentence);
        if (r < 0)
                return r;
        r = keeper_link_wait_known(sv->keeper);
        if (r < 0)
                *ret_sentence = text_format("The keeper does not say what it holds: %s.", strerror(-r));
        return r;
}

static int fail(int r, int status, const char *what, char **ret_sentence, int *ret_exit_status) {
        if (!*ret_sentence)
                *ret_sentence = text_format("Cannot %s: %s.", what, strerror(-r));
        *ret_exit_status = status;
        return r;
}

static int supervisor_new(Supervisor **ret, sd_event *event, const SupervisorOptions *options) {
        _cleanup_(supervisor_closep) Supervisor *sv = calloc(1, sizeof *sv);
        int r;

        if (!sv)
                return -ENOMEM;
        sv->runtime_lock_fd = -1;
        sv->event = sd_event_ref(event);
        sv->user_mode = options->user_mode;
        sv->start_time_usec = clock_now_usec(CLOCK_REALTIME);
        sv->state_dir = strdup(options->state_dir);
        sv->runtime_dir = strdup(options->runtime_dir);
        if (options->config_dir)
                sv->config_dir = strdup(options->config_dir);
        if (!sv->state_dir || !sv->runtime_dir || (options->config_dir && !sv->config_dir))
                return -ENOMEM;
        r = clock_boot_id(sv->boot_id);
        if (r == 0)
                r = registry_new(&sv->registry);
        if (r == 0)
                r = helpers_new(&sv->helpers);
        if (r == 0)
                r = registry_observe(sv->registry, logs_on_changed, sv);
        if (r < 0)
                return r;
        *ret = MOVE(sv);
        return 0;
}

int supervisor_open(Supervisor **ret, sd_event *event, const SupervisorOptions *options, char **ret_sentence, int *ret_exit_status) {
        _cleanup_(supervisor_closep) Supervisor *sv = NULL;
        int r;

        *ret_sentence = NULL;
        r = supervisor_new(&sv, event, options);
        if (r < 0)
                return fail(r, 1, "begin", ret_sentence, ret_exit_status);
        r = make_directories(sv, ret_sentence);
        if (r < 0)
                return fail(r, 2, "make the directories", ret_sentence, ret_exit_status);
        r = runtime_lock_take(sv->runtime_dir, &sv->runtime_lock_fd, ret_sentence);
        if (r < 0)
                return fail(r, r == -EBUSY ? 3 : 1, "lock the runtime directory", ret_sentence, ret_exit_status);
        r = open_configuration(sv, ret_sentence);
        if (r < 0)
                return fail(r, 2, "read the configuration", ret_sentence, ret_exit_status);
        r = open_store(sv, ret_sentence);
        if (r < 0)
                return fail(r, r == -EBUSY ? 3 : 1, "open the store", ret_sentence, ret_exit_status);
        r = attach_store(sv);
        if (r < 0)
                return fail(r, 1, "watch the store", ret_sentence, ret_exit_status);
        r = open_alive(sv, options->cgroup_root, ret_sentence);
        if (r < 0)
                return fail(r, r == -ENOMEDIUM || r == -EROFS ? 4 : 1, "reach the keeper", ret_sentence, ret_exit_status);
        store_flush(sv->store);         /* no turn has ended yet that would */
        *ret = MOVE(sv);
        return 0;
}

static void close_tasks(Supervisor *sv) {
        Task **tasks;
        size_t n_tasks;

        if (!sv->registry || registry_list(sv->registry, &tasks, &n_tasks) < 0)
                return;
        for (size_t i = 0; i < n_tasks; i++)
                if (tasks[i]->run)
                        tasks[i]->run = run_free(tasks[i]->run);
}

Supervisor *supervisor_close(Supervisor *sv) {
        if (!sv)
                return NULL;

        sv->stopping = true;
        if (sv->lazy_source && sv->store)
                for (size_t i = 0; i < sv->n_lazy; i++)
                        (void) store_put_state(sv->store, sv->lazy[i]);
        logs_close(sv);
        sv->flush_source = sd_event_source_disable_unref(sv->flush_source);
        sv->store_source = sd_event_source_disable_unref(sv->store_source);
        sv->lazy_source = sd_event_source_disable_unref(sv->lazy_source);
        sv->store = store_close(sv->store);
        start_close(sv);
        close_tasks(sv);
        sv->helpers = helpers_free(sv->helpers);
        if (sv->keeper)
                keeper_link_goodbye(sv->keeper);
        sv->keeper = keeper_link_close(sv->keeper);
        sv->cgroups = cgroup_tree_close(sv->cgroups);
        sv->registry = registry_free(sv->registry);
        (void) task_type_unref(sv->command_type);
        (void) type_set_free(sv->types);
        (void) settings_free(sv->settings);
        access_rules_done(&sv->access);
        settings_paths_done(&sv->paths);
        free(sv->lazy);
        free(sv->aside);
        fd_closep(&sv->runtime_lock_fd);
        free(sv->runtime_dir);
        free(sv->state_dir);
        free(sv->config_dir);
        (void) sd_event_unref(sv->event);
        free(sv);
        return NULL;
}

const char *supervisor_status(const Supervisor *sv) {
        if (sv->stopping)
                return "Stopping";
        return sv->cgroups ? "Main Loop" : "Startup";
}

bool supervisor_may_start(const Supervisor *sv, const Caller *caller, const TaskType *type) {
        TypeAccess access = {
                .has_user = type->user && !sv->user_mode,
                .has_rules = type->allow_users || type->allow_groups,
        };
        uid_t *users = NULL;
        gid_t *groups = NULL;
        bool may = false;

        if (resolve_users(type->allow_users, &users, &access.n_users) == 0 &&
            resolve_groups(type->allow_groups, &groups, &access.n_groups) == 0) {
                access.users = users;
                access.groups = groups;
                may = access_to_type(&sv->access, caller, &access);
        }
        free(users);
        free(groups);
        return may;
}
