/* SPDX-License-Identifier: MIT */
#include "supervisor/keeper/keeper.h"

#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "supervisor/keeper/brain.h"
#include "supervisor/keeper/view.h"
#include "supervisor/keeper/process.h"
#include "supervisor/keeper/spawn.h"
#include "supervisor/keeper/watch.h"

#define EVENTS_PER_TURN 64
#define ORDERS_PER_TURN 16
#define STRANGERS_PER_TURN 256
#define PATIENCE_SECONDS 30
#define FDS_RESERVED 64         /* for all that is not a child's */

enum { SPAWN_FD_SPEC, SPAWN_FD_CGROUP, SPAWN_FD_STDIN, SPAWN_FD_STDOUT, SPAWN_FD_STDERR, _SPAWN_FDS_MIN };

typedef struct Keeper {
        const KeeperSettings *settings;
        Table *table;
        Wards wards;
        Brain brain;
        Outputs outputs;
        int epoll_fd;
        int sigchld_fd;
        size_t n_acknowledged;  /* wards that stay for their outputs */
        int view_fd;            /* -1: there is none here */
        int patience_fd;        /* -1 but for a transient keeper that nobody has greeted */
        bool may_leave;
        int fds_max;            /* a descriptor from here on means that there are too many */
} Keeper;

/*
 * A child of an earlier keeper. It is the guard's now, which tells when it has
 * ended. While it has not, its pid is nobody else's, so that its pidfd is right
 * if it has not ended after that was opened.
 */
static void keeper_adopt(Ward *ward) {
        _cleanup_(fd_closep) int pidfd = -1;
        ProcessImage image;

        if (entry_state(ward->entry) == KEEPER_CHILD_ENDED)
                return;
        pidfd = process_open(*ward->pid);
        image = process_image(*ward->pid);
        if (pidfd < 0 || entry_state(ward->entry) == KEEPER_CHILD_ENDED)
                return;
        ward->pidfd = MOVE_FD(pidfd);

        entry_advance(ward->entry, KEEPER_CHILD_SPAWNED);
        if (entry_state(ward->entry) != KEEPER_CHILD_SPAWNED)
                return;
        if (image == PROCESS_IMAGE_OTHER)
                entry_execed(ward->entry);
        else if (image == PROCESS_IMAGE_OURS) {
                /* its life pipe is lost: nobody would learn when it is the command, or why not */
                entry_fail(ward->entry, SPAWN_STEP_LOST, EINTR);
                (void) process_kill(ward->pidfd);
        }
}

static void keeper_drop(Keeper *keeper, int *fd) {
        if (*fd >= 0)
                watch_remove(keeper->epoll_fd, *fd);
        fd_closep(fd);
}

static int keeper_watch(Keeper *keeper, Ward *ward) {
        uint32_t index = ward_index(&keeper->wards, ward);
        int r;

        r = watch_add(keeper->epoll_fd, ward->life_fd, EPOLLIN, WATCH_LIFE, index);
        if (r < 0)
                return r;
        /*
         * Edges: a child that a debugger holds on to has ended for poll() long
         * before it can be waited for, and that makes another edge.
         */
        return watch_add(keeper->epoll_fd, ward->pidfd, EPOLLIN | EPOLLET, WATCH_EXIT, index);
}

