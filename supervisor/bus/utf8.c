/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/utf8.h"

#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/text.h"

/* How many bytes at @s are one character; 0: these are none. */
static size_t character_length(const char *s) {
        for (size_t n = 1; n <= 4 && s[n - 1]; n++) {
                char character[5] = {};

                memcpy(character, s, n);
                if (text_is_utf8(character))
                        return n;
        }
        return 0;
}

const char *utf8_or_made(const char *string, char **storage) {
        _cleanup_(text_done) Text text = {};

        if (text_is_utf8(string))
                return string;

        while (*string) {
                size_t n = character_length(string);

                if (n > 0)
                        text_append_bytes(&text, string, n);
                else
                        text_append(&text, "\357\277\275");
                string += n > 0 ? n : 1;
        }
        return *storage = text_take(&text);
}
