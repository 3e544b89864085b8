/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Type files
 *
 * types.d/NAME.ini with the drop-ins NAME.ini.d/NN.ini, and the set of types
 * made of them. One table says of every key its default, its parser and its
 * sentence.
 */

#include <stdio.h>

#include "supervisor/model/type.h"
#include "supervisor/settings/settings.h"

typedef struct TypeSet {
        TaskType **types;               /* sorted by name */
        size_t n_types;
} TypeSet;

/*
 * Every type of every directory. A bad file fails the load: -EINVAL and the
 * fault says where. A file of the same name in an earlier directory hides the
 * later one; one that is a link to /dev/null, or empty, masks it. So it is with
 * the drop-ins of all directories, which are read in the order of their names.
 * Files that everybody may write to are refused, but in user mode.
 */
int type_set_load(const SettingsPaths *paths, TypeSet **ret, SettingsFault *ret_fault);
TypeSet *type_set_free(TypeSet *set);
DEFINE_OWNED(TypeSet *, type_set_free)

/* Borrowed; NULL if there is none. */
TaskType *type_set_find(const TypeSet *set, const char *name);

/* One file and nothing else, for `types check`. Its name is the type's. The caller owns the type. */
int type_file_load(const char *path, TaskType **ret, SettingsFault *ret_fault);

/* The type called @name from @files, the drop-ins behind the file itself. */
int type_file_read(const char *name, char *const *files, bool guarded, TaskType **ret, SettingsFault *ret_fault);

/* The name of the type that the file of that path makes. -EINVAL if it can make none. The caller owns it. */
int type_file_name(const char *path, char **ret, SettingsFault *ret_fault);

/* A type from its text, as the store keeps it; @name as it was. */
int type_file_parse(const char *name, const char *text, TaskType **ret, SettingsFault *ret_fault);

/* The type of ad-hoc commands: no ExecStart, no parameters, pause and cancel direct, progress from open files. */
int type_file_command(TaskType **ret);

/*
 * The same type with @assignments (`Limits.MemoryMax=1G`, or `MemoryMax=1G`
 * where the key is unique) on top. Only the keys that @type->override lists, or,
 * with @any_limit, any key of [Limits] too. -EACCES for another key, -EINVAL
 * for a bad value or unknown key, the fault says which.
 */
int type_file_override(const TaskType *type, char *const *assignments, bool any_limit, TaskType **ret, SettingsFault *ret_fault);

/*
 * Keys that are accepted and checked but whose feature this version does not
 * have, one sentence each, for `types check`. The caller owns the vector.
 */
int type_file_remarks(const TaskType *type, char ***ret);

/* The shipped example: every key of a type file, its default, commented out, with its sentence. */
int type_file_print(FILE *file);
