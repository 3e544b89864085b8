/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Types
 *
 * What can be started, and with which parameters.
 */

#include <systemd/sd-bus.h>

int catalogue_answer(sd_bus_message *message, void *userdata, sd_bus_error *error);
