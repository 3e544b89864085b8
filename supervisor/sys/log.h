/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Log
 *
 * To the journal's own protocol where journald listens (with BGT_TASK_ID=),
 * else to standard error. Only who catches a failure logs it, in the statement
 * that handles it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

/* Looks for journald once. @max_level: LOG_INFO as a rule. */
void log_open(int max_level);
bool log_has_journal(void);

/* @task_id 0: about no task. */
void log_message(int level, uint64_t task_id, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds the text of the negative errno @r and returns @r. */
int log_result(int level, int r, uint64_t task_id, const char *format, ...) __attribute__((format(printf, 4, 5)));

#define log_info(...) log_message(LOG_INFO, 0, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, 0, __VA_ARGS__)
#define log_error(...) log_message(LOG_ERR, 0, __VA_ARGS__)
#define log_failure(r, ...) log_result(LOG_ERR, (r), 0, __VA_ARGS__)
#define log_task_failure(r, id, ...) log_result(LOG_ERR, (r), (id), __VA_ARGS__)

/* A descriptor, the caller's, whose lines journald keeps under @identifier; -ENOMEDIUM without journald. */
int log_open_stream(const char *identifier, int level);
