/* SPDX-License-Identifier: MIT */

/*
 * What a confirmed freeze and thaw cost through the freezer, beside the bare
 * thing: a write to cgroup.freeze and reads of cgroup.events, one after another
 * and both already open, until it says so. In turns on one group.
 */

#include <string.h>

#include "supervisor/sys/freezer.h"
#include "tests/kit/group.h"

#define N_ROUNDS 400
#define N_PROCESSES_MAX 100

typedef struct Series {
        double freeze_usec[N_ROUNDS], thaw_usec[N_ROUNDS];
} Series;

static double now_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static double percentile(double *usec, double p) {
        qsort(usec, N_ROUNDS, sizeof *usec, compare);
        return usec[(size_t) ((N_ROUNDS - 1) * p)];
}

static void bare_set(int freeze_fd, int events_fd, bool frozen) {
        const char *wanted = frozen ? "frozen 1" : "frozen 0";
        char text[64];

        assert_int_equal(pwrite(freeze_fd, frozen ? "1" : "0", 1, 0), 1);
        do {
                ssize_t n = pread(events_fd, text, sizeof text - 1, 0);

                assert_true(n > 0);
                text[n] = '\0';
        } while (!strstr(text, wanted));
}

static void layer_set(int fd, bool frozen) {
        int r = frozen ? freezer_freeze(fd) : freezer_thaw(fd);

        if (r == FREEZER_E_PENDING)
                assert_true(group_await(fd, 1, frozen));
        else
                assert_int_equal(r, 0);
}

/* Who has not yet left the freezer is there at once when it is asked for again, and nothing would be measured. */
static void settle(void) {
        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec) { .tv_nsec = 2000000 }, NULL);
}

static void print_ratio(const char *what, size_t n, double *layer, double *bare) {
        printf("%-8s %4zu processes  p50 %7.1f us  p99 %7.1f us  bare p50 %7.1f us  ratio to bare %.2f\n", what, n,
               percentile(layer, 0.5), percentile(layer, 0.99), percentile(bare, 0.5),
               percentile(layer, 0.5) / percentile(bare, 0.5));
}

static void measure(int root_fd, size_t n_processes) {
        _cleanup_(fd_closep) int freeze_fd = -1, events_fd = -1;
        static Series bare, layer;
        Group g;

        assert_true(group_make(root_fd, &g));
        for (size_t i = 0; i < n_processes; i++)
                assert_true(group_spawn(g.fd, NULL, NULL) > 0);
        freeze_fd = openat(g.fd, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
        events_fd = cgroup_open_events(g.fd);
        assert_true(freeze_fd >= 0 && events_fd >= 0);

        for (int i = 0; i < N_ROUNDS; i++) {
                double t[3];

                settle();
                t[0] = now_usec();
                bare_set(freeze_fd, events_fd, true);
                t[1] = now_usec();
                bare_set(freeze_fd, events_fd, false);
                t[2] = now_usec();
                bare.freeze_usec[i] = t[1] - t[0];
                bare.thaw_usec[i] = t[2] - t[1];

                settle();
                t[0] = now_usec();
                layer_set(g.fd, true);
                t[1] = now_usec();
                layer_set(g.fd, false);
                t[2] = now_usec();
                layer.freeze_usec[i] = t[1] - t[0];
                layer.thaw_usec[i] = t[2] - t[1];
        }
        print_ratio("freeze", n_processes, layer.freeze_usec, bare.freeze_usec);
        print_ratio("thaw", n_processes, layer.thaw_usec, bare.thaw_usec);
        assert_true(group_end(&g));
}

static void freezing_costs_little_more_than_the_kernel_does(void **state) {
        int root_fd = *(int *) *state;

        measure(root_fd, 1);
        measure(root_fd, N_PROCESSES_MAX);
}

int main(void) {
        int root_fd = group_open_root(), r;
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_prestate(freezing_costs_little_more_than_the_kernel_does, &root_fd),
        };

        if (root_fd < 0)
                return UNIT_SKIPPED;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        (void) fd_close(root_fd);
        return r;
}
