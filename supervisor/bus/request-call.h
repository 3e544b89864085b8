/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Pause, Resume, Cancel and Signal
 *
 * For many tasks at once, with an outcome for each, or for one, whose failure
 * is an error.
 */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

#include "supervisor/bus/peer.h"
#include "supervisor/engine/control.h"

#define IDS_MAX 10000

/* at: borrowed from the message. */
int ids_read(sd_bus_message *message, const uint64_t **ret_ids, size_t *ret_n_ids, sd_bus_error *error);
/* The same sorted, each once; the caller's. */
int ids_unique(const uint64_t *ids, size_t n_ids, uint64_t **ret, size_t *ret_n);

/* What follows the ids, or the single task: i for CONTROL_SIGNAL, and the options. */
int request_read_options(sd_bus_message *message, ControlVerb verb, ControlOptions *ret, sd_bus_error *error);

typedef struct Request {
        ControlVerb verb;
        ControlOptions options;
        const uint64_t *ids;            /* the message's, unless it is one */
        size_t n_ids;
        bool single;                    /* answer for one task */
} Request;

int request_answer(Peer *peer, sd_bus_message *message, const Request *request, sd_bus_error *error);
