/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Rows
 *
 * A task as a row of the table `task`. One list says which column holds which
 * field; the statements that write and read rows are made from it.
 */

#include <sqlite3.h>

#include "supervisor/model/task.h"
#include "supervisor/store/turn.h"

typedef enum RowPart {
        ROW_WHOLE,
        ROW_STATE,              /* the id and what changes while the task runs */
} RowPart;

/* How many values a part has. */
size_t row_n_values(RowPart part);

/* The values of @task, copied into @turn; as many as row_n_values() says, in the order of the statements below. */
int row_encode(Turn *turn, const Task *task, RowPart part, Value *ret);

/* INSERT OR REPLACE of a whole row, UPDATE of its state. NULL if out of memory. */
char *row_insert_sql(void);
char *row_update_sql(void);

/* The columns of a SELECT that row_decode() reads; @environment is the expression that gives the packed environment. */
char *row_columns_sql(const char *environment);

/* Of the row that @statement is at. */
uint64_t row_definition(sqlite3_stmt *statement);
size_t row_size(sqlite3_stmt *statement);

/* The row that @statement is at, with a reference to @type. -EBADMSG for what cannot be a task. */
int row_decode(sqlite3_stmt *statement, TaskType *type, Task **ret);
