/* SPDX-License-Identifier: MIT */
#include "ctl/sheet.h"

#include <stdlib.h>

#include "ctl/visible.h"

#define KEY_WIDTH 20

void sheet_append_heading(Text *text, const char *heading) {
        if (text->length > 0)
                text_append_char(text, '\n');
        visible_append(text, heading);
        text_append_char(text, '\n');
}

void sheet_append(Text *text, const char *key, const char *value) {
        _cleanup_(freep) char *visible = NULL;
        Text shown = {};
        size_t width;

        visible_append(&shown, key);
        visible = text_take(&shown);
        if (!visible) {
                text->failed = true;
                return;
        }
        width = visible_width(visible);
        text_append(text, "  ");
        text_append(text, visible);
        for (; width < KEY_WIDTH; width++)
                text_append_char(text, ' ');
        text_append_char(text, ' ');
        visible_append(text, value);
        text_append_char(text, '\n');
}
