/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/registry.h"

#include <search.h>
#include <string.h>

#include "lib/base/result.h"

typedef struct Observer {
        RegistryOnChanged on_changed;
        void *userdata;
} Observer;

#define OBSERVERS_MAX 4

struct Registry {
        void *root;             /* tsearch(3) tree of Task by id */
        size_t n_tasks;
        Task **list;            /* what registry_list() gave out */
        size_t list_allocated;
        Observer observers[OBSERVERS_MAX];
        size_t n_observers;
};

static int task_compare(const void *a, const void *b) {
        const Task *x = a, *y = b;

        return (x->id > y->id) - (x->id < y->id);
}

int registry_new(Registry **ret) {
        Registry *registry = calloc(1, sizeof *registry);

        if (!registry)
                return -ENOMEM;
        *ret = registry;
        return 0;
}

static void registry_free_task(void *node) {
        (void) task_free(node);
}

Registry *registry_free(Registry *registry) {
        if (!registry)
                return NULL;
        tdestroy(registry->root, registry_free_task);
        free(registry->list);
        free(registry);
        return NULL;
}

int registry_take(Registry *registry, Task *task) {
        Task **node = tsearch(task, &registry->root, task_compare);

        if (!node)
                return -ENOMEM;
        if (*node != task)
                return -EEXIST;
        registry->n_tasks++;
        return 0;
}

Task *registry_find(const Registry *registry, uint64_t id) {
        const Task key = { .id = id };
        Task **node = tfind(&key, &registry->root, task_compare);

        return node ? *node : NULL;
}

Task *registry_remove(Registry *registry, Task *task) {
        if (tdelete(task, &registry->root, task_compare))
                registry->n_tasks--;
        return task;
}

size_t registry_size(const Registry *registry) {
        return registry->n_tasks;
}

typedef struct Collect {
        Task **list;
        size_t n;
} Collect;

static void collect_node(const void *node, VISIT which, void *closure) {
        Collect *collect = closure;

        if (which == postorder || which == leaf)
                collect->list[collect->n++] = *(Task *const *) node;
}

int registry_list(Registry *registry, Task ***ret, size_t *ret_n) {
        Collect collect = {};

        if (registry->list_allocated < registry->n_tasks) {
                Task **grown = reallocarray(registry->list, registry->n_tasks * 2, sizeof *grown);

                if (!grown)
                        return -ENOMEM;
                registry->list = grown;
                registry->list_allocated = registry->n_tasks * 2;
        }
        collect.list = registry->list;
        twalk_r(registry->root, collect_node, &collect);
        *ret = registry->list;
        *ret_n = collect.n;
        return 0;
}

int registry_observe(Registry *registry, RegistryOnChanged on_changed, void *userdata) {
        if (registry->n_observers >= OBSERVERS_MAX)
                return -ENOSPC;
        registry->observers[registry->n_observers++] = (Observer) { on_changed, userdata };
        return 0;
}

void registry_unobserve(Registry *registry, const void *userdata) {
        size_t n = 0;

        for (size_t i = 0; i < registry->n_observers; i++)
                if (registry->observers[i].userdata != userdata)
                        registry->observers[n++] = registry->observers[i];
        registry->n_observers = n;
}

void registry_changed(Registry *registry, Task *task) {
        for (size_t i = 0; i < registry->n_observers; i++)
                registry->observers[i].on_changed(task, registry->observers[i].userdata);
}
