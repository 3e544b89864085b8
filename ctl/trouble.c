/* SPDX-License-Identifier: MIT */
#include "ctl/trouble.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "lib/wire/bus-names.h"

static const char *name_of_exit_status(int exit_status) {
        switch (exit_status) {
        case EXIT_USAGE:
                return BUS_ERROR_PREFIX "Usage";
        case EXIT_NOT_REACHABLE:
                return BUS_ERROR_PREFIX "NotReachable";
        case EXIT_NO_SUCH:
                return bus_error_name(BUS_ERROR_NO_SUCH_TASK);
        case EXIT_TIMED_OUT:
        case EXIT_TIME_IS_UP:
                return bus_error_name(BUS_ERROR_TIMED_OUT);
        case EXIT_INVALID:
                return bus_error_name(BUS_ERROR_INVALID_PARAMETER);
        default:
                return bus_error_name(BUS_ERROR_FAILED);
        }
}

static __attribute__((format(printf, 3, 0))) void trouble_fill(Trouble *trouble, int exit_status, const char *format, va_list ap) {
        if (trouble->exit_status != 0)
                return;
        trouble->exit_status = exit_status;
        text_copy(trouble->name, sizeof trouble->name, name_of_exit_status(exit_status));
        (void) vsnprintf(trouble->sentence, sizeof trouble->sentence, format, ap);
}

int trouble_usage(Trouble *trouble, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        trouble_fill(trouble, EXIT_USAGE, format, ap);
        va_end(ap);
        return -EINVAL;
}

int trouble_own(Trouble *trouble, int r, int exit_status, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        trouble_fill(trouble, exit_status, format, ap);
        va_end(ap);
        return r;
}

int trouble_failed(Trouble *trouble, int r, const char *format, ...) {
        size_t length;
        va_list ap;

        if (trouble->exit_status != 0)
                return r;
        va_start(ap, format);
        trouble_fill(trouble, EXIT_FAILED, format, ap);
        va_end(ap);
        length = strlen(trouble->sentence);
        (void) snprintf(trouble->sentence + length, sizeof trouble->sentence - length, ": %s.", strerror(-r));
        return r;
}

int trouble_refused(Trouble *trouble, const char *name, const char *sentence) {
        if (trouble->exit_status != 0)
                return -EREMOTEIO;
        trouble->exit_status = bus_error_exit_status(name);
        text_copy(trouble->name, sizeof trouble->name, name);
        text_copy(trouble->sentence, sizeof trouble->sentence, sentence);
        return -EREMOTEIO;
}
