/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Options
 *
 * The dictionaries a{sv} of the calls, read into structures by a table, so that
 * a name nobody knows or a value of the wrong type is refused and named.
 */

#include <stddef.h>
#include <systemd/sd-bus.h>

#define OPTION_ALWAYS SIZE_MAX

typedef struct Option {
        const char *name;
        /*
         * b bool · i int32_t · u uint32_t · t uint64_t · s const char *, borrowed
         * from the message · h int, borrowed from the message · as char **, the
         * caller's
         */
        const char *signature;
        size_t offset;                  /* of the value in the structure */
        size_t given;                   /* of a bool that says that it was given; OPTION_ALWAYS: none wanted */
        size_t length_max;              /* of a string; 0: 4096 */
} Option;

#define OPTION(name, signature, type, field) { name, signature, offsetof(type, field), OPTION_ALWAYS, 0 }

/*
 * An "as" as a vector, the caller's; NULL if it is empty. sd_bus_message_read_strv()
 * counts the vector again for each string, so that a message of many holds the loop up
 * for minutes.
 */
int strings_read(sd_bus_message *message, char ***ret);

/* The table ends with an empty entry. Fills @error. */
int options_read(sd_bus_message *message, const Option *table, void *ret, sd_bus_error *error);
