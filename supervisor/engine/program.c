/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/program.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

int program_find(const char *name, const char *folder, char **ret) {
        _cleanup_(freep) char *beside = NULL, *below = NULL;
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

        if (n < 0)
                return result_errno();
        self[n] = '\0';
        *strrchr(self, '/') = '\0';

        beside = text_format("%s/%s", self, name);
        below = text_format("%s/%s/%s", self, folder, name);
        if (!beside || !below)
                return -ENOMEM;
        if (access(beside, X_OK) == 0) {
                *ret = MOVE(beside);
                return 0;
        }
        if (access(below, X_OK) == 0) {
                *ret = MOVE(below);
                return 0;
        }
        return -ENOENT;
}
