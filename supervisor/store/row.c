/* SPDX-License-Identifier: MIT */
#include "supervisor/store/row.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"

typedef enum ColumnKind {
        COLUMN_U64,
        COLUMN_I64,
        COLUMN_U32,
        COLUMN_I32,
        COLUMN_BOOL,
        COLUMN_STRING,
        COLUMN_BOOT_ID,
        COLUMN_VECTOR,
        COLUMN_PHASE,
        COLUMN_REQUEST,
        COLUMN_OUTPUT,
        COLUMN_DEFINITION,      /* from the type, for which there is no field to be read back into */
        COLUMN_TYPE_NAME,
} ColumnKind;

typedef struct Column {
        const char *name;
        ColumnKind kind;
        RowPart part;           /* ROW_STATE: in both */
        size_t offset;
} Column;

#define FIELD(field) offsetof(Task, field)

static const Column columns[] = {
        { "id",                 COLUMN_U64,        ROW_STATE, FIELD(id) },
        { "definition",         COLUMN_DEFINITION, ROW_WHOLE },
        { "type",               COLUMN_TYPE_NAME,  ROW_WHOLE },
        { "phase",              COLUMN_PHASE,      ROW_STATE, FIELD(phase) },
        { "before_ending",      COLUMN_PHASE,      ROW_STATE, FIELD(before_ending) },
        { "request",            COLUMN_REQUEST,    ROW_STATE, FIELD(request) },
        { "cancel_acted",       COLUMN_BOOL,       ROW_STATE, FIELD(cancel_acted) },
        { "name",               COLUMN_STRING,     ROW_WHOLE, FIELD(name) },
        { "label",              COLUMN_STRING,     ROW_WHOLE, FIELD(label) },
        { "namespace",          COLUMN_STRING,     ROW_WHOLE, FIELD(namespace) },
        { "owner",              COLUMN_U32,        ROW_WHOLE, FIELD(owner) },
        { "user",               COLUMN_STRING,     ROW_WHOLE, FIELD(user) },
        { "uid",                COLUMN_U32,        ROW_WHOLE, FIELD(uid) },
        { "gid",                COLUMN_U32,        ROW_WHOLE, FIELD(gid) },
        { "parameters",         COLUMN_VECTOR,     ROW_WHOLE, FIELD(parameters) },
        { "argv",               COLUMN_VECTOR,     ROW_WHOLE, FIELD(argv) },
        { "directory",          COLUMN_STRING,     ROW_WHOLE, FIELD(directory) },
        { "umask",              COLUMN_I32,        ROW_WHOLE, FIELD(umask) },
        { "priority",           COLUMN_I32,        ROW_WHOLE, FIELD(priority) },
        { "timeout_usec",       COLUMN_U64,        ROW_WHOLE, FIELD(timeout_usec) },
        { "create_time_usec",   COLUMN_U64,        ROW_STATE, FIELD(create_time_usec) },
        { "unlock_time_usec",   COLUMN_U64,        ROW_STATE, FIELD(unlock_time_usec) },
        { "start_time_usec",    COLUMN_U64,        ROW_STATE, FIELD(start_time_usec) },
        { "finish_time_usec",   COLUMN_U64,        ROW_STATE, FIELD(finish_time_usec) },
        { "paused_usec",        COLUMN_U64,        ROW_STATE, FIELD(paused_usec) },
        { "paused_since_usec",  COLUMN_U64,        ROW_STATE, FIELD(paused_since_usec) },
        { "attempt",            COLUMN_U32,        ROW_STATE, FIELD(attempt) },
        { "claim_generation",   COLUMN_U64,        ROW_STATE, FIELD(claim_generation) },
        { "claim_epoch",        COLUMN_U64,        ROW_STATE, FIELD(claim_epoch) },
        { "output",             COLUMN_OUTPUT,     ROW_STATE, FIELD(output) },
        { "job_pid",            COLUMN_I32,        ROW_STATE, FIELD(job.pid) },
        { "job_start_ticks",    COLUMN_U64,        ROW_STATE, FIELD(job.start_ticks) },
        { "job_pidfd_inode",    COLUMN_U64,        ROW_STATE, FIELD(job.pidfd_inode) },
        { "job_boot_id",        COLUMN_BOOT_ID,    ROW_STATE, FIELD(job.boot_id) },
        { "status_message",     COLUMN_STRING,     ROW_STATE, FIELD(status_message) },
        { "progress_current",   COLUMN_I64,        ROW_STATE, FIELD(progress.current) },
        { "progress_total",     COLUMN_I64,        ROW_STATE, FIELD(progress.total) },
        { "progress_units",     COLUMN_STRING,     ROW_STATE, FIELD(progress.units) },
        { "progress_details",   COLUMN_STRING,     ROW_STATE, FIELD(progress.details) },
        { "progress_time_usec", COLUMN_U64,        ROW_STATE, FIELD(progress.time_usec) },
        { "cpu_usec",           COLUMN_U64,        ROW_STATE, FIELD(usage.cpu_usec) },
        { "memory_peak_bytes",  COLUMN_U64,        ROW_STATE, FIELD(usage.memory_peak_bytes) },
        { "io_read_bytes",      COLUMN_U64,        ROW_STATE, FIELD(usage.io_read_bytes) },
        { "io_write_bytes",     COLUMN_U64,        ROW_STATE, FIELD(usage.io_write_bytes) },
        { "tasks_peak",         COLUMN_U64,        ROW_STATE, FIELD(usage.tasks_peak) },
        { "final_status",       COLUMN_STRING,     ROW_STATE, FIELD(ending.final_status) },
        { "exit_code",          COLUMN_I32,        ROW_STATE, FIELD(ending.exit_code) },
        { "signal",             COLUMN_I32,        ROW_STATE, FIELD(ending.signal) },
        { "error_code",         COLUMN_STRING,     ROW_STATE, FIELD(ending.error_code) },
        { "error_text",         COLUMN_STRING,     ROW_STATE, FIELD(ending.error_text) },
        { "error_callstack",    COLUMN_STRING,     ROW_STATE, FIELD(ending.error_callstack) },
        { "n_left_processes",   COLUMN_U64,        ROW_STATE, FIELD(ending.n_left_processes) },
};

