/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Clock
 *
 * All times are microseconds in 64 bits. What people see is CLOCK_REALTIME;
 * what is subtracted is CLOCK_MONOTONIC.
 */

#include <stdint.h>
#include <time.h>

#define USEC_PER_MSEC 1000ULL
#define USEC_PER_SEC 1000000ULL
#define USEC_INFINITY UINT64_MAX

uint64_t clock_now_usec(clockid_t id);

/* Identity of this boot, 32 hexadecimal digits and a NUL; negative errno without /proc. */
int clock_boot_id(char ret[static 33]);

static inline uint64_t usec_add(uint64_t a, uint64_t b) {
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

static inline uint64_t usec_sub(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}
