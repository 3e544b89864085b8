/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Connections
 *
 * SQLite as the rest of the store sees it: a handle that one thread uses at a
 * time, statements prepared once, errors as negative errno.
 *
 * While one is open this process must not open the file in any other way: the
 * close would drop the locks of the connection.
 */

#include <sqlite3.h>

#include "lib/base/owned.h"
#include "supervisor/store/value.h"

/* How long somebody else, such as an administrator's sqlite3, may hold the file before we give up. */
#define CONNECTION_BUSY_TIMEOUT_MSEC 5000

/*
 * The errno for SQLite's result @rc of a call on @db. -EBADMSG means that the
 * file is damaged, -ENOSPC that there is no room; of a failed system call it is
 * the system's own.
 */
int connection_result(sqlite3 *db, int rc);

/*
 * Opens the file, which must be there. Nothing is read from it yet. Closing
 * leaves file and log as they are, unless connection_trust() was called.
 */
int connection_open(sqlite3 **ret, const char *path);
sqlite3 *connection_close(sqlite3 *db);
DEFINE_OWNED(sqlite3 *, connection_close)

/*
 * Write-ahead log, a sync for each commit, what is deleted overwritten, nothing
 * goes from the log into the file unless asked. -EOPNOTSUPP if the file system
 * cannot have such a log.
 */
int connection_begin_log(sqlite3 *db);

/* The file is good: closing puts the log into it. */
void connection_trust(sqlite3 *db);

/* Runs @sql, any number of statements without results. */
int connection_execute(sqlite3 *db, const char *sql);

/* The number that @sql, one statement, gives in its first row; 0 if it gives no row. */
int connection_read_number(sqlite3 *db, const char *sql, int64_t *ret);

/* A statement that cannot be prepared means that the tables are not what they should be: -EBADMSG. */
int connection_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret);

static inline sqlite3_stmt *statement_finalize(sqlite3_stmt *statement) {
        (void) sqlite3_finalize(statement);
        return NULL;
}
DEFINE_OWNED(sqlite3_stmt *, statement_finalize)

/* Binds the first @n places. The values stay borrowed until the statement is bound anew. */
int statement_bind(sqlite3_stmt *statement, const Value *values, size_t n);
