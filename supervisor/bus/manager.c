/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/manager.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/wire/bus-names.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/catalogue.h"
#include "supervisor/bus/errors.h"
#include "supervisor/bus/logs-call.h"
#include "supervisor/bus/lookup-call.h"
#include "supervisor/bus/options.h"
#include "supervisor/bus/request-call.h"
#include "supervisor/bus/start-call.h"
#include "supervisor/bus/status-answer.h"
#include "supervisor/bus/task.h"
#include "supervisor/bus/wait-call.h"
#include "supervisor/sys/log.h"

#define IDS_TEXT_MAX 262144

/* The filter of List, in the shape of the message and in the engine's. */
typedef struct Filter {
        Query query;
        const char *ids_text;
        bool all;                       /* what is asked for without any filter */
        uint64_t *ids;
        uint64_t (*ranges)[2];
} Filter;

static void filter_done(Filter *filter) {
        free(filter->ids);
        free(filter->ranges);
}

static int filter_read(sd_bus_message *m, Filter *ret, sd_bus_error *error) {
        static const Option options[] = {
                { "ids", "s", offsetof(Filter, ids_text), OPTION_ALWAYS, IDS_TEXT_MAX },
                OPTION("all", "b", Filter, all),
                OPTION("namespace", "s", Filter, query.namespace),
                OPTION("type", "s", Filter, query.type),
                OPTION("label", "s", Filter, query.label),
                OPTION("state", "s", Filter, query.state),
                OPTION("ended", "b", Filter, query.ended),
                OPTION("every", "b", Filter, query.every),
                OPTION("unsuccessful", "b", Filter, query.unsuccessful),
                OPTION("limit", "t", Filter, query.limit),
                OPTION("fresh", "b", Filter, query.fresh),
                {}
        };
        Query *query = &ret->query;
        int r;

        r = options_read(m, options, ret, error);
        if (r < 0)
                return r;
        if (!ret->ids_text)
                return 0;
        r = query_parse_ids(ret->ids_text, &ret->ids, &query->n_ids, &ret->ranges, &query->n_ranges);
        if (r == -EINVAL)
                return error_set(error, BUS_ERROR_INVALID_OPTION,
                                 "\"%.100s\" is no list of ids; write them as in 1,4,10-20, at most 10,000 parts.", ret->ids_text);
        if (r < 0)
                return r;
        query->ids = ret->ids;
        query->ranges = ret->ranges;
        return 0;
}

static int columns_find(char *const *names, const Property ***ret, sd_bus_error *error) {
        _cleanup_(freep) const Property **columns = NULL;
        size_t n = strv_length(names);

        if (n > n_properties)
                return error_set(error, BUS_ERROR_INVALID_OPTION, "There are not as many columns as %zu.", n);
        columns = calloc(n + 1, sizeof *columns);
        if (!columns)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                columns[i] = property_find(names[i]);
                if (!columns[i])
                        return error_set(error, BUS_ERROR_INVALID_OPTION, "There is no column \"%.100s\"; org.bgt1(5) lists them.", names[i]);
        }
        *ret = MOVE(columns);
        return 0;
}

static int manager_list(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(filter_done) Filter filter = {};
        _cleanup_(strv_freep) char **names = NULL;
        _cleanup_(freep) const Property **columns = NULL;
        Lookup lookup = { .form = LOOKUP_LIST };
        Link *link = userdata;
        int r;

        r = filter_read(m, &filter, error);
        if (r < 0)
                return r;
        r = strings_read(m, &names);
        if (r < 0)
                return r;
        if (strv_length(names) > 0) {
                r = columns_find(names, &columns, error);
                if (r < 0)
                        return r;
                lookup.columns = columns;
                lookup.n_columns = strv_length(names);
        }
        return lookup_answer(link->peer, m, &lookup, &filter.query, error);
}

