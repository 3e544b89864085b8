/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/cgroup-tree.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/limits.h"
#include "supervisor/sys/log.h"

/* So many namespaces may stay though nothing is in them. */
#define IDLE_NAMESPACES_MAX 64

/* A group that a process in an uninterruptible sleep keeps from going. */
typedef struct Remnant {
        struct Remnant *next;   /* CgroupTree.remnants */
        CgroupTree *tree;
        int parent_fd;
        int events_fd;
        char name[CGROUP_NAME_MAX];
        sd_event_source *source;
        sd_event_source *more_source;   /* NULL: never needed */
} Remnant;

int cgroup_tree_open(CgroupTree **ret, const char *mount, const char *root, char **ret_sentence) {
        _cleanup_(cgroup_tree_closep) CgroupTree *tree = NULL;
        _cleanup_(freep) char *path = text_format("%s%s", mount, root);
        int r;

        tree = calloc(1, sizeof *tree);
        if (!tree || !path)
                return -ENOMEM;
        tree->root_fd = tree->jobs_fd = tree->hooks_fd = -1;
        tree->mount = strdup(mount);
        tree->root = strdup(root);
        if (!tree->mount || !tree->root)
                return -ENOMEM;

        tree->root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = tree->root_fd < 0 ? result_errno() : 0;
        if (r == 0)
                r = cgroup_open(tree->root_fd, "jobs", true, &tree->jobs_fd);
        if (r == 0)
                r = cgroup_open(tree->root_fd, "hooks", true, &tree->hooks_fd);
        if (r != 0) {
                *ret_sentence = text_format("Cannot use the cgroup %s: %s; bgtd needs a cgroup v2 directory it may write to, see --cgroup-root.",
                                            path, strerror(r < 0 ? -r : EEXIST));
                return r < 0 ? r : -EEXIST;
        }
        *ret = MOVE(tree);
        return 0;
}

static Remnant *remnant_free(Remnant *remnant) {
        sd_event_source_disable_unref(remnant->more_source);
        sd_event_source_disable_unref(remnant->source);
        fd_closep(&remnant->events_fd);
        fd_closep(&remnant->parent_fd);
        free(remnant);
        return NULL;
}

static void namespace_done(Namespace *ns) {
        fd_closep(&ns->fd);
        free(ns->slots);
        free(ns->name);
}

CgroupTree *cgroup_tree_close(CgroupTree *tree) {
        if (!tree)
                return NULL;

        while (tree->remnants) {
                Remnant *remnant = tree->remnants;

                tree->remnants = remnant->next;
                (void) remnant_free(remnant);
        }
        for (size_t i = 0; i < tree->n_namespaces; i++)
                namespace_done(tree->namespaces + i);
        free(tree->namespaces);
        fd_closep(&tree->hooks_fd);
        fd_closep(&tree->jobs_fd);
        fd_closep(&tree->root_fd);
        free(tree->root);
        free(tree->mount);
        free(tree);
        return NULL;
}

static Namespace *namespace_find(CgroupTree *tree, const char *name) {
        for (size_t i = 0; i < tree->n_namespaces; i++)
                if (strcmp(tree->namespaces[i].name, name) == 0)
                        return tree->namespaces + i;
        return NULL;
}

int cgroup_tree_namespace(CgroupTree *tree, const char *name, Namespace **ret) {
        _cleanup_(fd_closep) int fd = -1;
        _cleanup_(freep) char *copy = NULL, *below = NULL;
        Namespace *grown = namespace_find(tree, name);
        int r;

        if (grown) {
                *ret = grown;
                return 0;
        }

        r = result_strict(cgroup_open(tree->jobs_fd, name, true, &fd));
        if (r < 0)
                return r;
        copy = strdup(name);
        below = text_format("jobs/%s", name);
        if (!copy || !below)
                return -ENOMEM;
        r = limits_enable(tree->root_fd, below, NULL);
        if (r < 0)
                (void) log_result(LOG_DEBUG, r, 0, "No accounting in namespace %s", name);
        grown = reallocarray(tree->namespaces, tree->n_namespaces + 1, sizeof *grown);
        if (!grown)
                return -ENOMEM;
        tree->namespaces = grown;
        grown[tree->n_namespaces] = (Namespace) { .name = MOVE(copy), .fd = MOVE_FD(fd) };
        *ret = grown + tree->n_namespaces++;
        return 0;
}

int namespace_mark_slot(Namespace *ns, size_t slot) {
        if (slot >= ns->n_slots) {
                size_t n = (slot + 64) / 64 * 64;
                uint8_t *grown;

                if (slot >= 1 << 20)
                        return -ERANGE;
                grown = realloc(ns->slots, n);
                if (!grown)
                        return -ENOMEM;
                memset(grown + ns->n_slots, 0, n - ns->n_slots);
                ns->slots = grown;
                ns->n_slots = n;
        }
        ns->slots[slot] = 1;
        return 0;
}

int namespace_take_slot(Namespace *ns, size_t *ret) {
        const uint8_t *free_slot = ns->n_slots > 0 ? memchr(ns->slots, 0, ns->n_slots) : NULL;
        size_t slot = free_slot ? (size_t) (free_slot - ns->slots) : ns->n_slots;
        int r;

        r = namespace_mark_slot(ns, slot);
        if (r < 0)
                return r;
        *ret = slot;
        return 0;
}

