/* SPDX-License-Identifier: MIT */
#include "ctl/submission.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ctl/follow.h"
#include "ctl/json.h"
#include "ctl/snapshot.h"
#include "ctl/watcher.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"

const Option submission_options[] = {
        { "as",        .value = "USER", .help = "run as this user (admins)" },
        { "input",     .value = "FILE", .help = "its standard input; - is bgtctl's own" },
        { "label",     .value = "L", .help = "a label, to choose tasks by" },
        { "name",      .value = "NAME", .help = "what it is called" },
        { "namespace", .value = "NS", .help = "the namespace it runs in" },
        { "priority",  .value = "N", .help = "greater is more critical to start" },
        { "property",  .value = "K=V", .repeatable = true, .help = "another value for a key of its type, MemoryMax=1G" },
        { "timeout",   .value = "SEC", .help = "cancel it after running this long" },
        { "wait",      .help = "wait for its end; the exit status is its own" },
        { "watch",     .help = "the same, and show its progress" },
        {}
};

static int add_strings(Value *options, const Arguments *arguments) {
        static const char *const names[] = { "as", "label", "name", "namespace" };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *value = arguments_value(arguments, names[i]);

                if (!value)
                        continue;
                r = value_set(options, names[i], value_new_string(value));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_properties(Value *options, const Arguments *arguments) {
        _cleanup_(value_freep) Value *list = value_new_list();
        int r;

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < arguments->n_given; i++) {
                if (strcmp(arguments->given[i].option->name, "property") != 0)
                        continue;
                r = value_add(list, value_new_string(arguments->given[i].value));
                if (r < 0)
                        return r;
        }
        return list->n_items > 0 ? value_set(options, "property", MOVE(list)) : 0;
}

static int add_numbers(Ctl *ctl, Value *options) {
        const char *priority = arguments_value(&ctl->arguments, "priority"), *timeout = arguments_value(&ctl->arguments, "timeout");
        uint64_t usec = 0;
        int64_t number = 0;
        int r = 0;

        if (priority && (quantity_parse_i64(priority, &number) < 0 || number < INT32_MIN || number > INT32_MAX))
                return trouble_usage(&ctl->trouble, "--priority is a whole number from %d to %d, not %s.", INT32_MIN, INT32_MAX, priority);
        if (timeout && quantity_parse_span(timeout, &usec) < 0)
                return trouble_usage(&ctl->trouble, "--timeout is a time such as 90 or 2min, not %s.", timeout);
        if (priority)
                r = value_set(options, "priority", value_new_integer(VALUE_INT32, number));
        if (r >= 0 && timeout && usec != USEC_INFINITY)
                r = value_set(options, "timeout", value_new_natural(VALUE_UINT64, usec));
        return r < 0 ? trouble_failed(&ctl->trouble, r, "Cannot ask bgtd") : 0;
}

int submission_add_input(Ctl *ctl, Value *options, const char *key, const char *path) {
        _cleanup_(fd_closep) int fd = -1;
        int r;

        fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return trouble_failed(&ctl->trouble, result_errno(), "Cannot open %s", path);
        r = value_set(options, key, value_new_fd(fd));
        return r < 0 ? trouble_failed(&ctl->trouble, r, "Cannot ask bgtd") : 0;
}

int submission_options_read(Ctl *ctl, Value **ret) {
        _cleanup_(value_freep) Value *options = value_new_dictionary();
        const char *input = arguments_value(&ctl->arguments, "input");
        int r;

        r = options ? add_strings(options, &ctl->arguments) : -ENOMEM;
        if (r >= 0)
                r = add_properties(options, &ctl->arguments);
        if (r < 0)
                return trouble_failed(&ctl->trouble, r, "Cannot ask bgtd");
        r = add_numbers(ctl, options);
        if (r < 0)
                return r;
        if (input) {
                r = submission_add_input(ctl, options, "input", input);
                if (r < 0)
                        return r;
        }
        *ret = MOVE(options);
        return 0;
}

