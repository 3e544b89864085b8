/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/start-call.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/call.h"
#include "supervisor/bus/errors.h"
#include "supervisor/bus/link.h"
#include "supervisor/bus/options.h"
#include "supervisor/bus/task.h"
#include "supervisor/engine/start.h"

#define PARAMETERS_MAX 1000
#define ENVIRONMENT_MAX 4096

/* What is asked for, in the shape of the message and in the engine's. */
typedef struct Wish {
        StartRequest request;
        char **parameters, **argv, **environment, **properties;
        uint32_t umask;
        bool has_umask;
} Wish;

static void wish_done(Wish *wish) {
        (void) strv_free(wish->parameters);
        (void) strv_free(wish->argv);
        (void) strv_free(wish->environment);
        (void) strv_free(wish->properties);
}

#define WISH_INIT (Wish) { .request = { .umask = -1, .input_fd = -1, .output_fd = -1, .error_fd = -1 } }

#define OPTIONS_OF_BOTH \
        OPTION("name", "s", Wish, request.name), \
        OPTION("label", "s", Wish, request.label), \
        OPTION("namespace", "s", Wish, request.namespace), \
        OPTION("as", "s", Wish, request.as), \
        OPTION("property", "as", Wish, properties), \
        OPTION("input", "h", Wish, request.input_fd), \
        OPTION("stdout", "h", Wish, request.output_fd), \
        OPTION("stderr", "h", Wish, request.error_fd), \
        { "priority", "i", offsetof(Wish, request.priority), offsetof(Wish, request.has_priority), 0 }, \
        { "timeout", "t", offsetof(Wish, request.timeout_usec), offsetof(Wish, request.has_timeout), 0 }

static const Option start_options[] = {
        OPTIONS_OF_BOTH,
        {}
};

static const Option command_options[] = {
        OPTIONS_OF_BOTH,
        OPTION("environment", "as", Wish, environment),
        OPTION("directory", "s", Wish, request.directory),
        { "umask", "u", offsetof(Wish, umask), offsetof(Wish, has_umask), 0 },
        {}
};

static int read_parameter(sd_bus_message *m, char ***parameters, sd_bus_error *error) {
        const char *name, *value;
        int r;

        r = sd_bus_message_read(m, "{ss}", &name, &value);
        if (r <= 0)
                return r;
        if (!text_is_identifier(name))
                return error_set(error, BUS_ERROR_INVALID_PARAMETER,
                                 "\"%.100s\" is no name of a parameter: letters, digits and \"_\", at most 64, not beginning with a digit.", name);
        if (strv_find(*parameters, name))
                return error_set(error, BUS_ERROR_INVALID_PARAMETER, "Parameter %s is given twice.", name);
        r = strv_consume(parameters, text_format("%s=%s", name, value));
        return r < 0 ? r : 1;
}

static int read_parameters(sd_bus_message *m, char ***parameters, sd_bus_error *error) {
        int r;

        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{ss}");
        if (r < 0)
                return r;
        for (size_t n = 0;; n++) {
                if (n > PARAMETERS_MAX)
                        return error_set(error, BUS_ERROR_INVALID_PARAMETER, "There are more than %d parameters.", PARAMETERS_MAX);
                r = read_parameter(m, parameters, error);
                if (r < 0)
                        return r;
                if (r == 0)
                        return sd_bus_message_exit_container(m);
        }
}

static int check_environment(char *const *environment, sd_bus_error *error) {
        if (strv_length(environment) > ENVIRONMENT_MAX)
                return error_set(error, BUS_ERROR_INVALID_OPTION, "The environment has more than %d variables.", ENVIRONMENT_MAX);
        STRV_FOREACH(assignment, (char **) environment)
                if (assignment[0] == '=' || !strchr(assignment, '='))
                        return error_set(error, BUS_ERROR_INVALID_OPTION,
                                         "\"%.100s\" in option \"environment\" is not of the form name=value.", assignment);
        return 0;
}

static void start_on_done(uint64_t id, const Outcome *outcome, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char path[TASK_PATH_MAX];
        Call *call = userdata;
        int r;

        if (outcome->error != OUTCOME_DONE) {
                call_refuse(call, outcome);
                return;
        }
        r = call_new_reply(call, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "to", id, task_path(id, path));
        if (r < 0)
                call_fail(call, r);
        else
                call_reply(call, reply, sizeof path);
}

static int wish_answer(Wish *wish, Link *link, sd_bus_message *m, sd_bus_error *error) {
        Peer *peer = link->peer;
        Call *call;
        int r;

        wish->request.parameters = wish->parameters;
        wish->request.argv = wish->argv;
        wish->request.environment = wish->environment;
        wish->request.properties = wish->properties;

        r = call_new(sizeof *call, peer, m, &call, error);
        if (r < 0)
                return r;
        call->forget = start_forget;
        start_request(peer->bus->sv, &peer->caller, &wish->request, start_on_done, call);
        return 1;
}

int start_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(wish_done) Wish wish = WISH_INIT;
        int r;

        r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &wish.request.type);
        if (r < 0)
                return r;
        r = read_parameters(m, &wish.parameters, error);
        if (r < 0)
                return r;
        r = options_read(m, start_options, &wish, error);
        if (r < 0)
                return r;
        return wish_answer(&wish, userdata, m, error);
}

int start_command_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(wish_done) Wish wish = WISH_INIT;
        int r;

        r = strings_read(m, &wish.argv);
        if (r < 0)
                return r;
        if (!wish.argv || !wish.argv[0] || !wish.argv[0][0])
                return error_set(error, BUS_ERROR_INVALID_PARAMETER, "There is no command to run.");
        r = options_read(m, command_options, &wish, error);
        if (r < 0)
                return r;
        r = check_environment(wish.environment, error);
        if (r < 0)
                return r;
        if (wish.has_umask && wish.umask > 0777)
                return error_set(error, BUS_ERROR_INVALID_OPTION, "A umask is at most 0777.");
        if (wish.has_umask)
                wish.request.umask = (int) wish.umask;
        if (wish.request.directory && wish.request.directory[0] != '/')
                return error_set(error, BUS_ERROR_INVALID_OPTION, "The directory %.200s is not absolute.", wish.request.directory);
        return wish_answer(&wish, userdata, m, error);
}
