/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "lib/base/owned.h"
#include "supervisor/policy/access.h"
#include "tests/kit/unit.h"

enum {
        UID_BGTD = 990, UID_OWNER = 1000, UID_NAMED = 1001, UID_STRANGER = 1002,
        GID_USERS = 100, GID_ADMINS = 500, GID_DEVELOPERS = 501, GID_NAMED = 502, GID_BGT = 503,
};

static gid_t admins[] = { GID_ADMINS }, developers[] = { 7, GID_DEVELOPERS }, ad_hoc_groups[] = { GID_BGT };
static uid_t ad_hoc_users[] = { 0, UID_NAMED };

static const AccessRules rules = {
        .self = UID_BGTD, .admins = admins, .n_admins = 1, .developers = developers, .n_developers = 2,
        .ad_hoc_users = ad_hoc_users, .n_ad_hoc_users = 2, .ad_hoc_groups = ad_hoc_groups, .n_ad_hoc_groups = 1,
};

/* As a machine has them whose bgtd.conf names nobody. */
static const AccessRules no_rules = { .self = 0 };

typedef struct Person {
        const char *name;
        Caller caller;
        bool admin, sees_task, runs_commands;
} Person;

static const gid_t in_admins[] = { GID_ADMINS }, in_developers[] = { 3, GID_DEVELOPERS }, in_named[] = { GID_NAMED }, in_bgt[] = { 4, 5, GID_BGT };

/* P-41, P-42, P-43: who somebody is and what follows, for a task of UID_OWNER. */
static const Person people[] = {
        { "root",                  { .uid = 0 },                                                             true,  true,  true },
        { "bgtd's own user",       { .uid = UID_BGTD },                                                      true,  true,  true },
        { "an admin by group",     { .uid = UID_STRANGER, .groups = in_admins, .n_groups = 1 },              true,  true,  false },
        { "an admin by his gid",   { .uid = UID_STRANGER, .gid = GID_ADMINS },                               true,  true,  false },
        { "a developer",           { .uid = UID_STRANGER, .groups = in_developers, .n_groups = 2 },          false, true,  false },
        { "a developer by gid",    { .uid = UID_STRANGER, .gid = GID_DEVELOPERS },                           false, true,  false },
        { "the owner",             { .uid = UID_OWNER, .gid = GID_USERS },                                   false, true,  false },
        { "one whom AdHoc= names", { .uid = UID_NAMED, .gid = GID_USERS },                                   false, false, true },
        { "one of the bgt group",  { .uid = UID_STRANGER, .gid = GID_USERS, .groups = in_bgt, .n_groups = 3 }, false, false, true },
        { "a stranger",            { .uid = UID_STRANGER, .gid = GID_USERS },                                false, false, false },
        { "a stranger with groups", { .uid = UID_STRANGER, .gid = GID_USERS, .groups = in_named, .n_groups = 1 }, false, false, false },
};

static void assert_is(bool is, bool should_be, const char *what, const Person *person) {
        if (is != should_be)
                fail_msg("%s %s %s", person->name, is ? "may" : "may not", what);
}

/* P-42 */
static void root_bgtd_itself_and_the_admins_groups_are_admins(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(people); i++)
                assert_is(access_is_admin(&rules, &people[i].caller), people[i].admin, "do what an admin may", people + i);
}

/* P-41 */
static void owner_admins_and_developers_see_and_control_a_task(void **state) {
        const Task task = { .owner = UID_OWNER, .uid = UID_STRANGER };

        for (size_t i = 0; i < ELEMENTSOF(people); i++)
                assert_is(access_to_task(&rules, &people[i].caller, &task), people[i].sees_task, "see the task", people + i);
}

/* P-41: whom a task runs as is not who owns it */
static void whom_a_task_runs_as_has_no_part_in_it(void **state) {
        const Task task = { .owner = UID_OWNER, .uid = UID_NAMED };
        const Caller named = { .uid = UID_NAMED };

        assert_false(access_to_task(&rules, &named, &task));
}

/* P-43 */
static void ad_hoc_commands_are_for_whom_the_settings_name(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(people); i++)
                assert_is(access_to_commands(&rules, &people[i].caller), people[i].runs_commands, "run commands", people + i);
}

/* P-43 */
static void nobody_runs_ad_hoc_commands_from_inside_a_sandbox(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(people); i++) {
                Caller caller = people[i].caller;

                caller.sandboxed = true;
                assert_false(access_to_commands(&rules, &caller));
        }
}

/* P-20: types may still be started from one, as far as their own rules go */
static void a_sandbox_changes_nothing_else(void **state) {
        const Task task = { .owner = UID_OWNER };
        const TypeAccess open = {};

        for (size_t i = 0; i < ELEMENTSOF(people); i++) {
                Caller caller = people[i].caller;

                caller.sandboxed = true;
                assert_int_equal(access_is_admin(&rules, &caller), people[i].admin);
                assert_int_equal(access_to_task(&rules, &caller, &task), people[i].sees_task);
                assert_true(access_to_type(&rules, &caller, &open));
        }
}

