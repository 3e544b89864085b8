/* SPDX-License-Identifier: MIT */

/*
 * bgtctl
 *
 * A client of bgtd's bus and nothing more. Takes the command line apart, lets a
 * verb do its work, and is the only place that tells of trouble.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/verbs.h"
#include "ctl/visible.h"

static int print_version(Ctl *ctl) {
        text_append(&ctl->out, "bgtctl " BGT_VERSION "\n");
        return 0;
}

static int print_help(Ctl *ctl, const Verb *verb) {
        verbs_append_help(&ctl->out, verb);
        return 0;
}

static int main_run(Ctl *ctl, char **argv) {
        const Verb *verb;
        int r;

        r = verbs_parse(argv, &ctl->arguments, &verb, &ctl->trouble);
        ctl->json = arguments_has(&ctl->arguments, "json");
        ctl->speaks_for_task = (verb && verb->speaks_for_task) || arguments_has(&ctl->arguments, "wait") ||
                               arguments_has(&ctl->arguments, "watch");
        if (arguments_has(&ctl->arguments, "help") && (r >= 0 || verb))
                return print_help(ctl, verb);
        if (r < 0)
                return r;
        if (arguments_has(&ctl->arguments, "version"))
                return print_version(ctl);
        r = ctl_init(ctl, verb && verb_has_option(verb, "timeout"));
        if (r < 0)
                return r;
        return verb ? verb->run(ctl) : verb_none(ctl);
}

/* Whether the trouble could be told as a document. */
static bool main_fail_json(Ctl *ctl) {
        Trouble ignored = {};

        text_done(&ctl->out);
        json_append_trouble(&ctl->out, &ctl->trouble);
        return !ctl->out.failed && terminal_write(ctl->out.data, ctl->out.length, &ignored) >= 0;
}

static int main_fail(Ctl *ctl, int r) {
        if (ctl->trouble.exit_status == 0)
                (void) trouble_failed(&ctl->trouble, r, "This did not go well");
        if (!ctl->json || !main_fail_json(ctl))
                ctl_complain("%s", ctl->trouble.sentence);
        return ctl->speaks_for_task ? EXIT_OWN_TROUBLE : ctl->trouble.exit_status;
}

int main(int argc, char **argv) {
        _cleanup_(ctl_done) Ctl ctl = {};
        int status, r;

        (void) argc;

        /* whoever started us may ignore it, and `| head` shall end us as it ends others */
        (void) signal(SIGPIPE, SIG_DFL);
        visible_init();

        status = main_run(&ctl, argv[0] ? argv + 1 : argv);
        if (status < 0)
                return main_fail(&ctl, status);
        r = ctl_finish(&ctl);
        return r < 0 ? main_fail(&ctl, r) : status;
}
