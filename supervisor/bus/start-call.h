/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Start and StartCommand
 */

#include <systemd/sd-bus.h>

int start_answer(sd_bus_message *message, void *userdata, sd_bus_error *error);
int start_command_answer(sd_bus_message *message, void *userdata, sd_bus_error *error);
