/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Threads
 *
 * The store's own: with every signal blocked, so that those of the process
 * reach its loop, and a name that shows in `ps -L`.
 */

#include <pthread.h>

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *userdata);

/* Tells the loop; never waits, and if it has been told already that is enough. */
void thread_poke(int event_fd);
