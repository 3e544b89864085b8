/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Status
 */

#include <systemd/sd-bus.h>

int status_answer(sd_bus_message *message, void *userdata, sd_bus_error *error);
