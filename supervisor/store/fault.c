/* SPDX-License-Identifier: MIT */
#include "supervisor/store/fault.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"

#define GATE_POLL_USEC 10000

int fault_init(Fault *fault) {
        const char *delay = getenv("BGT_TEST_COMMIT_DELAY_MSEC"), *gate = getenv("BGT_TEST_COMMIT_GATE");
        uint64_t msec = 0;
        int r;

        if (delay) {
                r = quantity_parse_u64(delay, &msec);
                if (r < 0)
                        return r;
        }
        fault->delay_usec = msec * USEC_PER_MSEC;
        fault->gate = gate ? strdup(gate) : NULL;
        return gate && !fault->gate ? -ENOMEM : 0;
}

void fault_done(Fault *fault) {
        free(fault->gate);
        *fault = (Fault) {};
}

void fault_before_commit(const Fault *fault) {
        if (fault->delay_usec > 0)
                (void) usleep((useconds_t) fault->delay_usec);
        while (fault->gate && access(fault->gate, F_OK) == 0)
                (void) usleep(GATE_POLL_USEC);
}