void cgroup_tree_prune(CgroupTree *tree, const char *namespace) {
        Namespace *ns = namespace_find(tree, namespace);

        if (!ns || tree->n_namespaces <= IDLE_NAMESPACES_MAX || (ns->slots && memchr(ns->slots, 1, ns->n_slots)))
                return;
        /* EBUSY: some group is in it still */
        if (unlinkat(tree->jobs_fd, ns->name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return;
        namespace_done(ns);
        *ns = tree->namespaces[--tree->n_namespaces];
}

void cgroup_tree_release_slot(CgroupTree *tree, const char *namespace, size_t slot) {
        Namespace *ns = namespace_find(tree, namespace);

        if (ns && slot < ns->n_slots)
                ns->slots[slot] = 0;
        cgroup_tree_prune(tree, namespace);
}

void cgroup_tree_task_name(uint64_t id, uint32_t attempt, char ret[static CGROUP_NAME_MAX]) {
        (void) snprintf(ret, CGROUP_NAME_MAX, "%" PRIu64 ".%" PRIu32, id, attempt);
}

char *cgroup_tree_task_path(const CgroupTree *tree, const char *namespace, uint64_t id, uint32_t attempt) {
        return text_format("%s/jobs/%s/%" PRIu64 ".%" PRIu32, strcmp(tree->root, "/") == 0 ? "" : tree->root, namespace, id, attempt);
}

char *cgroup_tree_v1_name(const CgroupTree *tree, const char *namespace, const char *name) {
        const char *last = strrchr(tree->root, '/');

        return text_format("/%s.%s.%s", last && last[1] ? last + 1 : "bgt", namespace, name);
}

/* Not trusted.*, which only an administrator's capability may write: bgtd has given that up. The group's owner may write either. */
static void mark_name(const char *name, char *ret, size_t size) {
        (void) snprintf(ret, size, "user.bgt.%s", name);
}

void cgroup_tree_mark(int fd, const char *name, const char *value) {
        char attribute[64];

        mark_name(name, attribute, sizeof attribute);
        (void) cgroup_mark(fd, attribute, value);
}

char *cgroup_tree_read_mark(int fd, const char *name) {
        char attribute[64], *value = NULL;

        mark_name(name, attribute, sizeof attribute);
        if (cgroup_read_mark(fd, attribute, &value) < 0)
                return NULL;
        return value;
}

static int remnant_on_events(sd_event_source *source, int fd, uint32_t revents, void *userdata);

static int remnant_on_turn(sd_event_source *source, void *userdata) {
        Remnant *remnant = userdata;

        return remnant_on_events(NULL, remnant->events_fd, 0, remnant);
}

/* A task has made thousands of groups in its own: a bounded part of them goes in each turn. */
static int remnant_again(Remnant *remnant) {
        int r;

        if (remnant->more_source)
                return sd_event_source_set_enabled(remnant->more_source, SD_EVENT_ONESHOT);
        r = sd_event_add_defer(sd_event_source_get_event(remnant->source), &remnant->more_source, remnant_on_turn, remnant);
        if (r >= 0)
                (void) sd_event_source_set_priority(remnant->more_source, PRIORITY_FLUSH);
        else
                (void) log_failure(r, "Cannot go on removing the cgroup %s", remnant->name);
        return 0;
}

static int remnant_on_events(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Remnant *remnant = userdata, **link = &remnant->tree->remnants;
        CgroupEvents events;
        int r;

        if (cgroup_events_reread(remnant->events_fd, &events) == 0 && events.populated)
                return 0;
        r = cgroup_remove(remnant->parent_fd, remnant->name);
        if (r == CGROUP_E_MORE)
                return remnant_again(remnant);
        if (r == CGROUP_E_POPULATED)
                return 0;               /* somebody has entered it meanwhile */
        while (*link != remnant)
                link = &(*link)->next;
        *link = remnant->next;
        (void) remnant_free(remnant);
        return 0;
}

static int remnant_new(CgroupTree *tree, sd_event *event, int parent_fd, const char *name, bool empty) {
        _cleanup_(fd_closep) int fd = -1;
        Remnant *remnant;
        int r;

        r = result_strict(cgroup_open(parent_fd, name, false, &fd));
        if (r < 0)
                return r;
        remnant = calloc(1, sizeof *remnant);
        if (!remnant)
                return -ENOMEM;
        remnant->tree = tree;
        remnant->parent_fd = fcntl(parent_fd, F_DUPFD_CLOEXEC, 3);
        remnant->events_fd = cgroup_open_events(fd);
        (void) snprintf(remnant->name, sizeof remnant->name, "%s", name);
        r = remnant->parent_fd < 0 || remnant->events_fd < 0 ? -EMFILE
            : sd_event_add_io(event, &remnant->source, remnant->events_fd, EPOLLPRI, remnant_on_events, remnant);
        if (r < 0) {
                (void) remnant_free(remnant);
                return r;
        }
        (void) sd_event_source_set_description(remnant->source, "cgroup-remnant");
        remnant->next = tree->remnants;
        tree->remnants = remnant;
        return empty ? remnant_again(remnant) : 0;
}

void cgroup_tree_discard(CgroupTree *tree, sd_event *event, int parent_fd, const char *name) {
        int r = cgroup_remove(parent_fd, name);

        if (r == CGROUP_E_POPULATED || r == CGROUP_E_MORE)
                r = remnant_new(tree, event, parent_fd, name, r == CGROUP_E_MORE);
        if (r < 0)
                (void) log_failure(r, "Cannot remove the cgroup %s", name);
}
