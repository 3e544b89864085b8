/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/options.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/bus/errors.h"

#define LENGTH_MAX 4096
#define N_OPTIONS_MAX 64

static const Option *option_find(const Option *table, const char *name, size_t *ret_index) {
        for (size_t i = 0; table[i].name; i++)
                if (strcmp(table[i].name, name) == 0) {
                        *ret_index = i;
                        return &table[i];
                }
        return NULL;
}

static int option_refuse_unknown(const Option *table, const char *name, sd_bus_error *error) {
        _cleanup_(text_done) Text known = {};
        _cleanup_(freep) char *list = NULL;

        for (size_t i = 0; table[i].name; i++)
                text_appendf(&known, "%s%s", i > 0 ? ", " : "", table[i].name);
        list = text_take(&known);
        if (!list)
                return -ENOMEM;
        if (*list == '\0')
                return error_set(error, BUS_ERROR_INVALID_OPTION, "There is no option \"%.100s\" here, nor any other.", name);
        return error_set(error, BUS_ERROR_INVALID_OPTION, "There is no option \"%.100s\" here; there are: %s.", name, list);
}

static int option_read_string(sd_bus_message *message, const Option *option, void *ret, sd_bus_error *error) {
        size_t length_max = option->length_max > 0 ? option->length_max : LENGTH_MAX;
        const char *value;
        int r;

        r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &value);
        if (r < 0)
                return r;
        if (strlen(value) > length_max)
                return error_set(error, BUS_ERROR_INVALID_OPTION, "Option \"%s\" is longer than %zu bytes.", option->name, length_max);
        *(const char **) ret = value;
        return 0;
}

static int option_read_boolean(sd_bus_message *message, bool *ret) {
        int value, r;

        r = sd_bus_message_read_basic(message, SD_BUS_TYPE_BOOLEAN, &value);
        if (r < 0)
                return r;
        *ret = value;
        return 0;
}

/* Room is made as strv_consume() does. */
static int strings_add(char ***strings, size_t *n, size_t *room, const char *string) {
        if (*n + 2 > *room) {
                size_t more = *room > 0 ? *room * 2 : 8;
                char **grown = reallocarray(*strings, more, sizeof *grown);

                if (!grown)
                        return -ENOMEM;
                *strings = grown;
                *room = more;
        }
        (*strings)[*n] = strdup(string);
        (*strings)[*n + 1] = NULL;
        return (*strings)[(*n)++] ? 0 : -ENOMEM;
}

int strings_read(sd_bus_message *message, char ***ret) {
        _cleanup_(strv_freep) char **strings = NULL;
        size_t n = 0, room = 0;
        const char *string;
        int r;

        r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &string)) > 0) {
                r = strings_add(&strings, &n, &room, string);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;
        *ret = MOVE(strings);
        return 0;
}

/* Behind the variant's bracket. */
static int option_read_value(sd_bus_message *message, const Option *option, void *ret, sd_bus_error *error) {
        switch (option->signature[0]) {
        case SD_BUS_TYPE_STRING:
                return option_read_string(message, option, ret, error);
        case SD_BUS_TYPE_BOOLEAN:
                return option_read_boolean(message, ret);
        case SD_BUS_TYPE_ARRAY:
                return strings_read(message, ret);
        default:
                return sd_bus_message_read_basic(message, option->signature[0], ret);
        }
}

static int option_read(sd_bus_message *message, const Option *option, void *ret, sd_bus_error *error) {
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(message, &type, &contents);
        if (r < 0)
                return r;
        if (strcmp(contents, option->signature) != 0)
                return error_set_invalid(error, "Option \"%s\" is of type %s, not %.100s.", option->name, option->signature, contents);
        r = sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, option->signature);
        if (r < 0)
                return r;
        r = option_read_value(message, option, (char *) ret + option->offset, error);
        if (r < 0)
                return r;
        if (option->given != OPTION_ALWAYS)
                *((bool *) ((char *) ret + option->given)) = true;
        return sd_bus_message_exit_container(message);
}

/* One entry of the dictionary; each name once. */
static int option_read_entry(sd_bus_message *message, const Option *table, uint64_t *seen, void *ret, sd_bus_error *error) {
        const Option *option;
        const char *name;
        size_t i;
        int r;

        r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &name);
        if (r < 0)
                return r;
        option = option_find(table, name, &i);
        if (!option)
                return option_refuse_unknown(table, name, error);
        assert(i < N_OPTIONS_MAX);
        if (*seen & 1ULL << i)
                return error_set(error, BUS_ERROR_INVALID_OPTION, "Option \"%s\" is given twice.", name);
        *seen |= 1ULL << i;
        return option_read(message, option, ret, error);
}

int options_read(sd_bus_message *message, const Option *table, void *ret, sd_bus_error *error) {
        uint64_t seen = 0;
        int r;

        r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
                r = option_read_entry(message, table, &seen, ret, error);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 0;
}
