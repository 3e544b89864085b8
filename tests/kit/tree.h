/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A directory of a test's own, with files that it names and writes.
 */

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "tests/kit/unit.h"

typedef struct Tree {
        char path[32];
} Tree;

static inline Tree tree_make(void) {
        Tree tree = { "/tmp/bgt-tree-XXXXXX" };

        assert_non_null(mkdtemp(tree.path));
        return tree;
}

static inline int tree_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
        (void) st;
        (void) kind;
        (void) ftw;
        return remove(path);
}

static inline void tree_end(Tree *tree) {
        (void) nftw(tree->path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* `TREE/NAME` in @ret, and every directory before its last slash made. */
static inline void tree_path(const Tree *tree, const char *name, char ret[static 256]) {
        (void) snprintf(ret, 256, "%s/%s", tree->path, name);
        for (char *slash = strchr(ret + strlen(tree->path) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void) mkdir(ret, 0755);
                *slash = '/';
        }
}

static inline void tree_write_bytes(const Tree *tree, const char *name, const void *data, size_t size) {
        char path[256];
        int fd;

        tree_path(tree, name, path);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(fchmod(fd, 0644), 0);
        assert_int_equal(fd_write_all(fd, data, size), 0);
        (void) fd_close(fd);
}

static inline void tree_write(const Tree *tree, const char *name, const char *text) {
        tree_write_bytes(tree, name, text, strlen(text));
}

static inline void tree_link(const Tree *tree, const char *name, const char *target) {
        char path[256];

        tree_path(tree, name, path);
        assert_int_equal(symlink(target, path), 0);
}
