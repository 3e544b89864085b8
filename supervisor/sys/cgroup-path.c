/* SPDX-License-Identifier: MIT */
/*
 * Where the hierarchy is, and the paths in it. A path is what /proc/PID/cgroup
 * shows to this process: it counts from the root of its cgroup namespace, and
 * so does the root that /proc/self/mountinfo gives for each mount.
 */
#include "supervisor/sys/cgroup.h"

#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

DEFINE_OWNED(FILE *, fclose)

/* One mount of the unified hierarchy: which of its groups can be seen where. */
typedef struct Mount {
        const char *root, *point;
} Mount;

/* In place: `\040` and the like as the bytes they stand for. */
static void mount_unescape(char *s) {
        char *to = s;

        for (; *s; to++) {
                unsigned octal;

                if (*s == '\\' && sscanf(s + 1, "%3o", &octal) == 1) {
                        *to = (char) octal;
                        s += 4;
                } else
                        *to = *s++;
        }
        *to = '\0';
}

/* `36 35 0:28 ROOT POINT OPTIONS ... - TYPE SOURCE ...`; false for other file systems. */
static bool mount_parse(char *line, Mount *ret) {
        char *type = strstr(line, " - cgroup2 "), *save = NULL, *field = NULL, *root = NULL;

        if (!type)
                return false;
        *type = '\0';
        for (int i = 0; i < 5; i++) {
                field = strtok_r(i == 0 ? line : NULL, " ", &save);
                if (!field)
                        return false;
                if (i == 3)
                        root = field;
        }
        mount_unescape(root);
        mount_unescape(field);
        *ret = (Mount) { root, field };
        return true;
}

/* The next one in @f; its strings last as long as *@line. */
static bool mount_next(FILE *f, char **line, size_t *size, Mount *ret) {
        while (getline(line, size, f) >= 0)
                if (mount_parse(*line, ret))
                        return true;
        return false;
}

int cgroup_find_mount(char **ret) {
        _cleanup_(fclosep) FILE *f = fopen("/proc/self/mountinfo", "re");
        _cleanup_(freep) char *line = NULL;
        size_t size = 0;
        Mount mount;

        if (!f)
                return result_errno();

        while (mount_next(f, &line, &size, &mount)) {
                struct statfs st;
                char *point;

                /* something else may have been mounted over it */
                if (statfs(mount.point, &st) < 0 || st.f_type != CGROUP2_SUPER_MAGIC)
                        continue;
                point = strdup(mount.point);
                if (!point)
                        return -ENOMEM;
                *ret = point;
                return 0;
        }
        return -ENOMEDIUM;
}

int cgroup_of_process(pid_t pid, char **ret) {
        _cleanup_(freep) char *line = NULL;
        _cleanup_(fclosep) FILE *f = NULL;
        size_t size = 0;
        char name[32];

        if (pid > 0)
                (void) snprintf(name, sizeof name, "/proc/%d/cgroup", (int) pid);
        f = fopen(pid > 0 ? name : "/proc/self/cgroup", "re");
        if (!f)
                return errno == ENOENT ? -ESRCH : result_errno();

        for (;;) {
                ssize_t n = getline(&line, &size, f);
                char *path;

                if (n < 0)
                        return ferror(f) ? -ESRCH : -ENOMEDIUM;
                if (strncmp(line, "0::", 3) != 0)
                        continue;
                path = strndup(line + 3, strcspn(line + 3, "\n"));
                if (!path)
                        return -ENOMEM;
                *ret = path;
                return 0;
        }
}

/* Its name in the file system. */
static int cgroup_where(int fd, char ret[static PATH_MAX]) {
        char link[32];
        ssize_t n;

        (void) snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        n = readlink(link, ret, PATH_MAX);
        if (n < 0)
                return result_errno();
        if (n == PATH_MAX)
                return -ENAMETOOLONG;
        ret[n] = '\0';
        return 0;
}

/* The path of what is at @below (empty, or beginning with a slash) in @mount. */
static char *mount_path(const Mount *mount, const char *below) {
        bool whole = strcmp(mount->root, "/") == 0;

        return text_format("%s%s", whole && *below ? "" : mount->root, below);
}

int cgroup_path(int fd, char **ret) {
        _cleanup_(fclosep) FILE *f = fopen("/proc/self/mountinfo", "re");
        _cleanup_(freep) char *line = NULL, *path = NULL;
        char where[PATH_MAX];
        size_t size = 0, longest = 0;
        Mount mount;
        int r;

        if (!f)
                return result_errno();
        r = cgroup_where(fd, where);
        if (r < 0)
                return r;

        while (mount_next(f, &line, &size, &mount)) {
                size_t length = strlen(mount.point);

                if (length < longest || !cgroup_path_is_below(where, mount.point))
                        continue;
                longest = length;
                free(path);
                path = mount_path(&mount, where + length);
                if (!path)
                        return -ENOMEM;
        }
        if (!path)
                return -ENOMEDIUM;
        *ret = MOVE(path);
        return 0;
}

bool cgroup_path_is_below(const char *path, const char *above) {
        size_t length = strlen(above);

        if (strcmp(above, "/") == 0)
                return *path == '/';
        return strncmp(path, above, length) == 0 && (path[length] == '\0' || path[length] == '/');
}
