/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * News
 *
 * The signal Changed, for those who have subscribed: many changes of a task in
 * one turn of the loop make one signal, its end makes one of its own.
 */

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct Bus;

typedef struct Announcer {
        struct Bus *bus;
        uint64_t *changed;              /* ids, some more than once */
        size_t n_changed, n_allocated;
        sd_event_source *source;        /* last in a turn */
} Announcer;

int announcer_open(Announcer *announcer, struct Bus *bus);
void announcer_close(Announcer *announcer);
