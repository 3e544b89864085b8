/* SPDX-License-Identifier: MIT */

/*
 * store-writer write DIR TASKS [LOG]   puts tasks into the store in DIR, two
 *      changes each, and prints `ack ID ENTRIES` when the first is durable:
 *      ENTRIES is how many writes the log of the disk holds at that moment.
 * store-writer check DIR               prints `max ID`, or `broken WHY`.
 *
 * The store's part in power cuts; see record-writes and replay-cuts.
 */

#include <errno.h>
#include <inttypes.h>

#include "lib/base/text.h"
#include "tests/kit/store.h"

/* What a dm-log-writes log says at its begin: magic, version, entries. */
static uint64_t log_entries(int log_fd) {
        uint64_t n = 0;

        if (log_fd >= 0 && pread(log_fd, &n, sizeof n, 16) != sizeof n)
                return 0;
        return n;
}

static int open_store(Box *box, const char *directory) {
        int r;

        text_copy(box->directory, sizeof box->directory, directory);
        r = box_try_open(box);
        if (r < 0)
                printf("broken %s\n", box->sentence);
        else if (r == STORE_E_MOVED_ASIDE)
                printf("broken the store was damaged\n");
        return r;
}

static int write_tasks(const char *directory, uint64_t n, const char *log) {
        _cleanup_(fd_closep) int log_fd = log ? open(log, O_RDONLY | O_CLOEXEC) : -1;
        _cleanup_(task_type_unrefp) TaskType *type = box_type("writer", "[Task]\n");
        Box box = {};

        if (open_store(&box, directory) != 0)
                return 1;
        for (uint64_t id = 1; id <= n; id++) {
                _cleanup_(task_freep) Task *task = box_task(id, type);

                task->phase = TASK_STARTING;
                task->name = text_format("task %" PRIu64, id);
                if (store_put_task(box.store, task) < 0 || box_commit(&box) < 0)
                        return 1;
                printf("ack %" PRIu64 " %" PRIu64 "\n", id, log_entries(log_fd));
                (void) fflush(stdout);

                task->phase = TASK_RUNNING;
                if (store_put_state(box.store, task) < 0)
                        return 1;
        }
        box_close(&box);
        return 0;
}

/* Ids without holes, and each task whole. */
static int check_on_task(Task *given, void *userdata) {
        _cleanup_(task_freep) Task *task = given;
        _cleanup_(freep) char *name = NULL;
        uint64_t *max = userdata;

        name = text_format("task %" PRIu64, task->id);
        if (task->id != *max + 1 || !text_equal(task->name, name) || (task->phase != TASK_STARTING && task->phase != TASK_RUNNING)) {
                printf("broken task %" PRIu64 " after %" PRIu64 "\n", task->id, *max);
                return -EBADMSG;
        }
        *max = task->id;
        return 0;
}

static int check_tasks(const char *directory) {
        uint64_t max = 0;
        Box box = {};

        if (open_store(&box, directory) != 0 || store_load_unfinished(box.store, check_on_task, &max) < 0)
                return 1;
        printf("max %" PRIu64 "\n", max);
        box_close(&box);
        return 0;
}

int main(int argc, char *argv[]) {
        if (argc >= 4 && text_equal(argv[1], "write"))
                return write_tasks(argv[2], strtoull(argv[3], NULL, 10), argv[4]);
        if (argc == 3 && text_equal(argv[1], "check"))
                return check_tasks(argv[2]);
        fprintf(stderr, "usage: store-writer write DIR TASKS [LOG] | check DIR\n");
        return 2;
}
