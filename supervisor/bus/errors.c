/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/errors.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "supervisor/bus/utf8.h"

static int error_setv(sd_bus_error *error, const char *name, const char *format, va_list arguments)
        __attribute__((format(printf, 3, 0)));

static int error_setv(sd_bus_error *error, const char *name, const char *format, va_list arguments) {
        _cleanup_(freep) char *made = NULL, *storage = NULL;
        const char *sentence;

        if (vasprintf(&made, format, arguments) < 0) {
                made = NULL;
                return -ENOMEM;
        }
        sentence = utf8_or_made(made, &storage);
        if (!sentence)
                return -ENOMEM;
        /* What this returns is by name, and the library does not know all names. */
        (void) sd_bus_error_set(error, name, sentence);
        return -EBADMSG;
}

int error_set_invalid(sd_bus_error *error, const char *format, ...) {
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = error_setv(error, SD_BUS_ERROR_INVALID_ARGS, format, arguments);
        va_end(arguments);
        return r;
}

int error_set_limit(sd_bus_error *error, const char *format, ...) {
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = error_setv(error, SD_BUS_ERROR_LIMITS_EXCEEDED, format, arguments);
        va_end(arguments);
        return r;
}

int error_set(sd_bus_error *error, BusError which, const char *format, ...) {
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = error_setv(error, bus_error_name(which), format, arguments);
        va_end(arguments);
        return r;
}
