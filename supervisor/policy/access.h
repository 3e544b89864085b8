/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Access
 *
 * Who may see and do what. A caller is what the kernel said of the socket's
 * peer when it connected; nothing a client claims counts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "supervisor/model/task.h"

typedef struct Caller {
        uid_t uid;
        gid_t gid;
        const gid_t *groups;            /* supplementary, borrowed from the connection */
        size_t n_groups;
        pid_t pid;                      /* 0: not known */
        bool sandboxed;                 /* no_new_privs, or another mount or user namespace than the keeper's */
} Caller;

/* The settings' groups by number; who runs bgtd. */
typedef struct AccessRules {
        uid_t self;                     /* bgtd's own user: an admin, as root is */
        gid_t *admins, *developers;
        size_t n_admins, n_developers;
        uid_t *ad_hoc_users;
        gid_t *ad_hoc_groups;
        size_t n_ad_hoc_users, n_ad_hoc_groups;
} AccessRules;

void access_rules_done(AccessRules *rules);

bool access_is_admin(const AccessRules *rules, const Caller *caller);
/* Owner, admins, developers: may see everything of it and control it (P-41). */
bool access_to_task(const AccessRules *rules, const Caller *caller, const Task *task);

/* Who may start a type, as numbers. */
typedef struct TypeAccess {
        bool has_user;                  /* it names a User= */
        bool has_rules;                 /* it has AllowUsers= or AllowGroups= */
        const uid_t *users;
        size_t n_users;
        const gid_t *groups;
        size_t n_groups;
} TypeAccess;

bool access_to_type(const AccessRules *rules, const Caller *caller, const TypeAccess *type);
/* Ad-hoc commands (P-43). */
bool access_to_commands(const AccessRules *rules, const Caller *caller);

bool caller_in_group(const Caller *caller, gid_t gid);
