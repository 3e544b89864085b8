/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Verbs
 *
 * Each is a file of its own and a line in one alphabetised table, from which
 * --help and the man page's test come.
 */

#include "ctl/ctl.h"

typedef struct Verb {
        const char *name;       /* the table ends with NULL */
        const char *synonym;    /* NULL: none */
        const char *arguments;  /* in the usage line */
        const char *summary;
        const char *more;       /* for its own --help; NULL: nothing */
        const Option *options[4];       /* besides the global ones */
        bool speaks_for_task;   /* its exit status is the task's */
        bool takes_command;     /* words follow `--` */

        /* The exit status, or a negative errno with ctl->trouble. */
        int (*run)(Ctl *ctl);
} Verb;

extern const Verb verbs[];
extern const Option global_options[];

/* By its name or its synonym; NULL if there is none. */
const Verb *verb_find(const char *name);

/* Whether it has an option of its own of this name, whatever the global ones are. */
bool verb_has_option(const Verb *verb, const char *name);

/*
 * Takes the command line apart. *@ret_verb is NULL without a verb. On failure
 * @ret and *@ret_verb hold what was understood.
 */
int verbs_parse(char **argv, Arguments *ret, const Verb **ret_verb, Trouble *trouble);

/* What --help prints: of @verb, or of bgtctl itself for NULL. */
void verbs_append_help(Text *text, const Verb *verb);

int verb_cancel(Ctl *ctl);
int verb_list(Ctl *ctl);
int verb_logs(Ctl *ctl);
int verb_manager(Ctl *ctl);
int verb_pause(Ctl *ctl);
int verb_resume(Ctl *ctl);
int verb_run(Ctl *ctl);
int verb_show(Ctl *ctl);
int verb_signal(Ctl *ctl);
int verb_start(Ctl *ctl);
int verb_status(Ctl *ctl);
int verb_types(Ctl *ctl);
int verb_wait(Ctl *ctl);
int verb_watch(Ctl *ctl);
/* bgtctl alone. */
int verb_none(Ctl *ctl);

/* Each verb's own options, beside it. */
extern const Option cancel_options[], list_options[], logs_options[], pause_options[], resume_options[], run_options[],
        show_options[], start_options[], wait_options[], watch_options[];
