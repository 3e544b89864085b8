/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/faults.h"

#include <signal.h>
#include <stdlib.h>

#include "lib/base/text.h"

void fault_point(const char *name) {
        const char *wanted = getenv("BGT_TEST_FAULT");

        if (wanted && text_equal(wanted, name))
                (void) raise(SIGKILL);
}
