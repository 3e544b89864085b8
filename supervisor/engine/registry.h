/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Registry
 *
 * The tasks in memory: all that have not ended, by id. Who wants to hear of
 * changes observes it, so that news goes up without a call upwards.
 */

#include <stddef.h>
#include <stdint.h>

#include "lib/base/owned.h"
#include "supervisor/model/task.h"

typedef struct Registry Registry;

int registry_new(Registry **ret);
/* Frees the tasks, too. */
Registry *registry_free(Registry *registry);
DEFINE_OWNED(Registry *, registry_free)

/* Takes @task on success. -EEXIST: there is one of that id. */
int registry_take(Registry *registry, Task *task);
/* Borrowed; NULL: none of that id. */
Task *registry_find(const Registry *registry, uint64_t id);
/* Gives the task back to the caller. */
Task *registry_remove(Registry *registry, Task *task);
size_t registry_size(const Registry *registry);

/* All tasks in order of id: borrowed, the array is the registry's and valid until the next change. */
int registry_list(Registry *registry, Task ***ret, size_t *ret_n);

typedef void (*RegistryOnChanged)(Task *task, void *userdata);
int registry_observe(Registry *registry, RegistryOnChanged on_changed, void *userdata);
/* Every observer with this userdata hears no more. */
void registry_unobserve(Registry *registry, const void *userdata);
/* Tells the observers: something of @task that people see has changed. */
void registry_changed(Registry *registry, Task *task);
