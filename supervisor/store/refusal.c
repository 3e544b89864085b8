/* SPDX-License-Identifier: MIT */
#include "supervisor/store/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/result.h"

int refuse(char **sentence, int r, const char *format, ...) {
        va_list ap;

        if (*sentence)
                return r;
        va_start(ap, format);
        if (vasprintf(sentence, format, ap) < 0)
                *sentence = NULL;
        va_end(ap);
        return r;
}

int refuse_failed(char **sentence, int r, const char *verb, const char *path) {
        switch (r) {
        case -ENOSPC:
        case -EDQUOT:
                return refuse(sentence, r, "Cannot %s %s, since there is no room left: free some space on its file system.", verb, path);
        case -EROFS:
                return refuse(sentence, r, "Cannot %s %s, since it is read-only: make it writable or give bgtd another --state-dir.", verb, path);
        case -EACCES:
        case -EPERM:
                return refuse(sentence, r, "Cannot %s %s, since that is not allowed: look at its owner and mode, or give bgtd another --state-dir.",
                              verb, path);
        case -EBUSY:
                return refuse(sentence, r, "Cannot %s %s, since another program holds it: end that one first.", verb, path);
        default:
                return refuse(sentence, r, "Cannot %s %s: %s.", verb, path, strerror(-r));
        }
}
