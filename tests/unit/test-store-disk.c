/* SPDX-License-Identifier: MIT */

/*
 * The disk is full, or refuses, and later does not. The full disk is a small
 * file system of the test's own in a mount namespace of the test's own.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "tests/kit/store.h"

#define BIG_BYTES ((size_t) 4 * 1024 * 1024)

static int set_up(void **state) {
        Box *box = calloc(1, sizeof *box);

        box_make(box);
        *state = box;
        return 0;
}

static int tear_down(void **state) {
        Box *box = *state;

        (void) unsetenv("BGT_TEST_COMMIT_GATE");
        box_close(box);
        (void) umount2(box->directory, MNT_DETACH);
        box_remove(box);
        free(box);
        return 0;
}

static bool mount_small(const Box *box) {
        static bool is_apart;

        if (!is_apart && (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0))
                return false;
        is_apart = true;
        return mount("bgt-test", box->directory, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=0700") == 0;
}

/* Takes what room there is. */
static void fill_disk(const Box *box) {
        static const char zeros[4096];
        char path[128];
        int fd;

        fd = open(box_path(box, "filler", path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        while (write(fd, zeros, sizeof zeros) > 0)
                ;
        assert_int_equal(errno, ENOSPC);
        (void) fd_close(fd);
}

static void empty_disk(const Box *box) {
        char path[128];

        assert_int_equal(unlink(box_path(box, "filler", path)), 0);
}

static void put(Box *box, uint64_t id, size_t size) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "text");
        _cleanup_(task_freep) Task *task = box_task(id, type);

        task->directory = malloc(size + 1);
        assert_non_null(task->directory);
        memset(task->directory, 'x', size);
        task->directory[size] = '\0';
        assert_int_equal(store_put_task(box->store, task), 0);
}

static void assert_ids(Box *box, const uint64_t *ids, size_t n) {
        _cleanup_(found_done) Found found = {};

        box_load(box, &found);
        assert_int_equal(found.n_tasks, n);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(found.tasks[i]->id, ids[i]);
}

static void a_commit_that_finds_no_room_leaves_nothing_and_a_later_one_works(void **state) {
        Box *box = *state;

        if (!mount_small(box))
                skip();
        box_open(box);
        put(box, 1, 10);
        assert_int_equal(box_commit(box), 0);

        fill_disk(box);
        put(box, 2, 10);
        put(box, 3, BIG_BYTES);
        put(box, 4, 10);
        assert_int_equal(box_commit(box), -ENOSPC);
        assert_ids(box, (const uint64_t[]) { 1 }, 1);

        empty_disk(box);
        put(box, 5, BIG_BYTES);
        assert_int_equal(box_commit(box), 0);
        put(box, 2, 10);
        assert_int_equal(box_commit(box), 0);
        box_reopen(box);
        assert_ids(box, (const uint64_t[]) { 1, 2, 5 }, 3);
        assert_int_equal(box->facts.last_id, 5);
}

/* The three wait together for the disk. */
static void only_the_turn_that_needs_more_room_fails(void **state) {
        Outcome outcomes[3] = {};
        Box *box = *state;
        char gate[128];

        if (!mount_small(box))
                skip();
        assert_int_equal(setenv("BGT_TEST_COMMIT_GATE", box_path(box, "gate", gate), 1), 0);
        box_open(box);
        put(box, 1, 10);
        assert_int_equal(box_commit(box), 0);
        (void) fd_close(open(gate, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        fill_disk(box);

        for (size_t i = 0; i < 3; i++) {
                put(box, 2 + i, i == 1 ? BIG_BYTES : 10);
                assert_int_equal(store_when_durable(box->store, outcome_on_durable, outcomes + i), 0);
                store_flush(box->store);
        }
        assert_int_equal(unlink(gate), 0);
        box_await(box, &outcomes[2].n, 1);
        assert_int_equal(outcomes[0].r, 0);
        assert_int_equal(outcomes[1].r, -ENOSPC);
        assert_int_equal(outcomes[2].r, 0);
        empty_disk(box);
        box_reopen(box);
        assert_ids(box, (const uint64_t[]) { 1, 2, 4 }, 3);
}

static void a_full_disk_at_the_start_is_refused_with_a_sentence(void **state) {
        Box *box = *state;

        if (!mount_small(box))
                skip();
        fill_disk(box);
        assert_int_equal(box_try_open(box), -ENOSPC);
        assert_non_null(strstr(box->sentence, "no room"));
        empty_disk(box);
        box_open(box);
        put(box, 1, 10);
        assert_int_equal(box_commit(box), 0);
        box_close(box);

        fill_disk(box);
        assert_int_equal(box_try_open(box), -ENOSPC);
        assert_non_null(strstr(box->sentence, "no room"));
        empty_disk(box);
        box_open(box);
        assert_ids(box, (const uint64_t[]) { 1 }, 1);
}

static void a_read_only_disk_at_the_start_is_refused_with_a_sentence(void **state) {
        Box *box = *state;

        if (!mount_small(box))
                skip();
        box_open(box);
        box_close(box);
        assert_int_equal(mount("none", box->directory, "none", MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_int_equal(box_try_open(box), -EROFS);
        assert_non_null(strstr(box->sentence, "read-only"));
}

/* Any other refusal of the kernel's is passed on as it is. */
static void a_write_that_the_kernel_refuses_fails_its_turn_only(void **state) {
        struct rlimit before, small;
        Box *box = *state;

        (void) signal(SIGXFSZ, SIG_IGN);
        box_open(box);
        put(box, 1, 10);
        assert_int_equal(box_commit(box), 0);

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        small = (struct rlimit) { .rlim_cur = 2 * 1024 * 1024, .rlim_max = before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        put(box, 2, BIG_BYTES);
        assert_int_equal(box_commit(box), -EFBIG);
        put(box, 3, 10);
        assert_int_equal(box_commit(box), 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        put(box, 4, BIG_BYTES);
        assert_int_equal(box_commit(box), 0);
        box_reopen(box);
        assert_ids(box, (const uint64_t[]) { 1, 3, 4 }, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_commit_that_finds_no_room_leaves_nothing_and_a_later_one_works, set_up, tear_down),
                cmocka_unit_test_setup_teardown(only_the_turn_that_needs_more_room_fails, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_full_disk_at_the_start_is_refused_with_a_sentence, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_read_only_disk_at_the_start_is_refused_with_a_sentence, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_write_that_the_kernel_refuses_fails_its_turn_only, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("store-disk", tests, NULL, NULL);
}
