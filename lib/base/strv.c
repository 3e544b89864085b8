/* SPDX-License-Identifier: MIT */
#include "lib/base/strv.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"

char **strv_new(size_t n) {
        size_t room = 8;

        /* as much as strv_consume() would have made for that many, so that it can go on */
        while (room < n + 1)
                room *= 2;
        return calloc(room, sizeof(char *));
}

size_t strv_length(char *const *v) {
        size_t n = 0;

        while (v && v[n])
                n++;
        return n;
}

char **strv_free(char **v) {
        for (size_t i = 0; v && v[i]; i++)
                free(v[i]);
        free(v);
        return NULL;
}

int strv_consume(char ***v, char *s) {
        _cleanup_(freep) char *owned = s;
        size_t n = strv_length(*v);
        char **grown;

        if (!owned)
                return -ENOMEM;

        /* room is made in powers of two, so that building a long vector does not copy it each time */
        if (!*v || (n + 1 >= 8 && ((n + 1) & n) == 0)) {
                grown = reallocarray(*v, *v ? (n + 1) * 2 : 8, sizeof(char *));
                if (!grown)
                        return -ENOMEM;
                *v = grown;
        }

        (*v)[n] = MOVE(owned);
        (*v)[n + 1] = NULL;
        return 0;
}

int strv_append(char ***v, const char *s) {
        return strv_consume(v, strdup(s));
}

int strv_copy(char ***ret, char *const *v) {
        _cleanup_(strv_freep) char **copy = NULL;
        size_t n = strv_length(v);

        if (n > 0) {
                copy = strv_new(n);
                if (!copy)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < n; i++) {
                copy[i] = strdup(v[i]);
                if (!copy[i])
                        return -ENOMEM;
        }
        *ret = MOVE(copy);
        return 0;
}

static char **strv_slot(char *const *v, const char *name) {
        size_t length = strlen(name);
        char **found = NULL;

        for (size_t i = 0; v && v[i]; i++)
                if (strncmp(v[i], name, length) == 0 && v[i][length] == '=')
                        found = (char **) &v[i];
        return found;
}

const char *strv_find(char *const *v, const char *name) {
        char **slot = strv_slot(v, name);

        return slot ? *slot + strlen(name) + 1 : NULL;
}

int strv_set(char ***v, const char *name, const char *value) {
        char **slot = strv_slot(*v, name), *entry = text_format("%s=%s", name, value);

        if (!entry)
                return -ENOMEM;
        if (!slot)
                return strv_consume(v, entry);
        free(*slot);
        *slot = entry;
        return 0;
}

bool strv_contains(char *const *v, const char *s) {
        for (size_t i = 0; v && v[i]; i++)
                if (strcmp(v[i], s) == 0)
                        return true;
        return false;
}

int strv_split(char ***ret, const char *s, const char *separators) {
        _cleanup_(strv_freep) char **v = NULL;
        int r;

        for (;;) {
                size_t n;

                s += strspn(s, separators);
                n = strcspn(s, separators);
                if (n == 0)
                        break;
                r = strv_consume(&v, strndup(s, n));
                if (r < 0)
                        return r;
                s += n;
        }
        *ret = MOVE(v);
        return 0;
}

int strv_pack(char *const *v, void **ret_data, size_t *ret_size) {
        Text text = {};
        size_t size;
        char *data;

        for (size_t i = 0; v && v[i]; i++)
                text_append_bytes(&text, v[i], strlen(v[i]) + 1);
        size = text.length;
        data = text_take(&text);
        if (!data)
                return -ENOMEM;
        *ret_data = data;
        *ret_size = size;
        return 0;
}

int strv_unpack(char ***ret, const void *data, size_t size) {
        _cleanup_(strv_freep) char **v = NULL;
        const char *end = (const char *) data + size;
        size_t n = 0;

        if (size > 0 && end[-1] != '\0')
                return -EBADMSG;
        for (const char *p = data; p < end; p += strlen(p) + 1)
                n++;
        if (n > 0) {
                v = strv_new(n);
                if (!v)
                        return -ENOMEM;
        }
        n = 0;
        for (const char *p = data; p < end; p += strlen(p) + 1) {
                v[n] = strdup(p);
                if (!v[n++])
                        return -ENOMEM;
        }
        *ret = MOVE(v);
        return 0;
}
