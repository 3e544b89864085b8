/* SPDX-License-Identifier: MIT */
#include "supervisor/sys/limits.h"

#include <fcntl.h>
#include <inttypes.h>
#include <libcgroup.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "supervisor/sys/cgroup-directory.h"

#define CPU_PERIOD_USEC 100000

/* A file of a group and how a value is written there. */
typedef struct LimitFile {
        const char *name;
        void (*format)(uint64_t value, char ret[static 64]);
} LimitFile;

/* One key: which field, which controller, and the files that may hold it, the first that exists. */
typedef struct LimitKey {
        const char *name;
        size_t field;
        uint64_t unset;
        const char *controller, *v1_controller;
        LimitFile files[3], v1_files[3];
} LimitKey;

static void format_plain(uint64_t value, char ret[static 64]) {
        (void) snprintf(ret, 64, "%" PRIu64, value);
}

/* 1% is the least that the kernel takes. */
static uint64_t quota_usec(uint64_t percent) {
        return percent > UINT32_MAX ? UINT32_MAX : percent * (CPU_PERIOD_USEC / 100);
}

static void format_quota(uint64_t percent, char ret[static 64]) {
        (void) snprintf(ret, 64, "%" PRIu64 " %d", quota_usec(percent), CPU_PERIOD_USEC);
}

/* A v1 group's period is the same from the start. */
static void format_v1_quota(uint64_t percent, char ret[static 64]) {
        format_plain(quota_usec(percent), ret);
}

static uint64_t bounded(uint64_t value, uint64_t min, uint64_t max) {
        return value < min ? min : value > max ? max : value;
}

/* The usual weight is 100 on v2, and 1024 shares or 500 of I/O on v1. */
static void format_shares(uint64_t weight, char ret[static 64]) {
        format_plain(bounded(weight * 1024 / 100, 2, 262144), ret);
}

static void format_v1_io_weight(uint64_t weight, char ret[static 64]) {
        format_plain(bounded(weight * 500 / 100, 10, 1000), ret);
}

static void format_io_weight(uint64_t weight, char ret[static 64]) {
        (void) snprintf(ret, 64, "default %" PRIu64, weight);
}

/* BFQ counts from 1 to 1000, 100 being usual too: what is more than usual is drawn together. */
static uint64_t bfq_weight(uint64_t weight) {
        return weight <= 100 ? weight : bounded(100 + (weight - 100) * 900 / 9900, 1, 1000);
}

static void format_bfq_weight(uint64_t weight, char ret[static 64]) {
        format_io_weight(bfq_weight(weight), ret);
}

static void format_v1_bfq_weight(uint64_t weight, char ret[static 64]) {
        format_plain(bfq_weight(weight), ret);
}

static const LimitKey limit_keys[] = {
        {
                "MemoryMax=", offsetof(Limits, memory_max_bytes), UINT64_MAX, "memory", "memory",
                .files = { { "memory.max", format_plain } },
                .v1_files = { { "memory.limit_in_bytes", format_plain } },
        },
        {
                "MemoryHigh=", offsetof(Limits, memory_high_bytes), UINT64_MAX, "memory", "memory",
                .files = { { "memory.high", format_plain } },
                /* the nearest: reclaimed first when memory is short, where v2 slows the group down */
                .v1_files = { { "memory.soft_limit_in_bytes", format_plain } },
        },
        {
                "CPUQuota=", offsetof(Limits, cpu_quota_percent), 0, "cpu", "cpu",
                .files = { { "cpu.max", format_quota } },
                .v1_files = { { "cpu.cfs_quota_us", format_v1_quota } },
        },
        {
                "CPUWeight=", offsetof(Limits, cpu_weight), 0, "cpu", "cpu",
                .files = { { "cpu.weight", format_plain } },
                .v1_files = { { "cpu.shares", format_shares } },
        },
        {
                "IOWeight=", offsetof(Limits, io_weight), 0, "io", "blkio",
                .files = { { "io.weight", format_io_weight }, { "io.bfq.weight", format_bfq_weight } },
                .v1_files = { { "blkio.weight", format_v1_io_weight }, { "blkio.bfq.weight", format_v1_bfq_weight } },
        },
        {
                "TasksMax=", offsetof(Limits, tasks_max), UINT64_MAX, "pids", "pids",
                .files = { { "pids.max", format_plain } },
                .v1_files = { { "pids.max", format_plain } },
        },
};

static const char *const accounting_controllers[] = { "memory", "io", "pids" };
static const char *const v1_controllers[] = { "memory", "cpu", "blkio", "pids" };

static uint64_t limit_value(const LimitKey *key, const Limits *limits) {
        return *(const uint64_t *) ((const char *) limits + key->field);
}

static bool limit_is_set(const LimitKey *key, const Limits *limits) {
        return limits && limit_value(key, limits) != key->unset;
}

bool limits_any(const Limits *limits) {
        for (size_t i = 0; i < ELEMENTSOF(limit_keys); i++)
                if (limit_is_set(limit_keys + i, limits))
                        return true;
        return false;
}

