/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Table
 *
 * What is known of each child, in memory that the guard and its keeper share, so
 * that it outlives the keeper. One that is killed between any two instructions
 * leaves a table that the next one can believe, because each word has one
 * writer, and what makes the others valid is written last:
 *
 *      the keeper      claims and frees entries; ends those of its own children
 *      the kernel      the pid, inside clone3, before the child's first instruction
 *      the child       why it gives up before exec
 *      the guard       how a child ended that has fallen to it
 *
 * The pid of an entry that has not ended is never somebody else's: until then
 * nobody has reaped it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/wire/keeper-protocol.h"

#define TABLE_KEYS_REMEMBERED 4096U
#define TABLE_NONE (-1)

typedef struct Key {
        uint64_t id;
        uint32_t attempt;
        uint32_t role;          /* KeeperRole */
} Key;

typedef struct Entry {
        Key key;
        _Atomic uint64_t failure;       /* SpawnStep << 32 | errno; 0: none so far */
        _Atomic uint32_t state;         /* KeeperState; makes all else valid */
        _Atomic uint32_t executed;      /* has been EXECED, whatever it is now */
        int32_t code, status;           /* of siginfo_t, valid once ENDED */
} Entry;

typedef struct Table {
        uint64_t generation;
        uint64_t epoch;                 /* of the newest brain */
        uint32_t greeted;               /* some brain has said HELLO */
        uint32_t released;              /* the last one has said GOODBYE: it has stopped and not just died */
        _Atomic uint32_t n_used;        /* entries from here on have never been used */
        uint32_t n_acknowledged;        /* free-running */
        Key acknowledged[TABLE_KEYS_REMEMBERED];
        _Atomic int32_t pid[KEEPER_CHILDREN_MAX];       /* apart from the entries, so that a search is short */
        Entry entry[KEEPER_CHILDREN_MAX];
} Table;

/* Shared with all processes forked from here on. */
int table_new(Table **ret);

/* The index of the entry that has not ended and has this pid, or TABLE_NONE. */
int table_find_pid(const Table *table, pid_t pid);
/* Whether any entry has it, ended or not. */
bool table_has_pid(const Table *table, pid_t pid);

/* The newest acknowledged keys: what was once done is not done again. */
void table_remember(Table *table, const Key *key);
bool table_remembers(const Table *table, const Key *key);

static inline bool key_equal(const Key *a, const Key *b) {
        return a->id == b->id && a->attempt == b->attempt && a->role == b->role;
}

static inline KeeperState entry_state(const Entry *entry) {
        return (KeeperState) atomic_load_explicit(&entry->state, memory_order_acquire);
}

/* To a later state; does nothing if it has come so far already. */
void entry_advance(Entry *entry, KeeperState state);
void entry_execed(Entry *entry);
void entry_ended(Entry *entry, int code, int status);

/* Why it never became the command; the first word counts. */
void entry_fail(Entry *entry, SpawnStep step, int error);

static inline SpawnStep entry_failed_step(const Entry *entry) {
        return (SpawnStep) (atomic_load(&entry->failure) >> 32);
}

static inline int entry_failed_error(const Entry *entry) {
        return (int) (atomic_load(&entry->failure) & 0xffffffffU);
}
