/* SPDX-License-Identifier: MIT */

/*
 * bgtd: decides what becomes of tasks. Stopping it, however, stops none.
 */

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/fd.h"
#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/bus/bus.h"
#include "supervisor/engine/supervisor.h"
#include "supervisor/sys/log.h"

enum {
        STATUS_FAILED = 1,
        STATUS_USAGE = 2,               /* or configuration */
        STATUS_LOCKED = 3,
};

typedef enum Printing {
        PRINT_NOTHING,
        PRINT_SETTINGS,
        PRINT_TYPE,
} Printing;

static SupervisorOptions arg_options;
static const char *arg_bus;             /* NULL: by the mode */
static Printing arg_printing;

static int help(void) {
        puts("bgtd [OPTIONS]\n\n"
             "Supervise background tasks. Stopping it stops none of them.\n\n"
             "  --user              Be a user's own supervisor\n"
             "  --config-dir DIR    Where bgtd.conf and types.d are, instead of the usual\n"
             "                      places\n"
             "  --state-dir DIR     Where tasks are remembered (default: /var/lib/bgt)\n"
             "  --runtime-dir DIR   Where the sockets are made (default: /run/bgt)\n"
             "  --cgroup-root PATH  A cgroup v2 directory for the tasks (default: found or\n"
             "                      made)\n"
             "  --bus WHICH         The shared bus to be on as well: system, session or none\n"
             "                      (default: none with --runtime-dir, else by the mode)\n"
             "  --print-settings    Print bgtd.conf with every key and its default\n"
             "  --print-type        Print a type file with every key and its default\n"
             "  -h, --help          Show this text\n"
             "  --version           Show the version\n\n"
             "SIGTERM and SIGINT end it, SIGHUP has the configuration read again.\n\n"
             "Exit status: 0 stopped, 1 failure, 2 usage or configuration, 3 another one is\n"
             "running, 4 no usable cgroup v2.");
        return -1;
}

static int fail(int status, const char *sentence) {
        fprintf(stderr, "bgtd: %s\n", sentence);
        return status;
}

/* 0 to go on, -1 to end well, or an exit status. */
static int parse_argv(int argc, char *argv[]) {
        enum {
                ARG_USER = 0x100, ARG_CONFIG_DIR, ARG_STATE_DIR, ARG_RUNTIME_DIR, ARG_CGROUP_ROOT, ARG_BUS,
                ARG_PRINT_SETTINGS, ARG_PRINT_TYPE, ARG_VERSION,
        };
        static const struct option options[] = {
                { "user",           no_argument,       NULL, ARG_USER           },
                { "config-dir",     required_argument, NULL, ARG_CONFIG_DIR     },
                { "state-dir",      required_argument, NULL, ARG_STATE_DIR      },
                { "runtime-dir",    required_argument, NULL, ARG_RUNTIME_DIR    },
                { "cgroup-root",    required_argument, NULL, ARG_CGROUP_ROOT    },
                { "bus",            required_argument, NULL, ARG_BUS            },
                { "print-settings", no_argument,       NULL, ARG_PRINT_SETTINGS },
                { "print-type",     no_argument,       NULL, ARG_PRINT_TYPE     },
                { "help",           no_argument,       NULL, 'h'                },
                { "version",        no_argument,       NULL, ARG_VERSION        },
                {}
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case ARG_USER:
                        arg_options.user_mode = true;
                        break;
                case ARG_CONFIG_DIR:
                        arg_options.config_dir = optarg;
                        break;
                case ARG_STATE_DIR:
                        arg_options.state_dir = optarg;
                        break;
                case ARG_RUNTIME_DIR:
                        arg_options.runtime_dir = optarg;
                        break;
                case ARG_CGROUP_ROOT:
                        arg_options.cgroup_root = optarg;
                        break;
                case ARG_BUS:
                        arg_bus = optarg;
                        break;
                case ARG_PRINT_SETTINGS:
                        arg_printing = PRINT_SETTINGS;
                        break;
                case ARG_PRINT_TYPE:
                        arg_printing = PRINT_TYPE;
                        break;
                case ARG_VERSION:
                        puts("bgtd " BGT_VERSION);
                        return -1;
                case 'h':
                        return help();
                default:
                        return STATUS_USAGE;    /* getopt_long() has said why */
                }

        if (optind < argc)
                return fail(STATUS_USAGE, "Arguments are not expected; see --help.");
        return 0;
}