static int keeper_spawn(Keeper *keeper, const Key *key, const Order *order) {
        _cleanup_(spawn_spec_view_done) SpawnSpecView view = {};
        Ward *ward;
        int r;

        if (wards_find(&keeper->wards, key) || table_remembers(keeper->table, key))
                return -EEXIST;
        if (order->n_fds < _SPAWN_FDS_MIN)
                return -EBADMSG;
        for (size_t i = 0; i < order->n_fds; i++)
                if (order->fds[i] >= keeper->fds_max)
                        return -ENOSPC;
        r = spawn_spec_decode(order->fds[SPAWN_FD_SPEC], &view);
        if (r < 0)
                return r == -ENOMEM ? -ENOSPC : -EBADMSG;
        ward = wards_claim(&keeper->wards, key);
        if (!ward)
                return -ENOSPC;

        r = spawn(ward, &(SpawnOrder) {
                .spec = &view.spec,
                .cgroup_fd = order->fds[SPAWN_FD_CGROUP],
                .fds = order->fds + SPAWN_FD_STDIN,
                .n_fds = (int) order->n_fds - SPAWN_FD_STDIN,
                .view_fd = keeper->view_fd,
        });
        if (r < 0) {
                entry_fail(ward->entry, SPAWN_STEP_CLONE, -r);
                entry_ended(ward->entry, 0, 0);
        } else {
                entry_advance(ward->entry, KEEPER_CHILD_SPAWNED);
                if (keeper_watch(keeper, ward) < 0)
                        _exit(1);       /* a child nobody watches: the guard would */
        }
        brain_touch(&keeper->brain, ward);
        return 0;
}

static void keeper_release(Keeper *keeper, Ward *ward) {
        output_drop(&keeper->outputs, &ward->output);
        brain_forget(&keeper->brain, ward);
        wards_release(&keeper->wards, ward);
}

/* What was written just before the end is trimmed, too. */
static void keeper_acknowledge(Keeper *keeper, Ward *ward) {
        if (entry_state(ward->entry) != KEEPER_CHILD_ENDED || ward->acknowledged)
                return;
        if (ward->pidfd >= 0)
                /* ECHILD: it has been collected already, by the guard or among strangers */
                (void) waitid(P_PIDFD, (id_t) ward->pidfd, &(siginfo_t) {}, WEXITED | WNOHANG);
        keeper_drop(keeper, &ward->life_fd);
        keeper_drop(keeper, &ward->pidfd);
        if (!output_is_over(&keeper->outputs, &ward->output)) {
                keeper_release(keeper, ward);
                return;
        }
        ward->acknowledged = true;
        keeper->n_acknowledged++;
}

static void keeper_on_rest(Keeper *keeper) {
        outputs_on_rest(&keeper->outputs);
        for (uint32_t i = 0; keeper->n_acknowledged > 0 && i < keeper->table->n_used; i++) {
                Ward *ward = &keeper->wards.all[i];

                if (!ward->entry || !ward->acknowledged || ward->output.over)
                        continue;
                keeper_release(keeper, ward);
                keeper->n_acknowledged--;
        }
}

static void keeper_obey(Keeper *keeper, Order *order) {
        const KeeperMessage *message = &order->message;
        const Key key = { message->id, message->attempt, message->role };
        Ward *ward = wards_find(&keeper->wards, &key);
        int r;

        switch (message->kind) {
        case KEEPER_SPAWN:
                r = keeper_spawn(keeper, &key, order);
                if (r < 0)
                        brain_refuse(&keeper->brain, message, r);
                return;
        case KEEPER_ACK:
                if (ward)
                        keeper_acknowledge(keeper, ward);
                return;
        case KEEPER_BOUND:
                if (ward && order->fds[0] < keeper->fds_max)
                        (void) output_bound(&keeper->outputs, &ward->output, MOVE_FD(order->fds[0]), message->bytes);
                return;
        case KEEPER_GOODBYE:
                keeper->table->released = 1;
                return;
        default:
                assert(false);
        }
}

static void keeper_on_orders(Keeper *keeper) {
        for (size_t i = 0; i < ORDERS_PER_TURN; i++) {
                _cleanup_(order_done) Order order = {};

                if (brain_receive(&keeper->brain, &order) != 0)
                        return;
                keeper_obey(keeper, &order);
        }
}

