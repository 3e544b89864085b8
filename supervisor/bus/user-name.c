/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/user-name.h"

#include <pwd.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/owned.h"
#include "lib/base/text.h"

#define KEPT_USEC (3600 * USEC_PER_SEC)

/* Each user has one place, which it may share. */
static struct {
        uid_t uid;
        uint64_t until_usec;            /* 0: nobody here */
        char name[64];
} cache[64];

static void user_find_name(uid_t uid, char *ret, size_t size) {
        struct passwd user, *found = NULL;
        char buffer[4096];

        if (getpwuid_r(uid, &user, buffer, sizeof buffer, &found) == 0 && found)
                text_copy(ret, size, found->pw_name);
        else
                (void) snprintf(ret, size, "%u", (unsigned) uid);
}

const char *user_name(uid_t uid) {
        size_t i = uid % ELEMENTSOF(cache);
        uint64_t now = clock_now_usec(CLOCK_MONOTONIC);

        if (cache[i].uid != uid || cache[i].until_usec <= now) {
                cache[i].uid = uid;
                cache[i].until_usec = usec_add(now, KEPT_USEC);
                user_find_name(uid, cache[i].name, sizeof cache[i].name);
        }
        return cache[i].name;
}
