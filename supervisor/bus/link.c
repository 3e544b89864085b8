/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/link.h"

#include "lib/base/result.h"
#include "supervisor/bus/manager.h"
#include "supervisor/bus/task.h"

/* Sees every message first. */
static int link_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Link *link = userdata;
        uint8_t type;
        int r;

        r = sd_bus_message_get_type(m, &type);
        if (r < 0 || type != SD_BUS_MESSAGE_METHOD_CALL)
                return 0;
        if (link->identify) {
                r = link->identify(link, m);
                if (r != 0)
                        return r;
        }
        return task_intercept(link, m, error);
}

int link_export(Link *link, sd_bus *connection) {
        int r;

        r = sd_bus_add_filter(connection, NULL, link_on_message, link);
        if (r < 0)
                return r;
        r = manager_export(link, connection);
        if (r < 0)
                return r;
        return task_export(link, connection);
}
