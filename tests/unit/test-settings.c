/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "lib/base/strv.h"
#include "supervisor/settings/settings.h"
#include "tests/kit/tree.h"
#include "tests/kit/unit.h"

#define SEC 1000000ULL

static SettingsPaths paths_of(const Tree *tree, const char *first, const char *second) {
        SettingsPaths paths = {};
        char path[256];

        tree_path(tree, first, path);
        assert_int_equal(strv_append(&paths.directories, path), 0);
        if (second) {
                tree_path(tree, second, path);
                assert_int_equal(strv_append(&paths.directories, path), 0);
        }
        return paths;
}

static Settings *load(const Tree *tree) {
        _cleanup_(settings_paths_done) SettingsPaths paths = paths_of(tree, "etc", "usr");
        Settings *settings = NULL;
        SettingsFault fault;
        int r;

        r = settings_load(&paths, &settings, &fault);
        if (r < 0)
                print_error("%s\n", fault.sentence);
        assert_int_equal(r, 0);
        assert_string_equal(fault.sentence, "");
        return settings;
}

/* Loads etc/bgtd.conf with that text, which must be refused with a sentence that ends so. */
static void assert_refused(const char *text, const char *end) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_paths_done) SettingsPaths paths = paths_of(&tree, "etc", NULL);
        Settings *settings = (Settings *) 1;
        SettingsFault fault;
        char expected[512];

        tree_write(&tree, "etc/bgtd.conf", text);
        assert_int_equal(settings_load(&paths, &settings, &fault), -EINVAL);
        assert_ptr_equal(settings, (Settings *) 1);
        (void) snprintf(expected, sizeof expected, "%s/etc/bgtd.conf%s", tree.path, end);
        assert_string_equal(fault.sentence, expected);
}

static void without_files_everything_has_its_default(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_freep) Settings *s = load(&tree);

        assert_int_equal(s->job_limit, 0);
        assert_int_equal(s->startup_delay_usec, 0);
        assert_null(s->inhibit_path);
        assert_null(s->required_paths);
        assert_int_equal(s->hook_timeout_usec, 30 * SEC);
        assert_int_equal(s->freeze_timeout_usec, 10 * SEC);
        assert_int_equal(s->kill_timeout_usec, 10 * SEC);
        assert_int_equal(s->max_concurrency, 5);
        assert_int_equal(s->max_queue_length, 100);
        assert_int_equal(s->default_timeout_usec, 120 * SEC);
        assert_int_equal(s->max_timeout_usec, 600 * SEC);
        assert_null(s->admins);
        assert_null(s->developers);
        assert_null(s->ad_hoc);
        assert_int_equal(s->max_queued_per_user, 100000);
        assert_int_equal(s->max_message_bytes, 4 << 20);
        assert_int_equal(s->retention_days, 7);
        assert_int_equal(s->output_max_bytes, 16 << 20);
        assert_int_equal(s->n_namespaces, 0);
        assert_int_equal(s->n_devices, 0);
        assert_null(settings_namespace(s, "default"));
}

