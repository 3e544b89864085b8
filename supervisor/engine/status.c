/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/status.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/engine/cgroup-tree.h"
#include "supervisor/engine/keeper-link.h"
#include "supervisor/policy/disposition.h"
#include "supervisor/sys/cgroup.h"

#define STORE_LATE_USEC (5 * USEC_PER_SEC)

static void count_tasks(Supervisor *sv, Status *status) {
        Task **tasks;
        size_t n_tasks;

        if (registry_list(sv->registry, &tasks, &n_tasks) < 0)
                return;
        for (size_t i = 0; i < n_tasks; i++) {
                switch (disposition_visible_phase(tasks[i])) {
                case TASK_STARTING:
                        status->n_starting++;
                        break;
                case TASK_RUNNING:
                case TASK_PAUSING:
                        status->n_running++;
                        break;
                case TASK_PAUSED:
                case TASK_RESUMING:
                        status->n_paused++;
                        break;
                case TASK_ENDING:
                        status->n_ending++;
                        break;
                default:
                        status->n_queued++;
                        break;
                }
        }
}

static int list_warnings(Supervisor *sv, Status *status) {
        char *warning;
        int r;

        if (sv->aside) {
                warning = text_format("The store was damaged and is kept as %s; a new one was begun.", sv->aside);
                r = strv_consume(&status->warnings, warning);
                if (r < 0)
                        return r;
        }
        if (status->store_late_usec > STORE_LATE_USEC) {
                warning = text_format("The disk has not taken the store's last write for %llu seconds: starts and ends wait for it.",
                                      (unsigned long long) (status->store_late_usec / USEC_PER_SEC));
                r = strv_consume(&status->warnings, warning);
                if (r < 0)
                        return r;
        }
        return 0;
}

int status_take(Supervisor *sv, Status *ret) {
        _cleanup_(status_done) Status status = {
                .status = supervisor_status(sv), .counters = sv->counters, .last_id = sv->last_id, .epoch = sv->facts.epoch,
                .start_time_usec = sv->start_time_usec, .keeper_pid = keeper_link_pid(sv->keeper),
                .keeper_generation = keeper_link_generation(sv->keeper),
        };
        uint64_t since;
        char controllers[512] = "";
        int r;

        count_tasks(sv, &status);
        store_backlog(sv->store, &status.store_backlog, &since);
        if (since > 0)
                status.store_late_usec = usec_sub(clock_now_usec(CLOCK_MONOTONIC), since);
        status.cgroup_root = text_format("%s%s", sv->cgroups->mount, sv->cgroups->root);
        if (!status.cgroup_root)
                return -ENOMEM;
        (void) cgroup_read_file(sv->cgroups->root_fd, "cgroup.controllers", controllers, sizeof controllers);
        r = strv_split(&status.controllers, controllers, " \n");
        if (r == 0)
                r = list_warnings(sv, &status);
        if (r < 0)
                return r;
        *ret = status;
        status = (Status) {};
        return 0;
}

void status_done(Status *status) {
        free(status->cgroup_root);
        (void) strv_free(status->controllers);
        (void) strv_free(status->warnings);
        *status = (Status) {};
}
