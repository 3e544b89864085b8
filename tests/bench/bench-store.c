/* SPDX-License-Identifier: MIT */

/*
 * What a durable commit costs, beside the bare thing: one write over blocks
 * that are there, and one fdatasync, in the same directory and in turns with it,
 * since the disk of a busy machine is never the same for long.
 */

#include <errno.h>

#include "tests/kit/store.h"

#define N_ROUNDS 40
#define N_PER_ROUND 50
#define BARE_SLOTS 256
#define BLOCK_BYTES 4096

typedef struct Series {
        double usec[N_ROUNDS * N_PER_ROUND];
        size_t n;
        double total_usec;              /* of the rounds, which are more than their parts when several are in flight */
} Series;

typedef struct Bench {
        Box box;
        TaskType *type;
        uint64_t last_id;
        int bare_fd;
        size_t n_done;
        uint64_t begin_usec[N_PER_ROUND];
        Series *series;
} Bench;

static double now_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return x < y ? -1 : x > y;
}

static double percentile(Series *series, double p) {
        qsort(series->usec, series->n, sizeof *series->usec, compare);
        return series->usec[(size_t) ((double) (series->n - 1) * p)];
}

static double per_second(const Series *series) {
        return (double) series->n * 1e6 / series->total_usec;
}

static void print_series(const char *name, Series *series, const Series *bare) {
        printf("%-44s %8.0f/s", name, per_second(series));
        printf("  p50 %6.0f us  p99 %7.0f us", percentile(series, 0.5), percentile(series, 0.99));
        if (bare)
                printf("  ratio to bare %.2f", per_second(series) / per_second(bare));
        printf("\n");
}