static void every_key_is_read(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_freep) Settings *s = NULL;
        const NamespaceSettings *batch;

        tree_write(&tree, "etc/bgtd.conf",
                   "[Manager]\nJobLimit=4\nStartupDelaySec=1min 30s\nInhibitPath=/run/nologin '/run/a b'\nInhibitPath=/run/c\n"
                   "RequiredPaths=/srv\nHookTimeoutSec=5\nFreezeTimeoutSec=500ms\nKillTimeoutSec=7s\n"
                   "[Session]\nMaxConcurrency=2\nMaxQueueLength=0\nDefaultTimeoutSec=1\nMaxTimeoutSec=2\n"
                   "[Access]\nAdmins=wheel, 1000\nDevelopers=dev\nAdHoc=alice @staff\nMaxQueuedPerUser=10\nMaxMessageBytes=64K\n"
                   "[Store]\nRetentionDays=0\nOutputMaxBytes=1G\n"
                   "[Namespace batch]\nMaxRunning=3\nMemoryMax=2G\nMemoryHigh=1G\nCPUQuota=150%\nCPUWeight=50\nIOWeight=10000\nTasksMax=500\n"
                   "[Namespace empty]\n"
                   "[Device tape0]\nSlots=2\nPath=/dev/nst0\nBusyPolicy=reschedule\nBusyRetrySec=1h\n[Device b]\n");
        s = load(&tree);
        assert_int_equal(s->job_limit, 4);
        assert_int_equal(s->startup_delay_usec, 90 * SEC);
        assert_int_equal(strv_length(s->inhibit_path), 3);
        assert_string_equal(s->inhibit_path[1], "/run/a b");
        assert_string_equal(s->required_paths[0], "/srv");
        assert_int_equal(s->hook_timeout_usec, 5 * SEC);
        assert_int_equal(s->freeze_timeout_usec, SEC / 2);
        assert_int_equal(s->kill_timeout_usec, 7 * SEC);
        assert_int_equal(s->max_concurrency, 2);
        assert_int_equal(s->max_queue_length, 0);
        assert_int_equal(s->default_timeout_usec, SEC);
        assert_int_equal(s->max_timeout_usec, 2 * SEC);
        assert_int_equal(strv_length(s->admins), 2);
        assert_string_equal(s->admins[1], "1000");
        assert_string_equal(s->developers[0], "dev");
        assert_string_equal(s->ad_hoc[1], "@staff");
        assert_int_equal(s->max_queued_per_user, 10);
        assert_int_equal(s->max_message_bytes, 65536);
        assert_int_equal(s->retention_days, 0);
        assert_int_equal(s->output_max_bytes, 1 << 30);

        batch = settings_namespace(s, "batch");
        assert_int_equal(batch->max_running, 3);
        assert_true(batch->limits.memory_max_bytes == 2ULL << 30);
        assert_true(batch->limits.memory_high_bytes == 1ULL << 30);
        assert_int_equal(batch->limits.cpu_quota_percent, 150);
        assert_int_equal(batch->limits.cpu_weight, 50);
        assert_int_equal(batch->limits.io_weight, 10000);
        assert_int_equal(batch->limits.tasks_max, 500);
        assert_memory_equal(&settings_namespace(s, "empty")->limits, &LIMITS_NONE, sizeof(Limits));

        assert_int_equal(s->n_devices, 2);
        assert_string_equal(s->devices[0].name, "tape0");
        assert_int_equal(s->devices[0].slots, 2);
        assert_string_equal(s->devices[0].path, "/dev/nst0");
        assert_int_equal(s->devices[0].busy_policy, BUSY_RESCHEDULE);
        assert_int_equal(s->devices[0].busy_retry_usec, 3600 * SEC);
        assert_int_equal(s->devices[1].slots, 1);
        assert_null(s->devices[1].path);
        assert_int_equal(s->devices[1].busy_policy, BUSY_WAIT);
        assert_int_equal(s->devices[1].busy_retry_usec, 600 * SEC);
}

static void the_first_directory_hides_the_others(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_freep) Settings *s = NULL;

        tree_write(&tree, "usr/bgtd.conf", "[Manager]\nJobLimit=1\n[Store]\nRetentionDays=1\n");
        tree_write(&tree, "etc/bgtd.conf", "[Manager]\nJobLimit=2\n");
        s = load(&tree);
        assert_int_equal(s->job_limit, 2);
        assert_int_equal(s->retention_days, 7);
}

static void drop_ins_of_all_directories_are_read_by_name(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_freep) Settings *s = NULL;

        tree_write(&tree, "etc/bgtd.conf", "[Manager]\nJobLimit=1\n[Access]\nAdmins=a\n");
        tree_write(&tree, "usr/bgtd.conf.d/10-low.conf", "[Manager]\nJobLimit=2\n[Access]\nAdmins=b\n");
        tree_write(&tree, "usr/bgtd.conf.d/01-first.conf", "[Store]\nRetentionDays=1\n");
        tree_write(&tree, "etc/bgtd.conf.d/05-early.conf", "[Manager]\nJobLimit=3\n[Store]\nRetentionDays=3\n");
        tree_write(&tree, "usr/bgtd.conf.d/20-hidden.conf", "[Manager]\nJobLimit=bad\n");
        tree_write(&tree, "etc/bgtd.conf.d/20-hidden.conf", "[Session]\nMaxConcurrency=9\n");
        tree_write(&tree, "usr/bgtd.conf.d/30-masked.conf", "[Manager]\nJobLimit=bad\n");
        tree_link(&tree, "etc/bgtd.conf.d/30-masked.conf", "/dev/null");
        tree_write(&tree, "etc/bgtd.conf.d/README", "not read");
        tree_write(&tree, "etc/bgtd.conf.d/.hidden.conf", "not read");
        s = load(&tree);
        assert_int_equal(s->job_limit, 2);
        assert_int_equal(s->retention_days, 3);
        assert_int_equal(s->max_concurrency, 9);
        assert_int_equal(strv_length(s->admins), 2);
}

