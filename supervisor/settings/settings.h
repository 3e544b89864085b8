/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Settings
 *
 * bgtd.conf and its drop-ins. One table says of every key its default, its
 * parser and its sentence; the shipped file and the manual page come from it.
 * A load fills a fresh object and gives it out only if all of it is good.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/owned.h"
#include "supervisor/model/type.h"
#include "supervisor/settings/fault.h"
#include "supervisor/settings/paths.h"

typedef struct NamespaceSettings {
        char *name;
        uint64_t max_running;           /* 0: no limit */
        Limits limits;
} NamespaceSettings;

typedef enum BusyPolicy {
        BUSY_WAIT,
        BUSY_RESCHEDULE,
} BusyPolicy;

typedef struct DeviceSettings {
        char *name;
        uint64_t slots;
        char *path;                     /* NULL: none */
        BusyPolicy busy_policy;
        uint64_t busy_retry_usec;
} DeviceSettings;

typedef struct Settings {
        /* [Manager] */
        uint64_t job_limit;             /* 0: no limit */
        uint64_t startup_delay_usec;
        char **inhibit_path, **required_paths;
        uint64_t hook_timeout_usec, freeze_timeout_usec, kill_timeout_usec;

        /* [Session] */
        uint64_t max_concurrency, max_queue_length;
        uint64_t default_timeout_usec, max_timeout_usec;

        /* [Access] */
        char **admins, **developers;    /* groups */
        char **ad_hoc;                  /* users and groups (as @group) who may `run`; NULL: root and the group bgt */
        uint64_t max_queued_per_user;
        uint64_t max_message_bytes;

        /* [Store] */
        uint64_t retention_days;
        uint64_t output_max_bytes;      /* per attempt */

        NamespaceSettings *namespaces;
        size_t n_namespaces;
        DeviceSettings *devices;
        size_t n_devices;
} Settings;

/* -EINVAL with *@ret_fault filled for a bad file; another negative errno, with it filled as well, for one that cannot be read. */
int settings_load(const SettingsPaths *paths, Settings **ret, SettingsFault *ret_fault);
Settings *settings_free(Settings *settings);
DEFINE_OWNED(Settings *, settings_free)

const NamespaceSettings *settings_namespace(const Settings *settings, const char *name);

/* The shipped bgtd.conf: every key, its default, commented out, with its sentence. */
int settings_print(FILE *file);