static void open_bare(Bench *bench) {
        static const char zeros[BLOCK_BYTES];
        char path[128];

        bench->bare_fd = open(box_path(&bench->box, "bare", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(bench->bare_fd >= 0);
        for (int i = 0; i < BARE_SLOTS; i++)
                assert_int_equal(write(bench->bare_fd, zeros, sizeof zeros), sizeof zeros);
        assert_int_equal(fsync(bench->bare_fd), 0);
}

static void round_bare(Bench *bench, Series *series) {
        static char block[BLOCK_BYTES];
        double begin = now_usec();

        for (size_t i = 0; i < N_PER_ROUND; i++) {
                double before = now_usec();

                block[0]++;
                assert_int_equal(pwrite(bench->bare_fd, block, sizeof block, (off_t) (series->n % BARE_SLOTS * BLOCK_BYTES)), sizeof block);
                assert_int_equal(fdatasync(bench->bare_fd), 0);
                series->usec[series->n++] = now_usec() - before;
        }
        series->total_usec += now_usec() - begin;
}

/* A turn's end, and what it had: the start of one task. */
static void submit(Bench *bench, StoreOnDurable on_durable, void *userdata) {
        _cleanup_(task_freep) Task *task = box_task(++bench->last_id, bench->type);

        assert_int_equal(strv_append(&task->argv, "/usr/bin/compress-something"), 0);
        assert_int_equal(strv_append(&task->argv, "/srv/data/archive-of-today.tar"), 0);
        assert_int_equal(store_put_task(bench->box.store, task), 0);
        assert_int_equal(store_when_durable(bench->box.store, on_durable, userdata), 0);
        store_flush(bench->box.store);
}

static void round_one_in_flight(Bench *bench, Series *series) {
        double begin = now_usec();

        for (size_t i = 0; i < N_PER_ROUND; i++) {
                double before = now_usec();
                Outcome outcome = {};

                submit(bench, outcome_on_durable, &outcome);
                box_await(&bench->box, &outcome.n, 1);
                assert_int_equal(outcome.r, 0);
                series->usec[series->n++] = now_usec() - before;
        }
        series->total_usec += now_usec() - begin;
}

/* The end of a task whose row is there. */
static void round_states(Bench *bench, Series *series) {
        double begin = now_usec();

        for (size_t i = 0; i < N_PER_ROUND; i++) {
                _cleanup_(task_freep) Task *task = box_task(bench->last_id - i, bench->type);
                double before = now_usec();

                task->phase = TASK_DONE;
                task->ending.final_status = strdup("Exited with status 0.");
                assert_int_equal(store_put_state(bench->box.store, task), 0);
                assert_int_equal(box_commit(&bench->box), 0);
                series->usec[series->n++] = now_usec() - before;
        }
        series->total_usec += now_usec() - begin;
}

static void many_on_durable(int r, void *userdata) {
        Bench *bench = userdata;

        assert_int_equal(r, 0);
        bench->series->usec[bench->series->n++] = now_usec() - (double) bench->begin_usec[bench->n_done++];
}

static void round_many_in_flight(Bench *bench, Series *series, size_t n_in_flight) {
        double begin = now_usec();
        size_t n_begun = 0;

        bench->n_done = 0;
        bench->series = series;
        while (bench->n_done < N_PER_ROUND) {
                for (; n_begun < N_PER_ROUND && n_begun < bench->n_done + n_in_flight; n_begun++) {
                        bench->begin_usec[n_begun] = (uint64_t) now_usec();
                        submit(bench, many_on_durable, bench);
                }
                box_await(&bench->box, &bench->n_done, bench->n_done + 1);
        }
        series->total_usec += now_usec() - begin;
}

/* To the writer and back with nothing to write. */
static void round_hand_over(Bench *bench, Series *series) {
        double begin = now_usec();

        for (size_t i = 0; i < N_PER_ROUND; i++) {
                double before = now_usec();

                assert_int_equal(box_commit(&bench->box), 0);
                series->usec[series->n++] = now_usec() - before;
        }
        series->total_usec += now_usec() - begin;
}

/* What of a commit the loop does itself. */
static void round_put(Bench *bench, Series *series) {
        double begin = now_usec();

        for (size_t i = 0; i < N_PER_ROUND; i++) {
                double before = now_usec();
                Outcome outcome = {};

                submit(bench, outcome_on_durable, &outcome);
                series->usec[series->n++] = now_usec() - before;
                box_await(&bench->box, &outcome.n, 1);
        }
        series->total_usec += now_usec() - begin;
}

static void bench_commits(Bench *bench) {
        static Series bare, one, states, eight, hand_over, put;

        for (size_t i = 0; i < N_ROUNDS; i++) {
                round_bare(bench, &bare);
                round_one_in_flight(bench, &one);
                round_states(bench, &states);
                round_many_in_flight(bench, &eight, 8);
                round_hand_over(bench, &hand_over);
                round_put(bench, &put);
        }
        print_series("bare 4 KiB write and fdatasync", &bare, NULL);
        print_series("store: start of a task, one in flight", &one, &bare);
        print_series("store: end of a task, one in flight", &states, &bare);
        print_series("store: starts of tasks, eight in flight", &eight, &bare);
        print_series("store: to the writer and back, nothing to do", &hand_over, NULL);
        printf("%-44s             p50 %6.0f us  p99 %7.0f us\n", "store: put and flush, in the loop's thread",
               percentile(&put, 0.5), percentile(&put, 0.99));
}

static void bench_reads(Bench *bench) {
        const size_t n = 100000;
        StoreFilter filter = { .limit = 1000 };
        Found found;
        double before;

        for (size_t i = 0; i < n; i++) {
                _cleanup_(task_freep) Task *task = box_task(++bench->last_id, bench->type);

                task->phase = i % 2 ? TASK_DONE : TASK_READY;
                assert_int_equal(store_put_task(bench->box.store, task), 0);
                if (i % 1000 == 999)
                        store_flush(bench->box.store);
        }
        assert_int_equal(box_commit(&bench->box), 0);

        before = now_usec();
        box_read(&bench->box, &filter, &found);
        printf("%-44s %8.1f ms\n", "store: the newest 1,000 of 50,000 ended", (now_usec() - before) / 1e3);
        found_done(&found);

        before = now_usec();
        box_reopen(&bench->box);
        printf("%-44s %8.1f ms\n", "store: close and open with 100,000 tasks", (now_usec() - before) / 1e3);
        before = now_usec();
        box_load(&bench->box, &found);
        printf("%-44s %8.1f ms\n", "store: load 50,000 unfinished", (now_usec() - before) / 1e3);
        found_done(&found);
}

int main(void) {
        static Bench bench = { .bare_fd = -1 };

        box_make(&bench.box);
        box_open(&bench.box);
        bench.type = box_type("bench", "[Task]\nExecStart=/bin/true\n");
        open_bare(&bench);

        bench_commits(&bench);
        bench_reads(&bench);

        bench.bare_fd = fd_close(bench.bare_fd);
        bench.type = task_type_unref(bench.type);
        box_remove(&bench.box);
        return 0;
}
