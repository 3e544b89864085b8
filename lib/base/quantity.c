/* SPDX-License-Identifier: MIT */
#include "lib/base/quantity.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"

int quantity_parse_u64(const char *s, uint64_t *ret) {
        char *end;
        uint64_t value;

        if (!isdigit((unsigned char) s[0]))
                return -EINVAL;
        errno = 0;
        value = strtoull(s, &end, 10);
        if (*end)
                return -EINVAL;
        if (errno)
                return result_errno();
        *ret = value;
        return 0;
}

int quantity_parse_i64(const char *s, int64_t *ret) {
        char *end;
        int64_t value;

        if (!isdigit((unsigned char) s[0]) && !((s[0] == '-' || s[0] == '+') && isdigit((unsigned char) s[1])))
                return -EINVAL;
        errno = 0;
        value = strtoll(s, &end, 10);
        if (*end)
                return -EINVAL;
        if (errno)
                return result_errno();
        *ret = value;
        return 0;
}

int quantity_parse_boolean(const char *s, bool *ret) {
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
        static const char *const no[] = { "0", "no", "n", "false", "f", "off" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                if (strcasecmp(s, yes[i]) == 0) {
                        *ret = true;
                        return 0;
                }
                if (strcasecmp(s, no[i]) == 0) {
                        *ret = false;
                        return 0;
                }
        }
        return -EINVAL;
}

static const struct {
        const char *name;
        uint64_t usec;
} units[] = {
        { "us", 1 }, { "usec", 1 },
        { "ms", USEC_PER_MSEC }, { "msec", USEC_PER_MSEC },
        { "s", USEC_PER_SEC }, { "sec", USEC_PER_SEC }, { "second", USEC_PER_SEC }, { "seconds", USEC_PER_SEC },
        { "m", 60 * USEC_PER_SEC }, { "min", 60 * USEC_PER_SEC }, { "minute", 60 * USEC_PER_SEC }, { "minutes", 60 * USEC_PER_SEC },
        { "h", 3600 * USEC_PER_SEC }, { "hr", 3600 * USEC_PER_SEC }, { "hour", 3600 * USEC_PER_SEC }, { "hours", 3600 * USEC_PER_SEC },
        { "d", 86400 * USEC_PER_SEC }, { "day", 86400 * USEC_PER_SEC }, { "days", 86400 * USEC_PER_SEC },
        { "w", 7 * 86400 * USEC_PER_SEC }, { "week", 7 * 86400 * USEC_PER_SEC }, { "weeks", 7 * 86400 * USEC_PER_SEC },
        { "month", 2629800 * USEC_PER_SEC }, { "months", 2629800 * USEC_PER_SEC }, { "M", 2629800 * USEC_PER_SEC },
        { "y", 31557600 * USEC_PER_SEC }, { "year", 31557600 * USEC_PER_SEC }, { "years", 31557600 * USEC_PER_SEC },
};

static uint64_t unit_usec(const char *s, size_t length) {
        if (length == 0)
                return USEC_PER_SEC;
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strlen(units[i].name) == length && strncmp(units[i].name, s, length) == 0)
                        return units[i].usec;
        return 0;
}

/* One `12.5min` at *@s; moves *@s behind it. */
static int span_part(const char **s, uint64_t *total) {
        uint64_t whole = 0, unit, part;
        double fraction = 0, scale = 0.1;
        const char *p = *s;
        size_t n;

        if (!isdigit((unsigned char) *p))
                return -EINVAL;
        for (; isdigit((unsigned char) *p); p++)
                if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, (uint64_t) (*p - '0'), &whole))
                        return -ERANGE;
        if (*p == '.') {
                if (!isdigit((unsigned char) *++p))
                        return -EINVAL;
                for (; isdigit((unsigned char) *p); p++, scale /= 10)
                        fraction += (*p - '0') * scale;
        }

        while (isspace((unsigned char) *p))
                p++;
        for (n = 0; isalpha((unsigned char) p[n]); n++)
                ;
        unit = unit_usec(p, n);
        if (unit == 0)
                return -EINVAL;
        if (__builtin_mul_overflow(whole, unit, &part) ||
            __builtin_add_overflow(part, (uint64_t) (fraction * (double) unit + 0.5), &part) ||
            __builtin_add_overflow(*total, part, total))
                return -ERANGE;
        *s = p + n;
        return 0;
}