/* Columns of row_columns_sql() by place. */
enum {
        PLACE_DEFINITION = 1,
        PLACE_ENVIRONMENT = ELEMENTSOF(columns),
        N_PLACES,
};

_Static_assert(sizeof(TaskPhase) == sizeof(int32_t) && sizeof(TaskRequest) == sizeof(int32_t)
               && sizeof(OutputMode) == sizeof(int32_t) && sizeof(pid_t) == sizeof(int32_t)
               && sizeof(uid_t) == sizeof(uint32_t) && sizeof(gid_t) == sizeof(uint32_t) && sizeof(int) == sizeof(int32_t),
               "a column of 32 bits holds each of these");

static const char *const output_words[] = {
        [OUTPUT_AUTO] = "auto", [OUTPUT_JOURNAL] = "journal", [OUTPUT_FILE] = "file", [OUTPUT_NULL] = "null",
};

static bool column_is_in(const Column *column, RowPart part) {
        return part == ROW_WHOLE || column->part == ROW_STATE;
}

size_t row_n_values(RowPart part) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(columns); i++)
                n += column_is_in(columns + i, part);
        return n;
}

static int encode_text(Turn *turn, const char *s, Value *ret) {
        return turn_copy_value(turn, VALUE_TEXT, s, s ? strlen(s) : 0, ret);
}

/* Of what is never freed. */
static int encode_word(const char *word, Value *ret) {
        *ret = (Value) { .kind = VALUE_TEXT, .data = word, .size = strlen(word) };
        return 0;
}

static int encode_vector(Turn *turn, char *const *v, Value *ret) {
        _cleanup_(freep) void *data = NULL;
        size_t size = 0;
        int r;

        if (v) {
                r = strv_pack(v, &data, &size);
                if (r < 0)
                        return r;
        }
        return turn_copy_value(turn, VALUE_BLOB, data, size, ret);
}

