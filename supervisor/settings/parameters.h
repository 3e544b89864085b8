/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Parameters
 *
 * Checks what a caller gives against what a type declares, and puts it into
 * the words of a command. There is no shell and no second splitting: ${name}
 * becomes part of exactly one argument, whatever the value holds.
 */

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/model/type.h"
#include "supervisor/settings/command-line.h"
#include "supervisor/settings/fault.h"

#define PARAMETERS_MAX 1000U                    /* of one start */
#define ARGUMENT_MAX (128U * 1024)              /* the kernel's, of one argument with its NUL */
#define COMMAND_MAX (6U * 1024 * 1024)          /* the kernel's, of all arguments and the environment, whatever the stack's limit */
#define EXPANDED_MAX 4096U                      /* of what people are shown */

/*
 * @given is name=value. The result holds the declared ones in their order, the
 * defaults filled in, then the undeclared ones of a type with AllowOthers=yes.
 * -EINVAL with a sentence that names the parameter: unknown, missing, given
 * twice, ill-formed (a secret's value is never in the sentence).
 */
int parameters_check(const TaskType *type, char *const *given, char ***ret, SettingsFault *ret_fault);

/* One value of one parameter. -EINVAL with what it is instead of what is asked for, without a subject. */
int parameter_check(const Parameter *parameter, const char *value, SettingsFault *ret_fault);

/*
 * The words of @command with ${name} replaced and $$ a dollar. A word that is
 * only absent parameters is left out. -EINVAL with a sentence for a value that
 * would begin an argument with `-` without AllowDash=, for more than the kernel
 * takes as arguments, or for a command that holds no word in the end. Not for the
 * command of somebody's own (`run`), which is taken as it is.
 */
int parameters_substitute(const TaskType *type, char *const *command, char *const *parameters, char ***ret, SettingsFault *ret_fault);

/*
 * One `${...}`-bearing text, such as a display value: absent ones become empty;
 * `${details}` is @details, nothing if that is NULL. What is longer than
 * EXPANDED_MAX is cut and ends in `…`.
 */
int parameters_expand(const char *text, char *const *parameters, const char *details, char **ret);
