/* SPDX-License-Identifier: MIT */
#include "supervisor/store/reader.h"

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/store/row.h"
#include "supervisor/store/schema.h"
#include "supervisor/store/thread.h"
#include "supervisor/store/type-cache.h"

struct Reader {
        sqlite3 *db;                    /* the thread's while something is submitted, else the loop's */
        sqlite3_stmt *select_definition;
        sqlite3_stmt *select_unfinished;
        StoreParseType parse;
        int done_fd;

        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t condition;       /* queue, is_waiting or stop has changed */
        Read *queue, **queue_end;       /* with the mutex */
        bool is_waiting;                /* an answer is not taken yet; with the mutex */
        bool stop;                      /* with the mutex */
};

/* Tasks being read, and how much they take. */
typedef struct Harvest {
        Task **tasks;
        size_t n_tasks, n_allocated;
        size_t n_bytes;
} Harvest;

static void harvest_done(Harvest *harvest) {
        for (size_t i = 0; i < harvest->n_tasks; i++)
                (void) task_free(harvest->tasks[i]);
        free(harvest->tasks);
        *harvest = (Harvest) {};
}

Read *read_free(Read *read) {
        if (!read)
                return NULL;
        harvest_done(&(Harvest) { .tasks = read->tasks, .n_tasks = read->n_tasks });
        filter_done(&read->filter);
        free(read);
        return NULL;
}

int read_new(Read **ret, const StoreFilter *filter, StoreOnRead on_read, void *userdata) {
        _cleanup_(read_freep) Read *read = NULL;
        int r;

        read = calloc(1, sizeof *read);
        if (!read)
                return -ENOMEM;
        read->on_read = on_read;
        read->userdata = userdata;
        r = filter_init(&read->filter, filter);
        if (r < 0)
                return r;
        *ret = MOVE(read);
        return 0;
}

/* Takes @task. */
static int harvest_add(Harvest *harvest, Task *task) {
        _cleanup_(task_freep) Task *owned = task;

        if (harvest->n_tasks == harvest->n_allocated) {
                size_t n = harvest->n_allocated ? harvest->n_allocated * 2 : 64;
                Task **grown = reallocarray(harvest->tasks, n, sizeof *grown);

                if (!grown)
                        return -ENOMEM;
                harvest->tasks = grown;
                harvest->n_allocated = n;
        }
        harvest->tasks[harvest->n_tasks++] = MOVE(owned);
        return 0;
}

static int reader_read_row(sqlite3_stmt *statement, TypeCache *types, Task **ret) {
        TaskType *type;
        int r;

        r = type_cache_get(types, row_definition(statement), &type);
        if (r < 0)
                return r;
        return row_decode(statement, type, ret);
}

static int harvest_range(Harvest *harvest, const Read *read, sqlite3_stmt *statement, TypeCache *types) {
        Task *task;
        int r, rc;

        while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
                if (atomic_load_explicit(&read->forgotten, memory_order_relaxed))
                        return -ECANCELED;
                harvest->n_bytes += row_size(statement);
                if (harvest->n_bytes > read->filter.max_bytes)
                        return -E2BIG;
                r = reader_read_row(statement, types, &task);
                if (r < 0)
                        return r;
                r = harvest_add(harvest, task);
                if (r < 0)
                        return r;
        }
        return connection_result(sqlite3_db_handle(statement), rc);
}

