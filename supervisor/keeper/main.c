/* SPDX-License-Identifier: MIT */

/*
 * bgt-keeper: guard and keeper, the parents of all tasks.
 */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/fd.h"
#include "supervisor/keeper/guard.h"

static GuardSettings arg_settings;

static int help(void) {
        puts("bgt-keeper --runtime-dir DIR [--cgroup-root PATH] [--transient]\n\n"
             "Start and watch processes for bgtd, so that it may stop and start at will.\n\n"
             "  --runtime-dir DIR   Where the socket for bgtd is made\n"
             "  --cgroup-root PATH  The cgroup v2 directory that is ours (default: the one\n"
             "                      this process is in)\n"
             "  --transient         End when bgtd is gone and nothing is left to watch\n"
             "  -h, --help          Show this text\n"
             "  --version           Show the version\n\n"
             "Exit status: 0 ended, 1 failure, 2 usage, 3 another keeper answers, 4 no usable\n"
             "cgroup v2.");
        return -1;
}

static int usage(const char *sentence) {
        fprintf(stderr, "bgt-keeper: %s\n", sentence);
        return GUARD_STATUS_USAGE;
}

/* 0 to go on, -1 to end well, or an exit status. */
static int parse_argv(int argc, char *argv[]) {
        enum { ARG_RUNTIME_DIR = 0x100, ARG_CGROUP_ROOT, ARG_TRANSIENT, ARG_VERSION };
        static const struct option options[] = {
                { "runtime-dir", required_argument, NULL, ARG_RUNTIME_DIR },
                { "cgroup-root", required_argument, NULL, ARG_CGROUP_ROOT },
                { "transient",   no_argument,       NULL, ARG_TRANSIENT   },
                { "help",        no_argument,       NULL, 'h'             },
                { "version",     no_argument,       NULL, ARG_VERSION     },
                {}
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case ARG_RUNTIME_DIR:
                        arg_settings.runtime_dir = optarg;
                        break;
                case ARG_CGROUP_ROOT:
                        arg_settings.cgroup_root = optarg;
                        break;
                case ARG_TRANSIENT:
                        arg_settings.transient = true;
                        break;
                case ARG_VERSION:
                        puts("bgt-keeper " BGT_VERSION);
                        return -1;
                case 'h':
                        return help();
                default:
                        return GUARD_STATUS_USAGE;      /* getopt_long() has said why */
                }

        if (optind < argc)
                return usage("Arguments are not expected; see --help.");
        if (!arg_settings.runtime_dir)
                return usage("--runtime-dir is missing; it names the directory for the socket.");
        if (arg_settings.cgroup_root && arg_settings.cgroup_root[0] != '/')
                return usage("--cgroup-root must be an absolute path.");
        return 0;
}

/* Descriptors 0 to 2 must not become something that matters. */
static void open_standard_streams(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        (void) fd_close(fd);
}

int main(int argc, char *argv[]) {
        int r;

        r = parse_argv(argc, argv);
        if (r != 0)
                return r < 0 ? 0 : r;
        open_standard_streams();
        return guard_run(&arg_settings);
}
