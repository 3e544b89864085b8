/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The runtime directory's lock
 *
 * The keeper and the groups of a runtime directory serve one bgtd: another one,
 * with a state of its own, would take them for strays. Its name differs from that
 * of the state directory's, which may be the same directory.
 */

/* *@ret_fd, the caller's, holds the lock until it is closed. -EBUSY: another bgtd has it, and the sentence, the caller's, names that. */
int runtime_lock_take(const char *runtime_dir, int *ret_fd, char **ret_sentence);
