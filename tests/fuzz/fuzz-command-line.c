/* SPDX-License-Identifier: MIT */

/* The words of a line are UTF-8; quoted anew they split to the same words. */

#include <string.h>

#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/settings/command-line.h"
#include "tests/fuzz/fuzz.h"

static char *quote(char *const *words) {
        Text text = {};

        for (size_t i = 0; words && words[i]; i++) {
                text_append(&text, " '");
                for (const char *s = words[i]; *s; s++) {
                        if (*s == '\'' || *s == '\\')
                                text_append_char(&text, '\\');
                        text_append_char(&text, *s);
                }
                text_append_char(&text, '\'');
        }
        return text_take(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(strv_freep) char **words = NULL, **again = NULL;
        _cleanup_(freep) char *line = strndup((const char *) data, size), *quoted = NULL;
        SettingsFault fault = {};

        MUST(line);
        if (command_line_split(line, &words, &fault) < 0) {
                MUST(fault.sentence[0] && text_is_utf8(fault.sentence));
                return 0;
        }
        quoted = quote(words);
        MUST(quoted);
        MUST(command_line_split(quoted, &again, &fault) == 0);
        MUST(strv_length(words) == strv_length(again));
        for (size_t i = 0; words && words[i]; i++)
                MUST(text_is_utf8(words[i]) && strcmp(words[i], again[i]) == 0);
        return 0;
}
