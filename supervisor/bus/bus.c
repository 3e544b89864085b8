/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/bus.h"

#include <string.h>
#include <sys/resource.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/sys/log.h"

static int bus_on_reap(sd_event_source *source, void *userdata) {
        Bus *bus = userdata;
        Peer *next;

        for (Peer *peer = bus->peers; peer; peer = next) {
                next = peer->next;
                if (peer->doomed)
                        peer->free(peer);
        }
        return 0;
}

void bus_reap(Bus *bus) {
        (void) sd_event_source_set_enabled(bus->reap_source, SD_EVENT_ONESHOT);
}

static int bus_watch_doomed(Bus *bus) {
        int r;

        r = sd_event_add_defer(bus->sv->event, &bus->reap_source, bus_on_reap, bus);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(bus->reap_source, "reap-clients");
        r = sd_event_source_set_priority(bus->reap_source, PRIORITY_BUS - 1);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(bus->reap_source, SD_EVENT_OFF);
}

static int bus_start(Bus *bus, const BusOptions *options, char **ret_sentence) {
        struct rlimit limit;
        int r;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return result_errno();
        quotas_init(&bus->quotas, limit.rlim_cur);
        r = outside_look(bus->sv, &bus->outside);
        if (r < 0)
                (void) log_failure(r, "Cannot see the keeper's namespaces, so everybody counts as fenced in");
        r = bus_watch_doomed(bus);
        if (r < 0)
                return r;
        r = server_open(&bus->server, bus, options->listen_fd, ret_sentence);
        if (r < 0)
                return r;
        r = announcer_open(&bus->announcer, bus);
        if (r < 0)
                return r;
        return shared_bus_open(&bus->shared, bus, options->shared);
}

int bus_open(Bus **ret, Supervisor *sv, const BusOptions *options, char **ret_sentence) {
        _cleanup_(bus_closep) Bus *bus = NULL;
        int r;

        *ret_sentence = NULL;
        bus = calloc(1, sizeof *bus);
        if (!bus)
                return -ENOMEM;
        bus->sv = sv;
        bus->server.fd = bus->server.spare_fd = -1;
        r = bus_start(bus, options, ret_sentence);
        if (r < 0) {
                if (!*ret_sentence)
                        *ret_sentence = text_format("Cannot serve clients: %s.", strerror(-r));
                return r;
        }
        *ret = MOVE(bus);
        return 0;
}

Bus *bus_close(Bus *bus) {
        if (!bus)
                return NULL;

        bus->shared = shared_bus_close(bus->shared);
        while (bus->peers)
                bus->peers->free(bus->peers);
        announcer_close(&bus->announcer);
        server_close(&bus->server);
        (void) sd_event_source_disable_unref(bus->reap_source);
        quotas_done(&bus->quotas);
        free(bus);
        return NULL;
}