static int print_id(Ctl *ctl, const Value *answer, uint64_t id, bool id_to_stderr) {
        if (id_to_stderr) {
                ctl_note(ctl, "Task %" PRIu64 ".", id);
                return 0;
        }
        if (ctl->json) {
                text_appendf(&ctl->out, "{\"Id\":%" PRIu64 ",", id);
                json_append_member(&ctl->out, "Path", answer->items[1]);
                text_append(&ctl->out, "}\n");
        } else
                text_appendf(&ctl->out, "%" PRIu64 "\n", id);
        return ctl_flush(ctl);
}

/* The user has seen enough; bgtctl ends as if it had not looked for the signal. */
static int leave_running(Ctl *ctl, uint64_t id) {
        int number = client_interrupted(ctl->client);
        sigset_t set;

        ctl_note(ctl, "Task %" PRIu64 " goes on; bgtctl cancel %" PRIu64 " ends it.", id, id);
        sigemptyset(&set);
        sigaddset(&set, number);
        (void) raise(number);
        (void) sigprocmask(SIG_UNBLOCK, &set, NULL);
        return EXIT_OWN_TROUBLE;
}

/* A command that could not be run, was killed or timed out says more than its exit status. */
static void note_ending(const Ctl *ctl, const Value *task) {
        const char *code = value_get_string(value_get(task, "Error"), "code");
        _cleanup_(freep) char *line = NULL;
        Text text = {};

        if (snapshot_exit_status(task) == 0 || text_equal(code, "ExitStatus"))
                return;
        snapshot_append_ending(&text, task);
        line = text_take(&text);
        ctl_note(ctl, "%s", text_or_empty(line));
}

static int stay(Ctl *ctl, uint64_t id) {
        _cleanup_(value_freep) Value *tasks = NULL;
        const Value *task;
        int r;

        if (arguments_has(&ctl->arguments, "watch")) {
                r = watcher_run(ctl, &id, 1, USEC_INFINITY, false);
                if (r < 0)
                        return r;
        }
        r = follow_wait(ctl, &(FollowGoal) { .ids = &id, .n_ids = 1, .deadline_usec = USEC_INFINITY }, &tasks);
        if (r < 0)
                return r;
        task = follow_find(tasks, id);
        if (!task)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        if (!arguments_has(&ctl->arguments, "watch"))
                note_ending(ctl, task);
        if (arguments_has(&ctl->arguments, "timeout") && snapshot_is_timeout(task))
                return EXIT_TIME_IS_UP;
        return snapshot_exit_status(task);
}

/* Whoever does not linger loses the user manager, and bgtd with it, at the last logout. */
static void note_linger(const Ctl *ctl) {
        const struct passwd *user = getpwuid(geteuid());
        _cleanup_(freep) char *path = user ? text_format("/var/lib/systemd/linger/%s", user->pw_name) : NULL;

        if (ctl->user && path && access("/run/systemd/system", F_OK) >= 0 && access(path, F_OK) < 0)
                ctl_note(ctl, "The task ends when you log out; `loginctl enable-linger` lets it stay.");
}

int submission_run(Ctl *ctl, const char *method, const char *signature, const Value *const *arguments, bool id_to_stderr) {
        bool stays = arguments_has(&ctl->arguments, "wait") || arguments_has(&ctl->arguments, "watch");
        _cleanup_(value_freep) Value *answer = NULL;
        uint64_t id;
        int r;

        r = ctl_call(ctl, method, signature, arguments, &answer);
        if (r < 0)
                return r;
        if (answer->n_items != 2)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        id = value_natural(answer->items[0]);
        if (stays) {
                r = client_watch_interrupt(ctl->client);
                if (r < 0)
                        return r;
        }
        r = print_id(ctl, answer, id, id_to_stderr);
        if (r < 0) {
                ctl_complain("Task %" PRIu64 " was started.", id);
                return r;
        }

        if (!stays) {
                note_linger(ctl);
                return 0;
        }
        r = stay(ctl, id);
        return r == -EINTR ? leave_running(ctl, id) : r;
}
