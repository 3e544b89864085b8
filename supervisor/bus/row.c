/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/row.h"

#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "supervisor/bus/utf8.h"

int row_open(Row *row) {
        row->n_bytes += 8;
        return sd_bus_message_open_container(row->message, SD_BUS_TYPE_ARRAY, "{sv}");
}

int row_close(Row *row) {
        return sd_bus_message_close_container(row->message);
}

int row_begin(Row *row, const char *name, const char *signature) {
        int r;

        row->n_put++;
        row->n_bytes += strlen(name) + strlen(signature) + 24;
        if (!row->bare) {
                r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_DICT_ENTRY, "sv");
                if (r < 0)
                        return r;
                r = sd_bus_message_append_basic(row->message, SD_BUS_TYPE_STRING, name);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_open_container(row->message, SD_BUS_TYPE_VARIANT, signature);
}

int row_end(Row *row) {
        int r;

        r = sd_bus_message_close_container(row->message);
        if (r < 0 || row->bare)
                return r;
        return sd_bus_message_close_container(row->message);
}

static int row_basic(Row *row, const char *name, char type, const void *value) {
        const char signature[] = { type, '\0' };
        int r;

        r = row_begin(row, name, signature);
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(row->message, type, value);
        if (r < 0)
                return r;
        return row_end(row);
}

int row_flag(Row *row, const char *name, bool value) {
        int v = value;

        return row_basic(row, name, SD_BUS_TYPE_BOOLEAN, &v);
}

int row_u32(Row *row, const char *name, uint32_t value) {
        return row_basic(row, name, SD_BUS_TYPE_UINT32, &value);
}

int row_i32(Row *row, const char *name, int32_t value) {
        return row_basic(row, name, SD_BUS_TYPE_INT32, &value);
}

int row_u64(Row *row, const char *name, uint64_t value) {
        return row_basic(row, name, SD_BUS_TYPE_UINT64, &value);
}

int row_i64(Row *row, const char *name, int64_t value) {
        return row_basic(row, name, SD_BUS_TYPE_INT64, &value);
}

int row_real(Row *row, const char *name, double value) {
        return row_basic(row, name, SD_BUS_TYPE_DOUBLE, &value);
}

int row_time(Row *row, const char *name, uint64_t usec) {
        return usec == 0 ? 0 : row_u64(row, name, usec);
}

int row_known(Row *row, const char *name, uint64_t value) {
        return value == UINT64_MAX ? 0 : row_u64(row, name, value);
}

int row_add_text(Row *row, const char *value) {
        _cleanup_(freep) char *made = NULL;

        value = utf8_or_made(value, &made);
        if (!value)
                return -ENOMEM;
        row->n_bytes += strlen(value) + 8;
        return sd_bus_message_append_basic(row->message, SD_BUS_TYPE_STRING, value);
}

int row_add_pair(Row *row, const char *key, const char *value) {
        int r;

        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_DICT_ENTRY, "ss");
        if (r < 0)
                return r;
        r = row_add_text(row, key);
        if (r < 0)
                return r;
        r = row_add_text(row, value);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(row->message);
}

int row_text(Row *row, const char *name, const char *value) {
        int r;

        if (!value)
                return 0;
        r = row_begin(row, name, "s");
        if (r < 0)
                return r;
        r = row_add_text(row, value);
        if (r < 0)
                return r;
        return row_end(row);
}

int row_user(Row *row, const char *name, uid_t uid) {
        return row_text(row, name, user_names_find(row->user_names, uid));
}

int row_words(Row *row, const char *name, char *const *words) {
        int r;

        r = row_begin(row, name, "as");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_ARRAY, "s");
        if (r < 0)
                return r;
        for (size_t i = 0; words && words[i]; i++) {
                r = row_add_text(row, words[i]);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(row->message);
        if (r < 0)
                return r;
        return row_end(row);
}
