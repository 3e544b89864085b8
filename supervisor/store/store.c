/* SPDX-License-Identifier: MIT */
#include "supervisor/store/store.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "supervisor/store/reader.h"
#include "supervisor/store/row.h"
#include "supervisor/store/start.h"
#include "supervisor/store/writer.h"

struct Store {
        StateDirectory directory;
        int event_fd;
        DefinitionTable definitions;
        Writer *writer;
        Reader *reader;

        Turn *turn;                     /* what has been put since the last flush; NULL: nothing */
        uint64_t n_turns;               /* counts flushes */
        Turn *turns, **turns_end;       /* flushed and not yet called back, in order */
        Read *reads, **reads_end;       /* asked and not yet answered, in order */
};

/* Opening */

static int store_start(Store *store, const char *path, StoreParseType parse, StoreFacts *facts) {
        _cleanup_(database_closep) Database *database = NULL;
        _cleanup_(spare_close) Spare spare = SPARE_NONE;
        int r, outcome;

        r = spare_open(&store->directory, &spare);
        if (r < 0)
                return r;
        outcome = start_database(&(Start) { &store->directory, path, &spare, &store->definitions, facts }, &database);
        if (outcome < 0)
                return outcome;

        r = writer_new(&store->writer, database, &spare, store->event_fd);
        if (r < 0)
                return r;
        database = NULL;
        spare = SPARE_NONE;

        r = reader_new(&store->reader, path, parse, store->event_fd);
        if (r < 0)
                return r;
        return outcome;
}

static Store *store_new(void) {
        Store *store = calloc(1, sizeof *store);

        if (!store)
                return NULL;
        store->directory = STATE_DIRECTORY_NONE;
        store->turns_end = &store->turns;
        store->reads_end = &store->reads;
        store->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        return store;
}

int store_open(Store **ret, const char *directory, StoreParseType parse, StoreFacts *ret_facts, char **ret_sentence) {
        _cleanup_(store_closep) Store *store = NULL;
        _cleanup_(freep) char *path = NULL, *sentence = NULL;
        StoreFacts facts = {};
        int r;

        assert(parse);

        store = store_new();
        if (!store)
                return -ENOMEM;
        r = store->event_fd < 0 ? result_errno() : state_directory_open(directory, &store->directory, &sentence);
        if (r >= 0) {
                path = state_directory_path(&store->directory, START_DATABASE_NAME);
                r = path ? store_start(store, path, parse, &facts) : -ENOMEM;
        }
        if (r < 0) {
                (void) start_refuse(&sentence, r, path ? path : directory);
                *ret_sentence = MOVE(sentence);
                return r;
        }

        *ret_facts = facts;
        *ret = MOVE(store);
        return r;
}

/* Putting */

static int store_turn(Store *store, Turn **ret) {
        if (!store->turn)
                store->turn = turn_new();
        if (!store->turn)
                return -ENOMEM;
        *ret = store->turn;
        return 0;
}

/* An operation on one number, which all that concern a task begin with. */
static int store_put_number(Turn *turn, Statement statement, uint64_t number) {
        Operation *operation = turn_operation(turn, statement, 1);

        if (!operation)
                return -ENOMEM;
        operation->values[0] = value_u64(number);
        turn_add(turn, operation);
        return 0;
}

static void definition_on_durable(int r, void *userdata) {
        Definition *definition = userdata;

        definition->durable |= r >= 0;
}

/* Until it is known to be durable it is put in every turn that needs it, since the one before may fail. */
static int store_put_definition(Store *store, Turn *turn, Definition *definition) {
        Operation *operation;
        int r;

        if (definition->durable || definition->turn == store->n_turns + 1)
                return 0;

        operation = turn_operation(turn, STATEMENT_PUT_DEFINITION, 3);
        if (!operation)
                return -ENOMEM;
        operation->values[0] = value_u64(definition->id);
        r = turn_copy_value(turn, VALUE_TEXT, definition->name, strlen(definition->name), operation->values + 1);
        if (r < 0)
                return r;
        r = turn_copy_value(turn, VALUE_TEXT, definition->text, strlen(definition->text), operation->values + 2);
        if (r < 0)
                return r;
        r = turn_add_callback(turn, definition_on_durable, definition);
        if (r < 0)
                return r;

        turn_add(turn, operation);
        definition->turn = store->n_turns + 1;
        return 0;
}

