/* SPDX-License-Identifier: MIT */
#include "supervisor/store/start.h"

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/store/facts.h"
#include "supervisor/store/refusal.h"

int start_refuse(char **sentence, int r, const char *path) {
        switch (r) {
        case -EMEDIUMTYPE:
                return refuse(sentence, r, "%s is a database of another program: give bgtd a --state-dir of its own.", path);
        case -EPROTONOSUPPORT:
                return refuse(sentence, r, "%s was written by a newer version of bgtd: install that one, or give this one another --state-dir.",
                              path);
        case -EOPNOTSUPP:
                return refuse(sentence, r, "%s is on a file system that cannot hold a write-ahead log: give bgtd a --state-dir on a local one.",
                              path);
        default:
                return refuse_failed(sentence, r, "open", path);
        }
}

/* Everything that finds out whether the file is good. */
static int start_try(const Start *start, Database **ret) {
        _cleanup_(database_closep) Database *database = NULL;
        int r;

        r = state_directory_make_file(start->directory, START_DATABASE_NAME);
        if (r < 0)
                return r;
        r = database_open(&database, start->path);
        if (r < 0)
                return r;
        r = facts_begin_epoch(database, start->spare, start->facts);
        if (r < 0)
                return r;
        r = definition_table_load(start->definitions, database->db);
        if (r < 0)
                return r;
        r = state_directory_sync(start->directory);
        if (r < 0)
                return r;

        connection_trust(database->db);
        *ret = MOVE(database);
        return 0;
}

/* A damaged file is kept, and a new one begun. */
int start_database(const Start *start, Database **ret) {
        _cleanup_(freep) char *aside = NULL;
        int r;

        r = start_try(start, ret);
        if (r != -EBADMSG)
                return r;

        definition_table_done(start->definitions);
        r = state_directory_move_aside(start->directory, START_DATABASE_NAME, &aside);
        if (r < 0)
                return r;
        r = start_try(start, ret);
        if (r < 0)
                return r;
        text_copy(start->facts->aside, sizeof start->facts->aside, aside);
        return STORE_E_MOVED_ASIDE;
}
