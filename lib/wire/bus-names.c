/* SPDX-License-Identifier: MIT */
#include "lib/wire/bus-names.h"

#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"

static const struct {
        const char *name;
        int exit_status;
} errors[_BUS_ERROR_MAX] = {
        [BUS_ERROR_FAILED]            = { BUS_ERROR_PREFIX "Failed",           1 },
        [BUS_ERROR_NO_SUCH_TASK]      = { BUS_ERROR_PREFIX "NoSuchTask",       3 },
        [BUS_ERROR_NO_SUCH_TYPE]      = { BUS_ERROR_PREFIX "NoSuchType",       3 },
        [BUS_ERROR_NOT_AVAILABLE]     = { BUS_ERROR_PREFIX "NotAvailable",     4 },
        [BUS_ERROR_ACCESS_DENIED]     = { BUS_ERROR_PREFIX "AccessDenied",     5 },
        [BUS_ERROR_TIMED_OUT]         = { BUS_ERROR_PREFIX "TimedOut",         6 },
        [BUS_ERROR_QUEUE_FULL]        = { BUS_ERROR_PREFIX "QueueFull",        7 },
        [BUS_ERROR_INVALID_PARAMETER] = { BUS_ERROR_PREFIX "InvalidParameter", 8 },
        [BUS_ERROR_INVALID_OPTION]    = { BUS_ERROR_PREFIX "InvalidOption",    8 },
        [BUS_ERROR_NOT_RUNNABLE]      = { BUS_ERROR_PREFIX "NotRunnable",      9 },
        [BUS_ERROR_NO_CONTROLLER]     = { BUS_ERROR_PREFIX "NoController",     1 },
        [BUS_ERROR_STORE]             = { BUS_ERROR_PREFIX "Store",            1 },
};

const char *bus_error_name(BusError error) {
        assert(error >= 0 && error < _BUS_ERROR_MAX);
        return errors[error].name;
}

int bus_error_exit_status(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(errors); i++)
                if (strcmp(errors[i].name, name) == 0)
                        return errors[i].exit_status;
        return 1;
}
