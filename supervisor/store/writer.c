/* SPDX-License-Identifier: MIT */
#include "supervisor/store/writer.h"

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "supervisor/store/fault.h"
#include "supervisor/store/thread.h"

/* With this many pages (4 MiB) the log goes into the file, so that it can be written from its start again. */
#define LOG_FRAMES_MAX 4096

/* The same when there is nothing else to do and nobody waits for it. */
#define LOG_FRAMES_IDLE_MAX 1024

/* How long nothing must have come; doubled while somebody's reading prevents it. */
#define IDLE_USEC (1 * USEC_PER_SEC)
#define IDLE_USEC_MAX (64 * USEC_PER_SEC)

/*
 * From one tidying to the next, since each writes more than the task that it is
 * for; and how long one is put off while there is always something to do.
 */
#define TIDY_PAUSE_USEC (10 * USEC_PER_SEC)

struct Writer {
        Database *database;
        Spare spare;
        Fault fault;
        int done_fd;

        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t condition;       /* queue or stop has changed */
        Turn *queue, **queue_end;       /* with the mutex */
        bool stop;                      /* with the mutex */

        uint64_t tidy_usec;             /* when to tidy, CLOCK_MONOTONIC; USEC_INFINITY: never; the thread's */
        uint64_t idle_usec;             /* the wait before that; the thread's */
        uint64_t last_tidy_usec;        /* 0: never; the thread's */
        uint64_t untidy_usec;           /* since when there is something to tidy; 0: there is not; the thread's */
        int checkpointed_frames;        /* how long the log was when it last went into the file; 0: it began anew; the thread's */
};

