/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Log
 *
 * To the journal's own protocol where journald listens (with BGT_TASK_ID=),
 * else to standard error. Only who catches a failure logs it, in the statement
 * that handles it.
 *
 * A message is one line of at most LOG_BYTES_MAX bytes, the rest is cut off.
 * What it holds of others' text cannot pass for something else: control
 * characters are written as `\x1b`, and so are the bytes of a text that is not
 * UTF-8 throughout.
 */

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#define LOG_BYTES_MAX 2048

/* Looks for journald once. @max_level: LOG_INFO as a rule. */
void log_open(int max_level);
bool log_has_journal(void);

/*
 * log_message(level, task_id, format, ...): @task_id 0 is about no task.
 * log_result(level, r, task_id, format, ...): adds the text of the negative
 * errno @r and returns @r. The journal also keeps the function they stand in.
 */
#define log_message(...) log_message_in(__func__, __VA_ARGS__)
#define log_result(...) log_result_in(__func__, __VA_ARGS__)

void log_message_in(const char *function, int level, uint64_t task_id, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
int log_result_in(const char *function, int level, int r, uint64_t task_id, const char *format, ...)
        __attribute__((format(printf, 5, 6)));

#define log_info(...) log_message(LOG_INFO, 0, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, 0, __VA_ARGS__)
#define log_error(...) log_message(LOG_ERR, 0, __VA_ARGS__)
#define log_failure(r, ...) log_result(LOG_ERR, (r), 0, __VA_ARGS__)
#define log_task_failure(r, id, ...) log_result(LOG_ERR, (r), (id), __VA_ARGS__)

/*
 * A descriptor, the caller's, whose lines journald keeps under @identifier, and
 * under the unit @unit ("": that of whoever writes a line) even when who wrote
 * a line is gone before journald has looked; it believes root in that. Never
 * waits. -ENOMEDIUM without journald.
 */
int log_open_stream(const char *identifier, const char *unit, int level);
