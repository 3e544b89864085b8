/* SPDX-License-Identifier: MIT */

/*
 * bgt-logs
 *
 * Streams what one task wrote to one client: bgtd starts one for each request,
 * so that neither a huge output nor a slow client is any of its own business.
 *
 *   bgt-logs file|journal IDENTIFIER [--user UID] [--lines N] [--follow]
 *
 * Standard output is the client's pipe; standard input is the output's file;
 * descriptor 3 is the lifeline of the task. --user is whom the task runs as.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "supervisor/logs/file-log.h"
#include "supervisor/logs/journal-log.h"

typedef struct Request {
        bool journal;
        const char *identifier;
        uid_t uid;
        StreamOptions options;
} Request;

static int request_read(Request *ret, char **argv) {
        Request request = { .uid = geteuid() };
        uint64_t uid;

        if (!argv[0] || !argv[1] || (strcmp(argv[0], "file") != 0 && strcmp(argv[0], "journal") != 0))
                return -EINVAL;
        request.journal = strcmp(argv[0], "journal") == 0;
        request.identifier = argv[1];
        for (argv += 2; *argv; argv++)
                if (strcmp(*argv, "--follow") == 0)
                        request.options.follow = true;
                else if (strcmp(*argv, "--lines") == 0 && argv[1] && quantity_parse_u64(argv[1], &request.options.n_lines) >= 0)
                        argv++;
                else if (strcmp(*argv, "--user") == 0 && argv[1] && quantity_parse_u64(argv[1], &uid) >= 0 && uid < UINT32_MAX) {
                        request.uid = (uid_t) uid;
                        argv++;
                } else
                        return -EINVAL;
        *ret = request;
        return 0;
}

int main(int argc, char **argv) {
        Request request;
        int r;

        (void) argc;

        r = request_read(&request, argv[0] ? argv + 1 : argv);
        if (r < 0) {
                (void) fprintf(stderr, "Usage: bgt-logs file|journal IDENTIFIER [--user UID] [--lines N] [--follow]\n");
                return 2;
        }
        r = request.journal ? journal_log_stream(request.identifier, request.uid, &request.options)
                            : file_log_stream(&request.options);
        if (r < 0 && r != -EPIPE) {
                (void) fprintf(stderr, "bgt-logs: cannot read the output of %s: %s\n", request.identifier, strerror(-r));
                return 1;
        }
        return 0;
}
