/* SPDX-License-Identifier: MIT */
#include "supervisor/store/schema.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/store/connection.h"

/* "bgt" and a 1: tells our files from other people's. */
#define APPLICATION_ID 0x62677431

/*
 * Each brings the file from the version of its place to the next; what has been
 * released never changes. The text of a type and the environment of a task are
 * apart from the task's row, which is written anew at every change: one text
 * serves many tasks, and an environment is long, never changes, and is removed
 * by itself when the task ends.
 */
static const char *const migrations[] = {
        "CREATE TABLE meta ("
        "  key TEXT PRIMARY KEY,"
        "  value INTEGER NOT NULL"
        ") STRICT, WITHOUT ROWID;"

        "CREATE TABLE definition ("
        "  id INTEGER PRIMARY KEY,"
        "  name TEXT NOT NULL,"
        "  text TEXT NOT NULL,"
        "  UNIQUE (name, text)"
        ") STRICT;"

        "CREATE TABLE task ("
        "  id INTEGER PRIMARY KEY,"
        "  definition INTEGER NOT NULL,"
        "  type TEXT NOT NULL,"
        "  phase TEXT NOT NULL,"
        "  before_ending TEXT NOT NULL,"
        "  request INTEGER NOT NULL,"
        "  cancel_acted INTEGER NOT NULL,"
        "  name TEXT,"
        "  label TEXT,"
        "  namespace TEXT NOT NULL,"
        "  owner INTEGER NOT NULL,"
        "  user TEXT,"
        "  uid INTEGER NOT NULL,"
        "  gid INTEGER NOT NULL,"
        "  parameters BLOB,"
        "  argv BLOB,"
        "  directory TEXT,"
        "  umask INTEGER NOT NULL,"
        "  priority INTEGER NOT NULL,"
        "  timeout_usec INTEGER NOT NULL,"
        "  create_time_usec INTEGER NOT NULL,"
        "  unlock_time_usec INTEGER NOT NULL,"
        "  start_time_usec INTEGER NOT NULL,"
        "  finish_time_usec INTEGER NOT NULL,"
        "  paused_usec INTEGER NOT NULL,"
        "  paused_since_usec INTEGER NOT NULL,"
        "  attempt INTEGER NOT NULL,"
        "  claim_generation INTEGER NOT NULL,"
        "  claim_epoch INTEGER NOT NULL,"
        "  output TEXT NOT NULL,"
        "  job_pid INTEGER NOT NULL,"
        "  job_start_ticks INTEGER NOT NULL,"
        "  job_pidfd_inode INTEGER NOT NULL,"
        "  job_boot_id TEXT NOT NULL,"
        "  status_message TEXT,"
        "  progress_current INTEGER NOT NULL,"
        "  progress_total INTEGER NOT NULL,"
        "  progress_units TEXT,"
        "  progress_details TEXT,"
        "  progress_time_usec INTEGER NOT NULL,"
        "  cpu_usec INTEGER NOT NULL,"
        "  memory_peak_bytes INTEGER NOT NULL,"
        "  io_read_bytes INTEGER NOT NULL,"
        "  io_write_bytes INTEGER NOT NULL,"
        "  tasks_peak INTEGER NOT NULL,"
        "  final_status TEXT,"
        "  exit_code INTEGER NOT NULL,"
        "  signal INTEGER NOT NULL,"
        "  error_code TEXT,"
        "  error_text TEXT,"
        "  error_callstack TEXT,"
        "  n_left_processes INTEGER NOT NULL"
        ") STRICT;"

        "CREATE TABLE environment ("
        "  task INTEGER PRIMARY KEY,"
        "  packed BLOB NOT NULL"
        ") STRICT;"

        "CREATE INDEX task_definition ON task (definition);"
        "CREATE INDEX task_unfinished ON task (id) WHERE " SCHEMA_HAS_NOT_ENDED ";"
        "CREATE INDEX task_ended_type ON task (type) WHERE " SCHEMA_HAS_ENDED ";"
        "CREATE INDEX task_ended_namespace ON task (namespace) WHERE " SCHEMA_HAS_ENDED ";"
        "CREATE INDEX task_ended_label ON task (label) WHERE label IS NOT NULL AND " SCHEMA_HAS_ENDED ";"

        "INSERT INTO meta VALUES ('last_id', 0), ('epoch', 0), ('tidyings', 0);"
        "INSERT INTO meta VALUES ('instance', random());",
};

static int schema_check_pages(sqlite3 *db) {
        _cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
        int r, rc;

        r = connection_prepare(db, "PRAGMA quick_check(1)", &statement);
        if (r < 0)
                return r;
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW)
                return rc == SQLITE_DONE ? -EBADMSG : connection_result(db, rc);
        return strcmp((const char *) sqlite3_column_text(statement, 0), "ok") == 0 ? 0 : -EBADMSG;
}

int schema_check(sqlite3 *db) {
        int64_t n_tables, application, version;
        int r;

        r = schema_check_pages(db);
        if (r < 0)
                return r;
        r = connection_read_number(db, "SELECT count(*) FROM sqlite_schema", &n_tables);
        if (r < 0)
                return r;
        r = connection_read_number(db, "PRAGMA application_id", &application);
        if (r < 0)
                return r;
        r = connection_read_number(db, "PRAGMA user_version", &version);
        if (r < 0)
                return r;

        if (n_tables == 0 && version == 0)
                return 0;
        if (application != APPLICATION_ID)
                return -EMEDIUMTYPE;
        return version > (int64_t) ELEMENTSOF(migrations) ? -EPROTONOSUPPORT : version <= 0 ? -EBADMSG : 0;
}

/* A statement, since a failed one leaves the transaction open. */
static void transaction_endp(sqlite3 **db) {
        if (!sqlite3_get_autocommit(*db))
                (void) connection_execute(*db, "ROLLBACK");
}

static int schema_migrate_one(sqlite3 *db, size_t version) {
        _cleanup_(transaction_endp) sqlite3 *transaction = db;
        _cleanup_(freep) char *mark = NULL;
        int r;

        mark = text_format("PRAGMA application_id = %d; PRAGMA user_version = %zu; COMMIT", APPLICATION_ID, version + 1);
        if (!mark)
                return -ENOMEM;
        r = connection_execute(transaction, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;
        r = connection_execute(db, migrations[version]);
        if (r < 0)
                return r;
        return connection_execute(db, mark);
}

int schema_migrate(sqlite3 *db) {
        int64_t version;
        int r;

        r = connection_read_number(db, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        for (size_t i = (size_t) version; i < ELEMENTSOF(migrations); i++) {
                r = schema_migrate_one(db, i);
                if (r < 0)
                        return r;
        }
        return 0;
}
