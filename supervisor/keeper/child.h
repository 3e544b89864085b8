/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a child does between clone and exec. It may hang in each of its steps
 * without anybody else noticing; its first failure goes to @entry.
 *
 * It allocates nothing, and it is not dumpable from the change of user to the
 * exec, so that its user's other processes get at nothing it has of ours.
 */

#include "supervisor/keeper/spawn.h"

/* @life_fd is close-on-exec: its end is the word to the keeper. */
_Noreturn void child_run(const SpawnOrder *order, Entry *entry, int life_fd);
