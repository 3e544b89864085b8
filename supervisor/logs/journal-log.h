/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Logs in the journal
 *
 * What a task wrote is what journald has under its identifier, from processes
 * of its user or root, whom the kernel named to journald, or from within the
 * units of bgtd. Anybody may write lines under any identifier; those of others
 * do not count. Processes that live shortly have no unit in the journal, so the
 * unit alone would lose their lines.
 */

#include <sys/types.h>

#include "supervisor/logs/stream.h"

int journal_log_stream(const char *identifier, uid_t uid, const StreamOptions *options);