static int encode_number(Value *ret, int64_t number) {
        *ret = (Value) { .kind = VALUE_INTEGER, .integer = number };
        return 0;
}

static int column_encode(const Column *column, Turn *turn, const Task *task, Value *ret) {
        const void *field = (const char *) task + column->offset;

        switch (column->kind) {
        case COLUMN_U64:
        case COLUMN_I64:
                return encode_number(ret, *(const int64_t *) field);
        case COLUMN_U32:
                return encode_number(ret, *(const uint32_t *) field);
        case COLUMN_I32:
        case COLUMN_REQUEST:
                return encode_number(ret, *(const int32_t *) field);
        case COLUMN_BOOL:
                return encode_number(ret, *(const bool *) field);
        case COLUMN_STRING:
                return encode_text(turn, *(char *const *) field, ret);
        case COLUMN_BOOT_ID:
                return encode_text(turn, field, ret);
        case COLUMN_VECTOR:
                return encode_vector(turn, *(char **const *) field, ret);
        case COLUMN_PHASE:
                return encode_word(task_phase_to_string(*(const TaskPhase *) field), ret);
        case COLUMN_OUTPUT:
                return encode_word(output_words[*(const OutputMode *) field], ret);
        case COLUMN_DEFINITION:
                return encode_number(ret, (int64_t) task->type->definition_id);
        case COLUMN_TYPE_NAME:
                return encode_text(turn, task->type->name, ret);
        }
        assert(false);
        return -EINVAL;
}

int row_encode(Turn *turn, const Task *task, RowPart part, Value *ret) {
        int r;

        for (size_t i = 0; i < ELEMENTSOF(columns); i++) {
                if (!column_is_in(columns + i, part))
                        continue;
                r = column_encode(columns + i, turn, task, ret++);
                if (r < 0)
                        return r;
        }
        return 0;
}

char *row_insert_sql(void) {
        Text sql = {};

        text_append(&sql, "INSERT OR REPLACE INTO task (");
        for (size_t i = 0; i < ELEMENTSOF(columns); i++)
                text_appendf(&sql, "%s%s", i > 0 ? ", " : "", columns[i].name);
        text_append(&sql, ") VALUES (");
        for (size_t i = 0; i < ELEMENTSOF(columns); i++)
                text_append(&sql, i > 0 ? ", ?" : "?");
        text_append(&sql, ")");
        return text_take(&sql);
}

char *row_update_sql(void) {
        Text sql = {};
        unsigned place = 1;

        /* the id is the first place of all */
        text_append(&sql, "UPDATE task SET ");
        for (size_t i = 1; i < ELEMENTSOF(columns); i++)
                if (column_is_in(columns + i, ROW_STATE)) {
                        place++;
                        text_appendf(&sql, "%s%s = ?%u", place > 2 ? ", " : "", columns[i].name, place);
                }
        text_append(&sql, " WHERE id = ?1");
        return text_take(&sql);
}

char *row_columns_sql(const char *environment) {
        Text sql = {};

        for (size_t i = 0; i < ELEMENTSOF(columns); i++)
                text_appendf(&sql, "task.%s, ", columns[i].name);
        text_append(&sql, environment);
        return text_take(&sql);
}

uint64_t row_definition(sqlite3_stmt *statement) {
        return (uint64_t) sqlite3_column_int64(statement, PLACE_DEFINITION);
}

size_t row_size(sqlite3_stmt *statement) {
        size_t size = sizeof(Task);

        for (int i = 0; i < N_PLACES; i++)
                if (sqlite3_column_type(statement, i) != SQLITE_INTEGER)
                        size += (size_t) sqlite3_column_bytes(statement, i);
        return size;
}

