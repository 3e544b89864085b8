/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One run of bgtctl
 *
 * What the command line asked for, the connection to bgtd, and what is to be
 * printed. main.c makes one and gives it to the verb.
 */

#include <stdbool.h>
#include <stdint.h>

#include "ctl/arguments.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/terminal.h"
#include "ctl/trouble.h"
#include "ctl/value.h"
#include "lib/base/text.h"

typedef struct Ctl {
        Arguments arguments;            /* words[0] is the verb, if there is one */
        Trouble trouble;
        Client *client;
        char *socket_path;
        Terminal terminal;
        uint64_t timeout_usec;          /* for an answer */
        bool json, quiet, user, no_pager;
        bool speaks_for_task;           /* the exit status is the task's; our own troubles are EXIT_OWN_TROUBLE */
        Text out;                       /* printed when the verb is done */
} Ctl;

/* Reads the global options. @own_timeout: to the verb --timeout means something else than the time for an answer. */
int ctl_init(Ctl *ctl, bool own_timeout);
void ctl_done(Ctl *ctl);

/* A call that has to be answered within --timeout. */
int ctl_call(Ctl *ctl, const char *method, const char *signature, const Value *const *arguments, Value **ret);

/* When an answer has to be here. */
uint64_t ctl_deadline(const Ctl *ctl);

/* Prints what is in ctl->out so far. */
int ctl_flush(Ctl *ctl);
/* The last of it, through a pager where that helps. */
int ctl_finish(Ctl *ctl);

/* `bgtctl: sentence` on standard error. */
void ctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line on standard error, unless --quiet. */
void ctl_note(const Ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

ColumnsStyle ctl_style(const Ctl *ctl);

/* Rows as --json or the terminal asks, to ctl->out. */
void ctl_append_rows(Ctl *ctl, const Column *columns, size_t n_columns, const Value *rows);
