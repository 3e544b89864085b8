/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The link to the keeper
 *
 * One connection, opened again when the keeper has died and its guard has
 * started another. What is sent is queued when the keeper does not read.
 */

#include "lib/wire/keeper-protocol.h"
#include "supervisor/engine/supervisor.h"

/*
 * What the keeper says. @pidfd is the callee's to keep, -1 where there is none.
 * on_known comes once for each child after each (re)connection, then on_known_end.
 */
typedef struct KeeperNews {
        void (*on_known)(const KeeperMessage *message, int pidfd, void *userdata);
        void (*on_known_end)(void *userdata);
        void (*on_spawned)(const KeeperMessage *message, int pidfd, void *userdata);
        void (*on_execed)(const KeeperMessage *message, void *userdata);
        void (*on_ended)(const KeeperMessage *message, void *userdata);
        void (*on_refused)(const KeeperMessage *message, void *userdata);
} KeeperNews;

/*
 * Connects to DIR/keeper. -ENOENT or -ECONNREFUSED: nobody answers. Waits until
 * the keeper has said who it is, not until it has listed its children.
 */
int keeper_link_open(KeeperLink **ret, sd_event *event, const char *runtime_dir, uint64_t epoch,
                     const KeeperNews *news, void *userdata);
KeeperLink *keeper_link_close(KeeperLink *link);
DEFINE_OWNED(KeeperLink *, keeper_link_close)

/* Delivers the list of children, waiting for it: at start, before the loop. */
int keeper_link_wait_known(KeeperLink *link);

uint64_t keeper_link_generation(const KeeperLink *link);
pid_t keeper_link_pid(const KeeperLink *link);

/* Which child. */
typedef struct KeeperKey {
        uint64_t id;
        uint32_t attempt;
        KeeperRole role;
} KeeperKey;

/* Borrow the descriptors. -ENOMEM; a lost connection is no error: the next on_known_end tells what was heard, and until then no spawn is sent. */
int keeper_link_spawn(KeeperLink *link, KeeperKey key, const int *fds, size_t n_fds);
int keeper_link_ack(KeeperLink *link, KeeperKey key);
/* bgtd stops, and has not just died. */
void keeper_link_goodbye(KeeperLink *link);
int keeper_link_bound(KeeperLink *link, KeeperKey key, uint64_t bytes, int output_fd);
