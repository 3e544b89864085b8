/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/user-name.h"

#include <pwd.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"

#define KEPT_USEC (3600 * USEC_PER_SEC)

static void user_find_name(uid_t uid, char *ret, size_t size) {
        struct passwd user, *found = NULL;
        char buffer[4096];

        if (getpwuid_r(uid, &user, buffer, sizeof buffer, &found) == 0 && found)
                text_copy(ret, size, found->pw_name);
        else
                (void) snprintf(ret, size, "%u", (unsigned) uid);
}

const char *user_names_find(UserNames *names, uid_t uid) {
        size_t i = uid % USER_NAMES_MAX;
        uint64_t now = clock_now_usec(CLOCK_MONOTONIC);

        if (names->users[i].uid != uid || names->users[i].until_usec <= now) {
                names->users[i].uid = uid;
                names->users[i].until_usec = usec_add(now, KEPT_USEC);
                user_find_name(uid, names->users[i].name, sizeof names->users[i].name);
        }
        return names->users[i].name;
}
