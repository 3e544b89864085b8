/* SPDX-License-Identifier: MIT */
#include "supervisor/store/connection.h"

#include <string.h>

#include "lib/base/result.h"

static int connection_system_errno(sqlite3 *db) {
        int e = sqlite3_system_errno(db);

        return e > 0 ? -e : -EIO;
}

int connection_result(sqlite3 *db, int rc) {
        switch (rc & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_TOOBIG:
                return -E2BIG;
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_RANGE:
        case SQLITE_MISUSE:
                return -EINVAL;
        case SQLITE_INTERRUPT:
                return -ECANCELED;
        case SQLITE_IOERR:
                return rc == SQLITE_IOERR_NOMEM ? -ENOMEM : connection_system_errno(db);
        case SQLITE_CANTOPEN:
                return connection_system_errno(db);
        default:
                return -EIO;
        }
}

sqlite3 *connection_close(sqlite3 *db) {
        (void) sqlite3_close(db);
        return NULL;
}

int connection_open(sqlite3 **ret, const char *path) {
        _cleanup_(connection_closep) sqlite3 *db = NULL;
        int rc;

        rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        if (rc != SQLITE_OK)
                return db ? connection_result(db, rc) : -ENOMEM;

        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void) sqlite3_busy_timeout(db, CONNECTION_BUSY_TIMEOUT_MSEC);

        *ret = MOVE(db);
        return 0;
}

int connection_execute(sqlite3 *db, const char *sql) {
        return connection_result(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int connection_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret) {
        int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

        if ((rc & 0xff) == SQLITE_ERROR)
                return -EBADMSG;
        return connection_result(db, rc);
}

int connection_read_number(sqlite3 *db, const char *sql, int64_t *ret) {
        _cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
        int r, rc;

        r = connection_prepare(db, sql, &statement);
        if (r < 0)
                return r;
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                return connection_result(db, rc);
        *ret = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        return 0;
}

/*
 * Small pages, since a commit writes each page that it changes: a row and some
 * entries of indexes, 4 KiB in all instead of 16. Only an empty file takes it.
 */
#define PAGE_SIZE_SQL "PRAGMA page_size = 1024"

static int connection_set_log_mode(sqlite3 *db) {
        _cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
        int r, rc;

        r = connection_prepare(db, "PRAGMA journal_mode = WAL", &statement);
        if (r < 0)
                return r;
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW)
                return connection_result(db, rc);
        return strcmp((const char *) sqlite3_column_text(statement, 0), "wal") == 0 ? 0 : -EOPNOTSUPP;
}

int connection_begin_log(sqlite3 *db) {
        int r;

        r = connection_execute(db, PAGE_SIZE_SQL);
        if (r < 0)
                return r;
        r = connection_set_log_mode(db);
        if (r < 0)
                return r;
        return connection_execute(db,
                                  "PRAGMA synchronous = FULL;"
                                  "PRAGMA secure_delete = ON;"
                                  "PRAGMA wal_autocheckpoint = 0;"
                                  "PRAGMA journal_size_limit = -1;");
}

void connection_trust(sqlite3 *db) {
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

static int statement_bind_one(sqlite3_stmt *statement, int place, const Value *value) {
        switch (value->kind) {
        case VALUE_INTEGER:
                return sqlite3_bind_int64(statement, place, value->integer);
        case VALUE_TEXT:
                return sqlite3_bind_text64(statement, place, value->data, value->size, SQLITE_STATIC, SQLITE_UTF8);
        case VALUE_BLOB:
                return sqlite3_bind_blob64(statement, place, value->data, value->size, SQLITE_STATIC);
        case VALUE_NULL:
                break;
        }
        return sqlite3_bind_null(statement, place);
}

int statement_bind(sqlite3_stmt *statement, const Value *values, size_t n) {
        for (size_t i = 0; i < n; i++) {
                int rc = statement_bind_one(statement, (int) i + 1, values + i);

                if (rc != SQLITE_OK)
                        return connection_result(sqlite3_db_handle(statement), rc);
        }
        return 0;
}
