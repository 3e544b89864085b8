/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/catalogue.h"

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/errors.h"
#include "supervisor/bus/link.h"
#include "supervisor/bus/row.h"

static int put_parameter_keys(Row *row, const Parameter *parameter) {
        int r;

        r = row_text(row, "Name", parameter->name);
        if (r < 0)
                return r;
        r = row_text(row, "Type", parameter_kind_to_string(parameter->kind));
        if (r < 0)
                return r;
        r = row_text(row, "Label", parameter->label ? parameter->label : parameter->name);
        if (r < 0)
                return r;
        /* A secret's default would be no secret. */
        r = row_text(row, "Default", parameter->secret ? NULL : parameter->default_value);
        if (r < 0)
                return r;
        r = row_text(row, "Pattern", parameter->pattern);
        if (r < 0)
                return r;
        r = row_words(row, "Choices", parameter->choices);
        if (r < 0)
                return r;
        r = row_flag(row, "Required", parameter->required);
        if (r < 0)
                return r;
        return row_flag(row, "Secret", parameter->secret);
}

static int put_parameters(Row *row, const TaskType *type) {
        int r;

        r = row_begin(row, "Parameters", "aa{sv}");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_ARRAY, "a{sv}");
        if (r < 0)
                return r;
        for (size_t i = 0; i < type->n_parameters; i++) {
                r = row_open(row);
                if (r < 0)
                        return r;
                r = put_parameter_keys(row, &type->parameters[i]);
                if (r < 0)
                        return r;
                r = row_close(row);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(row->message);
        if (r < 0)
                return r;
        return row_end(row);
}

static int put_remarks(Row *row, const TaskType *type) {
        _cleanup_(strv_freep) char **remarks = NULL;
        int r;

        r = type_file_remarks(type, &remarks);
        if (r < 0)
                return r;
        return row_words(row, "Remarks", remarks);
}

static int put_text(Row *row, const TaskType *type, const Peer *peer) {
        /* Environment= may hold what not everybody is to read; whoever may read the file can. */
        if (!access_is_admin(&peer->bus->sv->access, &peer->caller))
                return 0;
        return row_text(row, "Text", text_or_empty(type->text));
}

static int put_type_keys(Row *row, const TaskType *type, const Peer *peer) {
        int r;

        r = row_text(row, "Name", type->name);
        if (r < 0)
                return r;
        r = row_text(row, "DisplayType", type->display_type);
        if (r < 0)
                return r;
        r = row_text(row, "Description", type->description);
        if (r < 0)
                return r;
        r = row_text(row, "Path", type->path);
        if (r < 0)
                return r;
        r = row_text(row, "Pause", disposition_to_string(type->pause));
        if (r < 0)
                return r;
        r = row_text(row, "Cancel", disposition_to_string(type->cancel));
        if (r < 0)
                return r;
        r = row_text(row, "User", type->user);
        if (r < 0)
                return r;
        r = row_text(row, "Namespace", type->namespace);
        if (r < 0)
                return r;
        r = row_flag(row, "Startable", supervisor_may_start(peer->bus->sv, &peer->caller, type));
        if (r < 0)
                return r;
        r = put_parameters(row, type);
        if (r < 0)
                return r;
        r = put_remarks(row, type);
        if (r < 0)
                return r;
        return put_text(row, type, peer);
}

static int put_type(Row *row, const TaskType *type, const Peer *peer) {
        int r;

        r = row_open(row);
        if (r < 0)
                return r;
        r = put_type_keys(row, type, peer);
        if (r < 0)
                return r;
        return row_close(row);
}

/* @wanted NULL: all of them. */
static int put_types(Row *row, const TaskType *wanted, const Peer *peer) {
        const TypeSet *set = peer->bus->sv->types;
        int r;

        r = sd_bus_message_open_container(row->message, SD_BUS_TYPE_ARRAY, "a{sv}");
        if (r < 0)
                return r;
        for (size_t i = 0; i < set->n_types; i++) {
                if (wanted && set->types[i] != wanted)
                        continue;
                r = put_type(row, set->types[i], peer);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(row->message);
}

int catalogue_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Link *link = userdata;
        const TaskType *wanted = NULL;
        const char *name;
        Row row = {};
        int r;

        r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &name);
        if (r < 0)
                return r;
        if (name[0] != '\0') {
                wanted = type_set_find(link->bus->sv->types, name);
                if (!wanted)
                        return error_set(error, BUS_ERROR_NO_SUCH_TYPE, "There is no type \"%.100s\".", name);
        }

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;
        row.message = reply;
        r = put_types(&row, wanted, link->peer);
        if (r < 0)
                return r;
        r = peer_send(link->peer, reply, row.n_bytes);
        return r < 0 ? r : 1;
}
