/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Command lines
 *
 * Words quoted as in systemd.service(5), without specifiers: '…' and "…"
 * anywhere in a word, and in all of it the escapes \a \b \f \n \r \t \v \\ \"
 * \' \s (a space) \xHH \NNN (octal) \uXXXX \UXXXXXXXX.
 */

#include "supervisor/settings/fault.h"

/*
 * The words of @line. -EINVAL for an open quote, an unknown escape, or a word
 * that is not UTF-8 in the end; the sentence has no subject (`has an open …`).
 */
int command_line_split(const char *line, char ***ret, SettingsFault *ret_fault);

/* The same with any of @separators between words, for other lists of quoted words. */
int command_line_split_at(const char *line, const char *separators, char ***ret, SettingsFault *ret_fault);
