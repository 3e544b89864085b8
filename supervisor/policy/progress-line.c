/* SPDX-License-Identifier: MIT */
#include "supervisor/policy/progress-line.h"

#include <inttypes.h>

#include "lib/base/result.h"
#include "lib/base/text.h"

/* floor(100 * current / total) without overflow, not clamped. */
static int64_t percent_floor(int64_t current, int64_t total) {
        __int128 quotient, hundred = (__int128) current * 100;

        quotient = hundred / total;
        if (hundred % total != 0 && (hundred < 0) != (total < 0))
                quotient--;
        if (quotient > INT64_MAX)
                return INT64_MAX;
        return quotient < INT64_MIN ? INT64_MIN : (int64_t) quotient;
}

int progress_line(const Progress *progress, char **ret) {
        const char *units = progress->units && progress->units[0] ? progress->units : NULL;
        char *line;

        if (progress->total != 0 && units)
                line = text_format("%" PRId64 " of %" PRId64 " %s", progress->current, progress->total, units);
        else if (progress->total != 0)
                line = text_format("%" PRId64 "%%", percent_floor(progress->current, progress->total));
        else if (progress->current != 0 && units)
                line = text_format("%" PRId64 " %s", progress->current, units);
        else {
                *ret = NULL;
                return 0;
        }

        if (!line)
                return -ENOMEM;
        *ret = line;
        return 0;
}

int progress_percent(int64_t current, int64_t total) {
        int64_t percent;

        if (total <= 0)
                return 0;
        percent = percent_floor(current, total);
        if (percent < 0)
                return 0;
        return percent > 100 ? 100 : (int) percent;
}

bool progress_rate(const Progress *progress, uint64_t run_usec, double *ret) {
        if (run_usec < USEC_PER_SEC || progress->current <= 0)
                return false;
        *ret = (double) progress->current * (double) USEC_PER_SEC / (double) run_usec;
        return true;
}

bool progress_eta(const Progress *progress, uint64_t run_usec, uint64_t now_usec, uint64_t *ret_usec) {
        double rate, left_usec;

        if (progress->total <= progress->current || !progress_rate(progress, run_usec, &rate))
                return false;
        left_usec = (double) (progress->total - progress->current) / rate * (double) USEC_PER_SEC;
        if (left_usec > 100.0 * 365 * 86400 * (double) USEC_PER_SEC)
                return false;
        *ret_usec = now_usec + (uint64_t) left_usec;
        return true;
}
