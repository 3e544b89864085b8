/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/driver.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/wire/bus-names.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/errors.h"

#define DRIVER_NAME "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"
#define DRIVER_INTERFACE "org.freedesktop.DBus"
#define MONITORING_INTERFACE "org.freedesktop.DBus.Monitoring"

/* The answers of RequestName and its like, as the D-Bus specification numbers them. */
enum {
        START_ALREADY_RUNNING = 2,
};

static const char *owner_of(const char *name) {
        static const char *const owners[][2] = {
                { DRIVER_NAME,        DRIVER_NAME },
                { BUS_NAME,           DRIVER_OWN_NAME },
                { DRIVER_OWN_NAME,    DRIVER_OWN_NAME },
                { DRIVER_CLIENT_NAME, DRIVER_CLIENT_NAME },
        };

        for (size_t i = 0; i < ELEMENTSOF(owners); i++)
                if (strcmp(owners[i][0], name) == 0)
                        return owners[i][1];
        return NULL;
}

static int refuse_name(sd_bus_error *error, const char *name) {
        return sd_bus_error_setf(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                                 "Nobody is called '%s' here: this is a connection to bgtd alone.", name);
}

static int read_name(sd_bus_message *m, const char **ret) {
        return sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, ret);
}

static int driver_hello(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "s", DRIVER_CLIENT_NAME);
}

/* Signals go by Subscribe(); a rule neither adds any nor holds any back. */
static int driver_ignore(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "");
}

static int driver_get_name_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name;
        int r;

        r = read_name(m, &name);
        if (r < 0)
                return r;
        if (!owner_of(name))
                return refuse_name(error, name);
        return sd_bus_reply_method_return(m, "s", owner_of(name));
}

static int driver_name_has_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name;
        int r;

        r = read_name(m, &name);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "b", owner_of(name) != NULL);
}

static int driver_start_service(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name;
        int r;

        r = read_name(m, &name);
        if (r < 0)
                return r;
        if (!owner_of(name))
                return refuse_name(error, name);
        return sd_bus_reply_method_return(m, "u", START_ALREADY_RUNNING);
}

static int driver_list_names(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "as", 4, DRIVER_NAME, BUS_NAME, DRIVER_OWN_NAME, DRIVER_CLIENT_NAME);
}

static int driver_list_activatable_names(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, "as", 0);
}

static int driver_list_queued_owners(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name;
        int r;

        r = read_name(m, &name);
        if (r < 0)
                return r;
        if (!owner_of(name))
                return refuse_name(error, name);
        return sd_bus_reply_method_return(m, "as", 1, owner_of(name));
}

static int driver_get_id(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const Link *link = userdata;
        char id[SD_ID128_STRING_MAX];

        return sd_bus_reply_method_return(m, "s", sd_id128_to_string(link->bus->server.id, id));
}

/* Whose credentials are asked for: the client's, or bgtd's. */
static int credentials_of(const Link *link, const char *name, uint32_t *ret_uid, uint32_t *ret_pid, sd_bus_error *error) {
        const char *owner = owner_of(name);

        if (!owner)
                return refuse_name(error, name);
        if (strcmp(owner, DRIVER_CLIENT_NAME) == 0) {
                *ret_uid = link->peer->caller.uid;
                *ret_pid = (uint32_t) link->peer->caller.pid;
        } else {
                *ret_uid = geteuid();
                *ret_pid = (uint32_t) getpid();
        }
        return 0;
}

static int driver_get_connection_user(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint32_t uid, pid;
        const char *name;
        int r;

        r = read_name(m, &name);
        if (r < 0)
                return r;
        r = credentials_of(userdata, name, &uid, &pid, error);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "u", uid);
}

static int driver_get_connection_process(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint32_t uid, pid;
        const char *name;
        int r;

        r = read_name(m, &name);
        if (r < 0)
                return r;
        r = credentials_of(userdata, name, &uid, &pid, error);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "u", pid);
}

static int driver_get_connection_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint32_t uid, pid;
        const char *name;
        int r;

        r = read_name(m, &name);
        if (r < 0)
                return r;
        r = credentials_of(userdata, name, &uid, &pid, error);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "a{sv}", 2, "UnixUserID", "u", uid, "ProcessID", "u", pid);
}

/* A monitor gives up its name and sees what a subscriber sees. */
static int driver_become_monitor(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Link *link = userdata;
        int r;

        r = peer_subscribe(link->peer, error);
        if (r < 0)
                return r;
        r = sd_bus_reply_method_return(m, "");
        if (r < 0)
                return r;
        return sd_bus_emit_signal(sd_bus_message_get_bus(m), DRIVER_PATH, DRIVER_INTERFACE, "NameLost", "s", DRIVER_CLIENT_NAME);
}

#define METHOD(name, in, in_name, out, out_name, handler) \
        SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS(in, in_name), SD_BUS_RESULT(out, out_name), handler, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable driver_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Hello", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", name), driver_hello, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AddMatch", SD_BUS_ARGS("s", rule), SD_BUS_NO_RESULT, driver_ignore, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RemoveMatch", SD_BUS_ARGS("s", rule), SD_BUS_NO_RESULT, driver_ignore, SD_BUS_VTABLE_UNPRIVILEGED),
        METHOD("GetNameOwner", "s", name, "s", owner, driver_get_name_owner),
        METHOD("NameHasOwner", "s", name, "b", has_owner, driver_name_has_owner),
        METHOD("ListQueuedOwners", "s", name, "as", owners, driver_list_queued_owners),
        SD_BUS_METHOD_WITH_ARGS("StartServiceByName", SD_BUS_ARGS("s", name, "u", flags), SD_BUS_RESULT("u", result),
                                driver_start_service, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListNames", SD_BUS_NO_ARGS, SD_BUS_RESULT("as", names), driver_list_names,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListActivatableNames", SD_BUS_NO_ARGS, SD_BUS_RESULT("as", names),
                                driver_list_activatable_names, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetId", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", id), driver_get_id, SD_BUS_VTABLE_UNPRIVILEGED),
        METHOD("GetConnectionUnixUser", "s", name, "u", uid, driver_get_connection_user),
        METHOD("GetConnectionUnixProcessID", "s", name, "u", pid, driver_get_connection_process),
        METHOD("GetConnectionCredentials", "s", name, "a{sv}", credentials, driver_get_connection_credentials),
        SD_BUS_SIGNAL_WITH_ARGS("NameLost", SD_BUS_ARGS("s", name), 0),
        SD_BUS_VTABLE_END
};

static const sd_bus_vtable monitoring_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("BecomeMonitor", SD_BUS_ARGS("as", rules, "u", flags), SD_BUS_NO_RESULT,
                                driver_become_monitor, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

int driver_export(Link *link, sd_bus *connection) {
        int r;

        r = sd_bus_add_object_vtable(connection, NULL, DRIVER_PATH, DRIVER_INTERFACE, driver_vtable, link);
        if (r < 0)
                return r;
        return sd_bus_add_object_vtable(connection, NULL, DRIVER_PATH, MONITORING_INTERFACE, monitoring_vtable, link);
}
