/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Patterns
 *
 * POSIX extended regular expressions that a whole value must match, bounded so
 * that no pattern and no value can keep the caller busy: no back references,
 * at most PATTERN_COST_MAX characters with every repetition written out, and
 * values of at most PATTERN_VALUE_MAX bytes.
 */

#include <stdbool.h>

#include "supervisor/settings/fault.h"

#define PATTERN_COST_MAX 1000U
#define PATTERN_VALUE_MAX 4096U

/* -EINVAL with what is wrong, without a subject. */
int pattern_check(const char *pattern, SettingsFault *ret_fault);

/* 1 if all of @value matches the checked @pattern, 0 if not, -ENOMEM. */
int pattern_match(const char *pattern, const char *value);
