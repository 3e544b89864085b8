/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/errand.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/result.h"

typedef struct Errand {
        struct Errand *next;            /* Supervisor.errands */
        Supervisor *sv;
        uint64_t id;
        bool has_caller;
        Caller caller;
        gid_t *groups;                  /* the caller's, copied */
        ErrandOnRead on_read;
        void *userdata;
        max_align_t closure[];
} Errand;

static Errand *errand_free(Errand *errand) {
        Errand **link = &errand->sv->errands;

        while (*link && *link != errand)
                link = &(*link)->next;
        if (*link)
                *link = errand->next;
        free(errand->groups);
        free(errand);
        return NULL;
}

static void errand_on_read(int r, Task **tasks, size_t n_tasks, void *userdata) {
        Errand *errand = userdata;

        if (errand->on_read)
                errand->on_read(r == 0 && n_tasks > 0 ? tasks[0] : NULL, r, errand->id, errand->has_caller ? &errand->caller : NULL,
                                errand->closure, errand->userdata);
        for (size_t i = 0; i < n_tasks; i++)
                (void) task_free(tasks[i]);
        free(tasks);
        (void) errand_free(errand);
}

int errand_run(Supervisor *sv, const Caller *caller, uint64_t id, ErrandOnRead on_read, const void *closure, size_t size, void *userdata) {
        const StoreFilter filter = { .ids = &id, .n_ids = 1 };
        Errand *errand = calloc(1, sizeof *errand + size);
        int r;

        if (!errand)
                return -ENOMEM;
        errand->next = sv->errands;
        sv->errands = errand;
        errand->sv = sv;
        errand->id = id;
        errand->on_read = on_read;
        errand->userdata = userdata;
        memcpy(errand->closure, closure, size);
        if (caller) {
                errand->has_caller = true;
                errand->caller = *caller;
                errand->groups = malloc(caller->n_groups * sizeof(gid_t) + 1);
                if (!errand->groups) {
                        (void) errand_free(errand);
                        return -ENOMEM;
                }
                memcpy(errand->groups, caller->groups, caller->n_groups * sizeof(gid_t));
                errand->caller.groups = errand->groups;
        }

        r = store_read_ended(sv->store, &filter, errand_on_read, errand);
        if (r < 0)
                (void) errand_free(errand);
        return r;
}

void errand_forget(Supervisor *sv, void *userdata) {
        for (Errand *errand = sv->errands; errand; errand = errand->next)
                if (errand->userdata == userdata)
                        errand->on_read = NULL;
}
