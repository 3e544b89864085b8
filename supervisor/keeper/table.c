/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/table.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "lib/base/result.h"

int table_new(Table **ret) {
        Table *table;
        uint64_t generation = 0;

        while (generation == 0)
                if (getrandom(&generation, sizeof generation, 0) < 0)
                        return result_errno();

        table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (table == MAP_FAILED)
                return result_errno();
        table->generation = generation;
        *ret = table;
        return 0;
}

int table_find_pid(const Table *table, pid_t pid) {
        for (uint32_t i = 0; i < table->n_used; i++) {
                KeeperState state;

                if (atomic_load_explicit(&table->pid[i], memory_order_relaxed) != pid)
                        continue;
                state = entry_state(&table->entry[i]);
                if (state != KEEPER_CHILD_FREE && state != KEEPER_CHILD_ENDED)
                        return (int) i;
        }
        return TABLE_NONE;
}

bool table_has_pid(const Table *table, pid_t pid) {
        for (uint32_t i = 0; i < table->n_used; i++)
                if (atomic_load_explicit(&table->pid[i], memory_order_relaxed) == pid)
                        return true;
        return false;
}

void table_remember(Table *table, const Key *key) {
        table->acknowledged[table->n_acknowledged % TABLE_KEYS_REMEMBERED] = *key;
        table->n_acknowledged++;
}

bool table_remembers(const Table *table, const Key *key) {
        uint32_t n = table->n_acknowledged;

        if (n > TABLE_KEYS_REMEMBERED)
                n = TABLE_KEYS_REMEMBERED;
        for (uint32_t i = 0; i < n; i++)
                if (key_equal(&table->acknowledged[i], key))
                        return true;
        return false;
}

void entry_advance(Entry *entry, KeeperState state) {
        uint32_t old = atomic_load(&entry->state);

        while (old < state && !atomic_compare_exchange_weak(&entry->state, &old, state))
                ;
}

void entry_execed(Entry *entry) {
        atomic_store(&entry->executed, 1);
        entry_advance(entry, KEEPER_CHILD_EXECED);
}

void entry_ended(Entry *entry, int code, int status) {
        entry->code = code;
        entry->status = status;
        entry_advance(entry, KEEPER_CHILD_ENDED);
}

void entry_fail(Entry *entry, SpawnStep step, int error) {
        uint64_t none = 0;

        (void) atomic_compare_exchange_strong(&entry->failure, &none, (uint64_t) step << 32 | (uint32_t) error);
}
