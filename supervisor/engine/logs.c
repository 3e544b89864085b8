/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/logs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "supervisor/engine/errand.h"
#include "supervisor/engine/output.h"
#include "supervisor/engine/program.h"
#include "supervisor/sys/log.h"

#define READERS_MAX 256
/* Of one user who is not root, who is left out of both counts. */
#define READERS_OF_USER_MAX 64

/* A reader process; it ends by itself when the client or the task does. */
typedef struct LogsReader {
        struct LogsReader *next;        /* Supervisor.readers */
        Supervisor *sv;
        uint64_t task_id;
        uid_t uid;                      /* who reads */
        int lifeline;                   /* held while the task has not ended; -1: it has */
        sd_event_source *child_source;
} LogsReader;

static LogsReader *reader_free(LogsReader *reader) {
        LogsReader **link = &reader->sv->readers;

        while (*link && *link != reader)
                link = &(*link)->next;
        if (*link)
                *link = reader->next;
        sd_event_source_disable_unref(reader->child_source);
        fd_closep(&reader->lifeline);
        free(reader);
        return NULL;
}

static int reader_on_exit(sd_event_source *source, const siginfo_t *info, void *userdata) {
        (void) reader_free(userdata);
        return 0;
}

void logs_on_changed(Task *task, void *userdata) {
        Supervisor *sv = userdata;

        if (!task->settled)
                return;
        for (LogsReader *reader = sv->readers; reader; reader = reader->next)
                if (reader->task_id == task->id)
                        reader->lifeline = fd_close(reader->lifeline);
}

