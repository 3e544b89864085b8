/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Fault points
 *
 * Places where a test may have bgtd die: BGT_TEST_FAULT=NAME kills it with
 * SIGKILL when it comes by. Nothing happens without that variable.
 */

void fault_point(const char *name);
