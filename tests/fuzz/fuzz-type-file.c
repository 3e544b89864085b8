/* SPDX-License-Identifier: MIT */

/*
 * A type file either makes a type whose text makes it again, or is refused with
 * a sentence. Whatever it makes can be remarked on and overridden.
 */

#include <string.h>

#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/type-file.h"
#include "tests/fuzz/fuzz.h"

static void must_be_a_sentence(const SettingsFault *fault) {
        MUST(fault->sentence[0] && text_is_utf8(fault->sentence) && !strpbrk(fault->sentence, "\n\r\x1b"));
}

static void override(const TaskType *type, const char *assignment) {
        _cleanup_(task_type_unrefp) TaskType *changed = NULL;
        char *assignments[] = { (char *) assignment, NULL };
        SettingsFault fault;

        if (type_file_override(type, assignments, true, &changed, &fault) < 0)
                must_be_a_sentence(&fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(task_type_unrefp) TaskType *type = NULL, *again = NULL;
        _cleanup_(freep) char *text = strndup((const char *) data, size);
        _cleanup_(strv_freep) char **remarks = NULL;
        SettingsFault fault;

        MUST(text);
        if (type_file_parse("t", text, &type, &fault) < 0) {
                must_be_a_sentence(&fault);
                return 0;
        }
        MUST(type->exec_start && type->exec_start[0]);
        if (type_file_parse("t", type->text, &again, &fault) < 0)
                MUST(!"its text makes a type");
        MUST(strcmp(type->text, again->text) == 0);
        MUST(type->n_parameters == again->n_parameters && type->n_display == again->n_display);
        MUST(type_file_remarks(type, &remarks) == 0);
        override(type, "CPUWeight=7");
        override(type, type->text);
        return 0;
}
