/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/status-answer.h"

#include <unistd.h>

#include "config.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/link.h"
#include "supervisor/bus/row.h"
#include "supervisor/engine/status.h"

static int put_numbers(Row *row, const Status *status) {
        const struct {
                const char *name;
                uint64_t value;
        } numbers[] = {
                { "Epoch",            status->epoch },
                { "LastId",           status->last_id },
                { "Running",          status->n_running },
                { "Paused",           status->n_paused },
                { "Starting",         status->n_starting },
                { "Queued",           status->n_queued },
                { "Ending",           status->n_ending },
                { "Started",          status->counters.started },
                { "EndedDone",        status->counters.done },
                { "EndedError",       status->counters.error },
                { "EndedCancelled",   status->counters.cancelled },
                { "EndedExited",      status->counters.exited },
                { "Rejected",         status->counters.rejected },
                { "StartTime",        status->start_time_usec },
                { "KeeperGeneration", status->keeper_generation },
                { "StoreBacklog",     status->store_backlog },
                { "StoreLate",        status->store_late_usec },
                { "HeartbeatAge",     status->heartbeat_age_usec },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                r = row_u64(row, numbers[i].name, numbers[i].value);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int put_texts(Row *row, const Status *status, const Supervisor *sv) {
        const struct {
                const char *name, *value;
        } texts[] = {
                { "Status",           status->status },
                { "Version",          BGT_VERSION },
                { "CgroupRoot",       status->cgroup_root },
                { "StateDirectory",   sv->state_dir },
                { "RuntimeDirectory", sv->runtime_dir },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                r = row_text(row, texts[i].name, texts[i].value);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int put_status(Row *row, const Status *status, const Supervisor *sv) {
        int r;

        r = row_open(row);
        if (r < 0)
                return r;
        r = put_texts(row, status, sv);
        if (r < 0)
                return r;
        r = put_numbers(row, status);
        if (r < 0)
                return r;
        r = row_u32(row, "PID", (uint32_t) getpid());
        if (r < 0)
                return r;
        r = row_u32(row, "KeeperPID", (uint32_t) status->keeper_pid);
        if (r < 0)
                return r;
        r = row_words(row, "Controllers", status->controllers);
        if (r < 0)
                return r;
        r = row_words(row, "Warnings", status->warnings);
        if (r < 0)
                return r;
        return row_close(row);
}

int status_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(status_done) Status status = {};
        const Link *link = userdata;
        Row row = {};
        int r;

        r = status_take(link->bus->sv, &status);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;
        row.message = reply;
        r = put_status(&row, &status, link->bus->sv);
        if (r < 0)
                return r;
        r = peer_send(link->peer, reply, row.n_bytes);
        return r < 0 ? r : 1;
}
