/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Ownership
 *
 * A local that owns something says so where it is declared, and gives it up
 * by name where it is handed on. Nothing else in the tree frees on an error
 * path, so an early `return` is always safe.
 */

#include <stdlib.h>

#define _cleanup_(fn) __attribute__((__cleanup__(fn)))

/* DEFINE_OWNED(Task *, task_free) makes task_freep() for use with _cleanup_. */
#define DEFINE_OWNED(type, fn) \
        static inline void fn##p(type *p) { \
                if (*p) \
                        (void) fn(*p); \
        }

/* Moves ownership out of a variable, leaving it empty. */
#define MOVE(p)  __extension__({ __typeof__(p) _v = (p); (p) = NULL; _v; })
#define MOVE_FD(p)  __extension__({ int _v = (p); (p) = -1; _v; })

#define ELEMENTSOF(x)  (sizeof(x) / sizeof((x)[0]))

static inline void freep(void *p) {
        free(*(void **) p);
}
