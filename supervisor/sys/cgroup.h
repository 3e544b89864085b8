/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Cgroups
 *
 * One directory of the unified hierarchy, held by its descriptor: everything on
 * the path of every task goes through that, never through a path.
 *
 * Whoever is in a group may make groups below it if its user may, so nothing
 * here trusts their depth or number: what walks them stops at a bound.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Outcomes. */
#define CGROUP_E_POPULATED 1    /* there are still processes in it */
#define CGROUP_E_EXISTS 2
#define CGROUP_E_GONE 3         /* the group has been removed */
#define CGROUP_E_MORE 4         /* some of it is removed: call again to go on */

/* Groups deeper than this below the one asked about, or beyond this number, are not looked at. */
#define CGROUP_DEPTH_MAX 32
#define CGROUP_GROUPS_MAX 4096

/* Where the unified hierarchy is mounted, the caller's string. -ENOMEDIUM: nowhere. Checks the file system, not the name. */
int cgroup_find_mount(char **ret);

/*
 * The unified group of @pid (0: of the caller) as in /proc/PID/cgroup: `/`,
 * `/system.slice/x.service`. The caller's string. -ESRCH: no such process.
 */
int cgroup_of_process(pid_t pid, char **ret);

/* The path of the open group, in the same form. */
int cgroup_path(int fd, char **ret);

/* Both as cgroup_of_process() gives them: @path is @above or below it. */
bool cgroup_path_is_below(const char *path, const char *above);

/* Makes @name below @parent_fd and opens it; CGROUP_E_EXISTS if there is one of that name, which is not opened. */
int cgroup_create(int parent_fd, const char *name, int *ret_fd);
/* The same, but one that exists is fine. Without @create -ENOENT if there is none. */
int cgroup_open(int parent_fd, const char *name, bool create, int *ret_fd);

/*
 * Removes the group @name below @parent_fd, and empty groups below it that a
 * task has made. CGROUP_E_POPULATED: some process is left in it; CGROUP_E_GONE:
 * there was none of that name; CGROUP_E_MORE: there are so many below it that
 * one call is not to remove them all. -ELOOP: nested more than 4,000 deep.
 */
int cgroup_remove(int parent_fd, const char *name);

typedef struct CgroupEvents {
        bool populated, frozen;
} CgroupEvents;

/* What cgroup.events says now. CGROUP_E_GONE when the group was removed. */
int cgroup_read_events(int fd, CgroupEvents *ret);

/* A descriptor of cgroup.events, the caller's: polls POLLPRI when it changes (at most once in 10 ms). */
int cgroup_open_events(int fd);
/* The same through that descriptor, which also clears the notice. */
int cgroup_events_reread(int events_fd, CgroupEvents *ret);

/*
 * SIGKILL to all of it and below, new forks included. Works on a frozen group
 * and leaves it frozen. CGROUP_E_GONE when the group was removed.
 */
int cgroup_kill(int fd);
/* The same without cgroup.kill, which cgroup_kill() does before Linux 5.14: freeze, then signal one by one. */
int cgroup_kill_each(int fd);

/* Asks for the freeze, or for its end. See freezer.h for the confirmation. */
int cgroup_write_freeze(int fd, bool frozen);

/* The group's own cgroup.freeze, whatever its parents say. */
int cgroup_read_freeze(int fd, bool *ret);

/* The processes in it and below. The caller's array. Leaves out the 0 of a dying process. */
int cgroup_list_processes(int fd, pid_t **ret, size_t *ret_n);

/*
 * Sends @signal to every process in it and below, each through a pidfd whose
 * cgroup was checked after it was opened (is still below @path), until a pass
 * finds no process that has not had it, at most 16 passes. *@ret_n counts them.
 * One that may not be signalled keeps none of the others from it: -EPERM comes
 * after all have been tried.
 */
int cgroup_signal(int fd, const char *path, int signal, size_t *ret_n);

/* The group's id (its inode), and the name of its task on it as an extended attribute. */
int cgroup_id(int fd, uint64_t *ret);
int cgroup_mark(int fd, const char *attribute, const char *value);
/* The caller's string; NULL if it has no such mark. */
int cgroup_read_mark(int fd, const char *attribute, char **ret);

/* Reads one small file of the group, NUL-terminated, cut at @size - 1. -ENOENT if the kernel has none. */
int cgroup_read_file(int fd, const char *name, char *ret, size_t size);
int cgroup_write_file(int fd, const char *name, const char *value);

/*
 * Which of @names (`memory`, `cpu`, `io`, `pids`; a vector that ends in NULL)
 * the group's children may use; enabling them writes cgroup.subtree_control.
 * -ENOENT with *@ret_missing naming the first that is not there (a literal of
 * @names); none is enabled then. With @ret_missing NULL those that are not there
 * are left out. -EBUSY: there are processes in the group itself.
 */
int cgroup_enable_controllers(int fd, const char *const *names, const char **ret_missing);
