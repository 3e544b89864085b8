/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The tree of cgroups
 *
 *      R/keeper                        guard and keeper
 *      R/jobs/NAMESPACE/ID.ATTEMPT     one fresh group for each attempt, never used again
 *      R/hooks/SERIAL                  helpers and hooks
 */

#include "supervisor/engine/supervisor.h"

#define CGROUP_NAME_MAX 40

/* A namespace is a cgroup. */
typedef struct Namespace {
        char *name;
        int fd;
        uint8_t *slots;                 /* which BGT_SLOT numbers are taken, a byte each */
        size_t n_slots;
} Namespace;

struct CgroupTree {
        char *mount;                    /* where the unified hierarchy is mounted */
        char *root;                     /* R as in /proc/PID/cgroup */
        int root_fd, jobs_fd, hooks_fd;
        Namespace *namespaces;
        size_t n_namespaces;
        struct Remnant *remnants;
};

/* @root as in /proc/PID/cgroup. On failure *@ret_sentence, the caller's, says what is wrong. */
int cgroup_tree_open(CgroupTree **ret, const char *mount, const char *root, char **ret_sentence);
CgroupTree *cgroup_tree_close(CgroupTree *tree);
DEFINE_OWNED(CgroupTree *, cgroup_tree_close)

/* Borrowed until the next call; made if it does not exist yet. */
int cgroup_tree_namespace(CgroupTree *tree, const char *name, Namespace **ret);

int namespace_take_slot(Namespace *ns, size_t *ret);
/* After a restart: this one is taken. */
int namespace_mark_slot(Namespace *ns, size_t slot);

/* The slot of a task that is gone from there. */
void cgroup_tree_release_slot(CgroupTree *tree, const char *namespace, size_t slot);
/* Lets go of a namespace that nothing is in, if there are many: anybody may name as many as he likes. */
void cgroup_tree_prune(CgroupTree *tree, const char *namespace);

void cgroup_tree_task_name(uint64_t id, uint32_t attempt, char ret[static CGROUP_NAME_MAX]);
/* As in /proc/PID/cgroup; the caller's; NULL without memory. */
char *cgroup_tree_task_path(const CgroupTree *tree, const char *namespace, uint64_t id, uint32_t attempt);

/* What a task's group is called in v1 hierarchies, where there is one group and no tree; the caller's; NULL without memory. */
char *cgroup_tree_v1_name(const CgroupTree *tree, const char *namespace, const char *name);

/* Marks of bgt on a group, by their short name. Failures are tolerated: nothing depends on a mark alone. */
void cgroup_tree_mark(int fd, const char *name, const char *value);
char *cgroup_tree_read_mark(int fd, const char *name);

/*
 * Removes a group that should be empty. One that is not yet is remembered and
 * removed when it empties.
 */
void cgroup_tree_discard(CgroupTree *tree, sd_event *event, int parent_fd, const char *name);