/* What the reader has open: its source as 0, the client's pipe as 1, the lifeline as 3. */
static int reader_spawn(const char *program, char *const *argv, int source, int stream, int lifeline, pid_t *ret) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        char *environment[] = { NULL };
        sigset_t none, all;
        int r;

        (void) sigemptyset(&none);
        (void) sigfillset(&all);
        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attributes);
        if (r != 0) {
                (void) posix_spawn_file_actions_destroy(&actions);
                return -r;
        }
        r = posix_spawn_file_actions_adddup2(&actions, source, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, stream, 1);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, lifeline, 3);
        if (r == 0)
                r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (r == 0)
                r = posix_spawnattr_setsigmask(&attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(&attributes, &all);
        if (r == 0)
                r = posix_spawn(ret, program, &actions, &attributes, argv, environment);
        (void) posix_spawnattr_destroy(&attributes);
        (void) posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static int reader_start(Supervisor *sv, const Caller *caller, const Task *task, const char *const *arguments, int source, int *ret_stream) {
        _cleanup_(fd_closep) int stream = -1, client = -1, life_read = -1, life_write = -1;
        _cleanup_(freep) char *program = NULL;
        LogsReader *reader;
        int pipe_fds[2], r;
        pid_t pid;

        r = program_find("bgt-logs", "logs", &program);
        if (r < 0)
                return r;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return result_errno();
        client = pipe_fds[0];
        stream = pipe_fds[1];
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return result_errno();
        life_read = pipe_fds[0];
        life_write = pipe_fds[1];

        reader = calloc(1, sizeof *reader);
        if (!reader)
                return -ENOMEM;
        *reader = (LogsReader) { .next = sv->readers, .sv = sv, .task_id = task->id, .uid = caller->uid, .lifeline = -1 };
        sv->readers = reader;
        r = reader_spawn(program, (char *const *) arguments, source, stream, life_read, &pid);
        if (r == 0)
                r = sd_event_add_child(sv->event, &reader->child_source, pid, WEXITED, reader_on_exit, reader);
        if (r < 0) {
                (void) reader_free(reader);
                return r;
        }
        if (!task->settled)
                reader->lifeline = MOVE_FD(life_write);
        *ret_stream = MOVE_FD(client);
        return 0;
}

static int open_source(const Supervisor *sv, const Task *task, uint32_t attempt) {
        int fd;

        if (task->output == OUTPUT_FILE)
                return output_open_file(sv, task->id, attempt);
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return fd < 0 ? result_errno() : fd;
}

static bool readers_are_enough(const Supervisor *sv, uid_t uid) {
        size_t n = 0, n_own = 0;

        for (LogsReader *reader = sv->readers; reader; reader = reader->next) {
                n += reader->uid != 0;
                n_own += reader->uid == uid;
        }
        return uid != 0 && (n >= READERS_MAX || (n_own >= READERS_OF_USER_MAX && !sv->user_mode));
}

static int start_for(Supervisor *sv, const Caller *caller, const Task *task, const LogsOptions *options, int *ret_stream) {
        const char *arguments[10] = { "bgt-logs", task->output == OUTPUT_FILE ? "file" : "journal" };
        uint32_t attempt = options->has_attempt ? options->attempt + 1 : task->attempt;
        _cleanup_(fd_closep) int source = -1;
        char identifier[32], lines[24], user[16];
        size_t n = 2;

        if (readers_are_enough(sv, caller->uid))
                return -EBUSY;
        source = open_source(sv, task, attempt);
        if (source < 0)
                return source;
        output_identifier(task->id, identifier);
        arguments[n++] = identifier;
        (void) snprintf(user, sizeof user, "%u", (unsigned) task->uid);
        arguments[n++] = "--user";
        arguments[n++] = user;
        if (options->n_lines > 0) {
                (void) snprintf(lines, sizeof lines, "%" PRIu64, options->n_lines);
                arguments[n++] = "--lines";
                arguments[n++] = lines;
        }
        if (options->follow)
                arguments[n++] = "--follow";
        return reader_start(sv, caller, task, arguments, source, ret_stream);
}

static void logs_of(Supervisor *sv, const Caller *caller, const Task *task, const LogsOptions *options, LogsOnDone on_done, void *userdata) {
        Outcome outcome = { OUTCOME_DONE, "" };
        char sentence[256];
        int stream = -1, r;

        if (!access_to_task(&sv->access, caller, task))
                outcome = (Outcome) { BUS_ERROR_ACCESS_DENIED, "The task belongs to another user." };
        else if (options->has_attempt && options->attempt >= task->attempt)
                outcome = (Outcome) { BUS_ERROR_INVALID_OPTION, "There was no such attempt." };
        else if (task->output == OUTPUT_NULL)
                outcome = (Outcome) { BUS_ERROR_NOT_AVAILABLE, "The task's output is not kept: it has Output=null or went to the client." };
        else if (task->attempt == 0)
                outcome = (Outcome) { BUS_ERROR_NOT_AVAILABLE, "The task has not run, so it has written nothing." };
        else {
                r = start_for(sv, caller, task, options, &stream);
                if (r == -ENOENT)
                        outcome = (Outcome) { BUS_ERROR_NOT_AVAILABLE, "The task's output is gone." };
                else if (r == -EBUSY)
                        outcome = (Outcome) { BUS_ERROR_QUEUE_FULL, "Too many readers of outputs are under way." };
                else if (r < 0) {
                        (void) snprintf(sentence, sizeof sentence, "Cannot read the task's output: %s.", strerror(-r));
                        outcome = (Outcome) { BUS_ERROR_FAILED, sentence };
                }
        }
        on_done(&outcome, stream, userdata);
}

/* The same question, kept while the store looks for an ended task. */
typedef struct LogsErrand {
        Supervisor *sv;
        LogsOptions options;
        LogsOnDone on_done;
} LogsErrand;

static void logs_on_read(Task *task, int r, uint64_t id, const Caller *caller, void *closure, void *userdata) {
        const LogsErrand *errand = closure;
        Outcome outcome = { BUS_ERROR_NO_SUCH_TASK, "" };
        char sentence[128];

        if (task) {
                task->stored = task->settled = true;
                logs_of(errand->sv, caller, task, &errand->options, errand->on_done, userdata);
                return;
        }
        (void) snprintf(sentence, sizeof sentence, "There is no task %llu.", (unsigned long long) id);
        outcome = r < 0 ? (Outcome) { BUS_ERROR_STORE, strerror(-r) } : (Outcome) { BUS_ERROR_NO_SUCH_TASK, sentence };
        errand->on_done(&outcome, -1, userdata);
}

void logs_open(Supervisor *sv, const Caller *caller, uint64_t id, const LogsOptions *options, LogsOnDone on_done, void *userdata) {
        const LogsErrand errand = { sv, *options, on_done };
        Outcome outcome = { BUS_ERROR_STORE, "" };
        Task *task = registry_find(sv->registry, id);
        int r;

        if (task && task->stored) {
                logs_of(sv, caller, task, options, on_done, userdata);
                return;
        }
        r = errand_run(sv, caller, id, logs_on_read, &errand, sizeof errand, userdata);
        if (r < 0) {
                outcome.sentence = strerror(-r);
                on_done(&outcome, -1, userdata);
        }
}

void logs_forget(Supervisor *sv, void *userdata) {
        errand_forget(sv, userdata);
}

void logs_close(Supervisor *sv) {
        while (sv->readers)
                (void) reader_free(sv->readers);
}