static void an_empty_value_takes_back_what_was_set(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_freep) Settings *s = NULL;

        tree_write(&tree, "etc/bgtd.conf", "[Manager]\nJobLimit=1\nKillTimeoutSec=3\n[Access]\nAdmins=a b\n");
        tree_write(&tree, "etc/bgtd.conf.d/1.conf", "[Manager]\nKillTimeoutSec=\n[Access]\nAdmins=\nAdmins=c\n");
        s = load(&tree);
        assert_int_equal(s->kill_timeout_usec, 10 * SEC);
        assert_int_equal(strv_length(s->admins), 1);
        assert_string_equal(s->admins[0], "c");
}

static void a_bad_file_is_named_with_its_line_and_changes_nothing(void **state) {
        assert_refused("[Manager]\nJobLimit=many\n", ":2: JobLimit=many is not a whole number.");
        assert_refused("[Manager]\nJobLimit=-1\n", ":2: JobLimit=-1 is not a whole number.");
        assert_refused("[Manager]\nJobLimit=99999999999999999999\n", ":2: JobLimit=99999999999999999999 is too large a number.");
        assert_refused("[Manager]\nKillTimeoutSec=soon\n", ":2: KillTimeoutSec=soon is not a time; write for example 30s or 1min 30s.");
        assert_refused("[Manager]\nKillTimeoutSec=0\n", ":2: KillTimeoutSec=0 is too short; write a time, for example 30s.");
        assert_refused("[Manager]\nKillTimeoutSec=infinity\n", ":2: KillTimeoutSec=infinity would wait for ever; write a time, for example 30s.");
        assert_refused("[Manager]\nInhibitPath=/a run/b\n", ":2: InhibitPath=/a run/b holds `run/b`, which is not an absolute path.");
        assert_refused("[Session]\nMaxConcurrency=0\n", ":2: MaxConcurrency=0 is not a whole number of at least 1.");
        assert_refused("[Session]\n\nDefaultTimeoutSec=1h\n", ":3: DefaultTimeoutSec= is longer than MaxTimeoutSec=.");
        assert_refused("[Access]\nAdmins=@wheel\n", ":2: Admins=@wheel holds `@wheel`, which is no name or number.");
        assert_refused("[Access]\nAdHoc=a:b\n", ":2: AdHoc=a:b holds `a:b`, which is neither a user nor a group as @group.");
        assert_refused("[Access]\nMaxMessageBytes=1G\n", ":2: MaxMessageBytes=1G is not a size in bytes from 4096 to 134217728.");
        assert_refused("[Store]\nOutputMaxBytes=infinity\n", ":2: OutputMaxBytes=infinity would have no bound; write a size, for example 16M.");
        assert_refused("[Store]\nOutputMaxBytes=lots\n", ":2: OutputMaxBytes=lots is not a size; write for example 64K or 16M.");
        assert_refused("[Device a]\nBusyPolicy=never\n", ":2: BusyPolicy=never is not known; use wait or reschedule.");
}

static void names_that_nobody_knows_are_errors_with_a_hint(void **state) {
        assert_refused("[Manager]\nJoblimit=1\n", ":2: [Manager] has no key Joblimit; did you mean JobLimit?");
        assert_refused("[Manager]\nRetentionDays=1\n", ":2: RetentionDays= does not belong in [Manager] but in [Store].");
        assert_refused("[Manager]\nElephants=1\n", ":2: [Manager] has no key Elephants.");
        assert_refused("[Storre]\n", ":1: There is no section [Storre]; did you mean Store?");
        assert_refused("[Namespaces a]\n", ":1: There is no section [Namespaces a]; did you mean Namespace?");
        assert_refused("[Namespacesa]\n", ":1: There is no section [Namespacesa]; did you mean Namespace?");
        assert_refused("[Namespace]\n", ":1: [Namespace] needs a valid name, as in [Namespace NAME].");
        assert_refused("[Namespace a/b]\n", ":1: [Namespace a/b] needs a valid name, as in [Namespace NAME].");
        assert_refused("[Namespace tasks]\n", ":1: [Namespace tasks] needs a valid name, as in [Namespace NAME].");
        assert_refused("[Store x]\n", ":1: [Store x] takes no name; write [Store].");
}

