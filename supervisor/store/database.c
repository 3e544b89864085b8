/* SPDX-License-Identifier: MIT */
#include "supervisor/store/database.h"

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/store/row.h"
#include "supervisor/store/schema.h"

/* What the log is given ahead when it has less than a tenth of that left: some sixty commits. */
#define LOG_AHEAD_BYTES (256 * 1024)

/* A page in the log, with its header; see connection.c for its size. */
#define FRAME_BYTES (1024 + 24)

static int database_on_commit(void *userdata, sqlite3 *db, const char *schema, int n_frames) {
        Database *database = userdata;

        database->n_log_frames = n_frames;
        return SQLITE_OK;
}

Database *database_close(Database *database) {
        if (!database)
                return NULL;
        for (size_t i = 0; i < _STATEMENT_MAX; i++)
                (void) statement_finalize(database->statements[i]);
        (void) connection_close(database->db);
        free(database);
        return NULL;
}

static int database_prepare_rows(Database *database) {
        _cleanup_(freep) char *insert = row_insert_sql(), *update = row_update_sql();
        int r;

        if (!insert || !update)
                return -ENOMEM;
        r = connection_prepare(database->db, insert, database->statements + STATEMENT_PUT_TASK);
        if (r < 0)
                return r;
        return connection_prepare(database->db, update, database->statements + STATEMENT_PUT_STATE);
}

static int database_prepare(Database *database) {
        static const char *const texts[_STATEMENT_MAX] = {
                [STATEMENT_PUT_DEFINITION]   = "INSERT INTO definition (id, name, text) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
                [STATEMENT_PUT_ENVIRONMENT]  = "INSERT OR REPLACE INTO environment (task, packed) VALUES (?, ?)",
                [STATEMENT_DROP_ENVIRONMENT] = "DELETE FROM environment WHERE task = ?",
                [STATEMENT_DELETE_TASK]      = "DELETE FROM task WHERE id = ?",
                [STATEMENT_RAISE_LAST_ID]    = "UPDATE meta SET value = ?1 WHERE key = 'last_id' AND value < ?1",
                [STATEMENT_PUT_FACTS]        = "UPDATE meta SET value = CASE key WHEN 'instance' THEN ?1 WHEN 'epoch' THEN ?2 ELSE ?3 END "
                                               "WHERE key IN ('instance', 'epoch', 'last_id')",
                [STATEMENT_COUNT_TIDYING]    = "UPDATE meta SET value = value + 1 WHERE key = 'tidyings'",
                [STATEMENT_BEGIN]            = "BEGIN IMMEDIATE",
                [STATEMENT_COMMIT]           = "COMMIT",
                [STATEMENT_ROLLBACK]         = "ROLLBACK",
        };
        int r;

        for (size_t i = 0; i < _STATEMENT_MAX; i++) {
                if (!texts[i])
                        continue;
                r = connection_prepare(database->db, texts[i], database->statements + i);
                if (r < 0)
                        return r;
        }
        return database_prepare_rows(database);
}

int database_open(Database **ret, const char *path) {
        _cleanup_(database_closep) Database *database = NULL;
        int r;

        database = calloc(1, sizeof *database);
        if (!database)
                return -ENOMEM;
        r = connection_open(&database->db, path);
        if (r < 0)
                return r;
        r = schema_check(database->db);
        if (r < 0)
                return r;
        r = connection_begin_log(database->db);
        if (r < 0)
                return r;
        r = schema_migrate(database->db);
        if (r < 0)
                return r;
        r = database_prepare(database);
        if (r < 0)
                return r;

        (void) sqlite3_wal_hook(database->db, database_on_commit, database);
        *ret = MOVE(database);
        return 0;
}

/* Runs a statement that gives no rows. */
static int database_run(Database *database, Statement statement) {
        sqlite3_stmt *s = database->statements[statement];
        int r;

        r = connection_result(database->db, sqlite3_step(s));
        (void) sqlite3_reset(s);
        return r;
}

