/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Supervisor
 *
 * The one object of bgtd: what it knows (settings, types, tasks), what it talks
 * to (store, keeper, cgroups) and the loop they live in.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "supervisor/engine/registry.h"
#include "supervisor/policy/access.h"
#include "supervisor/settings/settings.h"
#include "supervisor/settings/type-file.h"
#include "supervisor/store/store.h"

/* What comes first when several things are ready in one turn. */
enum {
        PRIORITY_KEEPER = SD_EVENT_PRIORITY_NORMAL - 30,        /* ends before questions about them */
        PRIORITY_CGROUP = SD_EVENT_PRIORITY_NORMAL - 20,
        PRIORITY_STORE = SD_EVENT_PRIORITY_NORMAL - 10,
        PRIORITY_SIGNALS = SD_EVENT_PRIORITY_NORMAL - 5,
        PRIORITY_BUS = SD_EVENT_PRIORITY_NORMAL,
        PRIORITY_TIMERS = SD_EVENT_PRIORITY_NORMAL + 10,
        PRIORITY_ANNOUNCE = SD_EVENT_PRIORITY_NORMAL + 20,      /* ten changes make one signal */
        PRIORITY_FLUSH = SD_EVENT_PRIORITY_NORMAL + 30,         /* ten rows make one commit */
};

typedef struct KeeperLink KeeperLink;
typedef struct CgroupTree CgroupTree;
typedef struct Helpers Helpers;

/* Counted since bgtd's start. */
typedef struct Counters {
        uint64_t started, done, error, cancelled, exited, rejected;
} Counters;

typedef struct SupervisorOptions {
        const char *config_dir;         /* NULL: the usual places */
        const char *state_dir;
        const char *runtime_dir;
        const char *cgroup_root;        /* NULL: found or made */
        bool user_mode;
} SupervisorOptions;

typedef struct Supervisor {
        sd_event *event;
        SettingsPaths paths;
        Settings *settings;
        TypeSet *types;
        TaskType *command_type;
        AccessRules access;
        Registry *registry;
        Store *store;
        StoreFacts facts;
        KeeperLink *keeper;
        CgroupTree *cgroups;
        Helpers *helpers;
        Counters counters;
        bool user_mode;
        bool stopping;
        char *config_dir, *state_dir, *runtime_dir;
        int runtime_lock_fd;            /* -1: not taken yet */
        char *aside;                    /* where a damaged store is now; NULL: none */
        char boot_id[33];
        uint64_t last_id;
        uint64_t start_time_usec;       /* CLOCK_REALTIME */
        sd_event_source *store_source, *flush_source, *lazy_source;
        struct Task **lazy;             /* changed, and not worth a commit of their own */
        size_t n_lazy, n_lazy_allocated;
        struct StartCall *starts;       /* starts that are not durable yet */
        struct Errand *errands;         /* questions about one ended task that are under way */
        struct Question *questions;     /* queries that are under way */
        struct LogsReader *readers;     /* `logs` under way */
} Supervisor;

/*
 * Opens everything and reconciles what the store remembers with what is alive.
 * On failure *@ret_sentence, the caller's, says what is wrong and what would
 * help, and *@ret_exit_status is bgtd's: 2 configuration, 3 another bgtd, 4 no
 * usable cgroup v2, 1 anything else.
 */
int supervisor_open(Supervisor **ret, sd_event *event, const SupervisorOptions *options, char **ret_sentence, int *ret_exit_status);
/* Leaves the tasks running. */
Supervisor *supervisor_close(Supervisor *supervisor);
DEFINE_OWNED(Supervisor *, supervisor_close)

/* -EINVAL with *@ret_fault filled: a bad file, and nothing has changed. */
int supervisor_reload(Supervisor *supervisor, SettingsFault *ret_fault);

/* `Main Loop`, `Startup`, …: Q-40's words. */
const char *supervisor_status(const Supervisor *supervisor);

/* Whether @caller may start @type. */
bool supervisor_may_start(const Supervisor *supervisor, const Caller *caller, const TaskType *type);