static int print(void) {
        int r;

        r = arg_printing == PRINT_TYPE ? type_file_print(stdout) : settings_print(stdout);
        if (r >= 0 && fflush(stdout) != 0)
                r = result_errno();
        return r < 0 ? fail(STATUS_FAILED, strerror(-r)) : 0;
}

/* Descriptors 0 to 2 must not become something that matters. */
static void open_standard_streams(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        (void) fd_close(fd);
}

/* Everything above @path that is missing. */
static int make_parents(const char *path) {
        _cleanup_(freep) char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (mkdir(copy, 0700) < 0 && errno != EEXIST)
                        return result_errno();
                *slash = '/';
        }
        return 0;
}

/* A directory of the user's that the environment names, or a usual one in the home directory. */
static int find_user_directory(const char *variable, const char *below_home, char **ret, char **ret_sentence) {
        const char *named = getenv(variable), *home = getenv("HOME");
        _cleanup_(freep) char *path = NULL;
        int r;

        if (named && named[0] == '/')
                path = text_format("%s/bgt", named);
        else if (below_home && home && home[0] == '/')
                path = text_format("%s/%s/bgt", home, below_home);
        else {
                *ret_sentence = text_format("%s is not set; log in, or name the directory with an option, see --help.", variable);
                return -ENOENT;
        }
        if (!path)
                return -ENOMEM;
        r = make_parents(path);
        if (r < 0) {
                *ret_sentence = text_format("Cannot make %s: %s.", path, strerror(-r));
                return r;
        }
        *ret = MOVE(path);
        return 0;
}

/* For those that no option names. */
static int find_directories(char **ret_state, char **ret_runtime, char **ret_sentence) {
        int r;

        if (!arg_options.state_dir && arg_options.user_mode) {
                r = find_user_directory("XDG_STATE_HOME", ".local/state", ret_state, ret_sentence);
                if (r < 0)
                        return r;
                arg_options.state_dir = *ret_state;
        }
        if (!arg_options.runtime_dir && arg_options.user_mode) {
                r = find_user_directory("XDG_RUNTIME_DIR", NULL, ret_runtime, ret_sentence);
                if (r < 0)
                        return r;
                arg_options.runtime_dir = *ret_runtime;
        }
        if (!arg_options.state_dir)
                arg_options.state_dir = "/var/lib/bgt";
        if (!arg_options.runtime_dir)
                arg_options.runtime_dir = "/run/bgt";
        return 0;
}

/* A supervisor with a runtime directory of its own is no machine's or user's only one, so it does not claim the name. */
static int choose_bus(SharedBusKind *ret) {
        if (arg_bus && strcmp(arg_bus, "none") == 0)
                *ret = SHARED_BUS_NONE;
        else if (arg_bus && strcmp(arg_bus, "system") == 0)
                *ret = SHARED_BUS_SYSTEM;
        else if (arg_bus && strcmp(arg_bus, "session") == 0)
                *ret = SHARED_BUS_SESSION;
        else if (arg_bus)
                return -EINVAL;
        else if (arg_options.runtime_dir)
                *ret = SHARED_BUS_NONE;
        else
                *ret = arg_options.user_mode ? SHARED_BUS_SESSION : SHARED_BUS_SYSTEM;
        return 0;
}

/* The socket that was handed to us: -1 if there is none, -EINVAL if it is anything else. */
static int find_listening_socket(void) {
        int n;

        n = sd_listen_fds(true);
        if (n == 0)
                return -1;
        if (n != 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, true, NULL, 0) <= 0)
                return -EINVAL;
        return SD_LISTEN_FDS_START;
}