int store_put_type(Store *store, TaskType *type) {
        Definition *definition;
        Turn *turn;
        int r;

        assert(type->name && type->text);

        r = store_turn(store, &turn);
        if (r < 0)
                return r;
        definition = definition_table_find(&store->definitions, type->definition_id);
        if (!definition) {
                r = definition_table_get(&store->definitions, type->name, type->text, &definition);
                if (r < 0)
                        return r;
        }
        r = store_put_definition(store, turn, definition);
        if (r < 0)
                return r;
        type->definition_id = definition->id;
        return 0;
}

static int store_put_row(Turn *turn, const Task *task, Statement statement, RowPart part) {
        Operation *operation;
        int r;

        operation = turn_operation(turn, statement, row_n_values(part));
        if (!operation)
                return -ENOMEM;
        r = row_encode(turn, task, part, operation->values);
        if (r < 0)
                return r;
        turn_add(turn, operation);
        return 0;
}

static int store_put_environment(Turn *turn, const Task *task) {
        _cleanup_(freep) void *data = NULL;
        Operation *operation;
        size_t size;
        int r;

        if (!task->environment || task_has_ended(task))
                return store_put_number(turn, STATEMENT_DROP_ENVIRONMENT, task->id);

        r = strv_pack(task->environment, &data, &size);
        if (r < 0)
                return r;
        operation = turn_operation(turn, STATEMENT_PUT_ENVIRONMENT, 2);
        if (!operation)
                return -ENOMEM;
        operation->values[0] = value_u64(task->id);
        r = turn_copy_value(turn, VALUE_BLOB, data, size, operation->values + 1);
        if (r < 0)
                return r;
        turn_add(turn, operation);
        return 0;
}

static int store_put_whole(Turn *turn, const Task *task) {
        int r;

        r = store_put_row(turn, task, STATEMENT_PUT_TASK, ROW_WHOLE);
        if (r < 0)
                return r;
        r = store_put_environment(turn, task);
        if (r < 0)
                return r;
        return store_put_number(turn, STATEMENT_RAISE_LAST_ID, task->id);
}

int store_put_task(Store *store, const Task *task) {
        Operation **mark;
        int r;

        assert(task->id > 0 && task->id <= INT64_MAX);
        assert(task->type && task->namespace);

        r = store_put_type(store, task->type);
        if (r < 0)
                return r;
        mark = store->turn->operations_end;
        r = store_put_whole(store->turn, task);
        if (r < 0) {
                turn_rewind(store->turn, mark);
                return r;
        }
        if (task->id > store->turn->highest_id)
                store->turn->highest_id = task->id;
        return 0;
}

int store_put_state(Store *store, const Task *task) {
        Operation **mark;
        Turn *turn;
        int r;

        r = store_turn(store, &turn);
        if (r < 0)
                return r;
        mark = turn->operations_end;
        r = store_put_row(turn, task, STATEMENT_PUT_STATE, ROW_STATE);
        if (r >= 0 && task_has_ended(task))
                r = store_put_number(turn, STATEMENT_DROP_ENVIRONMENT, task->id);
        if (r < 0)
                turn_rewind(turn, mark);
        return r;
}

int store_delete(Store *store, uint64_t id) {
        Operation **mark;
        Turn *turn;
        int r;

        r = store_turn(store, &turn);
        if (r < 0)
                return r;
        mark = turn->operations_end;
        r = store_put_number(turn, STATEMENT_DELETE_TASK, id);
        if (r >= 0)
                r = store_put_number(turn, STATEMENT_DROP_ENVIRONMENT, id);
        if (r < 0)
                turn_rewind(turn, mark);
        return r;
}

