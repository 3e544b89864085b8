/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/command-line.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"

/* @n digits of @base at @s. -EINVAL if there are fewer. */
static int digits_read(const char *s, size_t n, unsigned base, uint32_t *ret) {
        static const char digits[] = "0123456789abcdef";
        uint32_t value = 0;

        for (size_t i = 0; i < n; i++) {
                const char *d = s[i] ? memchr(digits, tolower((unsigned char) s[i]), base) : NULL;

                if (!d)
                        return -EINVAL;
                value = value * base + (uint32_t) (d - digits);
        }
        *ret = value;
        return 0;
}

static void append_character(Text *text, uint32_t c) {
        if (c < 0x80)
                text_append_char(text, (char) c);
        else if (c < 0x800) {
                text_append_char(text, (char) (0xc0 | c >> 6));
                text_append_char(text, (char) (0x80 | (c & 0x3f)));
        } else if (c < 0x10000) {
                text_append_char(text, (char) (0xe0 | c >> 12));
                text_append_char(text, (char) (0x80 | (c >> 6 & 0x3f)));
                text_append_char(text, (char) (0x80 | (c & 0x3f)));
        } else {
                text_append_char(text, (char) (0xf0 | c >> 18));
                text_append_char(text, (char) (0x80 | (c >> 12 & 0x3f)));
                text_append_char(text, (char) (0x80 | (c >> 6 & 0x3f)));
                text_append_char(text, (char) (0x80 | (c & 0x3f)));
        }
}

/* A number behind the backslash at *@at. A NUL cannot be part of an argument. */
static int escape_number(const char **at, Text *word) {
        const char *s = *at + 1;
        size_t n = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 3;
        bool octal = n == 3;
        uint32_t value;
        int r;

        r = digits_read(octal ? s : s + 1, n, octal ? 8 : 16, &value);
        if (r < 0)
                return r;
        if (value == 0 || value > 0x10ffff || (octal && value > 0xff))
                return -EINVAL;

        if (n <= 3)
                text_append_char(word, (char) value);
        else
                append_character(word, value);
        *at += octal ? 1 + n : 2 + n;
        return 0;
}

static int escape_read(const char **at, Text *word) {
        static const char letters[] = "abfnrtvs\\\"'", meanings[] = "\a\b\f\n\r\t\v \\\"'";
        const char *letter = (*at)[1] ? strchr(letters, (*at)[1]) : NULL;

        if (!letter)
                return escape_number(at, word);
        text_append_char(word, meanings[letter - letters]);
        *at += 2;
        return 0;
}

static int word_read(const char **at, const char *separators, Text *word, SettingsFault *fault) {
        const char *s = *at;
        char quote = '\0';
        int r;

        while (*s && (quote || !strchr(separators, *s))) {
                if (*s == '\\') {
                        const char *escape = s;

                        r = escape_read(&s, word);
                        if (r < 0)
                                return fault_set(fault, "has the unknown escape `%.2s`; write \\\\ for a backslash and \\s for a space", escape);
                } else if (quote ? *s == quote : *s == '\'' || *s == '"') {
                        quote = quote ? '\0' : *s;
                        s++;
                } else
                        text_append_char(word, *s++);
        }
        if (quote)
                return fault_set(fault, "has an open `%c`; close it, or write \\%c for the character itself", quote, quote);
        *at = s;
        return 0;
}

int command_line_split_at(const char *line, const char *separators, char ***ret, SettingsFault *ret_fault) {
        _cleanup_(strv_freep) char **words = NULL;
        size_t n = 0;
        int r;

        /* room for the most words there can be, since strv_append() walks all there are */
        words = strv_new(strlen(line) / 2 + 1);
        if (!words)
                return -ENOMEM;

        for (line += strspn(line, separators); *line; line += strspn(line, separators)) {
                _cleanup_(text_done) Text word = {};

                r = word_read(&line, separators, &word, ret_fault);
                if (r < 0)
                        return r;
                words[n] = text_take(&word);
                if (!words[n])
                        return -ENOMEM;
                if (!text_is_utf8(words[n++]))
                        return fault_set(ret_fault, "has a word that is not valid UTF-8");
        }
        *ret = n > 0 ? MOVE(words) : NULL;
        return 0;
}

int command_line_split(const char *line, char ***ret, SettingsFault *ret_fault) {
        return command_line_split_at(line, " \t\n\r", ret, ret_fault);
}