/* The pipe that exec and exit close. */
static void keeper_on_life(Keeper *keeper, Ward *ward) {
        char c;

        if (ward->life_fd < 0 || read(ward->life_fd, &c, 1) < 0)
                return;
        keeper_drop(keeper, &ward->life_fd);
        if (entry_failed_error(ward->entry) != 0 || process_image(*ward->pid) == PROCESS_IMAGE_NONE)
                return;         /* never executed, or ended already: its end says the rest */
        entry_execed(ward->entry);
        brain_touch(&keeper->brain, ward);
}

static void keeper_on_exit(Keeper *keeper, Ward *ward) {
        siginfo_t end = {};

        if (ward->pidfd < 0 || entry_state(ward->entry) == KEEPER_CHILD_ENDED)
                return;
        if (waitid(P_PIDFD, (id_t) ward->pidfd, &end, WEXITED | WNOHANG | WNOWAIT) < 0 || end.si_pid == 0)
                return;
        keeper_drop(keeper, &ward->life_fd);
        watch_remove(keeper->epoll_fd, ward->pidfd);
        entry_ended(ward->entry, end.si_code, end.si_status);
        output_touch(&keeper->outputs, &ward->output);
        brain_touch(&keeper->brain, ward);
}

static void keeper_on_guard(Keeper *keeper) {
        uint64_t n;

        if (read(keeper->settings->guard_fd, &n, sizeof n) < 0)
                return;
        for (uint32_t i = 0; i < keeper->table->n_used; i++) {
                Ward *ward = &keeper->wards.all[i];

                if (!ward->entry || entry_state(ward->entry) != KEEPER_CHILD_ENDED || ward->told == KEEPER_CHILD_ENDED)
                        continue;
                output_touch(&keeper->outputs, &ward->output);
                brain_touch(&keeper->brain, ward);
        }
}

/*
 * A task can make children that are ours (CLONE_PARENT), and would fill the
 * machine with zombies if nobody reaped them. There is no way to wait for them
 * alone: when there are any, all that have ended are collected, ours as well,
 * whose ends then stand in the table only.
 */
static void keeper_reap_strangers(Keeper *keeper) {
        for (size_t n = 0; n < STRANGERS_PER_TURN; n++) {
                siginfo_t end = {};
                int i;

                if (waitid(P_ALL, 0, &end, WEXITED | WNOHANG | WNOWAIT) < 0 || end.si_pid == 0)
                        return;
                i = table_find_pid(keeper->table, end.si_pid);
                if (i != TABLE_NONE)
                        keeper_on_exit(keeper, &keeper->wards.all[i]);
                (void) waitid(P_PID, (id_t) end.si_pid, NULL, WEXITED | WNOHANG);
        }
        (void) kill(getpid(), SIGCHLD);         /* go on in the next turn */
}

/* One signal may stand for many ends; those of our own children come through their pidfds. */
static void keeper_on_sigchld(Keeper *keeper) {
        struct signalfd_siginfo info;

        if (read(keeper->sigchld_fd, &info, sizeof info) != sizeof info)
                return;
        if (!table_has_pid(keeper->table, (pid_t) info.ssi_pid))
                keeper_reap_strangers(keeper);
}

static void keeper_on_event(Keeper *keeper, const struct epoll_event *event) {
        uint32_t index = watch_index(event);
        Ward *ward = &keeper->wards.all[index];

        switch (watch_source(event)) {
        case WATCH_LISTEN:
                brain_accept(&keeper->brain, keeper->settings->listen_fd, keeper->settings->root);
                return;
        case WATCH_CANDIDATE:
                brain_on_candidate(&keeper->brain, index);
                return;
        case WATCH_BRAIN:
                keeper_on_orders(keeper);
                return;
        case WATCH_GUARD:
                keeper_on_guard(keeper);
                return;
        case WATCH_SIGCHLD:
                keeper_on_sigchld(keeper);
                return;
        case WATCH_PATIENCE:
                keeper->may_leave = true;
                keeper_drop(keeper, &keeper->patience_fd);
                return;
        case WATCH_EXIT:
                keeper_on_exit(keeper, ward);
                return;
        case WATCH_LIFE:
                keeper_on_life(keeper, ward);
                return;
        case WATCH_OUTPUT_CHANGE:
                outputs_on_change(&keeper->outputs);
                return;
        case WATCH_OUTPUT_REST:
                keeper_on_rest(keeper);
                return;
        case WATCH_OUTPUT_TRIMMED:
                outputs_on_trimmed(&keeper->outputs);
                return;
        }
}