int store_when_durable(Store *store, StoreOnDurable on_durable, void *userdata) {
        Turn *turn;
        int r;

        assert(on_durable);

        r = store_turn(store, &turn);
        if (r < 0)
                return r;
        return turn_add_callback(turn, on_durable, userdata);
}

void store_forget(Store *store, void *userdata) {
        if (store->turn)
                turn_forget(store->turn, userdata);
        for (Turn *turn = store->turns; turn; turn = turn->next)
                turn_forget(turn, userdata);
}

void store_flush(Store *store) {
        Turn *turn = MOVE(store->turn);

        if (!turn)
                return;
        store->n_turns++;
        turn->flush_usec = clock_now_usec(CLOCK_MONOTONIC);
        *store->turns_end = turn;
        store->turns_end = &turn->next;
        writer_submit(store->writer, turn);
}

/* Calling back */

int store_fd(const Store *store) {
        return store->event_fd;
}

/* While it is called back a turn stays in the list, where store_forget() finds it. */
static void store_dispatch_turns(Store *store) {
        while (store->turns && atomic_load_explicit(&store->turns->finished, memory_order_acquire)) {
                Turn *turn = store->turns;

                turn_call_back(turn);
                store->turns = turn->next;
                if (!store->turns)
                        store->turns_end = &store->turns;
                (void) turn_free(turn);
        }
}

static void store_answer(Read *read) {
        size_t n_tasks = read->n_tasks;

        if (!read->on_read)
                return;
        read->n_tasks = 0;
        read->on_read(read->result, MOVE(read->tasks), n_tasks, read->userdata);
}

static void store_dispatch_reads(Store *store) {
        while (store->reads && atomic_load_explicit(&store->reads->finished, memory_order_acquire)) {
                _cleanup_(read_freep) Read *read = store->reads;

                store->reads = read->next;
                if (!store->reads)
                        store->reads_end = &store->reads;
                if (store->reader)
                        reader_go_on(store->reader);
                store_answer(read);
        }
}

void store_dispatch(Store *store) {
        uint64_t n;

        (void) !read(store->event_fd, &n, sizeof n);
        store_dispatch_turns(store);
        store_dispatch_reads(store);
}

void store_backlog(const Store *store, size_t *ret_n_turns, uint64_t *ret_since_usec) {
        *ret_n_turns = 0;
        *ret_since_usec = 0;
        for (const Turn *turn = store->turns; turn; turn = turn->next) {
                if (atomic_load_explicit(&turn->finished, memory_order_acquire))
                        continue;
                if ((*ret_n_turns)++ == 0)
                        *ret_since_usec = turn->flush_usec;
        }
}

/* Reading */

int store_load_unfinished(Store *store, StoreOnTask on_task, void *userdata) {
        assert(!store->reads);
        return reader_load_unfinished(store->reader, on_task, userdata);
}

int store_read_ended(Store *store, const StoreFilter *filter, StoreOnRead on_read, void *userdata) {
        Read *read;
        int r;

        assert(on_read);

        r = read_new(&read, filter, on_read, userdata);
        if (r < 0)
                return r;
        *store->reads_end = read;
        store->reads_end = &read->next;
        reader_submit(store->reader, read);
        return 0;
}

static void read_forget(Read *read) {
        read->on_read = NULL;
        atomic_store_explicit(&read->forgotten, true, memory_order_relaxed);
}

void store_forget_read(Store *store, void *userdata) {
        for (Read *read = store->reads; read; read = read->next)
                if (read->userdata == userdata)
                        read_forget(read);
}

/* Closing */

Store *store_close(Store *store) {
        if (!store)
                return NULL;

        if (store->writer)
                store_flush(store);
        for (Read *read = store->reads; read; read = read->next)
                atomic_store_explicit(&read->forgotten, true, memory_order_relaxed);
        store->reader = reader_free(store->reader);
        store->writer = writer_free(store->writer);
        store_dispatch(store);

        assert(!store->turns && !store->reads);
        (void) turn_free(store->turn);
        definition_table_done(&store->definitions);
        fd_closep(&store->event_fd);
        state_directory_close(&store->directory);
        free(store);
        return NULL;
}
