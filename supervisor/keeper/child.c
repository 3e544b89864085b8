/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/child.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/packet.h"
#include "lib/base/result.h"

#define OPEN_FILES_SOFT_LIMIT 1024

typedef struct Child {
        const SpawnSpec *spec;
        const int *fds;
        int n_fds;
        int life_fd, view_fd;
} Child;

/* As a program expects to find itself: own session, nothing blocked or ignored. */
static void child_detach(void) {
        const uint64_t by_default[8] = {};      /* the kernel's own structure: all zeros are SIG_DFL */
        sigset_t none;

        /* the C library's call refuses the two signals it keeps for itself, which whoever started us may have ignored */
        for (int signal = 1; signal < NSIG; signal++)
                (void) syscall(SYS_rt_sigaction, signal, by_default, NULL, NSIG / 8);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) setsid();
        (void) prctl(PR_SET_NAME, "bgt-spawn");
}

/* Everything from @from on but two, of which @b may be -1. */
static int child_close_others(int from, int a, int b) {
        int low = b < 0 || a < b ? a : b, high = low == a ? b : a;

        if (low > from && syscall(SYS_close_range, from, low - 1, 0) < 0)
                return result_errno();
        if (high > low + 1 && syscall(SYS_close_range, low + 1, high - 1, 0) < 0)
                return result_errno();
        if (syscall(SYS_close_range, (high > low ? high : low) + 1, ~0U, 0) < 0)
                return result_errno();
        return 0;
}

/*
 * All descriptors are taken out of the way first, since one's place may be
 * where another one is. The rest is closed here and not at exec: a child that
 * hangs must not keep the keeper's connection and socket alive.
 */
static int child_place_fds(Child *child) {
        int moved[PACKET_FDS_MAX], n = child->n_fds, life_fd;

        life_fd = fcntl(child->life_fd, F_DUPFD_CLOEXEC, n);
        if (life_fd < 0)
                return result_errno();
        if (child->view_fd >= 0) {
                child->view_fd = fcntl(child->view_fd, F_DUPFD_CLOEXEC, n);
                if (child->view_fd < 0)
                        return result_errno();
        }
        for (int i = 0; i < n; i++) {
                moved[i] = fcntl(child->fds[i], F_DUPFD_CLOEXEC, n);
                if (moved[i] < 0)
                        return result_errno();
        }
        for (int i = 0; i < n; i++)
                if (dup2(moved[i], i) < 0)
                        return result_errno();

        return child_close_others(n, life_fd, child->view_fd);
}

static int child_write(const char *path, const char *text) {
        _cleanup_(fd_closep) int fd = -1;

        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return result_errno();
        return fd_write_all(fd, text, 1);
}

static int child_join_groups(Child *child) {
        int r;

        for (size_t i = 0; child->spec->attach[i]; i++) {
                r = child_write(child->spec->attach[i], "0");
                if (r < 0)
                        return r;
        }
        return 0;
}

static int child_set_limits(Child *child) {
        struct rlimit limit;

        /* The keeper is protected, tasks are not; a container may refuse both. */
        (void) child_write("/proc/self/oom_score_adj", "0");
        (void) umask(child->spec->umask);

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return result_errno();
        if (limit.rlim_cur > OPEN_FILES_SOFT_LIMIT)
                limit.rlim_cur = OPEN_FILES_SOFT_LIMIT;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                return result_errno();
        return 0;
}

/* Where the kernel allows it; see view.h. */
static int child_protect_cgroups(Child *child) {
        if (child->view_fd >= 0 && child->spec->flags & SPAWN_CGROUP_READ_ONLY)
                (void) setns(child->view_fd, CLONE_NEWNS);
        return 0;
}

static int child_change_identity(Child *child) {
        const SpawnSpec *spec = child->spec;

        if (!(spec->flags & SPAWN_CHANGE_IDENTITY))
                return 0;
        if (spec->uid == (uid_t) -1 || spec->gid == (gid_t) -1)
                return -EINVAL;         /* the kernel would read it as "leave it as it is" */
        if (setgroups(spec->n_groups, spec->groups) < 0 ||
            setresgid(spec->gid, spec->gid, spec->gid) < 0 ||
            setresuid(spec->uid, spec->uid, spec->uid) < 0)
                return result_errno();
        return 0;
}

static int child_enter_directory(Child *child) {
        if (chdir(child->spec->directory) < 0)
                return result_errno();
        return 0;
}

static int child_execute(Child *child) {
        environ = (char **) child->spec->environment;
        (void) execvpe(child->spec->argv[0], child->spec->argv, child->spec->environment);
        return result_errno();
}

static const struct {
        SpawnStep step;
        int (*take)(Child *child);
} steps[] = {
        { SPAWN_STEP_STDIO,     child_place_fds       },
        { SPAWN_STEP_CGROUP,    child_join_groups     },
        { SPAWN_STEP_LIMITS,    child_set_limits      },
        { SPAWN_STEP_MOUNTS,    child_protect_cgroups },
        { SPAWN_STEP_IDENTITY,  child_change_identity },
        { SPAWN_STEP_DIRECTORY, child_enter_directory },
        { SPAWN_STEP_EXEC,      child_execute         },
};

_Noreturn void child_run(const SpawnOrder *order, Entry *entry, int life_fd) {
        Child child = { order->spec, order->fds, order->n_fds, life_fd, order->view_fd };
        int r;

        child_detach();
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                r = steps[i].take(&child);
                if (r < 0) {
                        entry_fail(entry, steps[i].step, -r);
                        _exit(127);
                }
        }
        _exit(127);     /* not reached: the last step does not return 0 */
}
