/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Logs
 */

#include <systemd/sd-bus.h>

int logs_answer(sd_bus_message *message, void *userdata, sd_bus_error *error);
