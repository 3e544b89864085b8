/* SPDX-License-Identifier: MIT */
#include "ctl/signal-name.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

#include "lib/base/quantity.h"
#include "lib/base/result.h"

static int checked(uint64_t number) {
        return number > 0 && number <= (uint64_t) SIGRTMAX ? (int) number : -EINVAL;
}

int signal_from_name(const char *name) {
        uint64_t number;

        if (quantity_parse_u64(name, &number) >= 0)
                return checked(number);
        if (strncasecmp(name, "SIG", 3) == 0)
                name += 3;
        if (strncasecmp(name, "RTMIN", 5) == 0) {
                if (!name[5])
                        return SIGRTMIN;
                if (name[5] != '+' || quantity_parse_u64(name + 6, &number) < 0 || number > (uint64_t) (SIGRTMAX - SIGRTMIN))
                        return -EINVAL;
                return SIGRTMIN + (int) number;
        }
        if (strcasecmp(name, "RTMAX") == 0)
                return SIGRTMAX;
        for (int i = 1; i < NSIG; i++) {
                const char *abbreviation = sigabbrev_np(i);

                if (abbreviation && strcasecmp(abbreviation, name) == 0)
                        return i;
        }
        return -EINVAL;
}