static int keeper_watch_sigchld(Keeper *keeper) {
        sigset_t sigchld;

        (void) sigemptyset(&sigchld);
        (void) sigaddset(&sigchld, SIGCHLD);    /* blocked by the guard, for us too */
        keeper->sigchld_fd = signalfd(-1, &sigchld, SFD_CLOEXEC | SFD_NONBLOCK);
        if (keeper->sigchld_fd < 0)
                return result_errno();
        return watch_add(keeper->epoll_fd, keeper->sigchld_fd, EPOLLIN, WATCH_SIGCHLD, 0);
}

static int keeper_be_patient(Keeper *keeper) {
        const struct itimerspec timer = { .it_value.tv_sec = PATIENCE_SECONDS };

        if (!keeper->settings->transient || keeper->table->greeted)
                return 0;
        keeper->patience_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (keeper->patience_fd < 0 || timerfd_settime(keeper->patience_fd, 0, &timer, NULL) < 0)
                return result_errno();
        return watch_add(keeper->epoll_fd, keeper->patience_fd, EPOLLIN, WATCH_PATIENCE, 0);
}

static int keeper_init(Keeper *keeper, const KeeperSettings *settings) {
        struct rlimit limit;
        int r;

        *keeper = (Keeper) { .settings = settings, .table = settings->table, .patience_fd = -1, .view_fd = view_open() };
        (void) prctl(PR_SET_NAME, "bgt-keeper");
        (void) fd_raise_limit();
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return result_errno();
        keeper->fds_max = (limit.rlim_cur > INT_MAX ? INT_MAX : (int) limit.rlim_cur) - FDS_RESERVED;

        keeper->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (keeper->epoll_fd < 0)
                return result_errno();
        r = wards_init(&keeper->wards, keeper->table);
        if (r < 0)
                return r;
        brain_init(&keeper->brain, keeper->epoll_fd, &keeper->wards);
        r = outputs_init(&keeper->outputs, keeper->epoll_fd, &keeper->brain.fd);
        if (r < 0)
                return r;
        r = watch_add(keeper->epoll_fd, settings->listen_fd, EPOLLIN, WATCH_LISTEN, 0);
        if (r < 0)
                return r;
        r = watch_add(keeper->epoll_fd, settings->guard_fd, EPOLLIN, WATCH_GUARD, 0);
        if (r < 0)
                return r;
        r = keeper_watch_sigchld(keeper);
        if (r < 0)
                return r;
        return keeper_be_patient(keeper);
}

static bool keeper_is_done(const Keeper *keeper) {
        return keeper->settings->transient && (keeper->may_leave || keeper->table->released) &&
               keeper->wards.n == 0 && brain_is_away(&keeper->brain);
}

int keeper_run(const KeeperSettings *settings) {
        static Keeper keeper;
        struct epoll_event events[EVENTS_PER_TURN];
        int r;

        r = keeper_init(&keeper, settings);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < keeper.table->n_used; i++)
                if (keeper.wards.all[i].entry)
                        keeper_adopt(&keeper.wards.all[i]);

        while (!keeper_is_done(&keeper)) {
                int n = epoll_wait(keeper.epoll_fd, events, EVENTS_PER_TURN, -1);

                if (n < 0 && errno != EINTR)
                        return result_errno();
                for (int i = 0; i < n; i++)
                        keeper_on_event(&keeper, &events[i]);
                brain_flush(&keeper.brain);
        }
        return 0;
}