static int decode_string(sqlite3_stmt *statement, int place, char **ret) {
        const char *text;
        size_t size;

        if (sqlite3_column_type(statement, place) == SQLITE_NULL)
                return 0;
        text = (const char *) sqlite3_column_text(statement, place);
        if (!text)
                return -ENOMEM;
        size = (size_t) sqlite3_column_bytes(statement, place);
        if (memchr(text, '\0', size))
                return -EBADMSG;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

/* A vector that is there and empty is not the same as none. */
static int decode_vector(sqlite3_stmt *statement, int place, char ***ret) {
        const void *data;
        int r;

        if (sqlite3_column_type(statement, place) == SQLITE_NULL)
                return 0;
        data = sqlite3_column_blob(statement, place);
        r = strv_unpack(ret, data, (size_t) sqlite3_column_bytes(statement, place));
        if (r < 0)
                return r;
        if (!*ret)
                *ret = calloc(1, sizeof **ret);
        return *ret ? 0 : -ENOMEM;
}

static int decode_i32(sqlite3_stmt *statement, int place, int64_t min, int64_t max, int32_t *ret) {
        int64_t number = sqlite3_column_int64(statement, place);

        if (number < min || number > max)
                return -EBADMSG;
        *ret = (int32_t) number;
        return 0;
}

static int decode_word(sqlite3_stmt *statement, int place, const char *const *words, size_t n_words, int32_t *ret) {
        const char *word = (const char *) sqlite3_column_text(statement, place);

        for (size_t i = 0; word && i < n_words; i++)
                if (strcmp(words[i], word) == 0) {
                        *ret = (int32_t) i;
                        return 0;
                }
        return -EBADMSG;
}

static int decode_phase(sqlite3_stmt *statement, int place, TaskPhase *ret) {
        const char *word = (const char *) sqlite3_column_text(statement, place);
        TaskPhase phase = word ? task_phase_from_string(word) : _TASK_PHASE_INVALID;

        if (phase < 0)
                return -EBADMSG;
        *ret = phase;
        return 0;
}

static int decode_boot_id(sqlite3_stmt *statement, int place, char *ret) {
        const char *text = (const char *) sqlite3_column_text(statement, place);
        size_t size = (size_t) sqlite3_column_bytes(statement, place);

        if (!text || size >= sizeof ((JobIdentity *) NULL)->boot_id)
                return -EBADMSG;
        memcpy(ret, text, size + 1);
        return 0;
}

static int column_decode(const Column *column, sqlite3_stmt *statement, int place, Task *task) {
        void *field = (char *) task + column->offset;
        int32_t flag;
        int r;

        switch (column->kind) {
        case COLUMN_U64:
        case COLUMN_I64:
                *(int64_t *) field = sqlite3_column_int64(statement, place);
                return 0;
        case COLUMN_U32:
                return decode_i32(statement, place, 0, UINT32_MAX, field);
        case COLUMN_I32:
                return decode_i32(statement, place, INT32_MIN, INT32_MAX, field);
        case COLUMN_REQUEST:
                return decode_i32(statement, place, TASK_REQUEST_NONE, TASK_REQUEST_CANCEL, field);
        case COLUMN_BOOL:
                r = decode_i32(statement, place, 0, 1, &flag);
                if (r < 0)
                        return r;
                *(bool *) field = flag;
                return 0;
        case COLUMN_STRING:
                return decode_string(statement, place, field);
        case COLUMN_BOOT_ID:
                return decode_boot_id(statement, place, field);
        case COLUMN_VECTOR:
                return decode_vector(statement, place, field);
        case COLUMN_PHASE:
                return decode_phase(statement, place, field);
        case COLUMN_OUTPUT:
                return decode_word(statement, place, output_words, ELEMENTSOF(output_words), field);
        case COLUMN_DEFINITION:
        case COLUMN_TYPE_NAME:
                return 0;
        }
        assert(false);
        return -EINVAL;
}

int row_decode(sqlite3_stmt *statement, TaskType *type, Task **ret) {
        _cleanup_(task_freep) Task *task = NULL;
        int r;

        task = task_new(0);
        if (!task)
                return -ENOMEM;

        for (size_t i = 0; i < ELEMENTSOF(columns); i++) {
                r = column_decode(columns + i, statement, (int) i, task);
                if (r < 0)
                        return r;
        }
        r = decode_vector(statement, PLACE_ENVIRONMENT, &task->environment);
        if (r < 0)
                return r;

        task->type = task_type_ref(type);
        task->stored = true;
        task->settled = task_has_ended(task);
        *ret = MOVE(task);
        return 0;
}
