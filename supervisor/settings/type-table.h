/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The table of a type file's keys
 */

#include "supervisor/settings/setting.h"

extern const SettingTable type_table;

/*
 * The setting called `Limits.MemoryMax`, or `MemoryMax`, as Override= and
 * `start --property` write it; NULL if there is none. Sections that are there
 * more than once, and [Display], have no keys that can be called like that.
 */
const Setting *type_table_named(const char *name);

/* For ini_file_settle(). */
bool type_table_is_list(const char *section, const char *key);
