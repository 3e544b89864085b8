/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/task.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "lib/wire/bus-names.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/errors.h"
#include "supervisor/bus/lookup-call.h"
#include "supervisor/bus/request-call.h"

#define TASKS_PATH BUS_PATH "/task"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"

const char *task_path(uint64_t id, char buffer[static TASK_PATH_MAX]) {
        (void) snprintf(buffer, TASK_PATH_MAX, BUS_TASK_PATH_PREFIX "%" PRIu64, id);
        return buffer;
}

bool task_path_parse(const char *path, uint64_t *ret_id) {
        char again[TASK_PATH_MAX];
        const char *digits;
        uint64_t id;

        if (strncmp(path, BUS_TASK_PATH_PREFIX, strlen(BUS_TASK_PATH_PREFIX)) != 0)
                return false;
        digits = path + strlen(BUS_TASK_PATH_PREFIX);
        if (quantity_parse_u64(digits, &id) < 0 || id == 0)
                return false;
        /* One task, one path: no zeros before it, no sign. */
        if (strcmp(task_path(id, again), path) != 0)
                return false;
        *ret_id = id;
        return true;
}

static int task_request(sd_bus_message *m, Link *link, ControlVerb verb, sd_bus_error *error) {
        uint64_t id;
        Request request = { .verb = verb, .ids = &id, .n_ids = 1, .single = true };
        int r;

        if (!task_path_parse(sd_bus_message_get_path(m), &id))
                return error_set(error, BUS_ERROR_NO_SUCH_TASK, "There is no such task.");
        r = request_read_options(m, verb, &request.options, error);
        if (r < 0)
                return r;
        return request_answer(link->peer, m, &request, error);
}

static int task_pause(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return task_request(m, userdata, CONTROL_PAUSE, error);
}

static int task_resume(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return task_request(m, userdata, CONTROL_RESUME, error);
}

static int task_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return task_request(m, userdata, CONTROL_CANCEL, error);
}

static int task_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return task_request(m, userdata, CONTROL_SIGNAL, error);
}

/* sd-bus asks this of no path but a task's, and task_intercept() is before it: only introspection needs the entry. */
static int task_get_property(sd_bus *connection, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_PROPERTY, "%s cannot be read in this way.", property);
}

static const sd_bus_vtable task_methods[] = {
        SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, task_pause, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, task_resume, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, task_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Signal", SD_BUS_ARGS("i", signal, "a{sv}", options), SD_BUS_NO_RESULT, task_signal, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("Changed", SD_BUS_ARGS("a{sv}", properties), 0),
};

/* The methods, and what the table of properties says: made once, used by all connections. */
static const sd_bus_vtable *task_vtable(void) {
        static sd_bus_vtable *vtable;
        size_t n = 0;

        if (vtable)
                return vtable;
        vtable = calloc(ELEMENTSOF(task_methods) + n_properties + 2, sizeof *vtable);
        if (!vtable)
                return NULL;
        vtable[n++] = (sd_bus_vtable) SD_BUS_VTABLE_START(0);
        for (size_t i = 0; i < ELEMENTSOF(task_methods); i++)
                vtable[n++] = task_methods[i];
        for (size_t i = 0; i < n_properties; i++)
                vtable[n++] = (sd_bus_vtable) SD_BUS_PROPERTY(properties_table[i].name, properties_table[i].signature, task_get_property, 0, 0);
        vtable[n] = (sd_bus_vtable) SD_BUS_VTABLE_END;
        return vtable;
}

/* Every id that was given out is an object: whether its record is still there only the store knows. */
static int task_find(sd_bus *connection, const char *path, const char *interface, void *userdata, void **ret, sd_bus_error *error) {
        const Link *link = userdata;
        uint64_t id;

        if (!task_path_parse(path, &id) || id > link->bus->sv->last_id)
                return 0;
        *ret = userdata;
        return 1;
}