int quantity_parse_span(const char *s, uint64_t *ret_usec) {
        uint64_t total = 0;
        int r;

        if (strcmp(s, "infinity") == 0) {
                *ret_usec = USEC_INFINITY;
                return 0;
        }
        if (!*s)
                return -EINVAL;

        while (*s) {
                r = span_part(&s, &total);
                if (r < 0)
                        return r;
                while (isspace((unsigned char) *s))
                        s++;
        }
        *ret_usec = total;
        return 0;
}

int quantity_parse_bytes(const char *s, uint64_t *ret) {
        static const char suffixes[] = "KMGTPE";
        uint64_t value;
        char *end;

        if (strcmp(s, "infinity") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }
        if (!isdigit((unsigned char) s[0]))
                return -EINVAL;

        errno = 0;
        value = strtoull(s, &end, 10);
        if (errno)
                return result_errno();
        if (*end == 'B' && !end[1])
                end++;
        else if (*end) {
                const char *suffix = strchr(suffixes, *end);

                if (!suffix || end[1])
                        return -EINVAL;
                for (const char *p = suffixes; p <= suffix; p++)
                        if (__builtin_mul_overflow(value, 1024, &value))
                                return -ERANGE;
        }
        *ret = value;
        return 0;
}

int quantity_parse_percent(const char *s, uint64_t *ret) {
        uint64_t value;
        char *end;

        if (!isdigit((unsigned char) s[0]))
                return -EINVAL;
        errno = 0;
        value = strtoull(s, &end, 10);
        if (errno)
                return result_errno();
        if (strcmp(end, "%") != 0)
                return -EINVAL;
        *ret = value;
        return 0;
}

void quantity_format_span(uint64_t usec, char ret[static 32]) {
        uint64_t s = usec / USEC_PER_SEC;

        if (usec == USEC_INFINITY)
                (void) snprintf(ret, 32, "infinity");
        else if (usec == 0)
                (void) snprintf(ret, 32, "0");
        else if (usec < USEC_PER_MSEC)
                (void) snprintf(ret, 32, "%uus", (unsigned) usec);
        else if (s == 0)
                (void) snprintf(ret, 32, "%ums", (unsigned) (usec / USEC_PER_MSEC));
        else if (s < 10 && usec % USEC_PER_SEC >= 100 * USEC_PER_MSEC)
                (void) snprintf(ret, 32, "%u.%us", (unsigned) s, (unsigned) (usec % USEC_PER_SEC / (100 * USEC_PER_MSEC)));
        else if (s < 60)
                (void) snprintf(ret, 32, "%us", (unsigned) s);
        else if (s < 3600)
                (void) snprintf(ret, 32, s % 60 ? "%umin %us" : "%umin", (unsigned) (s / 60), (unsigned) (s % 60));
        else if (s < 86400)
                (void) snprintf(ret, 32, s % 3600 / 60 ? "%uh %umin" : "%uh", (unsigned) (s / 3600), (unsigned) (s % 3600 / 60));
        else
                (void) snprintf(ret, 32, s % 86400 / 3600 ? "%llud %lluh" : "%llud",
                                (unsigned long long) (s / 86400), (unsigned long long) (s % 86400 / 3600));
}

void quantity_format_bytes(uint64_t bytes, char ret[static 16]) {
        static const char suffixes[] = "BKMGTPE";
        double value = (double) bytes;
        size_t i = 0;

        while (value >= 1024 && suffixes[i + 1]) {
                value /= 1024;
                i++;
        }
        if (i == 0)
                (void) snprintf(ret, 16, "%uB", (unsigned) bytes);
        else
                (void) snprintf(ret, 16, "%.1f%c", value, suffixes[i]);
}
