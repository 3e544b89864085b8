/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reader
 *
 * The thread that reads ended tasks through a connection of its own, one
 * question after another. What it has read waits for the loop before the next
 * is begun, so that at most one answer is in memory however many ask.
 */

#include <stdatomic.h>

#include "supervisor/store/filter.h"
#include "supervisor/store/store.h"

typedef struct Reader Reader;

typedef struct Read Read;
struct Read {
        Read *next;                     /* Store.reads */
        Read *next_queued;              /* Reader.queue */
        Filter filter;
        StoreOnRead on_read;
        void *userdata;
        atomic_bool forgotten;          /* nobody wants it: it need not be finished */
        int result;
        Task **tasks;
        size_t n_tasks;
        atomic_bool finished;           /* set last: from here on it is the loop's again */
};

int read_new(Read **ret, const StoreFilter *filter, StoreOnRead on_read, void *userdata);
Read *read_free(Read *read);
DEFINE_OWNED(Read *, read_free)

/* Opens a connection to the file and starts the thread. @done_fd is borrowed and told of each finished read. */
int reader_new(Reader **ret, const char *path, StoreParseType parse, int done_fd);

/* What has not been begun is finished with -ECANCELED. */
Reader *reader_free(Reader *reader);
DEFINE_OWNED(Reader *, reader_free)

/* Lends the read to the reader until its `finished` is set. */
void reader_submit(Reader *reader, Read *read);

/* A finished read has been taken: the next may be begun. */
void reader_go_on(Reader *reader);

/* In the caller's thread, through the reader's connection; nothing must be submitted. */
int reader_load_unfinished(Reader *reader, StoreOnTask on_task, void *userdata);
