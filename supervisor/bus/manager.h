/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The interface org.bgt1.Manager
 */

#include <systemd/sd-bus.h>

#include "supervisor/bus/link.h"

int manager_export(Link *link, sd_bus *connection);
