/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/announce.h"

#include "lib/base/result.h"
#include "lib/wire/bus-names.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/properties.h"
#include "supervisor/bus/task.h"
#include "supervisor/sys/log.h"

/* More are not gathered but told at once. */
#define CHANGED_MAX 16384

static int announce_to(const Task *task, Peer *peer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        _cleanup_(snapshot_done) Snapshot snapshot = {};
        char path[TASK_PATH_MAX];
        Row row = {};
        int r;

        r = snapshot_take(peer->bus->sv, &peer->caller, task, false, &snapshot);
        if (r < 0)
                return r;
        r = sd_bus_message_new_signal(peer->link, &signal, task_path(task->id, path), BUS_TASK_INTERFACE, "Changed");
        if (r < 0)
                return r;
        if (peer->name) {
                r = sd_bus_message_set_destination(signal, peer->name);
                if (r < 0)
                        return r;
        }
        row.message = signal;
        row.user_names = &peer->bus->user_names;
        r = properties_put(&row, &snapshot, NULL, 0, PROPERTY_NEWS);
        if (r < 0)
                return r;
        return peer_send_news(peer, signal, row.n_bytes);
}

static void announce(Bus *bus, const Task *task) {
        int r;

        for (Peer *peer = bus->peers; peer; peer = peer->next) {
                if (!peer->subscribed || peer->doomed)
                        continue;
                r = announce_to(task, peer);
                if (r < 0)
                        (void) log_task_failure(r, task->id, "Cannot tell a client of a change");
        }
}

static bool bus_has_subscribers(const Bus *bus) {
        for (const Peer *peer = bus->peers; peer; peer = peer->next)
                if (peer->subscribed && !peer->doomed)
                        return true;
        return false;
}

static int compare_ids(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return (x > y) - (x < y);
}

static void announcer_flush(Announcer *announcer) {
        Bus *bus = announcer->bus;
        uint64_t last = 0;

        qsort(announcer->changed, announcer->n_changed, sizeof *announcer->changed, compare_ids);
        for (size_t i = 0; i < announcer->n_changed; i++) {
                const Task *task = registry_find(bus->sv->registry, announcer->changed[i]);

                if (task && task->stored && task->id != last)
                        announce(bus, task);
                last = announcer->changed[i];
        }
        announcer->n_changed = 0;
}

static int announcer_on_turn_end(sd_event_source *source, void *userdata) {
        announcer_flush(userdata);
        return 0;
}

static int announcer_note(Announcer *announcer, uint64_t id) {
        if (announcer->n_changed > 0 && announcer->changed[announcer->n_changed - 1] == id)
                return 0;
        if (announcer->n_changed == CHANGED_MAX)
                announcer_flush(announcer);
        if (announcer->n_changed == announcer->n_allocated) {
                size_t n = announcer->n_allocated > 0 ? 2 * announcer->n_allocated : 64;
                uint64_t *changed = reallocarray(announcer->changed, n, sizeof *changed);

                if (!changed)
                        return -ENOMEM;
                announcer->changed = changed;
                announcer->n_allocated = n;
        }
        announcer->changed[announcer->n_changed++] = id;
        return sd_event_source_set_enabled(announcer->source, SD_EVENT_ONESHOT);
}

/* A task that has ended is gone from memory when the turn is over. */
static void announcer_on_changed(Task *task, void *userdata) {
        Announcer *announcer = userdata;
        int r;

        if (!bus_has_subscribers(announcer->bus))
                return;
        if (task_phase_has_ended(task->phase) && task->settled) {
                announce(announcer->bus, task);
                return;
        }
        r = announcer_note(announcer, task->id);
        if (r < 0)
                (void) log_task_failure(r, task->id, "Cannot remember to tell of a change");
}

int announcer_open(Announcer *announcer, Bus *bus) {
        int r;

        announcer->bus = bus;
        r = sd_event_add_defer(bus->sv->event, &announcer->source, announcer_on_turn_end, announcer);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(announcer->source, "announce");
        r = sd_event_source_set_priority(announcer->source, PRIORITY_ANNOUNCE);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(announcer->source, SD_EVENT_OFF);
        if (r < 0)
                return r;
        return registry_observe(bus->sv->registry, announcer_on_changed, announcer);
}

void announcer_close(Announcer *announcer) {
        if (announcer->bus)
                registry_unobserve(announcer->bus->sv->registry, announcer);
        announcer->source = sd_event_source_disable_unref(announcer->source);
        free(announcer->changed);
        announcer->changed = NULL;
}
