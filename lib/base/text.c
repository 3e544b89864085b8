/* SPDX-License-Identifier: MIT */
#include "lib/base/text.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/result.h"

static bool text_reserve(Text *text, size_t more) {
        size_t wanted = text->length + more + 1, allocated = text->allocated ? text->allocated : 64;
        char *data;

        if (text->failed)
                return false;
        if (wanted <= text->allocated)
                return true;

        while (allocated < wanted)
                allocated *= 2;
        data = realloc(text->data, allocated);
        if (!data) {
                text->failed = true;
                return false;
        }
        text->data = data;
        text->allocated = allocated;
        return true;
}

void text_append_bytes(Text *text, const void *data, size_t size) {
        if (!text_reserve(text, size))
                return;
        memcpy(text->data + text->length, data, size);
        text->length += size;
        text->data[text->length] = '\0';
}

void text_append(Text *text, const char *string) {
        text_append_bytes(text, string, strlen(string));
}

void text_append_char(Text *text, char c) {
        text_append_bytes(text, &c, 1);
}

void text_appendf(Text *text, const char *format, ...) {
        va_list ap, again;
        int n;

        va_start(ap, format);
        va_copy(again, ap);
        n = vsnprintf(NULL, 0, format, ap);
        va_end(ap);
        if (n >= 0 && text_reserve(text, (size_t) n)) {
                (void) vsnprintf(text->data + text->length, (size_t) n + 1, format, again);
                text->length += (size_t) n;
        } else
                text->failed = true;
        va_end(again);
}

char *text_take(Text *text) {
        char *data;

        if (text->failed) {
                text_done(text);
                return NULL;
        }
        data = text->data ? text->data : strdup("");
        *text = (Text) {};
        return data;
}

void text_done(Text *text) {
        free(text->data);
        *text = (Text) {};
}

char *text_format(const char *format, ...) {
        va_list ap;
        char *s = NULL;
        int n;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        return n < 0 ? NULL : s;
}

bool text_equal(const char *a, const char *b) {
        if (!a || !b)
                return a == b;
        return strcmp(a, b) == 0;
}

/* The length of the UTF-8 character at @s, 0 if there is none. */
static size_t utf8_length(const unsigned char *s) {
        uint32_t c;
        size_t n;

        if (s[0] < 0x80)
                return 1;
        if ((s[0] & 0xe0) == 0xc0) {
                n = 2;
                c = s[0] & 0x1f;
        } else if ((s[0] & 0xf0) == 0xe0) {
                n = 3;
                c = s[0] & 0x0f;
        } else if ((s[0] & 0xf8) == 0xf0) {
                n = 4;
                c = s[0] & 0x07;
        } else
                return 0;

        for (size_t i = 1; i < n; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3f);
        }

        if ((n == 2 && c < 0x80) || (n == 3 && c < 0x800) || (n == 4 && c < 0x10000))
                return 0;
        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        return n;
}

bool text_is_utf8(const char *string) {
        const unsigned char *s = (const unsigned char *) string;

        while (*s) {
                size_t n = utf8_length(s);

                if (n == 0)
                        return false;
                s += n;
        }
        return true;
}

void text_append_json(Text *text, const char *string) {
        const unsigned char *s = (const unsigned char *) string;

        text_append_char(text, '"');
        while (*s) {
                size_t n = utf8_length(s);

                if (n == 0) {
                        text_append(text, "\\ufffd");
                        s++;
                        continue;
                }
                if (*s == '"' || *s == '\\') {
                        text_append_char(text, '\\');
                        text_append_char(text, (char) *s);
                } else if (*s < 0x20 || *s == 0x7f)
                        text_appendf(text, "\\u%04x", *s);
                else
                        text_append_bytes(text, s, n);
                s += n;
        }
        text_append_char(text, '"');
}

bool text_is_name(const char *string) {
        size_t n = strlen(string);

        if (n < 1 || n > 63 || !isalnum((unsigned char) string[0]) || (signed char) string[0] < 0)
                return false;
        return strspn(string, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

bool text_is_identifier(const char *string) {
        size_t n = strlen(string);

        if (n < 1 || n > 64 || (string[0] >= '0' && string[0] <= '9'))
                return false;
        return strspn(string, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

char *text_strip(char *string) {
        size_t n;

        while (isspace((unsigned char) *string))
                string++;
        n = strlen(string);
        while (n > 0 && isspace((unsigned char) string[n - 1]))
                string[--n] = '\0';
        return string;
}

void text_copy(char *ret, size_t size, const char *source) {
        const unsigned char *s = (const unsigned char *) source;
        size_t length = 0;

        assert(size > 0);

        while (s[length]) {
                size_t n = utf8_length(s + length);

                if (n == 0)
                        n = 1;
                if (length + n > size - 1)
                        break;
                length += n;
        }
        memcpy(ret, source, length);
        ret[length] = '\0';
}
