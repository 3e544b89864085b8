/* SPDX-License-Identifier: MIT */

/* What is read settles to a text that reads back to itself; what is refused has a sentence. */

#include <string.h>

#include "lib/base/text.h"
#include "supervisor/settings/ini-file.h"
#include "tests/fuzz/fuzz.h"

static bool is_list(const char *section, const char *key) {
        return *key == 'L';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(ini_file_done) IniFile ini = {}, again = {};
        _cleanup_(freep) char *text = NULL, *text_again = NULL;
        SettingsFault fault = {};

        if (ini_file_parse(&ini, "f", (const char *) data, size, &fault) < 0) {
                MUST(fault.sentence[0] && text_is_utf8(fault.sentence) && !strpbrk(fault.sentence, "\n\r\x1b"));
                return 0;
        }
        ini_file_settle(&ini, is_list);
        text = ini_file_text(&ini);
        MUST(ini_file_parse(&again, "f", text, strlen(text), &fault) == 0);
        ini_file_settle(&again, is_list);
        text_again = ini_file_text(&again);
        MUST(strcmp(text, text_again) == 0);
        return 0;
}
