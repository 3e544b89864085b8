/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/helpers.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/wire/spawn-spec.h"
#include "supervisor/engine/cgroup-tree.h"
#include "supervisor/sys/cgroup.h"
#include "supervisor/sys/log.h"

typedef struct Helper {
        TAILQ_ENTRY(Helper) list_link;          /* Helpers.list */
        Supervisor *sv;
        KeeperKey key;
        char name[CGROUP_NAME_MAX];
        int cgroup_fd;
        int output_fd;                          /* -1: at its end */
        uint64_t task_id;                       /* whose it is; 0: nobody's */
        sd_event_source *output_source, *deadline_source;
        bool known;                             /* the keeper has told of it on this connection */
        bool ended;                             /* the main process; its output may still come */
        HelperEnd end;
        char output[HELPER_OUTPUT_MAX + 1];
        HelperOnDone on_done;                   /* NULL: forgotten */
        void *userdata;
} Helper;

struct Helpers {
        TAILQ_HEAD(, Helper) list;
        uint64_t last_id;
};

int helpers_new(Helpers **ret) {
        Helpers *helpers = calloc(1, sizeof *helpers);

        if (!helpers)
                return -ENOMEM;
        TAILQ_INIT(&helpers->list);
        *ret = helpers;
        return 0;
}

static Helper *helper_free(Helper *helper) {
        if (!helper)
                return NULL;
        sd_event_source_disable_unref(helper->deadline_source);
        sd_event_source_disable_unref(helper->output_source);
        fd_closep(&helper->output_fd);
        fd_closep(&helper->cgroup_fd);
        free(helper);
        return NULL;
}
DEFINE_OWNED(Helper *, helper_free)

Helpers *helpers_free(Helpers *helpers) {
        if (!helpers)
                return NULL;
        while (!TAILQ_EMPTY(&helpers->list)) {
                Helper *helper = TAILQ_FIRST(&helpers->list);

                TAILQ_REMOVE(&helpers->list, helper, list_link);
                (void) helper_free(helper);
        }
        free(helpers);
        return NULL;
}

size_t helpers_running(const Supervisor *sv) {
        const Helper *helper;
        size_t n = 0;

        TAILQ_FOREACH(helper, &sv->helpers->list, list_link)
                n += !helper->end.timed_out;
        return n;
}

static void helper_tell(Helper *helper) {
        HelperOnDone on_done = MOVE(helper->on_done);

        helper->output[helper->end.size] = '\0';
        helper->end.output = helper->output;
        if (on_done)
                on_done(&helper->end, helper->userdata);
}

static void helper_finish(Helper *helper) {
        Supervisor *sv = helper->sv;

        (void) cgroup_kill(helper->cgroup_fd);
        helper->cgroup_fd = fd_close(helper->cgroup_fd);
        cgroup_tree_discard(sv->cgroups, sv->event, sv->cgroups->hooks_fd, helper->name);
        (void) keeper_link_ack(sv->keeper, helper->key);
        TAILQ_REMOVE(&sv->helpers->list, helper, list_link);
        helper_tell(helper);
        (void) helper_free(helper);
}

/* Over when the process and its output are; what it has left behind it holds nobody up for longer than its time. */
static void helper_check(Helper *helper) {
        if (!helper->ended)
                return;
        if (helper->output_fd >= 0 && !helper->end.timed_out)
                (void) cgroup_kill(helper->cgroup_fd);
        else
                helper_finish(helper);
}

static int helper_on_output(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Helper *helper = userdata;
        char rest[4096];
        size_t room = HELPER_OUTPUT_MAX - helper->end.size;
        ssize_t n;

        n = read(fd, room > 0 ? helper->output + helper->end.size : rest, room > 0 ? room : sizeof rest);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n > 0) {
                if (room > 0)
                        helper->end.size += (size_t) n;
                return 0;
        }
        helper->output_source = sd_event_source_disable_unref(helper->output_source);
        helper->output_fd = fd_close(helper->output_fd);
        helper_check(helper);
        return 0;
}

/* The kill may take long, where a file system does not answer: nobody waits for that. */
static int helper_on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Helper *helper = userdata;

        if (helper->ended) {
                helper_finish(helper);          /* somebody outside its group holds its output open */
                return 0;
        }
        helper->end.timed_out = true;
        (void) cgroup_kill(helper->cgroup_fd);
        helper_tell(helper);
        return 0;
}

/* One that could not be killed in time is still there. */
static bool helpers_hang(const Supervisor *sv, uint64_t task_id) {
        const Helper *helper;

        TAILQ_FOREACH(helper, &sv->helpers->list, list_link)
                if (helper->end.timed_out && helper->task_id == task_id)
                        return true;
        return false;
}

