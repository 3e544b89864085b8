/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/ward.h"

#include <stdlib.h>

#include "lib/base/result.h"

static Ward **wards_bucket(Wards *wards, const Key *key) {
        uint64_t hash = (key->id * 31 + key->attempt) * 31 + key->role;

        return &wards->bucket[(hash * 0x9e3779b97f4a7c15ULL) >> 50];
}

static void wards_add(Wards *wards, uint32_t index) {
        Ward *ward = &wards->all[index], **bucket;

        *ward = (Ward) {
                .entry = &wards->table->entry[index],
                .pid = &wards->table->pid[index],
                .pidfd = -1,
                .life_fd = -1,
                .output = OUTPUT_NONE,
        };
        bucket = wards_bucket(wards, &ward->entry->key);
        ward->bucket_next = *bucket;
        *bucket = ward;
        wards->n++;
}

static void wards_free(Wards *wards, uint32_t index) {
        Table *table = wards->table;
        Ward *ward = &wards->all[index];

        atomic_store(&table->pid[index], 0);
        atomic_store(&table->entry[index].state, KEEPER_CHILD_FREE);
        ward->entry = NULL;
        ward->bucket_next = wards->unused;
        wards->unused = ward;
}

int wards_init(Wards *wards, Table *table) {
        *wards = (Wards) { .table = table };
        wards->all = calloc(KEEPER_CHILDREN_MAX, sizeof *wards->all);
        if (!wards->all)
                return -ENOMEM;

        for (uint32_t i = table->n_used; i-- > 0;) {
                KeeperState state = entry_state(&table->entry[i]);

                if (state == KEEPER_CHILD_FREE || (state == KEEPER_CHILD_CLAIMED && table->pid[i] == 0))
                        wards_free(wards, i);
                else
                        wards_add(wards, i);
        }
        return 0;
}

Ward *wards_find(const Wards *wards, const Key *key) {
        Ward *ward = *wards_bucket((Wards *) wards, key);

        while (ward && !key_equal(&ward->entry->key, key))
                ward = ward->bucket_next;
        return ward;
}

Ward *wards_claim(Wards *wards, const Key *key) {
        Table *table = wards->table;
        Entry *entry;
        uint32_t index;

        if (wards->unused) {
                index = ward_index(wards, wards->unused);
                wards->unused = wards->unused->bucket_next;
        } else if (table->n_used < KEEPER_CHILDREN_MAX)
                index = table->n_used++;
        else
                return NULL;

        entry = &table->entry[index];
        entry->key = *key;
        entry->code = entry->status = 0;
        atomic_store(&entry->failure, 0);
        atomic_store(&entry->executed, 0);
        atomic_store(&table->pid[index], 0);
        entry_advance(entry, KEEPER_CHILD_CLAIMED);
        wards_add(wards, index);
        return &wards->all[index];
}

void wards_release(Wards *wards, Ward *ward) {
        Ward **link = wards_bucket(wards, &ward->entry->key);

        assert(!ward->queued && ward->pidfd < 0 && ward->life_fd < 0);

        while (*link != ward)
                link = &(*link)->bucket_next;
        *link = ward->bucket_next;
        wards->n--;

        table_remember(wards->table, &ward->entry->key);
        wards_free(wards, ward_index(wards, ward));
}
