/* SPDX-License-Identifier: MIT */

/*
 * bgt-files: how far the processes of a task are with their files
 *
 * Reads pids from standard input, one a line, and prints `CURRENT TOTAL` in
 * bytes, or nothing if they show nothing. For an unmodified program the kernel
 * knows: the position of the reader in the file it reads, against that file's
 * size. The file is the largest one that any of them has open for reading. Where
 * the position stays 0 because the kernel copies (copy_file_range), the size of
 * the file being written tells instead.
 *
 * Runs as the task's user, so it sees what that user may see, and may hang on a
 * file system that does not answer: its caller has a deadline.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROCESSES_MAX 1024
#define WORTH_BYTES 65536       /* a smaller one is a script or a setting, and not what anybody waits for */
#define FILES_MAX 4096

typedef struct Best {
        int64_t read_position, read_size;       /* of the largest file read; size -1: none */
        int64_t written_size;                   /* of the largest file written; -1: none */
} Best;

/* `pos:` and `flags:` of /proc/PID/fdinfo/FD. */
static int read_fdinfo(int dir, const char *name, int64_t *ret_position, unsigned *ret_flags) {
        char text[512], *line;
        ssize_t n;
        int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        n = read(fd, text, sizeof text - 1);
        (void) close(fd);
        if (n <= 0)
                return -EIO;
        text[n] = '\0';

        line = strstr(text, "pos:");
        if (!line)
                return -EBADMSG;
        *ret_position = strtoll(line + 4, NULL, 10);
        line = strstr(text, "flags:");
        if (!line)
                return -EBADMSG;
        *ret_flags = (unsigned) strtoul(line + 6, NULL, 8);
        return 0;
}

static void look_at_file(int fds, int infos, const char *name, Best *best) {
        int64_t position = 0;
        unsigned flags = 0;
        struct stat st;

        if (read_fdinfo(infos, name, &position, &flags) < 0)
                return;
        if (fstatat(fds, name, &st, 0) < 0 || !S_ISREG(st.st_mode))
                return;

        if ((flags & O_ACCMODE) == O_RDONLY) {
                if (st.st_size > best->read_size || (st.st_size == best->read_size && position > best->read_position)) {
                        best->read_size = st.st_size;
                        best->read_position = position;
                }
        } else if (st.st_size > best->written_size)
                best->written_size = st.st_size;
}

static int open_below(pid_t pid, const char *name) {
        char path[64];

        (void) snprintf(path, sizeof path, "/proc/%d/%s", (int) pid, name);
        return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void look_at_process(pid_t pid, Best *best) {
        int fds = open_below(pid, "fd"), infos = open_below(pid, "fdinfo");
        DIR *dir = fds >= 0 ? fdopendir(dup(fds)) : NULL;
        struct dirent *entry;

        for (size_t n = 0; dir && infos >= 0 && n < FILES_MAX && (entry = readdir(dir)); n++)
                if (isdigit((unsigned char) entry->d_name[0]))
                        look_at_file(fds, infos, entry->d_name, best);
        if (dir)
                (void) closedir(dir);
        if (fds >= 0)
                (void) close(fds);
        if (infos >= 0)
                (void) close(infos);
}

int main(void) {
        Best best = { 0, -1, -1 };
        char line[64];

        for (size_t n = 0; n < PROCESSES_MAX && fgets(line, sizeof line, stdin); n++) {
                long pid = strtol(line, NULL, 10);

                if (pid > 0)
                        look_at_process((pid_t) pid, &best);
        }

        if (best.read_size < WORTH_BYTES)
                return 0;
        if (best.read_position == 0 && best.written_size > 0)
                best.read_position = best.written_size < best.read_size ? best.written_size : best.read_size;
        if (best.read_position > best.read_size)
                best.read_position = best.read_size;
        return printf("%" PRId64 " %" PRId64 "\n", best.read_position, best.read_size) < 0 || fflush(stdout) != 0;
}