static int writer_execute(Writer *writer, const Turn *turn) {
        int r;

        r = spare_reserve(&writer->spare, turn->highest_id);
        if (r < 0)
                return r;
        for (const Operation *o = turn->operations; o; o = o->next) {
                r = database_execute(writer->database, o->statement, o->values, o->n_values);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int writer_transact(Writer *writer, const Turn *first, const Turn *end) {
        int r;

        r = database_begin(writer->database);
        if (r < 0)
                return r;
        for (const Turn *turn = first; turn != end; turn = turn->next_queued) {
                r = writer_execute(writer, turn);
                if (r < 0)
                        return r;
        }
        return database_commit(writer->database);
}

/* All from @first to before @end in one transaction, or nothing. */
static int writer_commit(Writer *writer, const Turn *first, const Turn *end) {
        bool is_empty = true;
        int r;

        for (const Turn *turn = first; turn != end; turn = turn->next_queued)
                is_empty &= !turn->operations;
        if (is_empty)
                return 0;

        fault_before_commit(&writer->fault);
        r = writer_transact(writer, first, end);
        if (r < 0)
                database_roll_back(writer->database);
        return r;
}

static void writer_finish(Writer *writer, Turn *first, const Turn *end, int result) {
        Turn *next;

        for (Turn *turn = first; turn != end; turn = next) {
                next = turn->next_queued;
                turn->result = result;
                atomic_store_explicit(&turn->finished, true, memory_order_release);
        }
        thread_poke(writer->done_fd);
}

static void writer_write(Writer *writer, Turn *batch) {
        Turn *next;
        int r;

        r = writer_commit(writer, batch, NULL);
        if (r >= 0 || !batch->next_queued) {
                writer_finish(writer, batch, NULL, r);
                return;
        }
        for (Turn *turn = batch; turn; turn = next) {
                next = turn->next_queued;
                writer_finish(writer, turn, next, writer_commit(writer, turn, next));
        }
}

/* A log that a reader kept from beginning anew is tried again when it has grown as much again. */
static void writer_checkpoint(Writer *writer) {
        int n_frames = writer->database->n_log_frames;

        if (n_frames < writer->checkpointed_frames)
                writer->checkpointed_frames = 0;
        if (n_frames < writer->checkpointed_frames + LOG_FRAMES_MAX)
                return;
        (void) database_checkpoint(writer->database);
        writer->checkpointed_frames = n_frames;
}

static bool writer_is_untidy(const Writer *writer) {
        return writer->database->must_wipe || writer->database->n_log_frames >= LOG_FRAMES_IDLE_MAX;
}

/* After a quiet time, but not before the pause is over, and not later than that if it is never quiet. */
static void writer_tidy_later(Writer *writer, uint64_t idle_usec) {
        uint64_t now = clock_now_usec(CLOCK_MONOTONIC), latest;

        writer->idle_usec = idle_usec > IDLE_USEC_MAX ? IDLE_USEC_MAX : idle_usec;
        if (!writer_is_untidy(writer)) {
                writer->tidy_usec = USEC_INFINITY;
                writer->untidy_usec = 0;
                return;
        }
        if (writer->untidy_usec == 0)
                writer->untidy_usec = now;
        latest = writer->untidy_usec + writer->idle_usec + TIDY_PAUSE_USEC;
        writer->tidy_usec = now + writer->idle_usec;
        if (writer->last_tidy_usec > 0 && writer->tidy_usec < writer->last_tidy_usec + TIDY_PAUSE_USEC)
                writer->tidy_usec = writer->last_tidy_usec + TIDY_PAUSE_USEC;
        if (writer->tidy_usec > latest)
                writer->tidy_usec = latest;
}

/*
 * What fails here has done no harm: the log is as it was, and grows. The first
 * commit to an empty log takes a second sync, so that is done here as well, where
 * nobody waits for it.
 */
static void writer_tidy(Writer *writer) {
        int r;

        r = writer->database->must_wipe ? database_wipe_log(writer->database) : database_checkpoint(writer->database);
        writer->untidy_usec = 0;
        if (r < 0 || writer->database->n_log_frames > 0) {
                writer_tidy_later(writer, writer->idle_usec * 2);
                return;
        }
        (void) database_commit_one(writer->database, STATEMENT_COUNT_TIDYING, NULL, 0);
        writer->last_tidy_usec = clock_now_usec(CLOCK_MONOTONIC);
        writer_tidy_later(writer, IDLE_USEC);
}

/* Waits with the mutex. False: it is time to tidy. */
static bool writer_wait(Writer *writer) {
        struct timespec until = {
                .tv_sec = (time_t) (writer->tidy_usec / USEC_PER_SEC),
                .tv_nsec = (long) (writer->tidy_usec % USEC_PER_SEC * 1000),
        };

        while (!writer->queue && !writer->stop) {
                if (writer->tidy_usec == USEC_INFINITY)
                        (void) pthread_cond_wait(&writer->condition, &writer->mutex);
                else if (pthread_cond_clockwait(&writer->condition, &writer->mutex, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
                        return writer->queue || writer->stop;
        }
        return true;
}

/* What is queued, or NULL; *@ret_stop if that was all there will ever be. */
static Turn *writer_take(Writer *writer, bool *ret_stop) {
        Turn *batch = NULL;

        *ret_stop = false;
        (void) pthread_mutex_lock(&writer->mutex);
        if (writer_wait(writer)) {
                batch = writer->queue;
                writer->queue = NULL;
                writer->queue_end = &writer->queue;
                *ret_stop = !batch;
        }
        (void) pthread_mutex_unlock(&writer->mutex);
        return batch;
}

static void *writer_run(void *userdata) {
        Writer *writer = userdata;
        bool stop;

        for (;;) {
                Turn *batch = writer_take(writer, &stop);

                if (stop)
                        return NULL;
                if (!batch) {
                        writer_tidy(writer);
                        continue;
                }
                writer_write(writer, batch);
                writer_checkpoint(writer);
                writer_tidy_later(writer, IDLE_USEC);
                if (writer->tidy_usec <= clock_now_usec(CLOCK_MONOTONIC))
                        writer_tidy(writer);
        }
}

void writer_submit(Writer *writer, Turn *turn) {
        (void) pthread_mutex_lock(&writer->mutex);
        *writer->queue_end = turn;
        writer->queue_end = &turn->next_queued;
        (void) pthread_cond_signal(&writer->condition);
        (void) pthread_mutex_unlock(&writer->mutex);
}

/* Everything but the thread, the database and the spare. */
static Writer *writer_release(Writer *writer) {
        fault_done(&writer->fault);
        free(writer);
        return NULL;
}
DEFINE_OWNED(Writer *, writer_release)

Writer *writer_free(Writer *writer) {
        if (!writer)
                return NULL;

        (void) pthread_mutex_lock(&writer->mutex);
        writer->stop = true;
        (void) pthread_cond_signal(&writer->condition);
        (void) pthread_mutex_unlock(&writer->mutex);
        (void) pthread_join(writer->thread, NULL);

        (void) database_close(writer->database);
        spare_close(&writer->spare);
        return writer_release(writer);
}

int writer_new(Writer **ret, Database *database, const Spare *spare, int done_fd) {
        _cleanup_(writer_releasep) Writer *writer = NULL;
        int r;

        writer = calloc(1, sizeof *writer);
        if (!writer)
                return -ENOMEM;
        *writer = (Writer) {
                .database = database,
                .spare = *spare,
                .done_fd = done_fd,
                .mutex = PTHREAD_MUTEX_INITIALIZER,
                .condition = PTHREAD_COND_INITIALIZER,
                .queue_end = &writer->queue,
                .tidy_usec = USEC_INFINITY,
                .idle_usec = IDLE_USEC,
        };
        r = fault_init(&writer->fault);
        if (r < 0)
                return r;
        r = thread_start(&writer->thread, "bgtd-writer", writer_run, writer);
        if (r < 0)
                return r;

        *ret = MOVE(writer);
        return 0;
}
