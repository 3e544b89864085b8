/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Results
 *
 *   r < 0   failure, a negative errno. The caller passes it up unchanged; only
 *           the code that catches it logs it, once.
 *   r == 0  done.
 *   r > 0   an outcome the called function lists by name (CGROUP_E_...). The
 *           direct caller handles it. It never travels further.
 */

#include <assert.h>
#include <errno.h>

/* Turns the errno of a call that just failed into a result. */
static inline int result_errno(void) {
        assert(errno > 0);
        return -errno;
}

/* Passes on a result from a function whose outcomes are not expected here. */
static inline int result_strict(int r) {
        return r > 0 ? -ENOTRECOVERABLE : r;
}
