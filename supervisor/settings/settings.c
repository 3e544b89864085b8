/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/settings.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/limit-settings.h"
#include "supervisor/settings/parse.h"

static const SettingWord busy_policies[] = { { "wait", BUSY_WAIT }, { "reschedule", BUSY_RESCHEDULE }, {} };

static const SettingSection settings_sections[] = {
        { "Manager", "The manager, and how long it waits for what." },
        { "Session", "Tasks that are children of a session." },
        { "Access", "Who may do what. Root and bgtd's own user may do everything." },
        { "Store", "What is kept on disk." },
        { "Namespace", "A named group of tasks. Each has a section of its own; without one it has these defaults.", namespace_is_name },
        { "Device", "Something that few tasks can use at once, such as a tape. Each has a section of its own.", text_is_name },
        {}
};

static const Setting settings_keys[] = {
        { "Manager", "JobLimit", "0", parse_count, offsetof(Settings, job_limit),
          "How many tasks may run at once; 0 is no limit.", .later = true },
        { "Manager", "StartupDelaySec", "0", parse_span, offsetof(Settings, startup_delay_usec),
          "How long nothing is started after bgtd has come up.", .later = true },
        { "Manager", "InhibitPath", "", parse_paths, offsetof(Settings, inhibit_path),
          "While one of these paths exists nothing is started, for example /run/nologin.", .list = true, .later = true },
        { "Manager", "RequiredPaths", "", parse_paths, offsetof(Settings, required_paths),
          "While one of these paths is missing nothing is started.", .list = true, .later = true },
        { "Manager", "HookTimeoutSec", "30", parse_span, offsetof(Settings, hook_timeout_usec),
          "How long a hook may run, and a task's process may take to begin.", .minimum = 1 },
        { "Manager", "FreezeTimeoutSec", "10", parse_span, offsetof(Settings, freeze_timeout_usec),
          "How long the kernel may take to confirm a pause before it is withdrawn.", .minimum = 1 },
        { "Manager", "KillTimeoutSec", "10", parse_span, offsetof(Settings, kill_timeout_usec),
          "How long a killed task may take to be gone before its end is announced all the same.", .minimum = 1 },

        { "Session", "MaxConcurrency", "5", parse_count, offsetof(Settings, max_concurrency),
          "How many tasks of one session may run at once.", .minimum = 1, .later = true },
        { "Session", "MaxQueueLength", "100", parse_count, offsetof(Settings, max_queue_length),
          "How many more may wait; the next start is refused.", .later = true },
        { "Session", "DefaultTimeoutSec", "120", parse_span, offsetof(Settings, default_timeout_usec),
          "How long a session's task may run if its start does not say.", .minimum = 1, .later = true },
        { "Session", "MaxTimeoutSec", "600", parse_span, offsetof(Settings, max_timeout_usec),
          "The longest time that a start may ask for.", .minimum = 1, .later = true },

        { "Access", "Admins", "", parse_accounts, offsetof(Settings, admins),
          "Groups whose members may do everything that root may.", .list = true },
        { "Access", "Developers", "", parse_accounts, offsetof(Settings, developers),
          "Groups whose members may see and control every task.", .list = true },
        { "Access", "AdHoc", "", parse_accounts_and_groups, offsetof(Settings, ad_hoc),
          "Users, and groups as @group, who may run commands of their own with `bgtctl run`. Empty: root and the group bgt.", .list = true },
        { "Access", "MaxQueuedPerUser", "100000", parse_count, offsetof(Settings, max_queued_per_user),
          "How many tasks of one user may wait.", .minimum = 1, .later = true },
        { "Access", "MaxMessageBytes", "4M", parse_bytes, offsetof(Settings, max_message_bytes),
          "The largest message that a client may send.", .minimum = 4096, .maximum = 128U << 20 },

        { "Store", "RetentionDays", "7", parse_count, offsetof(Settings, retention_days),
          "How many days the records of ended tasks are kept.", .maximum = 36500, .later = true },
        { "Store", "OutputMaxBytes", "16M", parse_bytes, offsetof(Settings, output_max_bytes),
          "How much of what one attempt writes is kept in its file, the newest.", .minimum = 4096 },

        { "Namespace", "MaxRunning", "0", parse_count, offsetof(NamespaceSettings, max_running),
          "How many tasks of the namespace may run at once; 0 is no limit.", .later = true },
        LIMIT_SETTINGS("Namespace", NamespaceSettings, "The namespace's tasks together", true),

        { "Device", "Slots", "1", parse_count, offsetof(DeviceSettings, slots),
          "How many tasks may use the device at once.", .minimum = 1, .later = true },
        { "Device", "Path", "", parse_path, offsetof(DeviceSettings, path),
          "A path that exists while the device is there.", .later = true },
        { "Device", "BusyPolicy", "wait", parse_word, offsetof(DeviceSettings, busy_policy),
          "What a task does that finds the device in use: wait in its list, or try again after BusyRetrySec.", busy_policies, .later = true },
        { "Device", "BusyRetrySec", "600", parse_span, offsetof(DeviceSettings, busy_retry_usec),
          "When a rescheduled task tries again.", .minimum = 1, .later = true },
        {}
};

static const SettingTable settings_table = { settings_sections, settings_keys };

