/* SPDX-License-Identifier: MIT */

/*
 * Runs a fuzz target over files that are kept, so that what was found once
 * stays found: each argument is a file, or a directory of files.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/text.h"
#include "tests/fuzz/fuzz.h"

static int run_file(const char *path) {
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        _cleanup_(text_done) Text text = {};
        char part[4096];
        ssize_t n;

        if (fd < 0)
                return -1;
        while ((n = read(fd, part, sizeof part)) > 0)
                text_append_bytes(&text, part, (size_t) n);
        if (n < 0 || text.failed)
                return -1;
        (void) LLVMFuzzerTestOneInput((const uint8_t *) text_or_empty(text.data), text.length);
        return 0;
}

/* Returns how many files it ran. */
static size_t run_directory(const char *path) {
        DIR *directory = opendir(path);
        struct dirent *entry;
        size_t n = 0;

        if (!directory)
                return run_file(path) == 0;
        while ((entry = readdir(directory))) {
                _cleanup_(freep) char *file = text_format("%s/%s", path, entry->d_name);

                if (*entry->d_name != '.' && file)
                        n += run_file(file) == 0;
        }
        (void) closedir(directory);
        return n;
}

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (run_directory(argv[i]) == 0) {
                        fprintf(stderr, "%s: nothing to run\n", argv[i]);
                        return EXIT_FAILURE;
                }
        return EXIT_SUCCESS;
}