static int harvest_ranges(Harvest *harvest, const Read *read, sqlite3_stmt *statement, TypeCache *types) {
        const Filter *filter = &read->filter;
        int r;

        for (size_t i = 0; i < filter->n_ranges && harvest->n_tasks < filter->limit; i++) {
                r = filter_bind_range(statement, filter->ranges + i, filter->limit - harvest->n_tasks);
                if (r < 0)
                        return r;
                r = harvest_range(harvest, read, statement, types);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void snapshot_endp(sqlite3 **db) {
        (void) connection_execute(*db, "ROLLBACK");
}

/* All of it from one moment. */
static int reader_read_filter(Reader *reader, const Read *read, Harvest *harvest) {
        _cleanup_(type_cache_done) TypeCache types = { .select = reader->select_definition, .parse = reader->parse };
        _cleanup_(snapshot_endp) sqlite3 *snapshot = reader->db;
        _cleanup_(statement_finalizep) sqlite3_stmt *statement = NULL;
        int r;

        r = connection_execute(snapshot, "BEGIN");
        if (r < 0)
                return r;
        r = filter_prepare(&read->filter, reader->db, &statement);
        if (r < 0)
                return r;
        return harvest_ranges(harvest, read, statement, &types);
}

static void reader_read(Reader *reader, Read *read) {
        _cleanup_(harvest_done) Harvest harvest = {};
        int r;

        r = reader_read_filter(reader, read, &harvest);
        read->result = r;
        if (r >= 0) {
                read->tasks = MOVE(harvest.tasks);
                read->n_tasks = harvest.n_tasks;
                harvest.n_tasks = 0;
        }
}

static void reader_finish(Reader *reader, Read *read) {
        atomic_store_explicit(&read->finished, true, memory_order_release);
        thread_poke(reader->done_fd);
}

/* The next to be read, or NULL if there will be no more. */
static Read *reader_take(Reader *reader) {
        Read *read = NULL;

        (void) pthread_mutex_lock(&reader->mutex);
        while (!reader->stop && (!reader->queue || reader->is_waiting))
                (void) pthread_cond_wait(&reader->condition, &reader->mutex);
        if (!reader->stop) {
                read = reader->queue;
                reader->queue = read->next_queued;
                if (!reader->queue)
                        reader->queue_end = &reader->queue;
                reader->is_waiting = true;
        }
        (void) pthread_mutex_unlock(&reader->mutex);
        return read;
}

static void *reader_run(void *userdata) {
        Reader *reader = userdata;
        Read *read;

        while ((read = reader_take(reader))) {
                reader_read(reader, read);
                reader_finish(reader, read);
        }
        return NULL;
}

void reader_submit(Reader *reader, Read *read) {
        (void) pthread_mutex_lock(&reader->mutex);
        *reader->queue_end = read;
        reader->queue_end = &read->next_queued;
        (void) pthread_cond_signal(&reader->condition);
        (void) pthread_mutex_unlock(&reader->mutex);
}

void reader_go_on(Reader *reader) {
        (void) pthread_mutex_lock(&reader->mutex);
        reader->is_waiting = false;
        (void) pthread_cond_signal(&reader->condition);
        (void) pthread_mutex_unlock(&reader->mutex);
}

/* Everything but the thread. */
static Reader *reader_release(Reader *reader) {
        (void) statement_finalize(reader->select_unfinished);
        (void) statement_finalize(reader->select_definition);
        (void) connection_close(reader->db);
        free(reader);
        return NULL;
}
DEFINE_OWNED(Reader *, reader_release)

Reader *reader_free(Reader *reader) {
        if (!reader)
                return NULL;

        (void) pthread_mutex_lock(&reader->mutex);
        reader->stop = true;
        (void) pthread_cond_signal(&reader->condition);
        (void) pthread_mutex_unlock(&reader->mutex);
        (void) pthread_join(reader->thread, NULL);

        while (reader->queue) {
                Read *read = reader->queue;

                reader->queue = read->next_queued;
                read->result = -ECANCELED;
                reader_finish(reader, read);
        }
        return reader_release(reader);
}

static int reader_prepare(Reader *reader) {
        _cleanup_(freep) char *columns = row_columns_sql("environment.packed"), *sql = NULL;
        int r;

        if (!columns)
                return -ENOMEM;
        sql = text_format("SELECT %s FROM task LEFT JOIN environment ON environment.task = task.id "
                          "WHERE " SCHEMA_HAS_NOT_ENDED " ORDER BY id", columns);
        if (!sql)
                return -ENOMEM;
        r = connection_prepare(reader->db, TYPE_CACHE_SELECT, &reader->select_definition);
        if (r < 0)
                return r;
        return connection_prepare(reader->db, sql, &reader->select_unfinished);
}

int reader_new(Reader **ret, const char *path, StoreParseType parse, int done_fd) {
        _cleanup_(reader_releasep) Reader *reader = NULL;
        int r;

        reader = calloc(1, sizeof *reader);
        if (!reader)
                return -ENOMEM;
        *reader = (Reader) {
                .parse = parse,
                .done_fd = done_fd,
                .mutex = PTHREAD_MUTEX_INITIALIZER,
                .condition = PTHREAD_COND_INITIALIZER,
                .queue_end = &reader->queue,
        };
        r = connection_open(&reader->db, path);
        if (r < 0)
                return r;
        r = connection_execute(reader->db, "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0");
        if (r < 0)
                return r;
        r = reader_prepare(reader);
        if (r < 0)
                return r;
        r = thread_start(&reader->thread, "bgtd-reader", reader_run, reader);
        if (r < 0)
                return r;

        *ret = MOVE(reader);
        return 0;
}

int reader_load_unfinished(Reader *reader, StoreOnTask on_task, void *userdata) {
        _cleanup_(type_cache_done) TypeCache types = { .select = reader->select_definition, .parse = reader->parse };
        sqlite3_stmt *statement = reader->select_unfinished;
        Task *task;
        int r = 0, rc;

        while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
                r = reader_read_row(statement, &types, &task);
                if (r < 0)
                        break;
                r = on_task(task, userdata);
                if (r < 0)
                        break;
        }
        if (r >= 0)
                r = connection_result(reader->db, rc);
        (void) sqlite3_reset(statement);
        return r;
}
