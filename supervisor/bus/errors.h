/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Errors on the bus
 *
 * What a handler returns when it refuses: a negative number, with @error
 * filled, from which sd-bus makes the answer.
 */

#include <systemd/sd-bus.h>

#include "lib/wire/bus-names.h"

/* The request makes no sense in itself: org.freedesktop.DBus.Error.InvalidArgs. */
int error_set_invalid(sd_bus_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* More than one client may have at once: org.freedesktop.DBus.Error.LimitsExceeded. */
int error_set_limit(sd_bus_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One of ours. */
int error_set(sd_bus_error *error, BusError which, const char *format, ...) __attribute__((format(printf, 3, 4)));