int database_read_meta(Database *database, const char *key, uint64_t *ret) {
        _cleanup_(freep) char *sql = text_format("SELECT value FROM meta WHERE key = '%s'", key);
        int64_t number;
        int r;

        if (!sql)
                return -ENOMEM;
        r = connection_read_number(database->db, sql, &number);
        if (r < 0)
                return r;
        *ret = (uint64_t) number;
        return 0;
}

/*
 * Zeros behind what the log holds. Only while we hold the write lock: nobody
 * else can be appending then. What is behind the last valid page of a log is
 * never looked at, so this can do no harm at any moment, and if there is no room
 * for it the commits just have to make their own.
 */
static void database_extend_log(Database *database, sqlite3_int64 wanted) {
        static const char zeros[64 * 1024];
        sqlite3_file *log = NULL;
        sqlite3_int64 size = 0;
        int rc;

        rc = sqlite3_file_control(database->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
        if (rc != SQLITE_OK || !log || !log->pMethods)
                return;
        rc = log->pMethods->xFileSize(log, &size);
        while (rc == SQLITE_OK && size < wanted) {
                rc = log->pMethods->xWrite(log, zeros, sizeof zeros, size);
                size += (sqlite3_int64) sizeof zeros;
        }
}

static void database_make_room(Database *database) {
        sqlite3_int64 used = (sqlite3_int64) database->n_log_frames * FRAME_BYTES;

        if (used + LOG_AHEAD_BYTES / 10 <= database->n_log_bytes)
                return;
        database->n_log_bytes = used + LOG_AHEAD_BYTES;
        database_extend_log(database, database->n_log_bytes);
}

int database_begin(Database *database) {
        int r;

        database->will_drop = false;
        r = database_run(database, STATEMENT_BEGIN);
        if (r < 0)
                return r;
        database_make_room(database);
        return 0;
}

int database_execute(Database *database, Statement statement, const Value *values, size_t n_values) {
        int r;

        r = statement_bind(database->statements[statement], values, n_values);
        if (r < 0)
                return r;
        r = database_run(database, statement);
        if (r < 0)
                return r;

        if (sqlite3_changes(database->db) == 0)
                return statement == STATEMENT_PUT_STATE ? -ENOENT : 0;
        if (statement == STATEMENT_DROP_ENVIRONMENT || statement == STATEMENT_DELETE_TASK)
                database->will_drop = true;
        return 0;
}

int database_commit(Database *database) {
        int r;

        r = database_run(database, STATEMENT_COMMIT);
        if (r < 0)
                return r;
        database->must_wipe |= database->will_drop;
        return 0;
}

void database_roll_back(Database *database) {
        /* some failures, a full disk among them, have rolled back already */
        if (!sqlite3_get_autocommit(database->db))
                (void) database_run(database, STATEMENT_ROLLBACK);
}

static void transaction_rolled_backp(Database **database) {
        database_roll_back(*database);
}

int database_commit_one(Database *database, Statement statement, const Value *values, size_t n_values) {
        _cleanup_(transaction_rolled_backp) Database *transaction = database;
        int r;

        r = database_begin(transaction);
        if (r < 0)
                return r;
        r = database_execute(database, statement, values, n_values);
        if (r < 0)
                return r;
        return database_commit(database);
}


int database_wipe_log(Database *database) {
        int rc;

        /* whoever reads goes first: there will be another time for this */
        (void) sqlite3_busy_timeout(database->db, 0);
        rc = sqlite3_wal_checkpoint_v2(database->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        (void) sqlite3_busy_timeout(database->db, CONNECTION_BUSY_TIMEOUT_MSEC);
        if (rc != SQLITE_OK)
                return connection_result(database->db, rc);
        database->must_wipe = false;
        database->n_log_frames = 0;
        database->n_log_bytes = 0;
        return 0;
}

int database_checkpoint(Database *database) {
        int n_frames, n_done, rc;

        rc = sqlite3_wal_checkpoint_v2(database->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_frames, &n_done);
        if (rc != SQLITE_OK)
                return connection_result(database->db, rc);
        if (n_frames == n_done)
                database->n_log_frames = 0;
        return 0;
}
