/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Driver
 *
 * On a private connection there is no broker; but most clients begin by
 * greeting one. This answers in its place, as far as busctl, gdbus, dbus-send,
 * the usual libraries and browsers' bridges ask.
 */

#include <systemd/sd-bus.h>

#include "supervisor/bus/link.h"

/* How bgtd and its one client are called on a private connection. */
#define DRIVER_OWN_NAME ":1.0"
#define DRIVER_CLIENT_NAME ":1.1"

int driver_export(Link *link, sd_bus *connection);
