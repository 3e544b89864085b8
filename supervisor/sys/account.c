/* SPDX-License-Identifier: MIT */
#include "supervisor/sys/account.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

/* The C library wants to be given the room for an entry and says ERANGE until it is enough. A group may have many members. */
#define ENTRY_BYTES_FIRST 4096U
#define ENTRY_BYTES_MAX (16U << 20)

/* Numbers that mean "no change" to chown() and the like, in 32 and in 16 bits. */
static bool id_is_valid(uint64_t id) {
        return id < UINT32_MAX && id != UINT16_MAX;
}

/* What a look-up that found nothing has met: the manual has a list of values that all mean "not there". */
static int entry_result(int error) {
        return error == ENOMEM || error == EMFILE || error == ENFILE || error == EIO ? -error : -ESRCH;
}

/* One entry of the user database with the strings it points to. Either by name, or by number if @name is NULL. */
static int passwd_find(const char *name, uid_t uid, struct passwd *ret, char **ret_strings) {
        for (size_t size = ENTRY_BYTES_FIRST; size <= ENTRY_BYTES_MAX; size *= 2) {
                _cleanup_(freep) char *strings = malloc(size);
                struct passwd *found = NULL;
                int error;

                if (!strings)
                        return -ENOMEM;
                if (name)
                        error = getpwnam_r(name, ret, strings, size, &found);
                else
                        error = getpwuid_r(uid, ret, strings, size, &found);
                if (error == ERANGE)
                        continue;
                if (found) {
                        *ret_strings = MOVE(strings);
                        return 0;
                }
                return entry_result(error);
        }
        return -E2BIG;
}

static int account_read_groups(Account *account, const char *name) {
        int n = 16, before;

        do {
                gid_t *groups = reallocarray(account->groups, (size_t) n, sizeof *groups);

                if (!groups)
                        return -ENOMEM;
                account->groups = groups;
                before = n;
                if (getgrouplist(name, account->gid, groups, &n) >= 0) {
                        account->n_groups = (size_t) n;
                        return 0;
                }
                if (n <= before)
                        n = before * 2;
        } while (n <= 65536);
        return -E2BIG;
}

static int account_new(const char *name, const char *home, const char *shell, uid_t uid, gid_t gid, Account **ret) {
        _cleanup_(account_freep) Account *account = calloc(1, sizeof *account);

        if (!account)
                return -ENOMEM;
        account->uid = uid;
        account->gid = gid;
        account->name = strdup(name);
        account->home = strdup(home && *home ? home : "/");
        account->shell = strdup(shell && *shell ? shell : "/bin/sh");
        if (!account->name || !account->home || !account->shell)
                return -ENOMEM;
        *ret = MOVE(account);
        return 0;
}

static int account_from_passwd(const struct passwd *entry, Account **ret) {
        _cleanup_(account_freep) Account *account = NULL;
        int r;

        r = account_new(entry->pw_name, entry->pw_dir, entry->pw_shell, entry->pw_uid, entry->pw_gid, &account);
        if (r < 0)
                return r;
        r = account_read_groups(account, entry->pw_name);
        if (r < 0)
                return r;
        *ret = MOVE(account);
        return 0;
}

/* A number that no entry has: a group of the same number, and no other. */
static int account_from_number(uid_t uid, Account **ret) {
        _cleanup_(account_freep) Account *account = NULL;
        _cleanup_(freep) char *name = text_format("%u", (unsigned) uid);
        int r;

        if (!name)
                return -ENOMEM;
        r = account_new(name, NULL, NULL, uid, (gid_t) uid, &account);
        if (r < 0)
                return r;
        account->groups = malloc(sizeof *account->groups);
        if (!account->groups)
                return -ENOMEM;
        account->groups[0] = account->gid;
        account->n_groups = 1;
        *ret = MOVE(account);
        return 0;
}

int account_find(const char *user, Account **ret) {
        _cleanup_(freep) char *strings = NULL;
        struct passwd entry;
        uint64_t uid;
        int r;

        r = passwd_find(user, 0, &entry, &strings);
        if (r == 0)
                return account_from_passwd(&entry, ret);
        if (r != -ESRCH)
                return r;
        if (quantity_parse_u64(user, &uid) < 0 || !id_is_valid(uid))
                return -ESRCH;
        return account_find_uid((uid_t) uid, ret);
}

int account_find_uid(uid_t uid, Account **ret) {
        _cleanup_(freep) char *strings = NULL;
        struct passwd entry;
        int r;

        if (!id_is_valid(uid))
                return -ESRCH;
        r = passwd_find(NULL, uid, &entry, &strings);
        if (r == 0)
                return account_from_passwd(&entry, ret);
        return r == -ESRCH ? account_from_number(uid, ret) : r;
}

Account *account_free(Account *account) {
        if (!account)
                return NULL;
        free(account->groups);
        free(account->shell);
        free(account->home);
        free(account->name);
        free(account);
        return NULL;
}

static int group_find(const char *name, gid_t *ret) {
        for (size_t size = ENTRY_BYTES_FIRST; size <= ENTRY_BYTES_MAX; size *= 2) {
                _cleanup_(freep) char *strings = malloc(size);
                struct group entry, *found = NULL;
                int error;

                if (!strings)
                        return -ENOMEM;
                error = getgrnam_r(name, &entry, strings, size, &found);
                if (error == ERANGE)
                        continue;
                if (!found)
                        return entry_result(error);
                *ret = found->gr_gid;
                return 0;
        }
        return -E2BIG;
}

int account_find_group(const char *group, gid_t *ret) {
        uint64_t gid;
        int r;

        r = group_find(group, ret);
        if (r != -ESRCH)
                return r;
        if (quantity_parse_u64(group, &gid) < 0 || !id_is_valid(gid))
                return -ESRCH;
        *ret = (gid_t) gid;
        return 0;
}
