/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Schema
 *
 * The tables, and how a file of an older version gets them.
 */

#include <sqlite3.h>

/* The phases of a task that has ended, as a condition; word for word that of the indexes, or they are not used. */
#define SCHEMA_HAS_ENDED "phase IN ('done', 'error', 'cancelled', 'exited')"
#define SCHEMA_HAS_NOT_ENDED "phase NOT IN ('done', 'error', 'cancelled', 'exited')"

/*
 * Reads the whole file and changes nothing. -EBADMSG: damaged. -EMEDIUMTYPE: a
 * database of somebody else. -EPROTONOSUPPORT: of a newer version.
 */
int schema_check(sqlite3 *db);

/* What is missing, one transaction a version. */
int schema_migrate(sqlite3 *db);
