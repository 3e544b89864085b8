/* SPDX-License-Identifier: MIT */
#include "supervisor/policy/access.h"

#include <stdlib.h>

void access_rules_done(AccessRules *rules) {
        free(rules->admins);
        free(rules->developers);
        free(rules->ad_hoc_users);
        free(rules->ad_hoc_groups);
        *rules = (AccessRules) {};
}

bool caller_in_group(const Caller *caller, gid_t gid) {
        if (caller->gid == gid)
                return true;
        for (size_t i = 0; i < caller->n_groups; i++)
                if (caller->groups[i] == gid)
                        return true;
        return false;
}

static bool caller_in_any_group(const Caller *caller, const gid_t *groups, size_t n_groups) {
        for (size_t i = 0; i < n_groups; i++)
                if (caller_in_group(caller, groups[i]))
                        return true;
        return false;
}

static bool caller_among(const Caller *caller, const uid_t *users, size_t n_users) {
        for (size_t i = 0; i < n_users; i++)
                if (caller->uid == users[i])
                        return true;
        return false;
}

bool access_is_admin(const AccessRules *rules, const Caller *caller) {
        return caller->uid == 0 || caller->uid == rules->self ||
               caller_in_any_group(caller, rules->admins, rules->n_admins);
}

bool access_to_task(const AccessRules *rules, const Caller *caller, const Task *task) {
        return caller->uid == task->owner || access_is_admin(rules, caller) ||
               caller_in_any_group(caller, rules->developers, rules->n_developers);
}

bool access_to_type(const AccessRules *rules, const Caller *caller, const TypeAccess *type) {
        if (access_is_admin(rules, caller))
                return true;
        if (type->has_rules)
                return caller_among(caller, type->users, type->n_users) ||
                       caller_in_any_group(caller, type->groups, type->n_groups);
        return !type->has_user;
}

bool access_to_commands(const AccessRules *rules, const Caller *caller) {
        if (caller->sandboxed)
                return false;
        return caller->uid == 0 || caller->uid == rules->self ||
               caller_among(caller, rules->ad_hoc_users, rules->n_ad_hoc_users) ||
               caller_in_any_group(caller, rules->ad_hoc_groups, rules->n_ad_hoc_groups);
}