/* Adds @word to the list that ends in NULL, once; the list has room for every controller. */
static void controllers_add(const char **list, const char *word) {
        for (; *list; list++)
                if (strcmp(*list, word) == 0)
                        return;
        *list = word;
}

int limits_enable(int root_fd, const char *below, const Limits *limits) {
        _cleanup_(fd_closep) int at = openat(root_fd, ".", CGROUP_OPEN_FLAGS);
        _cleanup_(strv_freep) char **names = NULL;
        const char *wanted[ELEMENTSOF(limit_keys) + ELEMENTSOF(accounting_controllers) + 1] = {};
        int r;

        if (at < 0)
                return result_errno();
        r = strv_split(&names, below, "/");
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(accounting_controllers); i++)
                controllers_add(wanted, accounting_controllers[i]);
        for (size_t i = 0; i < ELEMENTSOF(limit_keys); i++)
                if (limit_is_set(limit_keys + i, limits))
                        controllers_add(wanted, limit_keys[i].controller);

        r = cgroup_enable_controllers(at, wanted, NULL);
        if (r < 0)
                return r;
        STRV_FOREACH(name, names) {
                int next;

                r = cgroup_open(at, name, false, &next);
                if (r < 0)
                        return r;
                (void) fd_close(at);
                at = next;
                r = cgroup_enable_controllers(at, wanted, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* libcgroup's codes begin at 50000. */
static int limits_result(int code) {
        switch (code) {
        case 0:
                return 0;
        case ECGOTHER:
                return cgroup_get_last_errno() > 0 ? -cgroup_get_last_errno() : -EIO;
        case ECGROUPNOTOWNER:
        case ECGROUPNOTALLOWED:
                return -EPERM;
        case ECGROUPVALUENOTEXIST:
        case ECGROUPNOTEXIST:
                return -ENOENT;
        case ECGROUPNOTMOUNTED:
        case ECGROUPSUBSYSNOTMOUNTED:
                return -EOPNOTSUPP;
        default:
                return -EIO;
        }
}

/* libcgroup would write to standard output. */
static void limits_on_log(void *userdata, int level, const char *format, va_list ap) {
}

/* Where v1 has @controller, the caller's string; NULL: nowhere. The mounts are those of the first call. */
static int v1_find_mount(const char *controller, char **ret) {
        static bool ready;
        _cleanup_(freep) char *point = NULL;
        struct statfs st;
        int r = 0;

        if (!ready) {
                cgroup_set_logger(limits_on_log, CGROUP_LOG_ERROR, NULL);
                r = cgroup_init();
                ready = r == 0;
        }
        if (r == 0)
                r = cgroup_get_subsys_mount_point(controller, &point);
        if (r != 0 && r != ECGROUPNOTMOUNTED && r != ECGROUPNOTEXIST && r != ECGROUPSUBSYSNOTMOUNTED)
                return limits_result(r);

        /* it also tells where v2 has the controller */
        if (r == 0 && statfs(point, &st) == 0 && st.f_type == CGROUP_SUPER_MAGIC)
                *ret = MOVE(point);
        else
                *ret = NULL;
        return 0;
}

/* -ENOENT where v1 does not have @controller. */
static int v1_open_mount(const char *controller) {
        _cleanup_(freep) char *mount = NULL;
        int r, fd;

        r = v1_find_mount(controller, &mount);
        if (r < 0)
                return r;
        if (!mount)
                return -ENOENT;
        fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? result_errno() : fd;
}

/* Below a mount: a path that begins with a slash would be looked for at the root of the file system. */
static const char *v1_relative(const char *path) {
        return path + strspn(path, "/");
}

int limits_open_group(const char *controller, const char *v1_path, int *ret_fd) {
        _cleanup_(fd_closep) int mount_fd = v1_open_mount(controller);

        return mount_fd < 0 ? mount_fd : cgroup_open(mount_fd, v1_relative(v1_path), false, ret_fd);
}

int limits_release(const char *v1_path) {
        int result = 0;

        for (size_t i = 0; v1_path && i < ELEMENTSOF(v1_controllers); i++) {
                _cleanup_(fd_closep) int mount_fd = v1_open_mount(v1_controllers[i]);
                int r;

                if (mount_fd == -ENOENT)
                        continue;
                r = mount_fd < 0 ? mount_fd : cgroup_remove(mount_fd, v1_relative(v1_path));
                if (r < 0)
                        return r;
                if (r == CGROUP_E_POPULATED || r == CGROUP_E_MORE)
                        result = r;
        }
        return result;
}

/* The group of one limits_apply(), and the keys that are to be set in it. */
typedef struct V1Group {
        const char *name;
        struct cgroup *group;           /* NULL: no key needs one */
        const LimitKey *keys[ELEMENTSOF(limit_keys)];
        size_t n_keys;
        char **attach;
} V1Group;

static void v1_group_done(V1Group *v1) {
        if (v1->group)
                cgroup_free(&v1->group);
        v1->attach = strv_free(v1->attach);
}

static int v1_group_add(V1Group *v1, const LimitKey *key, const char *mount) {
        _cleanup_(freep) char *procs = text_format("%s/%s/cgroup.procs", mount, v1->name);

        if (!procs)
                return -ENOMEM;
        if (!v1->group)
                v1->group = cgroup_new_cgroup(v1->name);
        if (!v1->group)
                return -ENOMEM;
        if (!cgroup_get_controller(v1->group, key->v1_controller) &&
            !cgroup_add_controller(v1->group, key->v1_controller))
                return -ENOMEM;

        v1->keys[v1->n_keys++] = key;
        return strv_contains(v1->attach, procs) ? 0 : strv_append(&v1->attach, procs);
}

/* Notes the value for whichever of the key's files the group has: that shows only when it exists. */
static int v1_group_add_value(V1Group *v1, const LimitKey *key, uint64_t value) {
        _cleanup_(fd_closep) int fd = -1;
        struct cgroup_controller *controller;
        int r;

        r = limits_open_group(key->v1_controller, v1->name, &fd);
        if (r < 0)
                return r;
        for (const LimitFile *file = key->v1_files; file->name; file++) {
                char text[64];

                if (faccessat(fd, file->name, F_OK, 0) < 0)
                        continue;
                file->format(value, text);
                controller = cgroup_get_controller(v1->group, key->v1_controller);
                return limits_result(cgroup_add_value_string(controller, file->name, text));
        }
        return -EOPNOTSUPP;
}

static int v1_group_make(V1Group *v1, const Limits *limits, const LimitKey **ret_at) {
        int r;

        r = limits_result(cgroup_create_cgroup(v1->group, 1));
        for (size_t i = 0; r == 0 && i < v1->n_keys; i++) {
                *ret_at = v1->keys[i];
                r = v1_group_add_value(v1, v1->keys[i], limit_value(v1->keys[i], limits));
        }
        if (r == 0) {
                *ret_at = NULL;
                r = limits_result(cgroup_modify_cgroup(v1->group));
        }
        if (r < 0)
                (void) limits_release(v1->name);
        return r;
}

/* Writes to the first of the key's files that there is: with the controller there may be none for it. */
static int limit_write(int cgroup_fd, const LimitKey *key, uint64_t value) {
        for (const LimitFile *file = key->files; file->name; file++) {
                char text[64];
                int r;

                file->format(value, text);
                r = cgroup_write_file(cgroup_fd, file->name, text);
                if (r != -ENOENT)
                        return r;
        }
        return -EOPNOTSUPP;
}

/* *@ret_mount, the caller's, is the v1 hierarchy that has the key's controller, NULL if this one has it. */
static int limit_find_place(int parent_fd, const LimitKey *key, char **ret_mount) {
        const char *const names[] = { key->controller, NULL }, *missing;
        int r;

        r = cgroup_enable_controllers(parent_fd, names, &missing);
        if (r != -ENOENT) {
                *ret_mount = NULL;
                return r;
        }
        r = v1_find_mount(key->v1_controller, ret_mount);
        if (r < 0)
                return r;
        return *ret_mount ? 0 : -EOPNOTSUPP;
}

/* *@ret_at is the key it was about last, NULL if about none. */
static int limits_set(int parent_fd, int cgroup_fd, V1Group *v1, const Limits *limits, const LimitKey **ret_at) {
        for (size_t i = 0; i < ELEMENTSOF(limit_keys); i++) {
                const LimitKey *key = *ret_at = limit_keys + i;
                _cleanup_(freep) char *mount = NULL;
                int r;

                if (!limit_is_set(key, limits))
                        continue;
                r = limit_find_place(parent_fd, key, &mount);
                if (r < 0)
                        return r;
                r = mount ? v1_group_add(v1, key, mount) : limit_write(cgroup_fd, key, limit_value(key, limits));
                if (r < 0)
                        return r;
        }
        *ret_at = NULL;
        return v1->group ? v1_group_make(v1, limits, ret_at) : 0;
}

int limits_apply(int parent_fd, int cgroup_fd, const char *v1_name, const Limits *limits,
                 char ***ret_attach, char **ret_v1_path, char *ret_missing, size_t missing_size) {
        _cleanup_(v1_group_done) V1Group v1 = { .name = v1_relative(v1_name) };
        _cleanup_(freep) char *v1_path = strdup(v1_name);
        const LimitKey *at = NULL;
        int r;

        if (!v1_path)
                return -ENOMEM;

        r = limits_set(parent_fd, cgroup_fd, &v1, limits, &at);
        if (r < 0) {
                (void) snprintf(ret_missing, missing_size, "%s%s%s%s",
                                at ? at->controller : "", at ? " (" : "", at ? at->name : "", at ? ")" : "");
                return r;
        }
        *ret_v1_path = v1.group ? MOVE(v1_path) : NULL;
        *ret_attach = MOVE(v1.attach);
        return 0;
}
