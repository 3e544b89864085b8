/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ctl/json.h"
#include "ctl/sheet.h"
#include "ctl/type-check.h"
#include "ctl/verbs.h"
#include "lib/base/result.h"

static int types_ask(Ctl *ctl, const char *name, Value **ret) {
        _cleanup_(value_freep) Value *which = value_new_string(name), *answer = NULL;
        int r;

        if (!which)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask for types");
        r = ctl_call(ctl, "Types", "s", (const Value *[]) { which }, &answer);
        if (r < 0)
                return r;
        if (answer->n_items != 1)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        *ret = MOVE(answer->items[0]);
        return 0;
}

static void print_all(Ctl *ctl, const Value *types) {
        static const Column columns[] = {
                { "Name",        "NAME",        CELL_TEXT },
                { "Pause",       "PAUSE",       CELL_TEXT },
                { "Cancel",      "CANCEL",      CELL_TEXT },
                { "User",        "USER",        CELL_TEXT },
                { "Namespace",   "NAMESPACE",   CELL_TEXT },
                { "Startable",   "STARTABLE",   CELL_TEXT },
                { "DisplayType", "DISPLAYED AS", CELL_TEXT, .shrinks = true },
                { "Description", "DESCRIPTION", CELL_TEXT, .shrinks = true },
        };
        ColumnsStyle style = ctl_style(ctl);

        if (ctl->json) {
                json_append(&ctl->out, types);
                text_append_char(&ctl->out, '\n');
        } else if (types->n_items == 0)
                ctl_note(ctl, "There are no types; they are files in types.d, see bgt-type(5).");
        else
                columns_append_table(&ctl->out, columns, ELEMENTSOF(columns), types, &style);
}

static void append_line(Text *text, const char *label, const Value *value) {
        _cleanup_(freep) char *raw = NULL;
        Text shown = {};

        cell_append(&shown, CELL_TEXT, value, 0);
        raw = text_take(&shown);
        if (raw && *raw)
                sheet_append(text, label, raw);
}

static void print_parameters(Ctl *ctl, const Value *parameters) {
        static const Column columns[] = {
                { "Name",     "NAME",     CELL_TEXT },
                { "Type",     "TYPE",     CELL_TEXT },
                { "Required", "REQUIRED", CELL_TEXT },
                { "Secret",   "SECRET",   CELL_TEXT },
                { "Default",  "DEFAULT",  CELL_TEXT, .shrinks = true },
                { "Choices",  "CHOICES",  CELL_TEXT, .shrinks = true },
                { "Pattern",  "PATTERN",  CELL_TEXT, .shrinks = true },
                { "Label",    "LABEL",    CELL_TEXT, .shrinks = true },
        };
        ColumnsStyle style = ctl_style(ctl);

        if (!parameters || parameters->n_items == 0)
                return;
        sheet_append_heading(&ctl->out, "Parameters");
        columns_append_table(&ctl->out, columns, ELEMENTSOF(columns), parameters, &style);
}

static void print_one(Ctl *ctl, const Value *type) {
        static const struct {
                const char *key, *label;
        } lines[] = {
                { "Name", "Name" }, { "DisplayType", "Displayed as" }, { "Description", "Description" }, { "Path", "File" },
                { "Pause", "Pause" }, { "Cancel", "Cancel" }, { "User", "User" }, { "Namespace", "Namespace" },
                { "Startable", "Startable" },
        };
        const Value *remarks = value_get(type, "Remarks");

        if (ctl->json) {
                json_append(&ctl->out, type);
                text_append_char(&ctl->out, '\n');
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                append_line(&ctl->out, lines[i].label, value_get(type, lines[i].key));
        for (size_t i = 0; remarks && i < remarks->n_items; i++)
                append_line(&ctl->out, "Remark", remarks->items[i]);
        print_parameters(ctl, value_get(type, "Parameters"));
}

int verb_types(Ctl *ctl) {
        _cleanup_(value_freep) Value *types = NULL;
        const Arguments *a = &ctl->arguments;
        int r;

        if (a->n_words > 1 && strcmp(a->words[1], "check") == 0)
                return type_check_files(ctl, a->words + 2);
        if (a->n_words > 2)
                return trouble_usage(&ctl->trouble, "One type at a time: bgtctl types NAME.");
        r = types_ask(ctl, a->n_words > 1 ? a->words[1] : "", &types);
        if (r < 0)
                return r;
        if (a->n_words == 1)
                print_all(ctl, types);
        else if (types->n_items == 1)
                print_one(ctl, types->items[0]);
        else
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        return 0;
}
