/* SPDX-License-Identifier: MIT */
#include "ctl/type-check.h"

#include "ctl/visible.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "supervisor/settings/settings.h"
#include "supervisor/settings/type-file.h"

/* What is found, in rows: Path, Name, Good, Fault, Remarks. */
typedef struct Findings {
        Ctl *ctl;
        Value *rows;
        bool faulty;
} Findings;

static void findings_done(Findings *findings) {
        value_free(findings->rows);
}

static int row_fill(Value *row, const char *path, const TaskType *type, const char *fault, char **remarks) {
        int r = 0;

        if (path)
                r = value_set(row, "Path", value_new_string(path));
        if (r >= 0 && type)
                r = value_set(row, "Name", value_new_string(type->name));
        if (r >= 0)
                r = value_set(row, "Good", value_new_boolean(!fault));
        if (r >= 0 && fault)
                r = value_set(row, "Fault", value_new_string(fault));
        if (r >= 0)
                r = value_set(row, "Remarks", value_new_strings(remarks));
        return r;
}

static int findings_add(Findings *findings, const char *path, const TaskType *type, const char *fault) {
        _cleanup_(value_freep) Value *row = value_new_dictionary();
        _cleanup_(strv_freep) char **remarks = NULL;
        int r = row ? 0 : -ENOMEM;

        if (r >= 0 && type)
                r = type_file_remarks(type, &remarks);
        if (r >= 0)
                r = row_fill(row, path, type, fault, remarks);
        if (r >= 0)
                r = value_add(findings->rows, MOVE(row));
        if (r < 0)
                return trouble_failed(&findings->ctl->trouble, r, "Cannot check %s", path ? path : "the types");
        findings->faulty |= fault != NULL;
        return 0;
}

static int check_file(Findings *findings, const char *path) {
        _cleanup_(task_type_unrefp) TaskType *type = NULL;
        SettingsFault fault = {};
        int r;

        r = type_file_load(path, &type, &fault);
        return findings_add(findings, path, type, r < 0 ? fault.sentence : NULL);
}

/* Every type, and bgtd.conf with them: a namespace or a device may be named in both. */
static int check_all(Findings *findings) {
        _cleanup_(settings_paths_done) SettingsPaths paths = {};
        _cleanup_(settings_freep) Settings *settings = NULL;
        _cleanup_(type_set_freep) TypeSet *set = NULL;
        SettingsFault fault = {};
        int r;

        r = settings_paths_default(NULL, findings->ctl->user, &paths);
        if (r < 0)
                return trouble_failed(&findings->ctl->trouble, r, "Cannot find the configuration");
        if (settings_load(&paths, &settings, &fault) < 0) {
                r = findings_add(findings, NULL, NULL, fault.sentence);
                if (r < 0)
                        return r;
        }
        fault = (SettingsFault) {};
        if (type_set_load(&paths, &set, &fault) < 0)
                return findings_add(findings, NULL, NULL, fault.sentence);
        for (size_t i = 0; i < set->n_types; i++) {
                r = findings_add(findings, set->types[i]->path, set->types[i], NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void findings_print(const Findings *findings) {
        Ctl *ctl = findings->ctl;

        if (ctl->json) {
                static const Column columns[] = { { "Path" }, { "Name" }, { "Good" }, { "Fault" }, { "Remarks" } };

                ctl_append_rows(ctl, columns, ELEMENTSOF(columns), findings->rows);
                return;
        }
        for (size_t i = 0; i < findings->rows->n_items; i++) {
                const Value *row = findings->rows->items[i], *remarks = value_get(row, "Remarks");
                const char *fault = value_get_string(row, "Fault"), *path = text_or_empty(value_get_string(row, "Path"));

                if (fault) {
                        ctl_complain("%s", fault);
                        continue;
                }
                for (size_t k = 0; k < remarks->n_items; k++)
                        ctl_note(ctl, "%s: %s", path, text_or_empty(value_string(remarks->items[k])));
                if (!ctl->quiet) {
                        visible_append(&ctl->out, path);
                        text_append(&ctl->out, ": good\n");
                }
        }
        if (findings->rows->n_items == 0)
                ctl_note(ctl, "There are no types to check.");
}

int type_check_files(Ctl *ctl, char *const *paths) {
        _cleanup_(findings_done) Findings findings = { .ctl = ctl, .rows = value_new_list() };
        int r = 0;

        if (!findings.rows)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot check types");
        if (*paths)
                for (; r >= 0 && *paths; paths++)
                        r = check_file(&findings, *paths);
        else
                r = check_all(&findings);
        if (r < 0)
                return r;
        findings_print(&findings);
        return findings.faulty ? EXIT_INVALID : 0;
}
