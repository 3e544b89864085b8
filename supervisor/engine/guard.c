/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/engine/program.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/log.h"

#define APPEAR_USEC (10 * USEC_PER_SEC)

/* Under systemd the keeper has a unit of its own, which is started before ours. */
static bool is_unit(void) {
        _cleanup_(freep) char *path = NULL;
        const char *last;

        if (cgroup_of_process(getpid(), &path) < 0)
                return false;
        last = strrchr(path, '/');
        return last && strcmp(last, "/bgtd.service") == 0;
}

/* `/sys/fs/cgroup/…/bgt-0123456789abcdef`: below our own group, named after the store. */
static int choose_root(const Supervisor *sv, const char *given, char **ret, char **ret_sentence) {
        _cleanup_(freep) char *mount = NULL, *own = NULL;
        int r;

        r = cgroup_find_mount(&mount);
        if (r < 0) {
                *ret_sentence = strdup("There is no cgroup v2 on this machine: mount it, usually at /sys/fs/cgroup or /sys/fs/cgroup/unified.");
                return -ENOMEDIUM;
        }
        if (given) {
                if (strncmp(given, mount, strlen(mount)) != 0) {
                        *ret_sentence = text_format("%s is not below %s, where cgroup v2 is mounted.", given, mount);
                        return -ENOMEDIUM;
                }
                *ret = strdup(given);
                return *ret ? 0 : -ENOMEM;
        }
        r = cgroup_of_process(getpid(), &own);
        if (r < 0)
                return r;
        *ret = text_format("%s%s/bgt-%016" PRIx64, mount, strcmp(own, "/") == 0 ? "" : own, sv->facts.instance);
        return *ret ? 0 : -ENOMEM;
}

static int make_root(const char *root, char **ret_sentence) {
        if (mkdir(root, 0755) == 0 || errno == EEXIST) {
                if (access(root, W_OK) == 0)
                        return 0;
                errno = EACCES;
        }
        *ret_sentence = text_format("Cannot write to the cgroup %s: %s; bgtd needs a delegated cgroup v2 directory, see --cgroup-root.",
                                    root, strerror(errno));
        return -EROFS;
}

static int guard_on_exit(sd_event_source *source, const siginfo_t *info, void *userdata) {
        log_warning("The guard has ended; the next start of a task needs another one.");
        return 0;
}

static int guard_start(Supervisor *sv, const char *root, char **ret_sentence) {
        _cleanup_(freep) char *program = NULL;
        posix_spawnattr_t attributes;
        posix_spawn_file_actions_t actions;
        sigset_t none, all;
        char *environment[] = { (char *) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
        pid_t pid;
        int r;

        r = program_find("bgt-keeper", "keeper", &program);
        if (r < 0) {
                *ret_sentence = strdup("Cannot find bgt-keeper beside bgtd; is bgt installed completely?");
                return r;
        }

        char *argv[] = {
                program, (char *) "--runtime-dir", sv->runtime_dir, (char *) "--cgroup-root", (char *) root, (char *) "--transient", NULL,
        };
        (void) sigemptyset(&none);
        (void) sigfillset(&all);
        r = -posix_spawnattr_init(&attributes);
        if (r < 0)
                return r;
        r = -posix_spawn_file_actions_init(&actions);
        if (r < 0) {
                (void) posix_spawnattr_destroy(&attributes);
                return r;
        }
        (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        (void) posix_spawnattr_setsigmask(&attributes, &none);
        (void) posix_spawnattr_setsigdefault(&attributes, &all);
        r = -posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
        if (r == 0)
                r = -posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_RDWR, 0);
        if (r == 0)
                r = -posix_spawn(&pid, program, &actions, &attributes, argv, environment);
        (void) posix_spawn_file_actions_destroy(&actions);
        (void) posix_spawnattr_destroy(&attributes);
        if (r < 0) {
                *ret_sentence = text_format("Cannot start %s: %s.", program, strerror(-r));
                return r;
        }
        return sd_event_add_child(sv->event, NULL, pid, WEXITED, guard_on_exit, NULL);
}

static int connect_once(Supervisor *sv, const KeeperNews *news, KeeperLink **ret) {
        return keeper_link_open(ret, sv->event, sv->runtime_dir, sv->facts.epoch, news, sv);
}

/* Waits for the socket to appear and answer. */
static int connect_soon(Supervisor *sv, const KeeperNews *news, KeeperLink **ret) {
        uint64_t deadline = clock_now_usec(CLOCK_MONOTONIC) + APPEAR_USEC, now;
        _cleanup_(fd_closep) int notify = -1;
        char events[4096];
        int r;

        notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (notify < 0 || inotify_add_watch(notify, sv->runtime_dir, IN_CREATE | IN_MOVED_TO | IN_ATTRIB) < 0)
                return result_errno();
        for (;;) {
                struct pollfd p = { notify, POLLIN, 0 };

                r = connect_once(sv, news, ret);
                if (r != -ENOENT && r != -ECONNREFUSED && r != -ECONNRESET && r != -EPIPE)
                        return r;
                now = clock_now_usec(CLOCK_MONOTONIC);
                if (now >= deadline)
                        return r;
                /* bound and listening are two steps, and only the first is noticed */
                (void) poll(&p, 1, r == -ENOENT ? (int) ((deadline - now) / USEC_PER_MSEC) + 1 : 2);
                while (read(notify, events, sizeof events) > 0)
                        ;
        }
}

int guard_reach(Supervisor *sv, const char *cgroup_root, const KeeperNews *news, KeeperLink **ret, char **ret_sentence) {
        _cleanup_(freep) char *root = NULL;
        int r;

        r = connect_once(sv, news, ret);
        if (r == -ENOENT || r == -ECONNREFUSED || r == -ECONNRESET || r == -EPIPE) {
                if (!is_unit()) {
                        r = choose_root(sv, cgroup_root, &root, ret_sentence);
                        if (r == 0)
                                r = make_root(root, ret_sentence);
                        if (r == 0)
                                r = guard_start(sv, root, ret_sentence);
                        if (r < 0)
                                return r;
                }
                r = connect_soon(sv, news, ret);
        }
        if (r == -ESTALE)
                *ret_sentence = text_format("The keeper in %s serves a newer state directory than %s.", sv->runtime_dir, sv->state_dir);
        else if (r < 0)
                *ret_sentence = text_format("Cannot reach the keeper at %s/keeper: %s.", sv->runtime_dir, strerror(-r));
        return r < 0 ? r : 0;
}
