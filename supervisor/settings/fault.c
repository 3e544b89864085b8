/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"

static void sentence_clean(char *s) {
        bool utf8 = text_is_utf8(s);

        for (; *s; s++) {
                unsigned char c = (unsigned char) *s;

                if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
                        *s = '?';
        }
}

__attribute__((format(printf, 4, 0)))
static void fault_write(SettingsFault *fault, SettingsOrigin origin, const char *suffix, const char *format, va_list ap) {
        char buffer[8192] = "";
        size_t n = 0;

        if (origin.path && origin.line > 0)
                n = (size_t) snprintf(buffer, sizeof buffer, "%s:%u: ", origin.path, origin.line);
        else if (origin.path)
                n = (size_t) snprintf(buffer, sizeof buffer, "%s: ", origin.path);
        if (n < sizeof buffer)
                n += (size_t) vsnprintf(buffer + n, sizeof buffer - n, format, ap);
        if (n < sizeof buffer)
                (void) snprintf(buffer + n, sizeof buffer - n, "%s", suffix);

        sentence_clean(buffer);
        text_copy(fault->sentence, sizeof fault->sentence, buffer);
}

int fault_set(SettingsFault *fault, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        fault_write(fault, (SettingsOrigin) {}, "", format, ap);
        va_end(ap);
        return -EINVAL;
}

int fault_at(SettingsFault *fault, SettingsOrigin origin, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        fault_write(fault, origin, "", format, ap);
        va_end(ap);
        return -EINVAL;
}

int fault_errno(SettingsFault *fault, int r, const char *format, ...) {
        char suffix[128];
        va_list ap;

        assert(r < 0);

        (void) snprintf(suffix, sizeof suffix, ": %s.", strerror(-r));
        va_start(ap, format);
        fault_write(fault, (SettingsOrigin) {}, suffix, format, ap);
        va_end(ap);
        return r;
}

int fault_explain(SettingsFault *fault, int r) {
        if (r < 0 && !fault->sentence[0])
                return fault_errno(fault, r, "Reading the configuration failed");
        return r;
}

Excerpt excerpt(const char *value) {
        Excerpt e;

        text_copy(e.text, sizeof e.text - strlen("…"), value);
        if (strlen(e.text) < strlen(value))
                (void) strcat(e.text, "…");
        return e;
}