/* Ids that were given out are believed: whether the record is still there, the object says. */
static int manager_get_task(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const Link *link = userdata;
        char path[TASK_PATH_MAX];
        uint64_t id;
        int r;

        r = sd_bus_message_read_basic(m, SD_BUS_TYPE_UINT64, &id);
        if (r < 0)
                return r;
        if (id == 0 || id > link->bus->sv->last_id)
                return error_set(error, BUS_ERROR_NO_SUCH_TASK, "There is no task %llu.", (unsigned long long) id);
        return sd_bus_reply_method_return(m, "o", task_path(id, path));
}

static int manager_request(sd_bus_message *m, Link *link, ControlVerb verb, sd_bus_error *error) {
        Request request = { .verb = verb };
        int r;

        r = ids_read(m, &request.ids, &request.n_ids, error);
        if (r < 0)
                return r;
        r = request_read_options(m, verb, &request.options, error);
        if (r < 0)
                return r;
        return request_answer(link->peer, m, &request, error);
}

static int manager_pause(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return manager_request(m, userdata, CONTROL_PAUSE, error);
}

static int manager_resume(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return manager_request(m, userdata, CONTROL_RESUME, error);
}

static int manager_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return manager_request(m, userdata, CONTROL_CANCEL, error);
}

static int manager_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return manager_request(m, userdata, CONTROL_SIGNAL, error);
}

static int manager_reload(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const Link *link = userdata;
        SettingsFault fault = {};
        int r;

        if (!access_is_admin(&link->bus->sv->access, &link->peer->caller))
                return error_set(error, BUS_ERROR_ACCESS_DENIED, "Only an administrator may have the configuration read again.");
        r = supervisor_reload(link->bus->sv, &fault);
        if (r < 0 && fault.sentence[0] != '\0')
                return error_set(error, BUS_ERROR_FAILED, "%s", fault.sentence);
        if (r < 0)
                return r;
        log_info("The configuration has been read again.");
        return sd_bus_reply_method_return(m, "");
}

static int manager_subscribe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Link *link = userdata;
        int r;

        r = peer_subscribe(link->peer, error);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "");
}

static int manager_unsubscribe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Link *link = userdata;

        peer_unsubscribe(link->peer);
        return sd_bus_reply_method_return(m, "");
}

#define METHOD(name, arguments, results, handler) \
        SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS(arguments), SD_BUS_RESULT(results), handler, SD_BUS_VTABLE_UNPRIVILEGED)
#define LIST(...) __VA_ARGS__

/* Whoever may ask what is decided by the kernel's word on the peer, not by sd-bus. */
static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        METHOD("Start", LIST("s", type, "a{ss}", parameters, "a{sv}", options), LIST("t", id, "o", task), start_answer),
        METHOD("StartCommand", LIST("as", argv, "a{sv}", options), LIST("t", id, "o", task), start_command_answer),
        METHOD("List", LIST("a{sv}", filter, "as", columns), LIST("aa{sv}", tasks), manager_list),
        METHOD("GetTask", LIST("t", id), LIST("o", task), manager_get_task),
        METHOD("Pause", LIST("at", ids, "a{sv}", options), LIST("a(tss)", outcomes), manager_pause),
        METHOD("Resume", LIST("at", ids, "a{sv}", options), LIST("a(tss)", outcomes), manager_resume),
        METHOD("Cancel", LIST("at", ids, "a{sv}", options), LIST("a(tss)", outcomes), manager_cancel),
        METHOD("Signal", LIST("at", ids, "i", signal, "a{sv}", options), LIST("a(tss)", outcomes), manager_signal),
        METHOD("Wait", LIST("at", ids, "t", msec, "a{sv}", options), LIST("b", done, "aa{sv}", tasks), wait_answer),
        METHOD("Logs", LIST("t", id, "a{sv}", options), LIST("h", stream), logs_answer),
        METHOD("Types", LIST("s", name), LIST("aa{sv}", types), catalogue_answer),
        SD_BUS_METHOD_WITH_ARGS("Status", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", status), status_answer, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, manager_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, manager_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, manager_unsubscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

int manager_export(Link *link, sd_bus *connection) {
        return sd_bus_add_object_vtable(connection, NULL, BUS_PATH, BUS_MANAGER_INTERFACE, manager_vtable, link);
}
