/* SPDX-License-Identifier: MIT */
#include "ctl/verbs.h"

#include <stdio.h>
#include <string.h>

#include "ctl/selection.h"
#include "ctl/submission.h"

const Option global_options[] = {
        { "color",    .value = "WHEN", .help = "auto, never or always" },
        { "help",     'h', .help = "print this" },
        { "json",     .help = "print JSON" },
        { "no-pager", .help = "do not use a pager for what is long" },
        { "quiet",    'q', .help = "say nothing when all is well" },
        { "socket",   .value = "PATH", .help = "bgtd's socket" },
        { "system",   .help = "ask the system's bgtd (default)" },
        { "timeout",  .value = "SEC", .help = "wait this long for an answer (default 30)" },
        { "user",     .help = "ask the user's own bgtd" },
        { "version",  .help = "print the version" },
        {}
};

#define TASKS "TASKS..."

const Verb verbs[] = {
        { "cancel", "kill", TASKS, "end tasks, with every process they have",
          .options = { cancel_options, selection_options }, .run = verb_cancel },
        { "list", NULL, "[TASKS...]", "tasks, one a line; by default the active ones",
          .options = { list_options, selection_options }, .run = verb_list },
        { "logs", NULL, "TASK", "what a task wrote",
          .options = { logs_options, selection_options }, .run = verb_logs },
        { "manager", NULL, "reload", "read configuration and types again (admins)",
          .run = verb_manager },
        { "pause", "freeze", TASKS, "stop tasks where they are",
          .options = { pause_options, selection_options }, .run = verb_pause },
        { "resume", "thaw", TASKS, "let paused tasks go on",
          .options = { resume_options, selection_options }, .run = verb_resume },
        { "run", NULL, "-- COMMAND...", "start a command as a task",
          .more = "The command has this environment, directory and umask, and no terminal. What\n"
                  "is printed is the task's id.",
          .options = { run_options, submission_options }, .takes_command = true, .run = verb_run },
        { "show", NULL, TASKS, "everything about tasks",
          .options = { show_options, selection_options }, .run = verb_show },
        { "signal", NULL, TASKS " SIGNAL", "send a signal to every process of tasks",
          .options = { selection_options }, .run = verb_signal },
        { "start", NULL, "TYPE [NAME=VALUE...]", "start a task of a type",
          .more = "What is printed is the task's id.",
          .options = { start_options, submission_options }, .run = verb_start },
        { "status", NULL, "", "the supervisor at a glance",
          .run = verb_status },
        { "types", NULL, "[NAME | check [FILE...]]", "the types of tasks, or one of them",
          .more = "`check` looks at type files without a supervisor: those named, or all that\n"
                  "are in place.",
          .run = verb_types },
        { "wait", NULL, TASKS, "wait for the end of tasks; exits as they did",
          .options = { wait_options, selection_options }, .speaks_for_task = true, .run = verb_wait },
        { "watch", NULL, TASKS, "the same, and show their progress",
          .options = { watch_options, selection_options }, .speaks_for_task = true, .run = verb_watch },
        {}
};

const Verb *verb_find(const char *name) {
        for (const Verb *verb = verbs; verb->name; verb++)
                if (strcmp(verb->name, name) == 0 || text_equal(verb->synonym, name))
                        return verb;
        return NULL;
}

bool verb_has_option(const Verb *verb, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(verb->options) && verb->options[i]; i++)
                for (const Option *o = verb->options[i]; o->name; o++)
                        if (strcmp(o->name, name) == 0)
                                return true;
        return false;
}

/* The tables in which @verb's options are looked up, its own first: it may mean something else by a global name. */
static void verb_tables(const Verb *verb, const Option *ret[static 8]) {
        size_t n = 0;

        for (size_t i = 0; verb && i < ELEMENTSOF(verb->options) && verb->options[i]; i++)
                ret[n++] = verb->options[i];
        ret[n++] = global_options;
        ret[n] = NULL;
}

