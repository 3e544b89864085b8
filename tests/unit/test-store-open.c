/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "tests/kit/store.h"

static int set_up(void **state) {
        Box *box = calloc(1, sizeof *box);

        box_make(box);
        *state = box;
        return 0;
}

static int tear_down(void **state) {
        Box *box = *state;

        box_remove(box);
        free(box);
        return 0;
}

static void put_one(Box *box, uint64_t id) {
        _cleanup_(task_type_unrefp) TaskType *type = box_type("copy", "text");
        _cleanup_(task_freep) Task *task = box_task(id, type);

        assert_int_equal(store_put_task(box->store, task), 0);
        assert_int_equal(box_commit(box), 0);
}

static size_t count_unfinished(Box *box) {
        _cleanup_(found_done) Found found = {};

        box_load(box, &found);
        return found.n_tasks;
}

/* The whole of a file, in memory of the caller's. */
static char *file_read(const char *path, size_t *ret_size) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;
        char *data;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        data = malloc((size_t) st.st_size + 1);
        assert_non_null(data);
        assert_int_equal(read(fd, data, (size_t) st.st_size), st.st_size);
        (void) fd_close(fd);
        *ret_size = (size_t) st.st_size;
        return data;
}

static void file_write(const char *path, const void *data, size_t size, off_t offset) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, data, size, offset), size);
        (void) fd_close(fd);
}

static void assert_holds(const char *path, const char *data, size_t size) {
        size_t now_size;
        char *now = file_read(path, &now_size);

        assert_int_equal(now_size, size);
        assert_memory_equal(now, data, size);
        free(now);
}

