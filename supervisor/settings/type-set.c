/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/type-file.h"

TypeSet *type_set_free(TypeSet *set) {
        if (!set)
                return NULL;

        for (size_t i = 0; i < set->n_types; i++)
                (void) task_type_unref(set->types[i]);
        free(set->types);
        free(set);
        return NULL;
}

static int compare_types(const void *a, const void *b) {
        return strcmp((*(TaskType *const *) a)->name, (*(TaskType *const *) b)->name);
}

TaskType *type_set_find(const TypeSet *set, const char *name) {
        TaskType wanted = { .name = (char *) name }, *key = &wanted, **found;

        found = set->n_types > 0 ? bsearch(&key, set->types, set->n_types, sizeof *set->types, compare_types) : NULL;
        return found ? *found : NULL;
}

/* The type of that file with its drop-ins. */
static int type_read(const SettingsPaths *paths, const char *path, TaskType **ret, SettingsFault *fault) {
        _cleanup_(strv_freep) char **files = NULL, **drop_ins = NULL;
        _cleanup_(freep) char *name = NULL, *folder = NULL;
        int r;

        r = type_file_name(path, &name, fault);
        if (r < 0)
                return r;
        folder = text_format("types.d/%s.ini.d", name);
        if (!folder)
                return -ENOMEM;
        r = settings_paths_find(paths, folder, ".ini", NULL, &drop_ins, fault);
        if (r < 0)
                return r;

        r = strv_append(&files, path);
        if (r < 0)
                return r;
        STRV_FOREACH(drop_in, drop_ins) {
                r = strv_append(&files, drop_in);
                if (r < 0)
                        return r;
        }
        return type_file_read(name, files, !paths->user_mode, ret, fault);
}

static int set_read(const SettingsPaths *paths, TypeSet **ret, SettingsFault *fault) {
        _cleanup_(type_set_freep) TypeSet *set = calloc(1, sizeof *set);
        _cleanup_(strv_freep) char **files = NULL;
        int r;

        if (!set)
                return -ENOMEM;
        r = settings_paths_find(paths, "types.d", ".ini", NULL, &files, fault);
        if (r < 0)
                return r;
        set->types = calloc(strv_length(files) + 1, sizeof *set->types);
        if (!set->types)
                return -ENOMEM;

        STRV_FOREACH(path, files) {
                r = type_read(paths, path, set->types + set->n_types, fault);
                if (r < 0)
                        return r;
                set->n_types++;
        }
        qsort(set->types, set->n_types, sizeof *set->types, compare_types);
        *ret = MOVE(set);
        return 0;
}

int type_set_load(const SettingsPaths *paths, TypeSet **ret, SettingsFault *ret_fault) {
        assert(paths);
        assert(ret);

        *ret_fault = (SettingsFault) {};
        return fault_explain(ret_fault, set_read(paths, ret, ret_fault));
}
