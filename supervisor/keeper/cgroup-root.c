/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/cgroup-root.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

#define LEAF "/keeper"

static void file_closep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}

/* What the v2 line of /proc/PID/cgroup says. */
static int process_cgroup(pid_t pid, char **ret) {
        _cleanup_(file_closep) FILE *f = NULL;
        _cleanup_(freep) char *line = NULL;
        char path[32];
        size_t size = 0;
        ssize_t n;

        (void) snprintf(path, sizeof path, "/proc/%d/cgroup", (int) pid);
        f = fopen(path, "re");
        if (!f)
                return result_errno();
        while ((n = getline(&line, &size, f)) > 0) {
                char *name;

                if (strncmp(line, "0::/", 4) != 0)
                        continue;
                if (line[n - 1] == '\n')
                        line[n - 1] = '\0';
                name = strdup(line + 3);
                if (!name)
                        return -ENOMEM;
                *ret = name;
                return 0;
        }
        return -ENOENT;
}

/* mountinfo writes blanks and backslashes as \040. */
static void unescape(char *s) {
        char *to = s;

        for (; *s; to++)
                if (s[0] == '\\' && s[1] && s[2] && s[3]) {
                        *to = (char) ((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
                        s += 4;
                } else
                        *to = *s++;
        *to = '\0';
}

static bool is_cgroup2(const char *path) {
        struct statfs st;

        return statfs(path, &st) == 0 && st.f_type == CGROUP2_SUPER_MAGIC;
}

/* The path below @directory, "" for itself; NULL if it is elsewhere. */
static const char *path_below(const char *path, const char *directory) {
        size_t n = strlen(directory);

        if (n > 0 && directory[n - 1] == '/')
                n--;
        if (strncmp(path, directory, n) != 0 || (path[n] != '\0' && path[n] != '/'))
                return NULL;
        return path + n;
}

/* Where this line of mountinfo shows the cgroup @name, or NULL. */
static char *mount_find(char *line, const char *name) {
        char *field[5] = {}, *rest = line, *type = strstr(line, " - ");
        const char *below;

        if (!type || strncmp(type + 3, "cgroup2 ", 8) != 0)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(field); i++)
                field[i] = strsep(&rest, " ");
        if (!rest)
                return NULL;
        unescape(field[3]);
        unescape(field[4]);
        below = path_below(name, field[3]);
        if (!below || !is_cgroup2(field[4]))
                return NULL;
        return text_format("%s%s", field[4], strcmp(below, "/") == 0 ? "" : below);
}

static int find_own(char **ret) {
        _cleanup_(file_closep) FILE *f = NULL;
        _cleanup_(freep) char *line = NULL, *name = NULL;
        size_t size = 0;
        int r;

        r = process_cgroup(getpid(), &name);
        if (r < 0)
                return r == -ENOENT ? CGROUP_ROOT_E_NONE : r;
        f = fopen("/proc/self/mountinfo", "re");
        if (!f)
                return result_errno();
        while (getline(&line, &size, f) > 0) {
                *ret = mount_find(line, name);
                if (*ret)
                        return 0;
        }
        return CGROUP_ROOT_E_NONE;
}

int cgroup_root_find(const char *path, CgroupRoot *ret) {
        char *copy;

        *ret = (CgroupRoot) {};
        if (!path)
                return find_own(&ret->path);
        if (!is_cgroup2(path))
                return CGROUP_ROOT_E_NOT_CGROUP;
        copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        ret->path = copy;
        return 0;
}

int cgroup_root_enter(CgroupRoot *root) {
        _cleanup_(freep) char *leaf = NULL, *procs = NULL, *name = NULL;
        _cleanup_(fd_closep) int fd = -1;
        size_t n;
        int r;

        leaf = text_format("%s" LEAF, root->path);
        procs = text_format("%s" LEAF "/cgroup.procs", root->path);
        if (!leaf || !procs)
                return -ENOMEM;
        if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
                return result_errno();
        fd = open(procs, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return result_errno();
        r = fd_write_all(fd, "0", 1);
        if (r < 0)
                return r;

        r = process_cgroup(getpid(), &name);
        if (r < 0)
                return r;
        n = strlen(name);
        if (n < strlen(LEAF) || strcmp(name + n - strlen(LEAF), LEAF) != 0)
                return -EXDEV;  /* somebody has moved us meanwhile */
        name[n - strlen(LEAF)] = '\0';
        root->name = MOVE(name);
        return 0;
}

bool cgroup_root_holds(const CgroupRoot *root, pid_t pid, int alive_fd) {
        static const char *const groups[] = { "/jobs", "/hooks" };
        struct pollfd alive = { .fd = alive_fd, .events = POLLIN };
        _cleanup_(freep) char *name = NULL;
        const char *below;

        if (process_cgroup(pid, &name) < 0)
                return true;
        if (alive_fd >= 0 && poll(&alive, 1, 0) != 0)
                return true;    /* it has ended: the name may be that of another process with its pid */

        below = path_below(name, root->name);
        for (size_t i = 0; below && i < ELEMENTSOF(groups); i++)
                if (path_below(below, groups[i]))
                        return true;
        return false;
}

/* The namespaces' groups in R/jobs. */
static void remove_below(int fd) {
        DIR *dir = fdopendir(fd);
        struct dirent *entry;

        while (dir && (entry = readdir(dir)))
                if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
                        (void) unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
        if (dir)
                (void) closedir(dir);
        else
                fd_close(fd);
}

void cgroup_root_leave(const CgroupRoot *root) {
        static const char *const groups[] = { "jobs", "hooks", "keeper" };
        _cleanup_(freep) char *procs = text_format("%s/../cgroup.procs", root->path);
        _cleanup_(fd_closep) int fd = -1, root_fd = -1;

        root_fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fd = procs ? open(procs, O_WRONLY | O_CLOEXEC) : -1;
        if (root_fd < 0 || fd < 0 || fd_write_all(fd, "0", 1) < 0)
                return;
        for (size_t i = 0; i < ELEMENTSOF(groups); i++) {
                remove_below(openat(root_fd, groups[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
                (void) unlinkat(root_fd, groups[i], AT_REMOVEDIR);
        }
        (void) rmdir(root->path);
}

void cgroup_root_done(CgroupRoot *root) {
        free(root->path);
        free(root->name);
        *root = (CgroupRoot) {};
}