static void run_sql(const Box *box, const char *sql) {
        char path[128];
        sqlite3 *db;

        assert_int_equal(sqlite3_open(box_path(box, "tasks.db", path), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static mode_t mode_of(const Box *box, const char *name) {
        char path[128];
        struct stat st;

        assert_int_equal(stat(box_path(box, name, path), &st), 0);
        return st.st_mode & 07777;
}

/* P-44 */
static void what_it_makes_is_for_its_user_alone(void **state) {
        static const char *const names[] = { "tasks.db", "tasks.db-wal", "tasks.db-shm", "lock", "spare" };
        mode_t before = umask(0);
        Box *box = *state;

        assert_int_equal(rmdir(box->directory), 0);
        box_open(box);
        (void) umask(before);
        assert_int_equal(mode_of(box, "."), 0700);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(mode_of(box, names[i]), 0600);
}

/* P-44 */
static void a_directory_that_others_can_look_into_is_refused(void **state) {
        static const mode_t modes[] = { 0755, 0710, 0701, 0702 };
        Box *box = *state;

        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                assert_int_equal(chmod(box->directory, modes[i]), 0);
                assert_int_equal(box_try_open(box), -EPERM);
                assert_non_null(strstr(box->sentence, "chmod 0700"));
        }
        assert_int_equal(chmod(box->directory, 0700), 0);
        box_open(box);
}

static void a_directory_of_another_user_is_refused(void **state) {
        Box *box = *state;

        if (geteuid() != 0)
                skip();
        assert_int_equal(chown(box->directory, 65534, 65534), 0);
        assert_int_equal(box_try_open(box), -EPERM);
        assert_non_null(strstr(box->sentence, "user 65534"));
}

static void a_directory_that_cannot_be_is_refused_with_a_sentence(void **state) {
        _cleanup_(freep) char *sentence = NULL;
        StoreFacts facts;
        Store *store;

        assert_int_equal(store_open(&store, "/proc/self/nowhere/store", box_parse_type, &facts, &sentence), -ENOENT);
        assert_non_null(strstr(sentence, "/proc/self/nowhere/store"));
        free(MOVE(sentence));
        assert_int_equal(store_open(&store, "/dev/null", box_parse_type, &facts, &sentence), -ENOTDIR);
        assert_non_null(strstr(sentence, "/dev/null"));
}

static void a_database_that_is_a_link_is_refused(void **state) {
        Box *box = *state;
        char path[128];

        assert_int_equal(symlink("/tmp/bgt-elsewhere", box_path(box, "tasks.db", path)), 0);
        assert_int_equal(box_try_open(box), -ELOOP);
        assert_int_equal(access("/tmp/bgt-elsewhere", F_OK), -1);
}

static void a_second_opener_is_refused_and_told_the_pid(void **state) {
        _cleanup_(freep) char *sentence = NULL;
        Box *box = *state;
        StoreFacts facts;
        Store *second;
        char pid[32];

        box_open(box);
        put_one(box, 1);
        assert_int_equal(store_open(&second, box->directory, box_parse_type, &facts, &sentence), -EBUSY);
        (void) snprintf(pid, sizeof pid, "(pid %d)", (int) getpid());
        assert_non_null(strstr(sentence, pid));
        assert_non_null(strstr(sentence, box->directory));

        /* and the first one is none the worse */
        put_one(box, 2);
        box_reopen(box);
        assert_int_equal(count_unfinished(box), 2);
        assert_int_equal(box->facts.epoch, 2);
}

/* Another process holds the store until it is killed. */
static void the_lock_goes_with_its_process(void **state) {
        Box *box = *state;
        int ready[2];
        char pid[32];
        pid_t child;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        child = fork();
        if (child == 0) {
                (void) !write(ready[1], "", box_try_open(box) == 0);
                (void) pause();
                _exit(0);
        }
        (void) fd_close(ready[1]);
        assert_int_equal(read(ready[0], pid, 1), 1);
        (void) fd_close(ready[0]);

        assert_int_equal(box_try_open(box), -EBUSY);
        (void) snprintf(pid, sizeof pid, "(pid %d)", (int) child);
        assert_non_null(strstr(box->sentence, pid));

        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        box_open(box);
}

static void a_newer_schema_is_refused_and_left_as_it_is(void **state) {
        Box *box = *state;
        char path[128], *data;
        size_t size;

        box_open(box);
        put_one(box, 1);
        box_close(box);
        run_sql(box, "PRAGMA user_version = 1000");
        data = file_read(box_path(box, "tasks.db", path), &size);

        assert_int_equal(box_try_open(box), -EPROTONOSUPPORT);
        assert_non_null(strstr(box->sentence, "newer version"));
        assert_non_null(strstr(box->sentence, path));
        assert_holds(path, data, size);
        free(data);

        run_sql(box, "PRAGMA user_version = 1");
        box_open(box);
        assert_int_equal(count_unfinished(box), 1);
}

static void the_database_of_another_program_is_refused_and_left_as_it_is(void **state) {
        Box *box = *state;
        char path[128], *data;
        size_t size;

        run_sql(box, "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
        assert_int_equal(chmod(box_path(box, "tasks.db", path), 0600), 0);
        data = file_read(path, &size);
        assert_int_equal(box_try_open(box), -EMEDIUMTYPE);
        assert_non_null(strstr(box->sentence, "another program"));
        assert_holds(path, data, size);
        free(data);
}

static void an_empty_file_is_a_new_store(void **state) {
        Box *box = *state;
        char path[128];

        file_write(box_path(box, "tasks.db", path), "", 0, 0);
        box_open(box);
        put_one(box, 1);
}

/* Opens a store whose file is damaged: what is there is kept, byte by byte, and what must go on goes on. */
static void assert_moved_aside(Box *box) {
        StoreFacts before = box->facts;
        char path[128], *data;
        size_t size;

        data = file_read(box_path(box, "tasks.db", path), &size);
        assert_int_equal(box_try_open(box), STORE_E_MOVED_ASIDE);
        assert_non_null(strstr(box->facts.aside, "tasks.db.damaged-"));
        assert_holds(box->facts.aside, data, size);
        free(data);

        assert_int_equal(count_unfinished(box), 0);
        assert_int_equal(box->facts.epoch, before.epoch + 1);
        assert_int_equal(box->facts.instance, before.instance);
        put_one(box, box->facts.last_id + 1);

        box_reopen(box);
        assert_string_equal(box->facts.aside, "");
        assert_int_equal(count_unfinished(box), 1);
}

static void damaged_store(Box *box) {
        box_open(box);
        for (uint64_t id = 1; id <= 50; id++)
                put_one(box, id);
        box_close(box);
}

/* T-7 */
static void a_file_that_is_no_database_is_moved_aside(void **state) {
        static const char garbage[4096] = "this is not what it was";
        Box *box = *state;
        char path[128];

        damaged_store(box);
        file_write(box_path(box, "tasks.db", path), garbage, sizeof garbage, 0);
        assert_moved_aside(box);
        assert_true(box->facts.last_id > 50);
}

static void a_file_with_bad_pages_is_moved_aside(void **state) {
        static const char garbage[512] = "this is not what it was";
        Box *box = *state;
        char path[128];

        damaged_store(box);
        for (off_t page = 1; page < 12; page++)
                file_write(box_path(box, "tasks.db", path), garbage, sizeof garbage, page * 1024);
        assert_moved_aside(box);
}

static void a_file_that_was_cut_off_is_moved_aside(void **state) {
        Box *box = *state;
        char path[128];

        damaged_store(box);
        assert_int_equal(truncate(box_path(box, "tasks.db", path), 3 * 1024), 0);
        assert_moved_aside(box);
}

static void a_file_without_its_tables_is_moved_aside(void **state) {
        Box *box = *state;

        damaged_store(box);
        run_sql(box, "DROP TABLE environment");
        assert_moved_aside(box);
}

static void two_damaged_files_do_not_overwrite_each_other(void **state) {
        static const char garbage[4096] = "this is not what it was";
        char path[128], log_path[128], first[sizeof ((Box *) NULL)->facts.aside], log_aside[300];
        Box *box = *state;

        file_write(box_path(box, "tasks.db", path), garbage, sizeof garbage, 0);
        assert_int_equal(box_try_open(box), STORE_E_MOVED_ASIDE);
        (void) snprintf(first, sizeof first, "%s", box->facts.aside);
        box_close(box);
        file_write(path, garbage, sizeof garbage, 0);
        file_write(box_path(box, "tasks.db-wal", log_path), garbage, sizeof garbage, 0);
        assert_int_equal(box_try_open(box), STORE_E_MOVED_ASIDE);
        (void) snprintf(log_aside, sizeof log_aside, "%s-wal", box->facts.aside);
        assert_holds(log_aside, garbage, sizeof garbage);
        assert_string_not_equal(box->facts.aside, first);
        assert_int_equal(access(first, F_OK), 0);
        assert_int_equal(access(box->facts.aside, F_OK), 0);
}

/* What a killed bgtd leaves: everything is still in the log, and both are kept. */
static void the_log_of_a_damaged_file_is_kept_with_it(void **state) {
        static const char garbage[100] = "this is not what it was";
        char path[128], log_path[128], aside[300], *log;
        Box *box = *state;
        size_t size;
        int ready[2];
        pid_t child;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        child = fork();
        if (child == 0) {
                if (box_try_open(box) < 0 || !box_child_commit(box, 1))
                        _exit(1);
                (void) !write(ready[1], "", 1);
                (void) pause();
                _exit(0);
        }
        (void) fd_close(MOVE_FD(ready[1]));
        assert_int_equal(read(ready[0], path, 1), 1);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        (void) fd_close(ready[0]);

        file_write(box_path(box, "tasks.db", path), garbage, sizeof garbage, 0);
        file_write(box_path(box, "tasks.db-wal", log_path), garbage, sizeof garbage, 0);
        log = file_read(log_path, &size);
        assert_int_equal(box_try_open(box), STORE_E_MOVED_ASIDE);
        (void) snprintf(aside, sizeof aside, "%s-wal", box->facts.aside);
        assert_holds(aside, log, size);
        free(log);
}

/* T-7: an administrator puts yesterday's copy back. */
static void a_copy_from_before_gives_out_no_id_again(void **state) {
        Box *box = *state;
        char path[128], *data;
        size_t size;

        box_open(box);
        put_one(box, 10);
        box_close(box);
        data = file_read(box_path(box, "tasks.db", path), &size);
        box_open(box);
        put_one(box, 5000);
        box_close(box);

        assert_int_equal(unlink(path), 0);
        file_write(path, data, size, 0);
        free(data);
        box_open(box);
        assert_true(box->facts.last_id >= 5000);
        assert_int_equal(box->facts.epoch, 3);
}

/* T-7 */
static void a_store_without_its_file_gives_out_no_id_again(void **state) {
        Box *box = *state;
        char path[128];
        uint64_t instance;

        box_open(box);
        put_one(box, 1234);
        instance = box->facts.instance;
        box_close(box);
        assert_int_equal(unlink(box_path(box, "tasks.db", path)), 0);
        box_open(box);
        assert_true(box->facts.last_id >= 1234);
        assert_int_equal(box->facts.epoch, 2);
        assert_int_equal(box->facts.instance, instance);
}

static void a_spare_that_says_nonsense_is_written_anew(void **state) {
        Box *box = *state;
        char path[128];

        box_open(box);
        put_one(box, 10);
        box_close(box);
        assert_int_equal(truncate(box_path(box, "spare", path), 0), 0);
        file_write(path, "nonsense", 8, 0);
        box_open(box);
        assert_int_equal(box->facts.last_id, 10);
        assert_int_equal(box->facts.epoch, 2);
}

/* Somebody looks at the file while bgtd starts and works. */
static void a_reader_of_the_file_is_in_nobodys_way(void **state) {
        Box *box = *state;
        char path[128];
        sqlite3 *db;

        box_open(box);
        put_one(box, 1);
        box_close(box);
        assert_int_equal(sqlite3_open(box_path(box, "tasks.db", path), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT * FROM task", NULL, NULL, NULL), SQLITE_OK);
        box_open(box);
        put_one(box, 2);
        box_close(box);
        assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        box_open(box);
        assert_int_equal(count_unfinished(box), 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_it_makes_is_for_its_user_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_directory_that_others_can_look_into_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_directory_of_another_user_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_is_refused_with_a_sentence, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_database_that_is_a_link_is_refused, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_second_opener_is_refused_and_told_the_pid, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_lock_goes_with_its_process, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_newer_schema_is_refused_and_left_as_it_is, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_database_of_another_program_is_refused_and_left_as_it_is, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_empty_file_is_a_new_store, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_file_that_is_no_database_is_moved_aside, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_file_with_bad_pages_is_moved_aside, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_file_that_was_cut_off_is_moved_aside, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_file_without_its_tables_is_moved_aside, set_up, tear_down),
                cmocka_unit_test_setup_teardown(two_damaged_files_do_not_overwrite_each_other, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_log_of_a_damaged_file_is_kept_with_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_copy_from_before_gives_out_no_id_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_store_without_its_file_gives_out_no_id_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_spare_that_says_nonsense_is_written_anew, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_reader_of_the_file_is_in_nobodys_way, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("store-open", tests, NULL, NULL);
}
