/* SPDX-License-Identifier: MIT */
#include "supervisor/sys/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/sys/cgroup-directory.h"

/* Removals and descents of one cgroup_remove(): about 50 ms. */
#define REMOVE_STEPS_MAX 4096

int cgroup_create(int parent_fd, const char *name, int *ret_fd) {
        int fd;

        if (mkdirat(parent_fd, name, 0755) < 0)
                return errno == EEXIST ? CGROUP_E_EXISTS : result_errno();

        fd = openat(parent_fd, name, CGROUP_OPEN_FLAGS);
        if (fd < 0) {
                int r = result_errno();

                (void) unlinkat(parent_fd, name, AT_REMOVEDIR);
                return r;
        }
        *ret_fd = fd;
        return 0;
}

int cgroup_open(int parent_fd, const char *name, bool create, int *ret_fd) {
        int fd;

        if (create && mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
                return result_errno();

        fd = openat(parent_fd, name, CGROUP_OPEN_FLAGS);
        if (fd < 0)
                return result_errno();
        *ret_fd = fd;
        return 0;
}

/*
 * Removes the groups in @fd up to the first that has some below it itself,
 * whose name goes to @ret_child; "" if none is left. Takes its steps off @n_left.
 */
static int cgroup_prune(int fd, unsigned *n_left, char ret_child[static NAME_MAX + 1]) {
        _cleanup_(closedirp) DIR *dir = cgroup_directory_open(fd);
        const char *name;

        if (!dir)
                return result_errno();

        ret_child[0] = '\0';
        while (*n_left > 0 && !*ret_child && (name = cgroup_directory_next(dir))) {
                (*n_left)--;
                if (unlinkat(fd, name, AT_REMOVEDIR) < 0 && errno == EBUSY)
                        (void) stpcpy(ret_child, name);
        }
        return 0;
}

/*
 * Down to where nothing more is below, up again from there by `..`: no
 * descriptor is kept for the way, so depth costs steps and nothing else.
 */
static int cgroup_remove_below(int top) {
        _cleanup_(fd_closep) int at = openat(top, ".", CGROUP_OPEN_FLAGS);
        unsigned n_left = REMOVE_STEPS_MAX;
        char child[NAME_MAX + 1];
        size_t depth = 0;

        while (at >= 0 && n_left > 0) {
                int r = cgroup_prune(at, &n_left, child), next;

                if (r < 0)
                        return r;
                if (!*child && depth == 0)
                        return n_left > 0 ? 0 : CGROUP_E_MORE;
                next = openat(at, *child ? child : "..", CGROUP_OPEN_FLAGS);
                depth = *child ? depth + 1 : depth - 1;
                (void) fd_close(at);
                at = next;
        }
        if (at < 0)
                return result_errno();
        return depth < REMOVE_STEPS_MAX ? CGROUP_E_MORE : -ELOOP;       /* nothing but descents */
}

int cgroup_remove(int parent_fd, const char *name) {
        _cleanup_(fd_closep) int fd = -1;
        CgroupEvents events = {};
        int r;

        if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0)
                return 0;
        if (errno == ENOENT)
                return CGROUP_E_GONE;
        if (errno != EBUSY)
                return result_errno();

        /* busy with processes, or with groups alone */
        r = cgroup_open(parent_fd, name, false, &fd);
        if (r < 0)
                return r == -ENOENT ? CGROUP_E_GONE : r;
        r = cgroup_read_events(fd, &events);
        if (r < 0)
                return r;
        if (events.populated)
                return CGROUP_E_POPULATED;

        r = cgroup_remove_below(fd);
        if (r == -ENOENT)               /* somebody else removes there too */
                return CGROUP_E_MORE;
        if (r != 0)
                return r;
        if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return 0;
        return errno == EBUSY ? CGROUP_E_POPULATED : result_errno();
}

static CgroupEvents cgroup_events_parse(const char *text) {
        return (CgroupEvents) {
                .populated = strstr(text, "populated 1\n"),
                .frozen = strstr(text, "frozen 1\n"),
        };
}