/* What a type says of who may start it. */
static const uid_t named_users[] = { 77, UID_NAMED };
static const gid_t named_groups[] = { GID_NAMED };

typedef enum Who {
        ANYONE,
        ADMINS,
        ADMINS_AND_NAMED_USER,
        ADMINS_AND_NAMED_GROUP,
        ADMINS_AND_NAMED,
} Who;

static const struct { TypeAccess access; Who who; } types[] = {
        { {},                                                                                   ANYONE },
        { { .has_user = true },                                                                 ADMINS },
        { { .has_rules = true },                                                                ADMINS },       /* all it names is unknown here */
        { { .has_user = true, .has_rules = true },                                              ADMINS },
        { { .has_rules = true, .users = named_users, .n_users = 2 },                            ADMINS_AND_NAMED_USER },
        { { .has_rules = true, .groups = named_groups, .n_groups = 1 },                         ADMINS_AND_NAMED_GROUP },
        { { .has_user = true, .has_rules = true, .users = named_users, .n_users = 2 },          ADMINS_AND_NAMED_USER },
        { { .has_user = true, .has_rules = true, .groups = named_groups, .n_groups = 1 },       ADMINS_AND_NAMED_GROUP },
        { { .has_rules = true, .users = named_users, .n_users = 2, .groups = named_groups, .n_groups = 1 }, ADMINS_AND_NAMED },
};

static bool may_start(Who who, const Person *person) {
        bool by_user = person->caller.uid == UID_NAMED, by_group = person->caller.groups == in_named;

        if (person->admin || who == ANYONE)
                return true;
        return (by_user && (who == ADMINS_AND_NAMED_USER || who == ADMINS_AND_NAMED)) ||
               (by_group && (who == ADMINS_AND_NAMED_GROUP || who == ADMINS_AND_NAMED));
}

/* P-43 */
static void a_type_says_who_may_start_it_and_admins_always_may(void **state) {
        for (size_t t = 0; t < ELEMENTSOF(types); t++)
                for (size_t i = 0; i < ELEMENTSOF(people); i++)
                        assert_is(access_to_type(&rules, &people[i].caller, &types[t].access), may_start(types[t].who, people + i),
                                  "start the type", people + i);
}

/* P-42: nobody becomes an admin by a group that bgtd.conf does not name */
static void without_settings_only_root_and_the_owner_have_access(void **state) {
        const Task task = { .owner = UID_OWNER };

        for (size_t i = 0; i < ELEMENTSOF(people); i++) {
                const Caller *caller = &people[i].caller;

                assert_is(access_is_admin(&no_rules, caller), caller->uid == 0, "do what an admin may", people + i);
                assert_is(access_to_task(&no_rules, caller, &task), caller->uid == 0 || caller->uid == UID_OWNER, "see the task", people + i);
                assert_is(access_to_commands(&no_rules, caller), caller->uid == 0, "run commands", people + i);
        }
}

/* P-43: user mode */
static void a_users_own_bgtd_serves_that_user(void **state) {
        const AccessRules own = { .self = UID_OWNER };
        const Caller user = { .uid = UID_OWNER, .gid = GID_USERS }, other = { .uid = UID_STRANGER, .gid = GID_USERS };

        assert_true(access_is_admin(&own, &user));
        assert_true(access_to_commands(&own, &user));
        assert_false(access_is_admin(&own, &other));
        assert_false(access_to_commands(&own, &other));
}

static void a_group_counts_as_main_and_as_supplementary_one(void **state) {
        const Caller main_one = { .uid = 5, .gid = 9 }, supplementary = { .uid = 5, .gid = 1, .groups = in_bgt, .n_groups = 3 };

        assert_true(caller_in_group(&main_one, 9));
        assert_false(caller_in_group(&main_one, 0));
        assert_true(caller_in_group(&supplementary, GID_BGT));
        assert_true(caller_in_group(&supplementary, 1));
        assert_false(caller_in_group(&supplementary, 9));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(root_bgtd_itself_and_the_admins_groups_are_admins),
                cmocka_unit_test(owner_admins_and_developers_see_and_control_a_task),
                cmocka_unit_test(whom_a_task_runs_as_has_no_part_in_it),
                cmocka_unit_test(ad_hoc_commands_are_for_whom_the_settings_name),
                cmocka_unit_test(nobody_runs_ad_hoc_commands_from_inside_a_sandbox),
                cmocka_unit_test(a_sandbox_changes_nothing_else),
                cmocka_unit_test(a_type_says_who_may_start_it_and_admins_always_may),
                cmocka_unit_test(without_settings_only_root_and_the_owner_have_access),
                cmocka_unit_test(a_users_own_bgtd_serves_that_user),
                cmocka_unit_test(a_group_counts_as_main_and_as_supplementary_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