static bool settings_is_list(const char *section, const char *key) {
        const Setting *setting = setting_find(&settings_table, section, key);

        return setting && setting->list;
}

Settings *settings_free(Settings *settings) {
        if (!settings)
                return NULL;

        for (size_t i = 0; i < settings->n_devices; i++) {
                free(settings->devices[i].name);
                free(settings->devices[i].path);
        }
        free(settings->devices);
        for (size_t i = 0; i < settings->n_namespaces; i++)
                free(settings->namespaces[i].name);
        free(settings->namespaces);

        (void) strv_free(settings->ad_hoc);
        (void) strv_free(settings->developers);
        (void) strv_free(settings->admins);
        (void) strv_free(settings->required_paths);
        (void) strv_free(settings->inhibit_path);
        free(settings);
        return NULL;
}

static int settings_add_namespace(Settings *settings, const char *name, const IniSection *section, SettingsFault *fault) {
        NamespaceSettings *namespaces = reallocarray(settings->namespaces, settings->n_namespaces + 1, sizeof *namespaces);
        NamespaceSettings *namespace;

        if (!namespaces)
                return -ENOMEM;
        settings->namespaces = namespaces;
        namespace = namespaces + settings->n_namespaces++;
        *namespace = (NamespaceSettings) { .name = strdup(name), .limits = LIMITS_NONE };
        if (!namespace->name)
                return -ENOMEM;
        return setting_table_fill(&settings_table, "Namespace", section, namespace, fault);
}

static int settings_add_device(Settings *settings, const char *name, const IniSection *section, SettingsFault *fault) {
        DeviceSettings *devices = reallocarray(settings->devices, settings->n_devices + 1, sizeof *devices), *device;

        if (!devices)
                return -ENOMEM;
        settings->devices = devices;
        device = devices + settings->n_devices++;
        *device = (DeviceSettings) { .name = strdup(name) };
        if (!device->name)
                return -ENOMEM;
        return setting_table_fill(&settings_table, "Device", section, device, fault);
}

static int settings_fill(Settings *settings, const IniFile *ini, SettingsFault *fault) {
        int r;

        for (const SettingSection *kind = settings_sections; kind->name; kind++) {
                if (kind->is_name)
                        continue;
                r = setting_table_fill(&settings_table, kind->name, ini_file_section(ini, kind->name), settings, fault);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < ini->n_sections; i++) {
                const char *name = NULL;
                const SettingSection *kind = setting_section_find(&settings_table, ini->sections[i].name, &name);

                if (!name)
                        continue;
                r = strcmp(kind->name, "Device") == 0 ? settings_add_device(settings, name, ini->sections + i, fault)
                                                      : settings_add_namespace(settings, name, ini->sections + i, fault);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int settings_check(const Settings *settings, const IniFile *ini, SettingsFault *fault) {
        if (settings->default_timeout_usec > settings->max_timeout_usec)
                return fault_at(fault, ini_file_origin(ini, "Session", "DefaultTimeoutSec"),
                                "DefaultTimeoutSec= is longer than MaxTimeoutSec=.");
        return 0;
}

static int settings_read(const SettingsPaths *paths, const char *folder, const char *only, IniFile *ini, SettingsFault *fault) {
        _cleanup_(strv_freep) char **files = NULL;
        int r;

        r = settings_paths_find(paths, folder, ".conf", only, &files, fault);
        if (r < 0)
                return r;
        STRV_FOREACH(path, files) {
                r = ini_file_read(ini, path, !paths->user_mode, fault);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int settings_build(IniFile *ini, Settings **ret, SettingsFault *fault) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        int r;

        r = setting_table_check(&settings_table, ini, fault);
        if (r < 0)
                return r;
        ini_file_settle(ini, settings_is_list);

        settings = calloc(1, sizeof *settings);
        if (!settings)
                return -ENOMEM;
        r = settings_fill(settings, ini, fault);
        if (r < 0)
                return r;
        r = settings_check(settings, ini, fault);
        if (r < 0)
                return r;
        *ret = MOVE(settings);
        return 0;
}

int settings_load(const SettingsPaths *paths, Settings **ret, SettingsFault *ret_fault) {
        _cleanup_(ini_file_done) IniFile ini = {};
        int r;

        assert(paths);
        assert(ret);

        *ret_fault = (SettingsFault) {};
        r = settings_read(paths, "", "bgtd.conf", &ini, ret_fault);
        if (r == 0)
                r = settings_read(paths, "bgtd.conf.d", NULL, &ini, ret_fault);
        if (r == 0)
                r = settings_build(&ini, ret, ret_fault);
        return fault_explain(ret_fault, r);
}

const NamespaceSettings *settings_namespace(const Settings *settings, const char *name) {
        for (size_t i = 0; i < settings->n_namespaces; i++)
                if (strcmp(settings->namespaces[i].name, name) == 0)
                        return settings->namespaces + i;
        return NULL;
}

int settings_print(FILE *file) {
        static const char *const introduction[] = {
                "bgtd.conf(5): the background-task supervisor.",
                "",
                "Every key with its default. Change it here, or put your changes into a file",
                "in /etc/bgt/bgtd.conf.d/. `systemctl reload bgtd` reads it again; a mistake is",
                "named with its line and changes nothing.",
                NULL
        };

        return setting_table_print(&settings_table, introduction, file);
}
