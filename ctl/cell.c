/* SPDX-License-Identifier: MIT */
#include "ctl/cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/quantity.h"

void cell_append_bar(Text *text, unsigned percent, unsigned width) {
        unsigned inside = width > 2 ? width - 2 : 0;
        unsigned full = (percent > 100 ? 100 : percent) * inside / 100;

        text_append_char(text, '[');
        for (unsigned i = 0; i < inside; i++)
                text_append_char(text, i < full ? '#' : '-');
        text_append_char(text, ']');
}

static void append_span(Text *text, uint64_t usec) {
        char span[32];

        quantity_format_span(usec, span);
        text_append(text, span);
}

static void append_seconds(Text *text, uint64_t seconds) {
        append_span(text, seconds > USEC_INFINITY / USEC_PER_SEC ? USEC_INFINITY : seconds * USEC_PER_SEC);
}

void cell_append_age(Text *text, uint64_t time_usec, uint64_t now_usec) {
        uint64_t age = time_usec > now_usec ? time_usec - now_usec : now_usec - time_usec;

        if (age < USEC_PER_SEC) {
                text_append(text, "now");
                return;
        }
        age -= age % USEC_PER_SEC;
        if (time_usec > now_usec) {
                text_append(text, "in ");
                append_span(text, age);
        } else {
                append_span(text, age);
                text_append(text, " ago");
        }
}

void cell_format_rfc3339(uint64_t time_usec, char ret[static 40]) {
        time_t seconds = (time_t) (time_usec / USEC_PER_SEC);
        struct tm tm;
        size_t n;

        /* A year of five digits and more is no RFC 3339: such a time is none. */
        if (!gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900) {
                (void) snprintf(ret, 40, "9999-12-31T23:59:59.999999Z");
                return;
        }
        n = strftime(ret, 40, "%Y-%m-%dT%H:%M:%S", &tm);
        (void) snprintf(ret + n, 40 - n, ".%06uZ", (unsigned) (time_usec % USEC_PER_SEC));
}

static void append_time(Text *text, uint64_t time_usec, uint64_t now_usec) {
        time_t seconds = (time_t) (time_usec / USEC_PER_SEC);
        struct tm tm;
        char when[64];

        if (!localtime_r(&seconds, &tm) || strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                return;
        text_append(text, when);
        text_append(text, " (");
        cell_append_age(text, time_usec, now_usec);
        text_append_char(text, ')');
}

/* With one digit behind the point where that says something, and not longer than one can read. */
void cell_append_rate(Text *text, double rate, const char *units) {
        static const char prefixes[] = " kMGTPE";
        const char *prefix = prefixes;

        for (; rate >= 100000 && prefix[1]; prefix++)
                rate /= 1000;
        text_appendf(text, rate > -10 && rate < 10 && rate != (double) (int64_t) rate ? "%.1f" : "%.0f", rate);
        if (prefix > prefixes)
                text_append_char(text, *prefix);
        if (units && *units) {
                text_append_char(text, ' ');
                text_append(text, units);
        }
        text_append(text, "/s");
}

static void append_number(Text *text, const Value *value) {
        if (value->type == VALUE_DOUBLE)
                text_appendf(text, "%g", value->real);
        else if (value->type == VALUE_UINT32 || value->type == VALUE_UINT64)
                text_appendf(text, "%" PRIu64, value->natural);
        else
                text_appendf(text, "%" PRId64, value->integer);
}

static void append_text(Text *text, const Value *value) {
        switch (value->type) {
        case VALUE_STRING:
                text_append(text, value->string);
                break;
        case VALUE_BOOLEAN:
                text_append(text, value->boolean ? "yes" : "no");
                break;
        case VALUE_FD:
                break;
        case VALUE_LIST:
        case VALUE_DICTIONARY:
                for (size_t i = 0; i < value->n_items; i++) {
                        if (i > 0)
                                text_append(text, ", ");
                        if (value->keys) {
                                text_append(text, value->keys[i]);
                                text_append_char(text, '=');
                        }
                        append_text(text, value->items[i]);
                }
                break;
        default:
                append_number(text, value);
        }
}

static void append_word(Text *text, const char *word) {
        if (*word && word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-")] == '\0') {
                text_append(text, word);
                return;
        }
        text_append_char(text, '\'');
        for (; *word; word++)
                if (*word == '\'')
                        text_append(text, "'\\''");
                else
                        text_append_char(text, *word);
        text_append_char(text, '\'');
}

static void append_words(Text *text, const Value *words) {
        for (size_t i = 0; i < words->n_items; i++) {
                if (i > 0)
                        text_append_char(text, ' ');
                append_word(text, text_or_empty(value_string(words->items[i])));
        }
}

void cell_append(Text *text, CellKind kind, const Value *value, uint64_t now_usec) {
        char bytes[16];

        if (!value)
                return;

        switch (kind) {
        case CELL_TEXT:
        case CELL_NUMBER:
        case CELL_STATE:
                append_text(text, value);
                break;
        case CELL_WORDS:
                append_words(text, value);
                break;
        case CELL_TIME:
                append_time(text, value_natural(value), now_usec);
                break;
        case CELL_AGE:
                cell_append_age(text, value_natural(value), now_usec);
                break;
        case CELL_SPAN:
                append_span(text, value_natural(value));
                break;
        case CELL_SECONDS:
                if (value->type == VALUE_DOUBLE)
                        append_span(text, (uint64_t) (value_double(value) * (double) USEC_PER_SEC));
                else
                        append_seconds(text, value_natural(value));
                break;
        case CELL_BYTES:
                quantity_format_bytes(value_natural(value), bytes);
                text_append(text, bytes);
                break;
        case CELL_RATE:
                cell_append_rate(text, value_double(value), NULL);
                break;
        case CELL_BAR:
                cell_append_bar(text, (unsigned) value_natural(value), CELL_BAR_WIDTH);
                break;
        }
}
