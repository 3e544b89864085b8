/* SPDX-License-Identifier: MIT */
#include "ctl/follow.h"
#include "ctl/selected.h"
#include "ctl/verbs.h"
#include "ctl/watcher.h"

const Option watch_options[] = {
        { "once",    .help = "print one frame" },
        { "timeout", .value = "SEC", .help = "watch no longer than this" },
        {}
};

int verb_watch(Ctl *ctl) {
        _cleanup_(freep) uint64_t *ids = NULL;
        uint64_t deadline = 0;
        size_t n;
        int r;

        r = follow_deadline(ctl, &deadline);
        if (r < 0)
                return r;
        r = selected_ids(ctl, false, &ids, &n);
        if (r < 0)
                return r;
        return watcher_run(ctl, ids, n, deadline, arguments_has(&ctl->arguments, "once"));
}
