/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/guard.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "supervisor/keeper/keeper.h"
#include "supervisor/keeper/socket.h"

/* Some keepers that die young are started again at once, more of them after pauses that double. */
#define YOUNG_USEC (10 * USEC_PER_SEC)
#define YOUNG_DEATHS_MAX 5
#define PAUSE_MIN_USEC (10 * USEC_PER_MSEC)
#define PAUSE_DOUBLINGS_MAX 9

#define COLLECTED_PER_TURN 256

typedef struct Guard {
        const GuardSettings *settings;
        KeeperSettings keeper_settings;
        CgroupRoot root;
        int directory_fd;
        sigset_t signals;
        pid_t keeper;           /* 0: none at the moment */
        uint64_t start_usec;    /* when the keeper was started, or is to be */
        unsigned n_young_deaths;        /* in a row */
        bool is_over;           /* the keeper has left because nothing is left */
} Guard;

__attribute__((format(printf, 2, 3)))
static int guard_complain(int status, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) fputs("bgt-keeper: ", stderr);
        (void) vfprintf(stderr, format, ap);
        (void) fputc('\n', stderr);
        va_end(ap);
        return status;
}

static int guard_enter_cgroup(Guard *guard) {
        const char *wanted = guard->settings->cgroup_root;
        int r;

        r = cgroup_root_find(wanted, &guard->root);
        if (r == CGROUP_ROOT_E_NONE)
                return guard_complain(GUARD_STATUS_NO_CGROUP, "No cgroup v2 hierarchy is mounted here; mount one, "
                                      "for example with `mount -t cgroup2 none /sys/fs/cgroup`.");
        if (r == CGROUP_ROOT_E_NOT_CGROUP)
                return guard_complain(GUARD_STATUS_NO_CGROUP, "%s is not a directory of a cgroup v2 hierarchy; "
                                      "name one with --cgroup-root.", wanted);
        if (r < 0)
                return guard_complain(GUARD_STATUS_NO_CGROUP, "Cannot find out which cgroup this process is in: %s; "
                                      "name one with --cgroup-root.", strerror(-r));

        r = cgroup_root_enter(&guard->root);
        if (r < 0)
                return guard_complain(GUARD_STATUS_NO_CGROUP, "Cannot move into %s/keeper: %s; "
                                      "the cgroup must be delegated to this user.", guard->root.path, strerror(-r));
        return 0;
}

