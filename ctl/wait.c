/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "ctl/follow.h"
#include "ctl/selected.h"
#include "ctl/snapshot.h"
#include "ctl/verbs.h"
#include "lib/base/result.h"

const Option wait_options[] = {
        { "for",     .value = "STATE", .help = "until they have been running, or are paused" },
        { "timeout", .value = "SEC", .help = "wait no longer than this" },
        {}
};

static int wait_state(Ctl *ctl, const char **ret) {
        const char *word = arguments_value(&ctl->arguments, "for");

        if (!word)
                *ret = NULL;
        else if (strcasecmp(word, "running") == 0)
                *ret = "Running";
        else if (strcasecmp(word, "paused") == 0)
                *ret = "Paused";
        else if (strcasecmp(word, "ended") == 0)
                *ret = NULL;
        else
                return trouble_usage(&ctl->trouble, "--for is running, paused or ended, not %s.", word);
        return 0;
}

/* With --for a task that was there is fine whatever came later; one that ended before speaks by its exit status. */
static int state_exit_status(Ctl *ctl, const FollowGoal *goal, const Value *tasks) {
        bool running = strcmp(goal->state, "Running") == 0;

        for (size_t i = 0; i < goal->n_ids; i++) {
                const Value *task = follow_find(tasks, goal->ids[i]);
                int status;

                if (!task || !value_get_boolean(task, "HasEnded") || (running && value_get(task, "StartTime")))
                        continue;
                status = snapshot_exit_status(task);
                if (status != 0)
                        return status;
                return trouble_own(&ctl->trouble, -ESRCH, EXIT_FAILED, "Task %" PRIu64 " has ended and was not %s.",
                                   goal->ids[i], running ? "running" : "paused");
        }
        return 0;
}

int verb_wait(Ctl *ctl) {
        _cleanup_(value_freep) Value *tasks = NULL;
        _cleanup_(freep) uint64_t *ids = NULL;
        FollowGoal goal = {};
        int r;

        r = wait_state(ctl, &goal.state);
        if (r < 0)
                return r;
        r = follow_deadline(ctl, &goal.deadline_usec);
        if (r < 0)
                return r;
        r = selected_ids(ctl, false, &ids, &goal.n_ids);
        if (r < 0)
                return r;
        goal.ids = ids;
        r = follow_wait(ctl, &goal, &tasks);
        if (r == FOLLOW_E_TIME)
                return EXIT_TIME_IS_UP;
        if (r < 0)
                return r;
        return goal.state ? state_exit_status(ctl, &goal, tasks) : follow_exit_status(ids, goal.n_ids, tasks);
}