static int block_signals(void) {
        sigset_t signals;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigaddset(&signals, SIGINT);
        (void) sigaddset(&signals, SIGHUP);
        (void) sigaddset(&signals, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return result_errno();
        return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? result_errno() : 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        (void) sd_notify(false, "STOPPING=1");
        (void) sd_event_exit(sd_event_source_get_event(source), 0);
        return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Supervisor *sv = userdata;
        SettingsFault fault = {};
        int r;

        (void) sd_notify(false, "RELOADING=1");
        r = supervisor_reload(sv, &fault);
        if (r < 0)
                (void) log_failure(r, "The configuration stays as it was: %s", fault.sentence);
        else
                log_info("The configuration has been read again.");
        (void) sd_notify(false, "READY=1");
        return 0;
}

static int watch_signal(sd_event *event, int signal, sd_event_signal_handler_t handler, Supervisor *sv) {
        sd_event_source *source;
        int r;

        r = sd_event_add_signal(event, &source, signal, handler, sv);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(source, PRIORITY_SIGNALS);
        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        (void) sd_event_source_unref(source);
        return r;
}

static int watch_signals(sd_event *event, Supervisor *sv) {
        int r;

        r = watch_signal(event, SIGTERM, on_stop, sv);
        if (r < 0)
                return r;
        r = watch_signal(event, SIGINT, on_stop, sv);
        if (r < 0)
                return r;
        return watch_signal(event, SIGHUP, on_reload, sv);
}

static int loop_open(sd_event **ret) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        int r;

        r = block_signals();
        if (r < 0)
                return r;
        r = fd_raise_limit();
        if (r < 0)
                return r;
        r = sd_event_new(&event);
        if (r < 0)
                return r;
        r = sd_event_set_watchdog(event, true);
        if (r < 0)
                return r;
        *ret = MOVE(event);
        return 0;
}

/* The sentence may be missing for want of memory. */
static int fail_sentence(int status, int r, const char *sentence) {
        return fail(status, sentence && sentence[0] ? sentence : strerror(-r));
}

static int serve(sd_event *event, const BusOptions *bus_options) {
        _cleanup_(freep) char *sentence = NULL;
        _cleanup_(supervisor_closep) Supervisor *sv = NULL;
        _cleanup_(bus_closep) Bus *bus = NULL;
        int r, status = STATUS_FAILED;

        r = supervisor_open(&sv, event, &arg_options, &sentence, &status);
        if (r < 0)
                return fail_sentence(status, r, sentence);
        r = watch_signals(event, sv);
        if (r < 0)
                return fail_sentence(STATUS_FAILED, r, "Cannot watch for signals.");
        r = bus_open(&bus, sv, bus_options, &sentence);
        if (r < 0)
                return fail_sentence(r == -EADDRINUSE ? STATUS_LOCKED : STATUS_FAILED, r, sentence);

        (void) sd_notify(false, "READY=1");
        log_info("Ready on %s/bus.", arg_options.runtime_dir);
        r = sd_event_loop(event);
        return r < 0 ? fail_sentence(STATUS_FAILED, r, NULL) : r;
}

static int run(void) {
        _cleanup_(freep) char *state_dir = NULL, *runtime_dir = NULL, *sentence = NULL;
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        BusOptions bus_options = {};
        int r;

        r = choose_bus(&bus_options.shared);
        if (r < 0)
                return fail(STATUS_USAGE, "--bus is one of system, session and none.");
        r = find_directories(&state_dir, &runtime_dir, &sentence);
        if (r < 0)
                return fail_sentence(STATUS_USAGE, r, sentence);
        bus_options.listen_fd = find_listening_socket();
        if (bus_options.listen_fd < -1)
                return fail(STATUS_USAGE, "What was handed over is not one listening stream socket; see bgtd.socket.");
        r = loop_open(&event);
        if (r < 0)
                return fail_sentence(STATUS_FAILED, r, NULL);
        return serve(event, &bus_options);
}

int main(int argc, char *argv[]) {
        int r;

        r = parse_argv(argc, argv);
        if (r != 0)
                return r < 0 ? 0 : r;
        if (arg_printing != PRINT_NOTHING)
                return print();
        open_standard_streams();
        log_open(LOG_INFO);
        return run();
}
