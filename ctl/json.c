/* SPDX-License-Identifier: MIT */
#include "ctl/json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "ctl/cell.h"
#include "ctl/property.h"
#include "lib/base/result.h"

void json_append_named(Text *text, const char *key, const Value *value) {
        char time[40];

        if (value && value->type == VALUE_UINT64 && property_is_time(key)) {
                cell_format_rfc3339(value->natural, time);
                text_append_json(text, time);
        } else
                json_append(text, value);
}

void json_append_member(Text *text, const char *key, const Value *value) {
        text_append_json(text, key);
        text_append_char(text, ':');
        json_append_named(text, key, value);
}

static void append_items(Text *text, const Value *value) {
        text_append_char(text, value->type == VALUE_LIST ? '[' : '{');
        for (size_t i = 0; i < value->n_items; i++) {
                if (i > 0)
                        text_append_char(text, ',');
                if (value->type == VALUE_LIST)
                        json_append(text, value->items[i]);
                else
                        json_append_member(text, value->keys[i], value->items[i]);
        }
        text_append_char(text, value->type == VALUE_LIST ? ']' : '}');
}

void json_append(Text *text, const Value *value) {
        if (!value) {
                text_append(text, "null");
                return;
        }
        switch (value->type) {
        case VALUE_BOOLEAN:
                text_append(text, value->boolean ? "true" : "false");
                break;
        case VALUE_INT32:
        case VALUE_INT64:
                text_appendf(text, "%" PRId64, value->integer);
                break;
        case VALUE_UINT32:
        case VALUE_UINT64:
                text_appendf(text, "%" PRIu64, value->natural);
                break;
        case VALUE_DOUBLE:
                if (isfinite(value->real))
                        text_appendf(text, "%.17g", value->real);
                else
                        text_append(text, "null");
                break;
        case VALUE_STRING:
                text_append_json(text, value->string);
                break;
        case VALUE_FD:
                text_append(text, "null");
                break;
        case VALUE_LIST:
        case VALUE_DICTIONARY:
                append_items(text, value);
                break;
        }
}

void json_append_trouble(Text *text, const Trouble *trouble) {
        text_append(text, "{\"error\":{\"name\":");
        text_append_json(text, trouble->name);
        text_append(text, ",\"message\":");
        text_append_json(text, trouble->sentence);
        text_append(text, "}}\n");
}

static json_t *json_free(json_t *json) {
        json_decref(json);
        return NULL;
}
DEFINE_OWNED(json_t *, json_free)

/* NULL for what has no text, and when out of memory. */
static Value *member_to_text(const json_t *member) {
        char number[32];

        if (json_is_string(member))
                return value_new_string(json_string_value(member));
        if (json_is_boolean(member))
                return value_new_string(json_is_true(member) ? "true" : "false");
        if (!json_is_integer(member))
                return NULL;
        (void) snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(member));
        return value_new_string(number);
}

int json_read_parameters(const char *document, size_t size, const char *source, Value *parameters, Trouble *trouble) {
        _cleanup_(json_freep) json_t *object = NULL;
        json_error_t error;
        const char *key;
        json_t *member;
        int r;

        object = json_loadb(document, size, JSON_REJECT_DUPLICATES, &error);
        if (!object)
                return trouble_own(trouble, -EINVAL, EXIT_INVALID, "%s:%d:%d is not JSON: %s.", source, error.line, error.column, error.text);
        if (!json_is_object(object))
                return trouble_own(trouble, -EINVAL, EXIT_INVALID, "%s is no JSON object; parameters are written as {\"name\": \"value\"}.", source);

        json_object_foreach(object, key, member) {
                if (!json_is_string(member) && !json_is_integer(member) && !json_is_boolean(member))
                        return trouble_own(trouble, -EINVAL, EXIT_INVALID,
                                           "%s: the parameter %s is no string; write its value in quotes.", source, key);
                r = value_set(parameters, key, member_to_text(member));
                if (r < 0)
                        return trouble_failed(trouble, r, "Cannot read %s", source);
        }
        return 0;
}
