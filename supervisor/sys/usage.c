/* SPDX-License-Identifier: MIT */
#include "supervisor/sys/usage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/limits.h"

DEFINE_OWNED(FILE *, fclose)

/* A file that this kernel does not have, or of a group that is gone, tells nothing: *@ret stays as it is. */
static int usage_result(int r) {
        return r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP ? 0 : r;
}

/* A file of one number. */
static int usage_read_number(int fd, const char *name, uint64_t *ret) {
        char text[64];
        uint64_t value;
        int r;

        r = cgroup_read_file(fd, name, text, sizeof text);
        if (r < 0)
                return usage_result(r);
        if (quantity_parse_u64(text_strip(text), &value) == 0)
                *ret = value;
        return 0;
}

/* A file of lines `KEY NUMBER`. */
static int usage_read_key(int fd, const char *name, const char *key, uint64_t *ret) {
        size_t length = strlen(key);
        char text[4096];
        int r;

        r = cgroup_read_file(fd, name, text, sizeof text);
        if (r < 0)
                return usage_result(r);
        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, key, length) == 0 && line[length] == ' ')
                        (void) sscanf(line + length, "%" SCNu64, ret);
        }
        return 0;
}

/* Sums over the devices of a group. */
typedef struct IoSum {
        uint64_t read_bytes, write_bytes;
        unsigned n_devices;
} IoSum;

/* `8:0 rbytes=1 wbytes=2 ...`, a line for each device; one of which nothing is known has its number alone. */
static void io_add(IoSum *sum, const char *line) {
        const char *r = strstr(line, " rbytes="), *w = strstr(line, " wbytes=");

        sum->read_bytes += r ? strtoull(r + strlen(" rbytes="), NULL, 10) : 0;
        sum->write_bytes += w ? strtoull(w + strlen(" wbytes="), NULL, 10) : 0;
        sum->n_devices++;
}

/* v1: `8:0 Read 1`, `8:0 Write 2` and others, and a `Total` at the end. */
static void v1_io_add(IoSum *sum, const char *line) {
        uint64_t value;

        if (sscanf(line, "%*s Read %" SCNu64, &value) == 1) {
                sum->read_bytes += value;
                sum->n_devices++;
        }
        if (sscanf(line, "%*s Write %" SCNu64, &value) == 1)
                sum->write_bytes += value;
}

/* -ENOENT and the like are not yet forgiven here. */
static int io_read(int fd, const char *name, void (*add)(IoSum *sum, const char *line), IoSum *ret) {
        _cleanup_(fd_closep) int file = openat(fd, name, O_RDONLY | O_CLOEXEC);
        _cleanup_(fclosep) FILE *f = NULL;
        _cleanup_(freep) char *line = NULL;
        IoSum sum = {};
        size_t size = 0;

        if (file < 0)
                return result_errno();
        f = fdopen(file, "re");
        if (!f)
                return result_errno();
        (void) MOVE_FD(file);

        while (getline(&line, &size, f) >= 0)
                add(&sum, line);
        if (ferror(f))
                return result_errno();
        *ret = sum;
        return 0;
}

/* The v1 group in the hierarchy of @controller; -1 if it has none, which is most often so. */
static int usage_open_v1(const char *controller, const char *v1_path, int *ret_fd) {
        int r;

        *ret_fd = -1;
        r = v1_path ? limits_open_group(controller, v1_path, ret_fd) : 0;
        return usage_result(r);
}

static int usage_read_memory(int cgroup_fd, const char *v1_path, Usage *usage) {
        _cleanup_(fd_closep) int v1 = -1;
        int r;

        r = usage_open_v1("memory", v1_path, &v1);
        if (r < 0)
                return r;
        if (v1 >= 0)
                return usage_read_number(v1, "memory.max_usage_in_bytes", &usage->memory_peak_bytes);
        return usage_read_number(cgroup_fd, "memory.peak", &usage->memory_peak_bytes);
}

/* v1 counts while a device is throttled and lists none otherwise: that is not 0. */
static int usage_read_blocks(int cgroup_fd, const char *v1_path, Usage *usage) {
        _cleanup_(fd_closep) int v1 = -1;
        IoSum sum;
        int r;

        r = usage_open_v1("blkio", v1_path, &v1);
        if (r < 0)
                return r;
        if (v1 >= 0)
                r = io_read(v1, "blkio.throttle.io_service_bytes_recursive", v1_io_add, &sum);
        else
                r = io_read(cgroup_fd, "io.stat", io_add, &sum);
        if (r < 0)
                return usage_result(r);
        if (v1 >= 0 && sum.n_devices == 0)
                return 0;
        usage->io_read_bytes = sum.read_bytes;
        usage->io_write_bytes = sum.write_bytes;
        return 0;
}

static int usage_read_tasks(int cgroup_fd, const char *v1_path, Usage *usage) {
        _cleanup_(fd_closep) int v1 = -1;
        int r;

        r = usage_open_v1("pids", v1_path, &v1);
        if (r < 0)
                return r;
        return usage_read_number(v1 >= 0 ? v1 : cgroup_fd, "pids.peak", &usage->tasks_peak);
}

int usage_read(int cgroup_fd, const char *v1_path, Usage *ret) {
        Usage usage = USAGE_UNKNOWN;
        int r;

        r = usage_read_key(cgroup_fd, "cpu.stat", "usage_usec", &usage.cpu_usec);
        if (r < 0)
                return r;
        r = usage_read_memory(cgroup_fd, v1_path, &usage);
        if (r < 0)
                return r;
        r = usage_read_blocks(cgroup_fd, v1_path, &usage);
        if (r < 0)
                return r;
        r = usage_read_tasks(cgroup_fd, v1_path, &usage);
        if (r < 0)
                return r;
        *ret = usage;
        return 0;
}

int usage_read_oom_kills(int cgroup_fd, const char *v1_path, uint64_t *ret) {
        _cleanup_(fd_closep) int v1 = -1;
        uint64_t n = UINT64_MAX;
        int r;

        r = usage_open_v1("memory", v1_path, &v1);
        if (r < 0)
                return r;
        if (v1 >= 0)
                r = usage_read_key(v1, "memory.oom_control", "oom_kill", &n);
        else
                r = usage_read_key(cgroup_fd, "memory.events", "oom_kill", &n);
        if (r < 0)
                return r;
        *ret = n;
        return 0;
}
