/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A real keeper under test
 *
 * bgt-keeper from the build tree, in a cgroup and a runtime directory of its
 * own, and this program as its brain. Every wait is for an event and ends the
 * test when it takes too long. One at a time.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/packet.h"
#include "lib/wire/keeper-protocol.h"
#include "lib/wire/spawn-spec.h"

#define KEEPER_DEADLINE_MSEC 60000      /* an emulated machine with a thousand processes is slow */

typedef struct TestKeeper {
        char *mount;            /* of cgroup v2 */
        char *root;             /* R */
        char *directory;        /* its runtime directory */
        bool transient, deny_holes, share_mounts;
        pid_t guard;
        int guard_pidfd;        /* -1: has ended and been reaped */
        pid_t keeper;           /* as WELCOME said */
        uint64_t generation;
        int fd;                 /* the brain's connection */
        uint64_t epoch;
        uint64_t last_id;
        unsigned n_groups;
} TestKeeper;

typedef struct Received {
        KeeperMessage message;
        int fd;                 /* -1: none came with it */
} Received;

/* What a spawn may have besides its command; all fields may be left empty. */
typedef struct SpawnExtras {
        const char *directory;
        const char *attach;
        char *const *environment;
        uid_t uid;              /* with gid 65534: 0 leaves the identity as it is */
        unsigned umask;
        bool cgroup_read_only;
        int in, out;            /* 0: /dev/null */
        int extra;              /* 0: none */
        const char *group;      /* 0: a fresh one */
} SpawnExtras;

/* NULL, or the reason why nothing can be tested here. */
const char *test_keeper_missing(void);

int test_keeper_setup(void **state);
int test_keeper_teardown(void **state);

/* Setup starts it already; these are for starting it otherwise. */
void test_keeper_start(TestKeeper *k);
/* Starts another one on the same directory and returns how it exits. */
int test_keeper_start_second(TestKeeper *k);
/* Waits for the guard to exit by itself. */
int test_keeper_await_exit(TestKeeper *k);
/* Starts it anew, with what has been changed in @k, and says HELLO. */
void test_keeper_restart(TestKeeper *k);
/* Kills guard and keeper with -9, once WELCOME has said who that is. */
void test_keeper_kill_all(TestKeeper *k);
/* Kills the keeper with -9 and waits until the connection is over. */
void test_keeper_kill_keeper(TestKeeper *k);

int test_keeper_connect(const TestKeeper *k);
/* A new connection, HELLO with the next epoch, and everything until KNOWN_END. Returns the number of KNOWN. */
size_t test_keeper_hello(TestKeeper *k);
/* The same, and the first of the KNOWN themselves. */
size_t test_keeper_hello_all(TestKeeper *k, Received *ret, size_t n_max);
/* The same, and the KNOWN of this id; fails without it. */
Received test_keeper_hello_known(TestKeeper *k, uint64_t id);
void test_keeper_hang_up(TestKeeper *k);

void test_keeper_send(TestKeeper *k, const KeeperMessage *message, const int *fds, size_t n_fds);
Received test_keeper_receive(TestKeeper *k);
/* The next message must be of this kind and about this id. */
Received test_keeper_expect(TestKeeper *k, KeeperKind kind, uint64_t id);
/* The ENDED of this id; SPAWNED and EXECED may come before. */
KeeperMessage test_keeper_await_end(TestKeeper *k, uint64_t id);
/* Nothing comes for so long. */
bool test_keeper_is_silent(TestKeeper *k, int msec);
/* All that was sent has been carried out. */
void test_keeper_sync(TestKeeper *k);
/* The other side has closed this connection; what it may have said before is dropped. */
bool test_keeper_is_hung_up(int fd);

KeeperMessage test_keeper_message(KeeperKind kind, uint64_t id);
void test_keeper_ack(TestKeeper *k, uint64_t id);
/* A fresh group in R/jobs; *@ret_fd is its directory. The path is the caller's. */
char *test_keeper_group(TestKeeper *k, int *ret_fd);

/* Returns the id. */
uint64_t test_keeper_spawn(TestKeeper *k, const SpawnExtras *extras, char *const *argv);
#define SPAWN(k, extras, ...) test_keeper_spawn(k, extras, (char *const []) { __VA_ARGS__, NULL })
#define SPAWN_SHELL(k, extras, script) SPAWN(k, extras, (char *) "/bin/sh", (char *) "-c", (char *) (script))

/* A child that runs until told: its standard input ends. */
typedef struct Leash {
        int in, end;
} Leash;

Leash leash_new(void);
void leash_done(Leash *leash);
uint64_t spawn_on_leash(TestKeeper *k, const Leash *leash, const char *script);

/* A child that hangs on its way to exec: it opens a pipe that nobody reads, whose path is the caller's. */
uint64_t spawn_hanging(TestKeeper *k, char **ret_path);

void assert_exited(const KeeperMessage *end, int status);
void assert_failed(const KeeperMessage *end, SpawnStep step, int error);

/* What the other end writes until it closes; the caller's. */
char *test_read_all(int fd);
/* How many open files a process has; microseconds of CPU time it has used. */
size_t test_process_n_fds(pid_t pid);
uint64_t test_process_cpu_usec(pid_t pid);
/* R, S, Z ... ; 0: it is gone. */
char test_process_state(pid_t pid);
/* Waits until it is gone, reaped by whoever is its parent. */
bool test_process_await_gone(pid_t pid);
