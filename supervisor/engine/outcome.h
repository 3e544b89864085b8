/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Outcomes of requests
 *
 * What a client is told: done, or which of the bus's errors with a sentence.
 * Requests are answered through callbacks, once each, now or later.
 */

#include "lib/wire/bus-names.h"

#define OUTCOME_DONE (-1)

typedef struct Outcome {
        int error;              /* BusError, or OUTCOME_DONE */
        const char *sentence;   /* borrowed for the callback; may say something even if done; "" for nothing */
} Outcome;