static int helper_send(Helper *helper, const HelperSpec *spec) {
        Supervisor *sv = helper->sv;
        const SpawnSpec description = {
                .uid = spec->account->uid, .gid = spec->account->gid,
                .groups = spec->account->groups, .n_groups = spec->account->n_groups,
                .umask = 022, .flags = sv->user_mode ? 0 : SPAWN_CHANGE_IDENTITY,
                .directory = spec->directory, .argv = spec->argv, .environment = spec->environment, .cgroup_mount = "",
        };
        _cleanup_(fd_closep) int spec_fd = -1, null_fd = -1, read_end = -1, write_end = -1;
        int pipe_fds[2], r;

        spec_fd = spawn_spec_encode(&description);
        if (spec_fd < 0)
                return spec_fd;
        null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
                return result_errno();
        read_end = pipe_fds[0];
        write_end = pipe_fds[1];
        if (fcntl(read_end, F_SETFL, O_NONBLOCK) < 0)
                return result_errno();
        r = sd_event_add_io(sv->event, &helper->output_source, read_end, EPOLLIN, helper_on_output, helper);
        if (r < 0)
                return r;
        helper->output_fd = MOVE_FD(read_end);

        const int fds[] = {
                spec_fd, helper->cgroup_fd, spec->input_fd >= 0 ? spec->input_fd : null_fd,
                write_end, spec->with_errors ? write_end : null_fd,
        };
        return keeper_link_spawn(sv->keeper, helper->key, fds, ELEMENTSOF(fds));
}

int helper_run(Supervisor *sv, const HelperSpec *spec, HelperOnDone on_done, void *userdata) {
        _cleanup_(helper_freep) Helper *helper = NULL;
        int r;

        if (spec->task_id > 0 && helpers_hang(sv, spec->task_id))
                return -EBUSY;
        helper = calloc(1, sizeof *helper);
        if (!helper)
                return -ENOMEM;
        helper->cgroup_fd = helper->output_fd = -1;
        helper->sv = sv;
        helper->key = (KeeperKey) { ++sv->helpers->last_id, (uint32_t) sv->facts.epoch, KEEPER_ROLE_HELPER };
        helper->task_id = spec->task_id;
        helper->on_done = on_done;
        helper->userdata = userdata;
        (void) snprintf(helper->name, sizeof helper->name, "%llu.%u", (unsigned long long) helper->key.id, helper->key.attempt);

        r = result_strict(cgroup_create(sv->cgroups->hooks_fd, helper->name, &helper->cgroup_fd));
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(sv->event, &helper->deadline_source, CLOCK_MONOTONIC, spec->timeout_usec, 0,
                                       helper_on_deadline, helper);
        if (r >= 0)
                r = helper_send(helper, spec);
        if (r < 0) {
                (void) cgroup_remove(sv->cgroups->hooks_fd, helper->name);
                return r;
        }
        TAILQ_INSERT_TAIL(&sv->helpers->list, helper, list_link);
        (void) MOVE(helper);
        return 0;
}

void helper_forget(Supervisor *sv, void *userdata) {
        Helper *helper;

        TAILQ_FOREACH(helper, &sv->helpers->list, list_link)
                if (helper->userdata == userdata)
                        helper->on_done = NULL;
}

static Helper *helper_find(Supervisor *sv, const KeeperMessage *message) {
        Helper *helper;

        TAILQ_FOREACH(helper, &sv->helpers->list, list_link)
                if (helper->key.id == message->id && helper->key.attempt == message->attempt)
                        return helper;
        return NULL;
}

/* One that an earlier bgtd has left has ended. */
static void stray_drop(Supervisor *sv, const KeeperMessage *message) {
        char name[CGROUP_NAME_MAX];

        (void) snprintf(name, sizeof name, "%llu.%u", (unsigned long long) message->id, message->attempt);
        (void) keeper_link_ack(sv->keeper, (KeeperKey) { message->id, message->attempt, KEEPER_ROLE_HELPER });
        cgroup_tree_discard(sv->cgroups, sv->event, sv->cgroups->hooks_fd, name);
}

void helpers_on_ended(Supervisor *sv, const KeeperMessage *message) {
        Helper *helper = helper_find(sv, message);

        if (!helper) {
                stray_drop(sv, message);
                return;
        }
        helper->ended = true;
        helper->end.error = message->error;
        helper->end.code = message->code;
        helper->end.status = message->status;
        helper_check(helper);
}

void helpers_on_known(Supervisor *sv, const KeeperMessage *message) {
        _cleanup_(fd_closep) int fd = -1;
        Helper *helper = helper_find(sv, message);
        char name[CGROUP_NAME_MAX];

        if (helper)
                helper->known = true;
        if (message->state == KEEPER_CHILD_ENDED) {
                helpers_on_ended(sv, message);
                return;
        }
        if (helper)
                return;
        (void) snprintf(name, sizeof name, "%llu.%u", (unsigned long long) message->id, message->attempt);
        if (cgroup_open(sv->cgroups->hooks_fd, name, false, &fd) == 0)
                (void) cgroup_kill(fd);         /* nobody waits for what it was asked */
}

void helpers_on_known_end(Supervisor *sv) {
        uint64_t last_id = sv->helpers->last_id;
        Helper *helper, *next;

        /* what a callback starts is none of them */
        for (helper = TAILQ_FIRST(&sv->helpers->list); helper && helper->key.id <= last_id; helper = next) {
                next = TAILQ_NEXT(helper, list_link);
                if (helper->known || helper->ended) {
                        helper->known = false;          /* until the next connection */
                        continue;
                }
                helper->end.error = ECONNRESET;
                helper_finish(helper);
        }
}
