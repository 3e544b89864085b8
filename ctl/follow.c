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
static int wait_once(Ctl *ctl, const Value *ids, const Value *options, uint64_t deadline_usec, Value **ret) {
        _cleanup_(value_freep) Value *msec = NULL;
        uint64_t left = usec_sub(deadline_usec, clock_now_usec(CLOCK_MONOTONIC));

        msec = value_new_natural(VALUE_UINT64, deadline_usec == USEC_INFINITY ? UINT64_MAX : (left + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
        if (!msec)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot wait");
        return client_call(ctl->client, "Wait", "atta{sv}", (const Value *[]) { ids, msec, options },
                           usec_add(deadline_usec, GRACE_USEC), ret);
}

static int wait_arguments(const uint64_t *ids, size_t n_ids, const char *state, Value **ret_ids, Value **ret_options) {
        _cleanup_(value_freep) Value *list = value_new_list(), *options = value_new_dictionary();
        int r = 0;

        if (!list || !options)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n_ids; i++)
                r = value_add(list, value_new_natural(VALUE_UINT64, ids[i]));
        if (r >= 0 && state)
                r = value_set(options, "for", value_new_string(state));
        if (r < 0)
                return r;
        *ret_ids = MOVE(list);
        *ret_options = MOVE(options);
        return 0;
}

static bool all_ended(const uint64_t *ids, size_t n_ids, const Value *tasks) {
        for (size_t i = 0; i < n_ids; i++)
                if (!value_get_boolean(follow_find(tasks, ids[i]), "HasEnded"))
                        return false;
        return true;
}

int follow_wait(Ctl *ctl, const uint64_t *ids, size_t n_ids, const char *state, uint64_t deadline_usec, Value **ret) {
        _cleanup_(value_freep) Value *list = NULL, *options = NULL, *answer = NULL;
        bool done;
        int r;

        r = wait_arguments(ids, n_ids, state, &list, &options);
        if (r < 0)
                return trouble_failed(&ctl->trouble, r, "Cannot wait");
        do {
                r = wait_once(ctl, list, options, deadline_usec, &answer);
                if (r < 0)
                        r = follow_again(ctl, r, deadline_usec);
        } while (r >= 0 && !answer);
        if ((r == -ENOTCONN || r == -ETIMEDOUT) && clock_now_usec(CLOCK_MONOTONIC) >= deadline_usec)
                return FOLLOW_E_TIME;
        if (r < 0)
                return r;

        if (answer->n_items != 2)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        done = value_boolean(answer->items[0]) || (!state && all_ended(ids, n_ids, answer->items[1]));
        *ret = MOVE(answer->items[1]);
        return done ? 0 : FOLLOW_E_TIME;
}
