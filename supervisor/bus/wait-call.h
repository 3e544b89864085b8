/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Wait
 */

#include <systemd/sd-bus.h>

int wait_answer(sd_bus_message *message, void *userdata, sd_bus_error *error);
