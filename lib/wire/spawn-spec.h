/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Spawn descriptions
 *
 * Everything the keeper needs to know to make one process, in a sealed memfd:
 *
 *      SpawnSpecHeader | groups: uint32 each | strings, each with its NUL:
 *      directory, argv..., environment..., attach...
 *
 * The keeper believes none of it: a view is only made of what has been checked
 * from end to end.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/owned.h"

#define SPAWN_SPEC_MAGIC 0x62677453U
#define SPAWN_GROUPS_MAX 65536U

enum {
        SPAWN_CHANGE_IDENTITY = 1 << 0,         /* setgroups, setgid, setuid: off in user mode */
        SPAWN_CGROUP_READ_ONLY = 1 << 1,        /* own mount namespace in which the cgroup trees are read-only, where the kernel allows it */
        _SPAWN_FLAGS_ALL = (1 << 2) - 1,
};

typedef struct SpawnSpec {
        uid_t uid;
        gid_t gid;
        const gid_t *groups;
        size_t n_groups;
        mode_t umask;
        uint32_t flags;
        const char *directory;
        char *const *argv;              /* argv[0] is looked up in PATH of @environment unless it holds a slash */
        char *const *environment;
        char *const *attach;            /* cgroup.procs files of v1 groups that the child writes itself into */
        const char *cgroup_mount;       /* where SPAWN_CGROUP_READ_ONLY applies, "" for nowhere */
} SpawnSpec;

/* A sealed memfd, the caller's. -E2BIG over KEEPER_SPEC_BYTES_MAX, -EINVAL without argv[0]. */
int spawn_spec_encode(const SpawnSpec *spec);

/* A checked description; its strings point into the mapping it owns. */
typedef struct SpawnSpecView {
        SpawnSpec spec;
        void *mapping;
        size_t mapping_size;
} SpawnSpecView;

/*
 * Borrows @memfd. -EBADMSG for anything that is not a whole, sealed, well-formed
 * description; *@ret is empty then.
 */
int spawn_spec_decode(int memfd, SpawnSpecView *ret);
void spawn_spec_view_done(SpawnSpecView *view);