static int guard_listen(Guard *guard) {
        const char *directory = guard->settings->runtime_dir;
        struct stat st;
        int r;

        guard->directory_fd = open(directory, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
        if (guard->directory_fd < 0 || fstat(guard->directory_fd, &st) < 0)
                return guard_complain(GUARD_STATUS_FAILED, "Cannot open the runtime directory %s: %s; "
                                      "make it first.", directory, strerror(errno));
        if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
                return guard_complain(GUARD_STATUS_FAILED, "The runtime directory %s must be ours "
                                      "and writable by nobody else.", directory);

        r = socket_listen(guard->directory_fd, &guard->keeper_settings.listen_fd);
        if (r == SOCKET_E_ANSWERED)
                return guard_complain(GUARD_STATUS_ALREADY_THERE, "Another keeper answers on %s/" SOCKET_NAME "; "
                                      "end it first or use another --runtime-dir.", directory);
        if (r < 0)
                return guard_complain(GUARD_STATUS_FAILED, "Cannot listen on %s/" SOCKET_NAME ": %s.",
                                      directory, strerror(-r));
        return 0;
}

static void guard_protect(void) {
        _cleanup_(fd_closep) int fd = -1;

        /* Refused in a container; tasks then fare no worse than we. */
        fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (fd >= 0)
                (void) fd_write_all(fd, "-1000", 5);
}

static int guard_init(Guard *guard, const GuardSettings *settings) {
        int r;

        *guard = (Guard) {
                .settings = settings,
                .keeper_settings = { .root = &guard->root, .listen_fd = -1, .transient = settings->transient },
                .directory_fd = -1,
        };

        (void) sigemptyset(&guard->signals);
        (void) sigaddset(&guard->signals, SIGCHLD);
        (void) sigaddset(&guard->signals, SIGTERM);
        (void) sigaddset(&guard->signals, SIGINT);
        (void) sigaddset(&guard->signals, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &guard->signals, NULL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                return guard_complain(GUARD_STATUS_FAILED, "Cannot become the parent of orphans: %s.", strerror(errno));
        (void) signal(SIGCHLD, SIG_DFL);        /* ignored, it would lose every exit status */
        (void) signal(SIGPIPE, SIG_IGN);
        (void) prctl(PR_SET_NAME, "bgt-guard");
        (void) setsid();                        /* no terminal's Ctrl-C is meant for us; fails in a shell's foreground */

        r = guard_enter_cgroup(guard);
        if (r != 0)
                return r;
        guard_protect();

        r = table_new(&guard->keeper_settings.table);
        if (r < 0)
                return guard_complain(GUARD_STATUS_FAILED, "Cannot make the table of children: %s.", strerror(-r));
        guard->keeper_settings.guard_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (guard->keeper_settings.guard_fd < 0)
                return guard_complain(GUARD_STATUS_FAILED, "Cannot make an eventfd: %s.", strerror(errno));
        r = guard_listen(guard);
        if (r != 0)
                return r;
        if (chdir("/") < 0)     /* hold no mount; from here on no path is relative */
                return guard_complain(GUARD_STATUS_FAILED, "Cannot enter /: %s.", strerror(errno));
        return 0;
}

static void guard_plan_next(Guard *guard) {
        uint64_t now = clock_now_usec(CLOCK_MONOTONIC), pause = 0;
        unsigned n_doublings;

        guard->n_young_deaths = usec_sub(now, guard->start_usec) < YOUNG_USEC ? guard->n_young_deaths + 1 : 0;
        if (guard->n_young_deaths > YOUNG_DEATHS_MAX) {
                n_doublings = guard->n_young_deaths - YOUNG_DEATHS_MAX - 1;
                pause = PAUSE_MIN_USEC << (n_doublings < PAUSE_DOUBLINGS_MAX ? n_doublings : PAUSE_DOUBLINGS_MAX);
        }
        guard->keeper = 0;
        guard->start_usec = now + pause;
}

static void guard_start_keeper(Guard *guard) {
        pid_t pid = fork();

        if (pid == 0) {
                int r = keeper_run(&guard->keeper_settings);

                _exit(r < 0 ? guard_complain(GUARD_STATUS_FAILED, "The keeper cannot go on: %s.", strerror(-r)) : 0);
        }
        if (pid < 0) {
                (void) guard_complain(0, "Cannot start a keeper: %s; trying again.", strerror(errno));
                guard_plan_next(guard);
                return;
        }
        guard->start_usec = clock_now_usec(CLOCK_MONOTONIC);
        guard->keeper = pid;
}

static void guard_on_keeper_end(Guard *guard, const siginfo_t *end) {
        if (end->si_code == CLD_EXITED && end->si_status == 0) {
                guard->is_over = true;
                return;
        }
        (void) guard_complain(0, "The keeper has ended (%s %d); starting another one, its children go on.",
                              end->si_code == CLD_EXITED ? "exit status" : "signal", end->si_status);
        guard_plan_next(guard);
}

/*
 * All children that have ended: the keeper, children it has left behind, and
 * orphans of tasks. A child's end stands in the table before its pid is free.
 */
static void guard_collect(Guard *guard) {
        Table *table = guard->keeper_settings.table;
        bool found = false;

        for (size_t n = 0;; n++) {
                siginfo_t end = {};
                int i;

                if (waitid(P_ALL, 0, &end, WEXITED | WNOHANG | WNOWAIT) < 0 || end.si_pid == 0)
                        break;
                if (n == COLLECTED_PER_TURN) {
                        (void) kill(getpid(), SIGCHLD);         /* a fork bomb must not keep us from SIGTERM */
                        break;
                }
                i = table_find_pid(table, end.si_pid);
                if (i != TABLE_NONE) {
                        entry_ended(&table->entry[i], end.si_code, end.si_status);
                        found = true;
                }
                (void) waitid(P_PID, (id_t) end.si_pid, NULL, WEXITED);
                if (end.si_pid == guard->keeper)
                        guard_on_keeper_end(guard, &end);
        }
        if (found)
                (void) eventfd_write(guard->keeper_settings.guard_fd, 1);
}

/* The next signal, 0 when it is time to start a keeper. */
static int guard_wait(const Guard *guard) {
        uint64_t left = usec_sub(guard->start_usec, clock_now_usec(CLOCK_MONOTONIC));
        const struct timespec timeout = {
                .tv_sec = (time_t) (left / USEC_PER_SEC),
                .tv_nsec = (long) (left % USEC_PER_SEC * 1000),
        };
        int signal;

        do
                signal = sigtimedwait(&guard->signals, NULL, guard->keeper == 0 ? &timeout : NULL);
        while (signal < 0 && errno == EINTR);
        return signal < 0 ? 0 : signal;
}

static void guard_loop(Guard *guard) {
        while (!guard->is_over) {
                switch (guard_wait(guard)) {
                case SIGTERM:
                case SIGINT:
                        if (guard->keeper > 0)
                                (void) kill(guard->keeper, SIGKILL);
                        return;
                case SIGCHLD:
                        guard_collect(guard);
                        break;
                case 0:
                        guard_start_keeper(guard);
                        break;
                }
        }
}

int guard_run(const GuardSettings *settings) {
        static Guard guard;
        int r;

        r = guard_init(&guard, settings);
        if (r == 0) {
                socket_notify_ready();
                guard_loop(&guard);
                if (guard.is_over)      /* while a bgtd that comes now still waits for our answer */
                        cgroup_root_leave(&guard.root);
                /* before it is closed: whoever finds it dead may put his own in its place */
                (void) unlinkat(guard.directory_fd, SOCKET_NAME, 0);
        }
        cgroup_root_done(&guard.root);
        return r;
}
