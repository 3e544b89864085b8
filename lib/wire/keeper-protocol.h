/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The keeper's protocol
 *
 * What bgtd and bgt-keeper say to each other on a sequenced-packet socket. Each
 * packet is one KeeperMessage and the descriptors listed with its kind; both
 * sides come from one build, so there is one version and no negotiation.
 *
 *      bgtd                                   keeper
 *      HELLO epoch                        ->
 *                                         <-  WELCOME generation pid          (or REFUSED error)
 *                                         <-  KNOWN ...       [pidfd]          once per child it holds
 *                                         <-  KNOWN_END
 *      SPAWN key  [spec cgroup in out err extra...]
 *                                         ->
 *                                         <-  SPAWNED key pid [pidfd]
 *                                         <-  EXECED key
 *                                         <-  ENDED key code status error step
 *      ACK key                            ->                                  forgotten, reaped
 *      BOUND key bytes  [output]          ->                                  keep this file bounded
 *      GOODBYE                            ->                                  bgtd stops and has not just died
 *
 * A key (id, attempt, role) is one child. SPAWNED, EXECED and ENDED of a key
 * come in this order, each at most once a connection; EXECED is left out when
 * the command could not be executed or its end came first. What KNOWN has said
 * is not said again. A child stays known until ACK, across any number of
 * connections and a death of the keeper, so nothing is lost while bgtd is away.
 *
 * What a keeper that has died does not leave to the next one are the BOUNDs:
 * bgtd says them again for each KNOWN. Orders that were under way on an older
 * connection when HELLO came are dropped, an ACK too: what was not carried out
 * shows in KNOWN.
 *
 * The keeper closes its copies of a SPAWN's descriptors, which may flush them:
 * no file of a file system that hangs may be sent, as those of FUSE and NFS.
 */

#include <stdint.h>

#define KEEPER_PROTOCOL_VERSION 1
#define KEEPER_SPEC_BYTES_MAX (8U << 20)
#define KEEPER_CHILDREN_MAX 32768

typedef enum KeeperKind {
        KEEPER_HELLO = 1,       /* -> epoch */
        KEEPER_WELCOME,         /* <- generation, epoch, pid of the keeper */
        KEEPER_REFUSED,         /* <- error: -ESTALE an older epoch, -EPROTO another version, -EEXIST, -ENOSPC, -EBADMSG with the key of a SPAWN */
        KEEPER_KNOWN,           /* <- key, state, pid, code, status, error, step [pidfd, unless the child was never made or is gone] */
        KEEPER_KNOWN_END,       /* <- */
        KEEPER_SPAWN,           /* -> key [spec, cgroup, stdin, stdout, stderr, extra...] */
        KEEPER_SPAWNED,         /* <- key, pid [pidfd] */
        KEEPER_EXECED,          /* <- key */
        KEEPER_ENDED,           /* <- key, pid, code, status; error and step if it never was the command */
        KEEPER_ACK,             /* -> key */
        KEEPER_BOUND,           /* -> key, bytes [output] */
        KEEPER_GOODBYE,         /* -> bgtd stops: a transient keeper may go when nothing is left */
        _KEEPER_KIND_MAX,
} KeeperKind;

typedef enum KeeperRole {
        KEEPER_ROLE_TASK,       /* the main process of an attempt */
        KEEPER_ROLE_HELPER,     /* hooks and progress readers: the id is bgtd's own count, the attempt its epoch's low 32 bits */
        _KEEPER_ROLE_MAX,
} KeeperRole;

/* How far a child has come; only ever grows. */
typedef enum KeeperState {
        KEEPER_CHILD_FREE,
        KEEPER_CHILD_CLAIMED,   /* clone may or may not have happened: the pid tells */
        KEEPER_CHILD_SPAWNED,   /* there is a process; it may still be on its way to exec */
        KEEPER_CHILD_EXECED,
        KEEPER_CHILD_ENDED,
} KeeperState;

/* What the child was about when it failed before exec. */
typedef enum SpawnStep {
        SPAWN_STEP_NONE,
        SPAWN_STEP_CLONE,
        SPAWN_STEP_SPEC,        /* the description could not be used */
        SPAWN_STEP_CGROUP,      /* joining a v1 group */
        SPAWN_STEP_STDIO,
        SPAWN_STEP_LIMITS,
        SPAWN_STEP_MOUNTS,
        SPAWN_STEP_IDENTITY,    /* groups, gid, uid */
        SPAWN_STEP_DIRECTORY,
        SPAWN_STEP_EXEC,
        SPAWN_STEP_LOST,        /* the keeper died before the command was executed; the child was killed */
        _SPAWN_STEP_MAX,
} SpawnStep;

typedef struct KeeperMessage {
        uint32_t version;       /* KEEPER_PROTOCOL_VERSION */
        uint32_t kind;          /* KeeperKind */
        uint64_t id;            /* the key: id, attempt, role */
        uint32_t attempt;
        uint32_t role;
        uint64_t epoch;         /* HELLO, WELCOME: which bgtd, counted up at each of its starts */
        uint64_t generation;    /* WELCOME: random, one per guard: what it does not know it never started */
        uint64_t bytes;         /* BOUND: how much of the file is kept */
        int32_t pid;
        uint32_t state;         /* KNOWN: KeeperState */
        int32_t code;           /* as siginfo_t.si_code: CLD_EXITED, CLD_KILLED, CLD_DUMPED */
        int32_t status;         /* as siginfo_t.si_status */
        int32_t error;          /* positive errno of @step, 0 if it was executed */
        uint32_t step;          /* SpawnStep */
} KeeperMessage;

/* `chdir`, `exec`: for sentences. */
const char *spawn_step_to_string(SpawnStep step);
