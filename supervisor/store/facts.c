/* SPDX-License-Identifier: MIT */
#include "supervisor/store/facts.h"

#include "lib/base/result.h"

static int facts_read(Database *database, StoreFacts *ret) {
        int r;

        r = database_read_meta(database, "instance", &ret->instance);
        if (r < 0)
                return r;
        r = database_read_meta(database, "epoch", &ret->epoch);
        if (r < 0)
                return r;
        return database_read_meta(database, "last_id", &ret->last_id);
}

static uint64_t greater(uint64_t a, uint64_t b) {
        return a > b ? a : b;
}

/*
 * A database that was just made knows nothing: all of the spare counts. Of one
 * that is older than the spare, put back from a backup, the ids given out since
 * then are missing, which shows when they are more than a block behind.
 */
static void facts_merge(StoreFacts *facts, const Spare *spare) {
        bool is_new = facts->epoch == 0;

        if (is_new && spare->instance != 0)
                facts->instance = spare->instance;
        if (is_new || spare->ids > facts->last_id + SPARE_ID_BLOCK)
                facts->last_id = greater(facts->last_id, spare->ids);
        facts->epoch = greater(facts->epoch, spare->epoch);
}

static int facts_write(Database *database, const StoreFacts *facts) {
        const Value values[] = { value_u64(facts->instance), value_u64(facts->epoch), value_u64(facts->last_id) };
        int r;

        /* somebody who reads the file now does not keep us from starting */
        r = database_wipe_log(database);
        if (r < 0 && r != -EBUSY)
                return r;
        return database_commit_one(database, STATEMENT_PUT_FACTS, values, ELEMENTSOF(values));
}

int facts_begin_epoch(Database *database, Spare *spare, StoreFacts *ret) {
        StoreFacts facts = {};
        int r;

        r = facts_read(database, &facts);
        if (r < 0)
                return r;
        facts_merge(&facts, spare);
        facts.epoch++;

        spare->instance = facts.instance;
        spare->epoch = facts.epoch;
        spare->ids = greater(spare->ids, facts.last_id);
        r = spare_write(spare);
        if (r < 0)
                return r;
        r = facts_write(database, &facts);
        if (r < 0)
                return r;

        /* the first block of ids is reserved here, where nobody waits, and only when the file is there to tell them given from free */
        spare->ids = greater(spare->ids, facts.last_id + SPARE_ID_BLOCK);
        r = spare_write(spare);
        if (r < 0)
                return r;

        ret->instance = facts.instance;
        ret->epoch = facts.epoch;
        ret->last_id = facts.last_id;
        return 0;
}
