/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values
 *
 * One parser for each kind of value that a key can have; see SettingParse. The
 * comment names the type of the field.
 */

#include "supervisor/settings/setting.h"

/* Numbers; a bound of the setting is part of the sentence. */
int parse_boolean(const Setting *setting, const char *text, void *field, SettingsFault *fault);          /* bool */
int parse_count(const Setting *setting, const char *text, void *field, SettingsFault *fault);            /* uint64_t */
int parse_count_or_forever(const Setting *setting, const char *text, void *field, SettingsFault *fault); /* int64_t; -1 */
int parse_priority(const Setting *setting, const char *text, void *field, SettingsFault *fault);         /* int32_t */
int parse_span(const Setting *setting, const char *text, void *field, SettingsFault *fault);             /* uint64_t usec */
int parse_deadline(const Setting *setting, const char *text, void *field, SettingsFault *fault);         /* uint64_t usec; infinity is 0 */
int parse_bytes(const Setting *setting, const char *text, void *field, SettingsFault *fault);            /* uint64_t */
int parse_umask(const Setting *setting, const char *text, void *field, SettingsFault *fault);            /* mode_t */
int parse_exit_status(const Setting *setting, const char *text, void *field, SettingsFault *fault);      /* uint8_t */
int parse_exit_statuses(const Setting *setting, const char *text, void *field, SettingsFault *fault);    /* uint8_t[32], a list */
int parse_signal(const Setting *setting, const char *text, void *field, SettingsFault *fault);           /* int */

/* Limits, as in systemd.resource-control(5). */
int parse_memory(const Setting *setting, const char *text, void *field, SettingsFault *fault);           /* uint64_t; UINT64_MAX: none */
int parse_cpu_quota(const Setting *setting, const char *text, void *field, SettingsFault *fault);        /* uint64_t percent */
int parse_tasks(const Setting *setting, const char *text, void *field, SettingsFault *fault);            /* uint64_t; UINT64_MAX: none */

/* Words of setting->words. */
int parse_word(const Setting *setting, const char *text, void *field, SettingsFault *fault);             /* an enum */
int parse_word_set(const Setting *setting, const char *text, void *field, SettingsFault *fault);         /* unsigned, a list of bits */

/* Strings: char *. */
int parse_text(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_name(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_namespace(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_parameter_name(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_account(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_path(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_pattern(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_address(const Setting *setting, const char *text, void *field, SettingsFault *fault);

/* Lists: char **. A command replaces, the others append. */
int parse_command(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_accounts(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_accounts_and_groups(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_paths(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_choices(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_environment(const Setting *setting, const char *text, void *field, SettingsFault *fault);
int parse_keys(const Setting *setting, const char *text, void *field, SettingsFault *fault);

/* What a namespace may be called: a name that no file of a cgroup can have. */
bool namespace_is_name(const char *name);