/* The first word, however many options of whatever verb stand before it. */
static char *find_word(char **argv) {
        const Option *tables[64] = { global_options };
        Arguments arguments = {};
        Trouble trouble = {};
        size_t n = 1;
        char *word;

        for (const Verb *verb = verbs; verb->name; verb++)
                for (size_t i = 0; i < ELEMENTSOF(verb->options) && verb->options[i]; i++)
                        tables[n++] = verb->options[i];
        (void) arguments_parse(&arguments, argv, tables, &trouble);
        word = arguments.n_words > 0 ? arguments.words[0] : NULL;
        arguments_done(&arguments);
        return word;
}

int verbs_parse(char **argv, Arguments *ret, const Verb **ret_verb, Trouble *trouble) {
        char *word = find_word(argv);
        const Option *tables[8];
        int r, unknown = 0;

        *ret_verb = word ? verb_find(word) : NULL;
        if (word && !*ret_verb)
                unknown = trouble_usage(trouble, "There is no verb %s; bgtctl --help lists those that there are.", word);
        verb_tables(*ret_verb, tables);
        r = arguments_parse(ret, argv, tables, trouble);
        if (unknown < 0)
                return unknown;
        if (r < 0)
                return r;
        if (*ret_verb && (*ret_verb)->arguments[0] == '\0' && ret->n_words > 1)
                return trouble_usage(trouble, "%s takes no %s.", (*ret_verb)->name, ret->words[1]);
        if (ret->rest && (!*ret_verb || (!(*ret_verb)->takes_command && (*ret_verb)->run != verb_start)))
                return trouble_usage(trouble, "Nothing stands behind `--` here.");
        return 0;
}

static void append_columns(Text *text, const char *left, size_t width, const char *right) {
        text_appendf(text, "  %-*s  %s\n", (int) width, left, right);
}

/* @heading is NULL for options that go on from those before. */
static void append_options(Text *text, const char *heading, const Option *options) {
        if (heading)
                text_appendf(text, "\n%s:\n", heading);
        for (const Option *o = options; o->name; o++) {
                char left[64], letter[8] = "    ";

                if (o->letter)
                        (void) snprintf(letter, sizeof letter, "-%c, ", o->letter);
                (void) snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->value ? " " : "", o->value ? o->value : "");
                append_columns(text, left, 26, o->help);
        }
}

static void append_verb_help(Text *text, const Verb *verb) {
        text_appendf(text, "Usage: bgtctl %s%s %s\n\n%s: %s.\n", verb->name, verb->options[0] ? " [OPTIONS]" : "", verb->arguments, verb->name, verb->summary);
        if (verb->more)
                text_appendf(text, "%s\n", verb->more);
        if (verb->synonym)
                text_appendf(text, "`%s` is the same.\n", verb->synonym);
        for (size_t i = 0; i < ELEMENTSOF(verb->options) && verb->options[i]; i++) {
                if (verb->options[i] == selection_options)
                        append_options(text, "Tasks: ids, lists and ranges as in 1,4,10-20, `self` inside a task, or", verb->options[i]);
                else
                        append_options(text, i == 0 ? "Options" : NULL, verb->options[i]);
        }
        text_append(text, "\nbgtctl --help lists the options that all verbs take, bgtctl(1) says more.\n");
}

void verbs_append_help(Text *text, const Verb *verb) {
        if (verb) {
                append_verb_help(text, verb);
                return;
        }
        text_append(text, "Usage: bgtctl [OPTIONS] VERB [OPTIONS] [ARGUMENTS]\n\n"
                          "Starts, watches, pauses, resumes and cancels background tasks. Without a verb:\n"
                          "the supervisor's status and the active tasks.\n\nVerbs:\n");
        for (const Verb *v = verbs; v->name; v++) {
                char left[64];

                (void) snprintf(left, sizeof left, "%s %s", v->name, v->arguments);
                append_columns(text, left, 31, v->summary);
        }
        text_append(text, "\n`freeze`, `thaw`, `kill` are pause, resume, cancel. Every verb has a --help.\n");
        append_options(text, "Options, anywhere before `--`", global_options);
        text_append(text, "\nTasks are named by ids, lists and ranges as in 1,4,10-20, by `self` inside a\n"
                          "task, or by --all, --namespace NS, --type T, --label L and --state S.\n");
}
