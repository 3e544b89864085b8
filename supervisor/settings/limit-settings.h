/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The keys of [Limits], which a type file and a [Namespace NAME] have in common
 */

#include <stddef.h>

#include "supervisor/settings/setting.h"
#include "supervisor/settings/parse.h"

/* @type has a field `limits`; @who begins each sentence. */
#define LIMIT_SETTINGS(name, type, who, is_later) \
        { name, "MemoryMax", "", parse_memory, offsetof(type, limits.memory_max_bytes), \
          who " may use this much memory: 2G, 20% of the machine's, or infinity.", .later = is_later }, \
        { name, "MemoryHigh", "", parse_memory, offsetof(type, limits.memory_high_bytes), \
          who " are slowed down above this much memory.", .later = is_later }, \
        { name, "CPUQuota", "", parse_cpu_quota, offsetof(type, limits.cpu_quota_percent), \
          who " may use this share of one processor: 20%, or 200% for two.", .minimum = 1, .maximum = 1000000, .later = is_later }, \
        { name, "CPUWeight", "", parse_count, offsetof(type, limits.cpu_weight), \
          who " get processor time by this weight, 1 to 10000, where others want it too; the kernel's default is 100.", \
          .minimum = 1, .maximum = 10000, .later = is_later }, \
        { name, "IOWeight", "", parse_count, offsetof(type, limits.io_weight), \
          who " get disk time by this weight, 1 to 10000; the kernel's default is 100.", \
          .minimum = 1, .maximum = 10000, .later = is_later }, \
        { name, "TasksMax", "", parse_tasks, offsetof(type, limits.tasks_max), \
          who " may have this many processes and threads, or infinity.", .later = is_later }
