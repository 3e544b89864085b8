/* SPDX-License-Identifier: MIT */
#pragma once

/* `HUP`, `SIGHUP`, `sighup`, `1`, `RTMIN+3`; -EINVAL for what is no signal that can be sent. */
int signal_from_name(const char *name);
