/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names of users
 *
 * Asked of the system once an hour and user, since that may have to ask a
 * server.
 */

#include <stdint.h>
#include <sys/types.h>

#define USER_NAMES_MAX 64

/* Zeroed: nobody is known. Each user has one place, which it may share. */
typedef struct UserNames {
        struct {
                uid_t uid;
                uint64_t until_usec;    /* 0: nobody here */
                char name[64];
        } users[USER_NAMES_MAX];
} UserNames;

/* The user's name, or the number where there is none. Valid until the next call. */
const char *user_names_find(UserNames *names, uid_t uid);
