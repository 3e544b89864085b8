/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the keys of a type must be together
 */

#include "supervisor/model/type.h"
#include "supervisor/settings/ini-file.h"

/* @ini is what @type was made of, and says where each key stands. -EINVAL. */
int type_check(const TaskType *type, const IniFile *ini, SettingsFault *ret_fault);