/* Those in memory: the ended ones would be too many to list. */
static int task_enumerate(sd_bus *connection, const char *prefix, void *userdata, char ***ret, sd_bus_error *error) {
        _cleanup_(freep) char **nodes = NULL;
        const Link *link = userdata;
        size_t n_tasks, n = 0;
        char path[TASK_PATH_MAX];
        Task **tasks;
        int r;

        r = registry_list(link->bus->sv->registry, &tasks, &n_tasks);
        if (r < 0)
                return r;
        nodes = calloc(n_tasks + 1, sizeof *nodes);
        if (!nodes)
                return -ENOMEM;
        for (size_t i = 0; i < n_tasks; i++) {
                if (!tasks[i]->stored)
                        continue;
                nodes[n] = strdup(task_path(tasks[i]->id, path));
                if (!nodes[n++]) {
                        (void) strv_free(MOVE(nodes));
                        return -ENOMEM;
                }
        }
        *ret = MOVE(nodes);
        return 0;
}

int task_export(Link *link, sd_bus *connection) {
        const sd_bus_vtable *vtable = task_vtable();
        int r;

        if (!vtable)
                return -ENOMEM;
        r = sd_bus_add_fallback_vtable(connection, NULL, TASKS_PATH, BUS_TASK_INTERFACE, vtable, task_find, link);
        if (r < 0)
                return r;
        r = sd_bus_add_node_enumerator(connection, NULL, TASKS_PATH, task_enumerate, link);
        if (r < 0)
                return r;
        return sd_bus_add_object_manager(connection, NULL, BUS_PATH);
}

static int answer_get_all(Link *link, sd_bus_message *m, uint64_t id, sd_bus_error *error) {
        const Lookup lookup = { .form = LOOKUP_PROPERTIES };
        const Query query = { .ids = &id, .n_ids = 1, .every = true, .fresh = true };
        const char *interface;
        int r;

        if (sd_bus_message_has_signature(m, "s") <= 0)
                return 0;
        r = sd_bus_message_read(m, "s", &interface);
        if (r < 0)
                return r;
        if (interface[0] != '\0' && strcmp(interface, BUS_TASK_INTERFACE) != 0) {
                (void) sd_bus_message_rewind(m, true);
                return 0;
        }
        return lookup_answer(link->peer, m, &lookup, &query, error);
}

static int answer_get(Link *link, sd_bus_message *m, uint64_t id, sd_bus_error *error) {
        const Query query = { .ids = &id, .n_ids = 1, .every = true, .fresh = true };
        Lookup lookup = { .form = LOOKUP_PROPERTY, .n_columns = 1 };
        const char *interface, *name;
        const Property *property;
        int r;

        if (sd_bus_message_has_signature(m, "ss") <= 0)
                return 0;
        r = sd_bus_message_read(m, "ss", &interface, &name);
        if (r < 0)
                return r;
        property = property_find(name);
        if (!property || (interface[0] != '\0' && strcmp(interface, BUS_TASK_INTERFACE) != 0)) {
                (void) sd_bus_message_rewind(m, true);
                return 0;
        }
        lookup.columns = &property;
        return lookup_answer(link->peer, m, &lookup, &query, error);
}

static int answer_objects(Link *link, sd_bus_message *m, sd_bus_error *error) {
        const Lookup lookup = { .form = LOOKUP_OBJECTS };
        const Query query = {};

        if (sd_bus_message_is_empty(m) <= 0)
                return 0;
        return lookup_answer(link->peer, m, &lookup, &query, error);
}

int task_intercept(Link *link, sd_bus_message *m, sd_bus_error *error) {
        const char *path = sd_bus_message_get_path(m);
        uint64_t id;

        if (strcmp(path, BUS_PATH) == 0 && sd_bus_message_is_method_call(m, OBJECT_MANAGER_INTERFACE, "GetManagedObjects") > 0)
                return answer_objects(link, m, error);
        if (!task_path_parse(path, &id))
                return 0;
        if (sd_bus_message_is_method_call(m, PROPERTIES_INTERFACE, "GetAll") > 0)
                return answer_get_all(link, m, id, error);
        if (sd_bus_message_is_method_call(m, PROPERTIES_INTERFACE, "Get") > 0)
                return answer_get(link, m, id, error);
        return 0;
}
