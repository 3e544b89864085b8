/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names of users
 */

#include <sys/types.h>

/*
 * The user's name, or the number where there is none. Valid until the next
 * call. Asked of the system once an hour and user, since it may have to ask a
 * server.
 */
const char *user_name(uid_t uid);
