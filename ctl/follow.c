/* SPDX-License-Identifier: MIT */
#include "ctl/follow.h"

#include "ctl/snapshot.h"
#include "lib/base/clock.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"

/* How much later than the deadline bgtd's word that it has come may be. */
#define GRACE_USEC USEC_PER_SEC

const Value *follow_find(const Value *tasks, uint64_t id) {
        for (size_t i = 0; i < tasks->n_items; i++)
                if (value_get_natural(tasks->items[i], "Id") == id)
                        return tasks->items[i];
        return NULL;
}

int follow_exit_status(const uint64_t *ids, size_t n_ids, const Value *tasks) {
        for (size_t i = 0; i < n_ids; i++) {
                const Value *task = follow_find(tasks, ids[i]);
                int status = task ? snapshot_exit_status(task) : 0;

                if (status != 0)
                        return status;
        }
        return 0;
}

int follow_deadline(Ctl *ctl, uint64_t *ret_usec) {
        const char *timeout = arguments_value(&ctl->arguments, "timeout");
        uint64_t span = USEC_INFINITY;

        if (timeout && quantity_parse_span(timeout, &span) < 0)
                return trouble_usage(&ctl->trouble, "--timeout is a time such as 90 or 2min, not %s.", timeout);
        *ret_usec = usec_add(clock_now_usec(CLOCK_MONOTONIC), span);
        return 0;
}

uint64_t follow_patience(const Ctl *ctl, uint64_t deadline_usec) {
        uint64_t usual = ctl_deadline(ctl), last = usec_add(deadline_usec, GRACE_USEC);

        return usual < last ? usual : last;
}

int follow_again(Ctl *ctl, int r, uint64_t deadline_usec) {
        uint64_t patience = ctl_deadline(ctl);

        if (r != -ENOTCONN || !client_is_lost(ctl->client))
                return r;
        return client_reconnect(ctl->client, patience < deadline_usec ? patience : deadline_usec);
}

/* One Wait, which bgtd answers by itself when the time is up; should it not, that changes nothing for who waits. */
static int wait_once(Ctl *ctl, const FollowGoal *goal, const Value *const *arguments, Value **ret) {
        ClientCall call = { .method = "Wait", .signature = "atta{sv}", .arguments = arguments,
                            .deadline_usec = usec_add(goal->deadline_usec, GRACE_USEC) };
        int r;

        r = client_call(ctl->client, &call, ret);
        return r < 0 ? follow_again(ctl, r, goal->deadline_usec) : 0;
}

static Value *ids_to_value(const FollowGoal *goal) {
        _cleanup_(value_freep) Value *list = value_new_list();

        for (size_t i = 0; list && i < goal->n_ids; i++)
                if (value_add(list, value_new_natural(VALUE_UINT64, goal->ids[i])) < 0)
                        return NULL;
        return MOVE(list);
}

static Value *milliseconds_left(uint64_t deadline_usec) {
        uint64_t left = usec_sub(deadline_usec, clock_now_usec(CLOCK_MONOTONIC));

        return value_new_natural(VALUE_UINT64, deadline_usec == USEC_INFINITY ? UINT64_MAX : (left + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

static bool all_ended(const FollowGoal *goal, const Value *tasks) {
        for (size_t i = 0; i < goal->n_ids; i++)
                if (!value_get_boolean(follow_find(tasks, goal->ids[i]), "HasEnded"))
                        return false;
        return true;
}

int follow_wait(Ctl *ctl, const FollowGoal *goal, Value **ret) {
        _cleanup_(value_freep) Value *ids = ids_to_value(goal), *options = value_new_dictionary(), *answer = NULL;
        bool done;
        int r = 0;

        if (!ids || !options || (goal->state && value_set(options, "for", value_new_string(goal->state)) < 0))
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot wait");
        while (r >= 0 && !answer) {
                _cleanup_(value_freep) Value *msec = milliseconds_left(goal->deadline_usec);

                if (!msec)
                        return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot wait");
                r = wait_once(ctl, goal, (const Value *[]) { ids, msec, options }, &answer);
        }
        if ((r == -ENOTCONN || r == -ETIMEDOUT) && clock_now_usec(CLOCK_MONOTONIC) >= goal->deadline_usec)
                return FOLLOW_E_TIME;
        if (r < 0)
                return r;

        if (answer->n_items != 2)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        done = value_boolean(answer->items[0]) || (!goal->state && all_ended(goal, answer->items[1]));
        *ret = MOVE(answer->items[1]);
        return done ? 0 : FOLLOW_E_TIME;
}
