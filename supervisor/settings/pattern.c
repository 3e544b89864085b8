/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

#define DEPTH_MAX 32

/* What regcomp() would build: the atoms of each open group, and the last atom, which a repetition multiplies. */
typedef struct Cost {
        unsigned long total[DEPTH_MAX];
        unsigned long last;
        size_t depth;
        bool unbalanced;
} Cost;

static void cost_add(Cost *cost, unsigned long n) {
        cost->last = n;
        cost->total[cost->depth] += n;
}

/* Behind the bracket expression at @s, which begins with `[`. */
static const char *behind_brackets(const char *s) {
        s += s[1] == '^' ? 2 : 1;
        if (*s == ']')
                s++;
        while (*s && *s != ']') {
                const char *end = NULL;

                if (*s == '[' && s[1] && strchr(".:=", s[1])) {
                        char closing[] = { s[1], ']', '\0' };

                        end = strstr(s + 2, closing);
                }
                s = end ? end + 2 : s + 1;
        }
        return *s ? s + 1 : s;
}

/* Behind the `{2,5}` at @s; *@ret is the greater number. */
static const char *behind_interval(const char *s, unsigned long *ret) {
        unsigned long value = 0, most = 1;

        for (s++; *s && *s != '}'; s++) {
                value = isdigit((unsigned char) *s) && value <= PATTERN_COST_MAX ? value * 10 + (unsigned long) (*s - '0') : 0;
                if (value > most)
                        most = value;
        }
        *ret = most;
        return *s ? s + 1 : s;
}

/* Counts what stands at @s and returns what is behind it. */
static const char *cost_step(Cost *cost, const char *s) {
        unsigned long times;

        switch (*s) {
        case '\\':
                cost_add(cost, 1);
                return s[1] ? s + 2 : s + 1;
        case '[':
                cost_add(cost, 1);
                return behind_brackets(s);
        case '(':
                if (cost->depth + 1 < DEPTH_MAX)
                        cost->total[++cost->depth] = 1;
                else
                        cost_add(cost, PATTERN_COST_MAX + 1);
                return s + 1;
        case ')':
                if (cost->depth > 0) {
                        cost->depth--;
                        cost_add(cost, cost->total[cost->depth + 1]);
                } else
                        cost->unbalanced = true;
                return s + 1;
        case '{':
                s = behind_interval(s, &times);
                cost->total[cost->depth] += cost->last * (times - 1);
                cost->last *= times;
                return s;
        default:
                cost_add(cost, 1);
                return s + 1;
        }
}

static int pattern_measure(const char *pattern, SettingsFault *fault) {
        Cost cost = {};

        while (*pattern) {
                pattern = cost_step(&cost, pattern);
                if (cost.total[cost.depth] > PATTERN_COST_MAX)
                        return fault_set(fault, "is too large with all its repetitions; use + or * for large numbers");
                /* a character like any other to regcomp(), and the end of what pattern_match() puts around it */
                if (cost.unbalanced)
                        return fault_set(fault, "has a `)` without a `(`; write \\) for the character itself");
        }
        return 0;
}

static bool has_back_reference(const char *pattern) {
        for (; *pattern; pattern++) {
                if (*pattern != '\\')
                        continue;
                if (isdigit((unsigned char) *++pattern))
                        return true;
                if (!*pattern)
                        return false;
        }
        return false;
}

int pattern_check(const char *pattern, SettingsFault *ret_fault) {
        char why[160];
        regex_t regex;
        int r;

        if (has_back_reference(pattern))
                return fault_set(ret_fault, "has a back reference, which patterns cannot have");
        r = pattern_measure(pattern, ret_fault);
        if (r < 0)
                return r;

        r = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
        if (r == REG_ESPACE)
                return -ENOMEM;
        if (r != 0) {
                (void) regerror(r, NULL, why, sizeof why);
                return fault_set(ret_fault, "is no extended regular expression: %s", why);
        }
        regfree(&regex);
        return 0;
}

int pattern_match(const char *pattern, const char *value) {
        _cleanup_(freep) char *whole = NULL;
        regex_t regex;
        int r;

        if (strlen(value) > PATTERN_VALUE_MAX)
                return 0;
        whole = text_format("^(%s)$", pattern);
        if (!whole)
                return -ENOMEM;

        r = regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB);
        if (r != 0)
                return -ENOMEM;
        /* out of memory is "no match" to glibc: the value is refused, never let through */
        r = regexec(&regex, value, 0, NULL, 0);
        regfree(&regex);
        return r == 0;
}
