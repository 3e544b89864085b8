/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Logs in files
 *
 * Standard input is the file a task writes its output to. The task owns it and
 * may have made of it what it likes: exabytes of nothing, holes everywhere,
 * shorter than a moment ago. Its oldest blocks are punched out when it passes
 * its bound, also while it is being read. So holes are never read, only data
 * is, and of data no more than there was when reading began, unless somebody
 * follows.
 */

#include "supervisor/logs/stream.h"

int file_log_stream(const StreamOptions *options);
