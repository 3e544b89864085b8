/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Parameters and command lines
 *
 * Checks what a caller gives against what a type declares, and puts it into
 * the words of a command. There is no shell and no second splitting: ${name}
 * becomes part of exactly one argument, whatever the value holds.
 */

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/model/type.h"
#include "supervisor/settings/settings.h"

/*
 * @given is name=value. The result holds the declared ones in their order, the
 * defaults filled in, then the undeclared ones of a type with AllowOthers=yes.
 * -EINVAL with a sentence that names the parameter: unknown, missing, given
 * twice, ill-formed (a secret's value is never in the sentence).
 */
int parameters_check(const TaskType *type, char *const *given, char ***ret, SettingsFault *ret_fault);

/*
 * The words of @command with ${name} replaced and $$ a dollar. A word that is
 * only an absent optional parameter is left out. -EINVAL with a sentence for a
 * value that would begin an argument with `-` without AllowDash=, or a command
 * that holds no word in the end.
 */
int parameters_substitute(const TaskType *type, char *const *command, char *const *parameters, char ***ret, SettingsFault *ret_fault);

/*
 * Splits a command line into words, quoted as in systemd.service(5), without
 * specifiers: '…', "…", backslash escapes. -EINVAL for an open quote or an
 * unknown escape.
 */
int command_line_split(const char *line, char ***ret, SettingsFault *ret_fault);

/* One `${...}`-bearing text, such as a display value: absent ones become empty; `${details}` is @details. */
int parameters_expand(const char *text, char *const *parameters, const char *details, char **ret);
