/* SPDX-License-Identifier: MIT */
#include "ctl/visible.h"

#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

void visible_init(void) {
        if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
                return;
        (void) setlocale(LC_CTYPE, "C.UTF-8");
}

/* The character at @s and its length in bytes; 0 for a byte that is no UTF-8. */
static size_t decode(const char *s, wchar_t *ret) {
        const unsigned char *u = (const unsigned char *) s;
        char one[5] = {};
        uint32_t c;
        size_t n;

        n = u[0] < 0x80 ? 1 : (u[0] & 0xe0) == 0xc0 ? 2 : (u[0] & 0xf0) == 0xe0 ? 3 : (u[0] & 0xf8) == 0xf0 ? 4 : 0;
        if (n == 0 || strnlen(s, n) < n)
                return 0;
        memcpy(one, s, n);
        if (!text_is_utf8(one))
                return 0;

        c = n == 1 ? u[0] : u[0] & (0xffu >> (n + 1));
        for (size_t i = 1; i < n; i++)
                c = c << 6 | (u[i] & 0x3f);
        *ret = (wchar_t) c;
        return n;
}

/* Marks without a width of their own that change the order or the lines of what stands around them. */
static bool reorders(wchar_t c) {
        return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
               (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static void append_escaped(Text *text, wchar_t c) {
        switch (c) {
        case '\n':
                text_append(text, "\\n");
                break;
        case '\r':
                text_append(text, "\\r");
                break;
        case '\t':
                text_append(text, "\\t");
                break;
        default:
                text_appendf(text, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned) c);
        }
}

void visible_append(Text *text, const char *string) {
        while (*string) {
                wchar_t c;
                size_t n = decode(string, &c);

                if (n == 0) {
                        text_appendf(text, "\\x%02x", (unsigned char) *string++);
                        continue;
                }
                if (wcwidth(c) < 0 || reorders(c))
                        append_escaped(text, c);
                else
                        text_append_bytes(text, string, n);
                string += n;
        }
}

/* Of one character; *@ret_length is its bytes. */
static size_t width_of(const char *s, size_t *ret_length) {
        wchar_t c;
        size_t n = decode(s, &c);
        int width = n > 0 ? wcwidth(c) : 1;

        *ret_length = n > 0 ? n : 1;
        return width > 0 ? (size_t) width : 0;
}

size_t visible_width(const char *string) {
        size_t width = 0, length;

        for (; *string; string += length)
                width += width_of(string, &length);
        return width;
}

void visible_append_cut(Text *text, const char *string, size_t width) {
        size_t used = 0, length;

        if (visible_width(string) <= width) {
                text_append(text, string);
                return;
        }
        if (width == 0)
                return;
        for (; *string; string += length) {
                size_t more = width_of(string, &length);

                if (used + more > width - 1)
                        break;
                text_append_bytes(text, string, length);
                used += more;
        }
        text_append(text, "…");
}
