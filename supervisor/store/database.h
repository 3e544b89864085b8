/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Database
 *
 * The writer's connection and its statements. A transaction is begun, given
 * operations, and committed with one fdatasync of the write-ahead log. That is
 * written over or into room made ahead: a file that grows costs the file system
 * a commit of its own at every sync, twice the time.
 */

#include <stdbool.h>

#include "lib/base/owned.h"
#include "supervisor/store/connection.h"

typedef enum Statement {
        STATEMENT_PUT_DEFINITION,       /* id, name, text */
        STATEMENT_PUT_TASK,             /* a whole row */
        STATEMENT_PUT_STATE,            /* the state of a row; -ENOENT if there is none */
        STATEMENT_PUT_ENVIRONMENT,      /* task, packed */
        STATEMENT_DROP_ENVIRONMENT,     /* task */
        STATEMENT_DELETE_TASK,          /* id */
        STATEMENT_RAISE_LAST_ID,        /* id */
        STATEMENT_PUT_FACTS,            /* instance, epoch, last id */
        STATEMENT_COUNT_TIDYING,        /* no values */
        STATEMENT_BEGIN,
        STATEMENT_COMMIT,
        STATEMENT_ROLLBACK,
        _STATEMENT_MAX,
} Statement;

typedef struct Database {
        sqlite3 *db;
        sqlite3_stmt *statements[_STATEMENT_MAX];
        int n_log_frames;               /* pages in the log after the last commit; 0: it is written from its start */
        int64_t n_log_bytes;            /* the room it was given */
        bool must_wipe;                 /* something was dropped that the log still holds */
        bool will_drop;                 /* the same, in the transaction that is open */
} Database;

/*
 * Opens the file, which must be there, checks it, brings it up to date and
 * prepares everything. -EBADMSG, -EMEDIUMTYPE, -EPROTONOSUPPORT: see
 * schema_check(); the file is as it was then.
 */
int database_open(Database **ret, const char *path);
/* The log goes into the file, if connection_trust() was called. */
Database *database_close(Database *database);
DEFINE_OWNED(Database *, database_close)

int database_begin(Database *database);
int database_execute(Database *database, Statement statement, const Value *values, size_t n_values);
int database_commit(Database *database);
/* Undoes what was begun and not committed. */
void database_roll_back(Database *database);

/* The number that meta has for @key. */
int database_read_meta(Database *database, const char *key, uint64_t *ret);

/*
 * Empties the log, so that what was dropped is neither in it nor in the file.
 * -EBUSY while somebody reads.
 */
int database_wipe_log(Database *database);

/* One operation with its own transaction. */
int database_commit_one(Database *database, Statement statement, const Value *values, size_t n_values);

/* Puts what is in the log into the file as far as no reader prevents it, so that the log can be written from its start again. */
int database_checkpoint(Database *database);