static void a_file_that_cannot_be_read_is_named(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_paths_done) SettingsPaths paths = paths_of(&tree, "etc", NULL);
        Settings *settings = NULL;
        SettingsFault fault;

        tree_link(&tree, "etc/bgtd.conf", "/nowhere/bgtd.conf");
        assert_int_equal(settings_load(&paths, &settings, &fault), -ENOENT);
        assert_non_null(strstr(fault.sentence, "etc/bgtd.conf cannot be opened: No such file or directory."));
}

static void what_everybody_may_write_is_refused_unless_it_is_the_users_own_business(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_paths_done) SettingsPaths paths = paths_of(&tree, "etc", NULL);
        _cleanup_(settings_freep) Settings *settings = NULL;
        SettingsFault fault;
        char path[256];

        tree_write(&tree, "etc/bgtd.conf", "[Access]\nAdmins=mallory\n");
        tree_path(&tree, "etc/bgtd.conf", path);
        assert_int_equal(chmod(path, 0646), 0);
        assert_int_equal(settings_load(&paths, &settings, &fault), -EINVAL);
        assert_non_null(strstr(fault.sentence, "chmod o-w"));

        paths.user_mode = true;
        assert_int_equal(settings_load(&paths, &settings, &fault), 0);
}

static void the_usual_places_are_in_order(void **state) {
        _cleanup_(settings_paths_done) SettingsPaths paths = {};

        assert_int_equal(settings_paths_default(NULL, false, &paths), 0);
        assert_true(strv_length(paths.directories) >= 4);
        assert_non_null(strstr(paths.directories[0], "/etc/bgt"));
        assert_string_equal(paths.directories[1], "/run/bgt");
        assert_true(strv_contains(paths.directories, "/usr/local/lib/bgt"));
        assert_string_equal(paths.directories[strv_length(paths.directories) - 1], "/usr/lib/bgt");
        assert_false(paths.user_mode);
}

static void a_users_places_follow_the_environment(void **state) {
        SettingsPaths paths = {};

        assert_int_equal(setenv("HOME", "/home/me", 1), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
        assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
        assert_int_equal(settings_paths_default(NULL, true, &paths), 0);
        assert_string_equal(paths.directories[0], "/home/me/.config/bgt");
        assert_string_equal(paths.directories[1], "/run/user/7/bgt");
        assert_true(paths.user_mode);
        settings_paths_done(&paths);

        assert_int_equal(setenv("XDG_CONFIG_HOME", "/c", 1), 0);
        assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
        assert_int_equal(settings_paths_default(NULL, true, &paths), 0);
        assert_int_equal(strv_length(paths.directories), 1);
        assert_string_equal(paths.directories[0], "/c/bgt");
        settings_paths_done(&paths);
}

static void a_given_directory_stands_alone_and_must_be_there(void **state) {
        _cleanup_(tree_end) Tree tree = tree_make();
        _cleanup_(settings_paths_done) SettingsPaths paths = {};
        char path[256];

        assert_int_equal(settings_paths_default(tree.path, true, &paths), 0);
        assert_int_equal(strv_length(paths.directories), 1);
        assert_string_equal(paths.directories[0], tree.path);

        assert_int_equal(settings_paths_default("/nowhere/bgt", false, &paths), -ENOENT);
        tree_write(&tree, "file", "");
        tree_path(&tree, "file", path);
        assert_int_equal(settings_paths_default(path, false, &paths), -ENOTDIR);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_files_everything_has_its_default),
                cmocka_unit_test(every_key_is_read),
                cmocka_unit_test(the_first_directory_hides_the_others),
                cmocka_unit_test(drop_ins_of_all_directories_are_read_by_name),
                cmocka_unit_test(an_empty_value_takes_back_what_was_set),
                cmocka_unit_test(a_bad_file_is_named_with_its_line_and_changes_nothing),
                cmocka_unit_test(names_that_nobody_knows_are_errors_with_a_hint),
                cmocka_unit_test(a_file_that_cannot_be_read_is_named),
                cmocka_unit_test(what_everybody_may_write_is_refused_unless_it_is_the_users_own_business),
                cmocka_unit_test(the_usual_places_are_in_order),
                cmocka_unit_test(a_users_places_follow_the_environment),
                cmocka_unit_test(a_given_directory_stands_alone_and_must_be_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