int cgroup_read_events(int fd, CgroupEvents *ret) {
        char text[128];
        int r;

        r = cgroup_read_file(fd, "cgroup.events", text, sizeof text);
        if (r == -ENOENT || r == -ENODEV)
                return CGROUP_E_GONE;
        if (r < 0)
                return r;
        *ret = cgroup_events_parse(text);
        return 0;
}

int cgroup_open_events(int fd) {
        int events_fd = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

        return events_fd < 0 ? result_errno() : events_fd;
}

int cgroup_events_reread(int events_fd, CgroupEvents *ret) {
        char text[128];
        ssize_t n;

        n = pread(events_fd, text, sizeof text - 1, 0);
        if (n < 0)
                return errno == ENODEV ? CGROUP_E_GONE : result_errno();
        text[n] = '\0';
        *ret = cgroup_events_parse(text);
        return 0;
}

int cgroup_write_freeze(int fd, bool frozen) {
        return cgroup_write_file(fd, "cgroup.freeze", frozen ? "1" : "0");
}

int cgroup_read_freeze(int fd, bool *ret) {
        char text[8];
        int r;

        r = cgroup_read_file(fd, "cgroup.freeze", text, sizeof text);
        if (r < 0)
                return r;
        *ret = text[0] == '1';
        return 0;
}

int cgroup_id(int fd, uint64_t *ret) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return result_errno();
        *ret = st.st_ino;
        return 0;
}

int cgroup_mark(int fd, const char *attribute, const char *value) {
        if (fsetxattr(fd, attribute, value, strlen(value), 0) < 0)
                return result_errno();
        return 0;
}

int cgroup_read_mark(int fd, const char *attribute, char **ret) {
        char value[1024], *copy;
        ssize_t n;

        n = fgetxattr(fd, attribute, value, sizeof value);
        if (n < 0 && errno == ENODATA) {
                *ret = NULL;
                return 0;
        }
        if (n < 0)
                return result_errno();
        copy = strndup(value, (size_t) n);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

int cgroup_read_file(int fd, const char *name, char *ret, size_t size) {
        _cleanup_(fd_closep) int file = openat(fd, name, O_RDONLY | O_CLOEXEC);
        size_t length = 0;

        assert(size > 0);

        if (file < 0)
                return result_errno();
        while (length < size - 1) {
                ssize_t n = read(file, ret + length, size - 1 - length);

                if (n < 0)
                        return result_errno();
                if (n == 0)
                        break;
                length += (size_t) n;
        }
        ret[length] = '\0';
        return 0;
}

int cgroup_write_file(int fd, const char *name, const char *value) {
        _cleanup_(fd_closep) int file = openat(fd, name, O_WRONLY | O_CLOEXEC);

        if (file < 0)
                return result_errno();
        return fd_write_all(file, value, strlen(value));
}

static int cgroup_read_words(int fd, const char *name, char ***ret) {
        char text[1024];
        int r;

        r = cgroup_read_file(fd, name, text, sizeof text);
        if (r < 0)
                return r;
        return strv_split(ret, text, " \n");
}

int cgroup_enable_controllers(int fd, const char *const *names, const char **ret_missing) {
        _cleanup_(strv_freep) char **offered = NULL, **enabled = NULL;
        _cleanup_(text_done) Text wanted = {};
        int r;

        r = cgroup_read_words(fd, "cgroup.controllers", &offered);
        if (r < 0)
                return r;
        r = cgroup_read_words(fd, "cgroup.subtree_control", &enabled);
        if (r < 0)
                return r;

        for (; *names; names++) {
                bool there = strv_contains(offered, *names);

                if (!there && ret_missing) {
                        *ret_missing = *names;
                        return -ENOENT;
                }
                if (there && !strv_contains(enabled, *names))
                        text_appendf(&wanted, "+%s ", *names);
        }
        if (wanted.failed)
                return -ENOMEM;
        return wanted.data ? cgroup_write_file(fd, "cgroup.subtree_control", wanted.data) : 0;
}
