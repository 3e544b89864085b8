/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/submission.h"
#include "ctl/verbs.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"

extern char **environ;

const Option run_options[] = {
        { "pipe", .help = "connect its output to bgtctl's own" },
        {}
};

/* The bus carries UTF-8 and nothing else. */
static int add_environment(Ctl *ctl, Value *options) {
        _cleanup_(value_freep) Value *list = value_new_list();
        int r;

        if (!list)
                return -ENOMEM;
        STRV_FOREACH(entry, environ) {
                const char *equals = strchr(entry, '=');

                if (!equals || equals == entry)
                        continue;
                if (!text_is_utf8(entry)) {
                        ctl_note(ctl, "The variable %.*s is not UTF-8; the command runs without it.", (int) (equals - entry), entry);
                        continue;
                }
                r = value_add(list, value_new_string(entry));
                if (r < 0)
                        return r;
        }
        return value_set(options, "environment", MOVE(list));
}

static int add_directory(Ctl *ctl, Value *options) {
        _cleanup_(freep) char *directory = getcwd(NULL, 0);
        int r;

        if (!directory)
                return trouble_failed(&ctl->trouble, result_errno(), "Cannot find the current directory");
        r = value_set(options, "directory", value_new_string(directory));
        return r < 0 ? trouble_failed(&ctl->trouble, r, "Cannot ask bgtd") : 0;
}

static int add_umask(Value *options) {
        mode_t mask = umask(077);

        (void) umask(mask);
        return value_set(options, "umask", value_new_natural(VALUE_UINT32, mask));
}

static int add_streams(Value *options) {
        int r;

        r = value_set(options, "stdout", value_new_fd(STDOUT_FILENO));
        if (r < 0)
                return r;
        return value_set(options, "stderr", value_new_fd(STDERR_FILENO));
}

static int add_surroundings(Ctl *ctl, Value *options) {
        int r;

        r = add_directory(ctl, options);
        if (r < 0)
                return r;
        r = add_environment(ctl, options);
        if (r >= 0)
                r = add_umask(options);
        if (r >= 0 && arguments_has(&ctl->arguments, "pipe"))
                r = add_streams(options);
        return r < 0 ? trouble_failed(&ctl->trouble, r, "Cannot ask bgtd") : 0;
}

int verb_run(Ctl *ctl) {
        static const char *const exclusive[] = { "pipe", "watch", NULL };
        _cleanup_(value_freep) Value *argv = NULL, *options = NULL;
        int r;

        if (ctl->arguments.n_words > 1 || !ctl->arguments.rest)
                return trouble_usage(&ctl->trouble, "The command stands behind `--`, as in: bgtctl run -- gzip file.");
        if (!ctl->arguments.rest[0])
                return trouble_usage(&ctl->trouble, "There is no command behind `--`.");
        r = arguments_exclude(&ctl->arguments, exclusive, &ctl->trouble);
        if (r < 0)
                return r;
        argv = value_new_strings(ctl->arguments.rest);
        if (!argv)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask bgtd");
        r = submission_options_read(ctl, &options);
        if (r < 0)
                return r;
        r = add_surroundings(ctl, options);
        if (r < 0)
                return r;
        return submission_run(ctl, "StartCommand", "asa{sv}", (const Value *[]) { argv, options },
                              arguments_has(&ctl->arguments, "pipe"));
}
