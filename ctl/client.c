/* SPDX-License-Identifier: MIT */
#include "ctl/client.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "lib/wire/bus-names.h"

#define RETRY_FIRST_USEC (20 * USEC_PER_MSEC)
#define HANG_UPS_MAX 6
#define RETRY_LAST_USEC (500 * USEC_PER_MSEC)

struct Client {
        const char *path;
        Trouble *trouble;
        sd_bus *bus;                    /* NULL: not connected */
        bool is_lost;
        bool was_hung_up;               /* the connection was taken and broke before it was one: bgtd was just stopping */
        ClientOnChanged on_changed;     /* NULL: not subscribed */
        void *userdata;
        int signal_fd;                  /* -1: signals end the program */
        int interrupted;
};

/* ---- values to and from messages ---- */

static int message_append(sd_bus_message *m, const char *signature, const Value *value);

static int message_append_basic(sd_bus_message *m, char type, const Value *value) {
        int32_t i32 = (int32_t) value->integer;
        uint32_t u32 = (uint32_t) value->natural;
        int truth = value->type == VALUE_BOOLEAN && value->boolean;

        switch (type) {
        case 'b':
                return sd_bus_message_append_basic(m, type, &truth);
        case 'i':
                return sd_bus_message_append_basic(m, type, &i32);
        case 'u':
                return sd_bus_message_append_basic(m, type, &u32);
        case 'x':
                return sd_bus_message_append_basic(m, type, &value->integer);
        case 't':
                return sd_bus_message_append_basic(m, type, &value->natural);
        case 'd':
                return sd_bus_message_append_basic(m, type, &value->real);
        case 's':
                return text_is_utf8(value->string) ? sd_bus_message_append_basic(m, type, value->string) : -EILSEQ;
        case 'h':
                return sd_bus_message_append_basic(m, type, &value->fd);
        default:
                return -EINVAL;
        }
}

static int message_append_variant(sd_bus_message *m, const Value *value) {
        const char basic[] = { (char) value->type, '\0' };
        const char *contents = value->type == VALUE_LIST ? "as" : basic;
        int r;

        r = sd_bus_message_open_container(m, 'v', contents);
        if (r < 0)
                return r;
        r = message_append(m, contents, value);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int message_append_entry(sd_bus_message *m, const char *contents, const char *key, const Value *value) {
        int r;

        r = sd_bus_message_open_container(m, 'e', contents);
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(m, 's', key);
        if (r < 0)
                return r;
        r = message_append(m, contents + 1, value);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

/* @element: `s`, `t`, or `{sv}`. */
static int message_append_array(sd_bus_message *m, const char *element, const Value *value) {
        char contents[8] = {};
        int r;

        r = sd_bus_message_open_container(m, 'a', element);
        if (r < 0)
                return r;
        if (*element == '{')
                memcpy(contents, element + 1, strnlen(element + 1, 3) - 1);
        for (size_t i = 0; i < value->n_items; i++) {
                r = *element == '{' ? message_append_entry(m, contents, value->keys[i], value->items[i])
                                    : message_append(m, element, value->items[i]);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(m);
}

/* One value of one complete type. */
static int message_append(sd_bus_message *m, const char *signature, const Value *value) {
        if (*signature == 'v')
                return message_append_variant(m, value);
        if (*signature == 'a')
                return message_append_array(m, signature + 1, value);
        return message_append_basic(m, *signature, value);
}

/* How long the first complete type in @signature is; those that are sent have no structures. */
static size_t type_length(const char *signature) {
        if (*signature != 'a')
                return 1;
        return signature[1] == '{' ? strcspn(signature, "}") + 1 : 1 + type_length(signature + 1);
}

static int message_append_all(sd_bus_message *m, const char *signature, const Value *const *arguments) {
        char type[16];
        int r;

        for (; *signature; arguments++) {
                size_t n = type_length(signature);

                assert(n < sizeof type);
                memcpy(type, signature, n);
                type[n] = '\0';
                signature += n;
                r = message_append(m, type, *arguments);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int message_read(sd_bus_message *m, Value **ret);

static int message_read_basic(sd_bus_message *m, char type, Value **ret) {
        union {
                int truth;
                uint8_t y;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                const char *s;
                int h;
        } it = {};
        int r;

        r = sd_bus_message_read_basic(m, type, &it);
        if (r < 0)
                return r;

        switch (type) {
        case 'b':
                *ret = value_new_boolean(it.truth);
                break;
        case 'y':
                *ret = value_new_natural(VALUE_UINT32, it.y);
                break;
        case 'q':
                *ret = value_new_natural(VALUE_UINT32, it.q);
                break;
        case 'u':
                *ret = value_new_natural(VALUE_UINT32, it.u);
                break;
        case 't':
                *ret = value_new_natural(VALUE_UINT64, it.t);
                break;
        case 'n':
                *ret = value_new_integer(VALUE_INT32, it.n);
                break;
        case 'i':
                *ret = value_new_integer(VALUE_INT32, it.i);
                break;
        case 'x':
                *ret = value_new_integer(VALUE_INT64, it.x);
                break;
        case 'd':
                *ret = value_new_double(it.d);
                break;
        case 'h':
                *ret = value_new_fd(it.h);
                break;
        default:
                *ret = value_new_string(it.s);
        }
        return *ret ? 0 : -ENOMEM;
}

static int message_read_entry(sd_bus_message *m, const char *contents, Value *dictionary) {
        _cleanup_(value_freep) Value *item = NULL;
        const char *key;
        int r;

        r = sd_bus_message_enter_container(m, 'e', contents);
        if (r < 0)
                return r;
        r = sd_bus_message_read_basic(m, 's', &key);
        if (r < 0)
                return r;
        r = message_read(m, &item);
        if (r < 0)
                return r;
        r = value_set(dictionary, key, MOVE(item));
        if (r < 0)
                return r;
        return sd_bus_message_exit_container(m);
}

/* What is left in the container that was entered, or in the message. */
static int message_read_items(sd_bus_message *m, Value *into) {
        const char *contents;
        char type;
        int r;

        while ((r = sd_bus_message_peek_type(m, &type, &contents)) > 0) {
                _cleanup_(value_freep) Value *item = NULL;

                if (into->type == VALUE_DICTIONARY) {
                        r = message_read_entry(m, contents, into);
                        if (r < 0)
                                return r;
                        continue;
                }
                r = message_read(m, &item);
                if (r < 0)
                        return r;
                r = value_add(into, MOVE(item));
                if (r < 0)
                        return r;
        }
        return r;
}

static int message_read(sd_bus_message *m, Value **ret) {
        _cleanup_(value_freep) Value *value = NULL;
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (r == 0)
                return -EBADMSG;
        if (!strchr("avr", type))
                return message_read_basic(m, type, ret);

        r = sd_bus_message_enter_container(m, type, contents);
        if (r < 0)
                return r;
        if (type == 'v')
                r = message_read(m, &value);
        else {
                value = type == 'a' && *contents == '{' ? value_new_dictionary() : value_new_list();
                r = value ? message_read_items(m, value) : -ENOMEM;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = MOVE(value);
        return 0;
}

/* ---- the connection ---- */

int client_new(Client **ret, const char *path, Trouble *trouble) {
        Client *client = calloc(1, sizeof *client);

        if (!client)
                return trouble_failed(trouble, -ENOMEM, "Cannot connect to bgtd");
        client->path = path;
        client->trouble = trouble;
        client->signal_fd = -1;
        *ret = client;
        return 0;
}

Client *client_free(Client *client) {
        if (!client)
                return NULL;
        sd_bus_close_unref(client->bus);
        fd_close(client->signal_fd);
        free(client);
        return NULL;
}

bool client_is_lost(const Client *client) {
        return client->is_lost;
}

int client_watch_interrupt(Client *client) {
        static const int wanted[] = { SIGINT, SIGTERM };
        sigset_t set;

        /* one that is ignored stays so: a background job of a script is not meant by ^C */
        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
                struct sigaction action;

                if (sigaction(wanted[i], NULL, &action) >= 0 && action.sa_handler != SIG_IGN)
                        sigaddset(&set, wanted[i]);
        }
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return trouble_failed(client->trouble, result_errno(), "Cannot watch for signals");
        client->signal_fd = signalfd(client->signal_fd, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (client->signal_fd < 0)
                return trouble_failed(client->trouble, result_errno(), "Cannot watch for signals");
        return 0;
}

int client_interrupted(const Client *client) {
        return client->interrupted;
}

static bool is_trusted(uid_t uid) {
        return uid == 0 || uid == geteuid();
}

static int client_not_trusted(Client *client, uid_t uid) {
        return trouble_own(client->trouble, -EPERM, EXIT_NOT_REACHABLE,
                           "%s belongs to user %u, who is neither root nor you, so nothing was sent there; name bgtd's socket with --socket.",
                           client->path, (unsigned) uid);
}

/* By whose socket it is; one with a socket of its own is started by who chose that. */
static const char *start_advice(const char *path) {
        if (strcmp(path, "/run/bgt/bus") == 0)
                return " with `systemctl start bgtd`";
        return strncmp(path, "/run/user/", strlen("/run/user/")) == 0 ? " with `systemctl --user start bgtd`" : "";
}

static int client_not_reachable(Client *client, int r) {
        return trouble_own(client->trouble, -ENOTCONN, EXIT_NOT_REACHABLE,
                           "bgtd does not answer at %s (%s); start it%s, or name another one's socket with --socket.",
                           client->path, strerror(-r), start_advice(client->path));
}

static int client_drop(Client *client) {
        client->bus = sd_bus_close_unref(client->bus);
        client->is_lost = true;
        return -ENOTCONN;
}

static int client_went_away(Client *client) {
        (void) client_drop(client);
        return trouble_own(client->trouble, -ENOTCONN, EXIT_NOT_REACHABLE,
                           "bgtd went away before it answered; whether it has done what was asked is not known, `bgtctl list` shows it.");
}

static int client_not_answered(Client *client, uint64_t began_usec) {
        uint64_t waited = clock_now_usec(CLOCK_MONOTONIC) - began_usec;
        char span[32];

        quantity_format_span(waited / USEC_PER_MSEC * USEC_PER_MSEC, span);
        return trouble_own(client->trouble, -ETIMEDOUT, EXIT_TIMED_OUT,
                           "bgtd has not answered within %s and may still do what was asked; --timeout waits longer.", span);
}

/*
 * The socket, connected through its descriptor: what was looked at is what is
 * connected to, and a long path is no obstacle. -EAGAIN: its queue is full.
 */
static int client_open_socket(Client *client, int *ret) {
        _cleanup_(fd_closep) int path_fd = -1, fd = -1;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct stat st;
        struct ucred peer;
        socklen_t size = sizeof peer;

        path_fd = open(client->path, O_PATH | O_CLOEXEC);
        if (path_fd < 0 || fstat(path_fd, &st) < 0)
                return client_not_reachable(client, result_errno());
        if (!S_ISSOCK(st.st_mode))
                return client_not_reachable(client, -ENOTSOCK);
        if (!is_trusted(st.st_uid))
                return client_not_trusted(client, st.st_uid);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return client_not_reachable(client, result_errno());
        (void) snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", path_fd);
        if (connect(fd, (struct sockaddr *) &address, sizeof address) < 0)
                return errno == EAGAIN ? -EAGAIN : client_not_reachable(client, result_errno());
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return client_not_reachable(client, result_errno());
        if (!is_trusted(peer.uid))
                return client_not_trusted(client, peer.uid);
        *ret = MOVE_FD(fd);
        return 0;
}

static int client_on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(value_freep) Value *properties = NULL;
        Client *client = userdata;

        (void) error;

        if (client->on_changed && message_read(m, &properties) >= 0)
                client->on_changed(properties, client->userdata);
        return 0;
}

static int bus_open(Client *client, int fd, sd_bus **ret) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(fd_closep) int owned = fd;
        int r;

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        r = sd_bus_set_fd(bus, owned, owned);
        if (r < 0)
                return r;
        owned = -1;
        r = sd_bus_negotiate_fds(bus, true);
        if (r < 0)
                return r;
        r = sd_bus_start(bus);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(bus, NULL, NULL, NULL, BUS_TASK_INTERFACE, "Changed", client_on_signal, client);
        if (r < 0)
                return r;
        *ret = MOVE(bus);
        return 0;
}

static struct timespec timespec_of(uint64_t usec) {
        return (struct timespec) { .tv_sec = (time_t) (usec / USEC_PER_SEC), .tv_nsec = (long) (usec % USEC_PER_SEC * 1000) };
}

/* Whether one of the signals of client_watch_interrupt() came: -EINTR. */
static int client_check_interrupt(Client *client) {
        struct signalfd_siginfo signal;

        if (client->signal_fd < 0 || read(client->signal_fd, &signal, sizeof signal) != sizeof signal)
                return 0;
        client->interrupted = (int) signal.ssi_signo;
        return -EINTR;
}

/* A pause that grows. -ETIMEDOUT when the deadline has come. */
static int client_pause(Client *client, uint64_t *pause_usec, uint64_t deadline_usec) {
        struct pollfd fd = { .fd = client->signal_fd, .events = POLLIN };
        uint64_t now = clock_now_usec(CLOCK_MONOTONIC), pause = *pause_usec;
        struct timespec t;

        if (now >= deadline_usec)
                return -ETIMEDOUT;
        if (pause > deadline_usec - now)
                pause = deadline_usec - now;
        t = timespec_of(pause);
        (void) ppoll(&fd, 1, &t, NULL);
        *pause_usec = pause * 2 > RETRY_LAST_USEC ? RETRY_LAST_USEC : pause * 2;
        return client_check_interrupt(client);
}

/* Until something can be read or written, or the deadline: -ETIMEDOUT. */
static int client_poll(Client *client, uint64_t deadline_usec) {
        struct pollfd fds[2];
        uint64_t until = USEC_INFINITY, now;
        struct timespec t;
        int events;

        events = sd_bus_get_events(client->bus);
        if (events < 0 || sd_bus_get_timeout(client->bus, &until) < 0)
                return client_drop(client);
        if (until > deadline_usec)
                until = deadline_usec;
        now = clock_now_usec(CLOCK_MONOTONIC);
        if (now >= deadline_usec)
                return -ETIMEDOUT;

        t = timespec_of(usec_sub(until, now));
        fds[0] = (struct pollfd) { .fd = sd_bus_get_fd(client->bus), .events = (short) events };
        fds[1] = (struct pollfd) { .fd = client->signal_fd, .events = POLLIN };
        if (ppoll(fds, 2, until == USEC_INFINITY ? NULL : &t, NULL) < 0 && errno != EINTR)
                return trouble_failed(client->trouble, result_errno(), "Cannot wait for bgtd");
        return client_check_interrupt(client);
}

/* Does what there is to do on the connection, then waits for more. -ENOTCONN, without a trouble, when it is broken. */
static int client_turn(Client *client, uint64_t deadline_usec) {
        int r;

        r = sd_bus_process(client->bus, NULL);
        if (r < 0)
                return client_drop(client);
        if (r == 0)
                return client_poll(client, deadline_usec);
        return clock_now_usec(CLOCK_MONOTONIC) < deadline_usec ? 0 : -ETIMEDOUT;
}

static int client_subscribe_again(Client *client, uint64_t deadline_usec) {
        _cleanup_(value_freep) Value *nothing = NULL;

        return client_call(client, &(ClientCall) { .method = "Subscribe", .signature = "", .deadline_usec = deadline_usec }, &nothing);
}

static int client_connect_once(Client *client, uint64_t deadline_usec) {
        uint64_t began = clock_now_usec(CLOCK_MONOTONIC), pause = RETRY_FIRST_USEC;
        int fd = -1, r;

        client->was_hung_up = false;

        while ((r = client_open_socket(client, &fd)) == -EAGAIN) {
                r = client_pause(client, &pause, deadline_usec);
                if (r < 0)
                        return r == -ETIMEDOUT ? client_not_answered(client, began) : r;
        }
        if (r < 0)
                return r;
        r = bus_open(client, fd, &client->bus);
        if (r < 0) {
                client->was_hung_up = true;
                return client_not_reachable(client, r);
        }

        /* libsystemd would wait for this by itself, and without a deadline */
        while (sd_bus_is_ready(client->bus) == 0) {
                r = client_turn(client, deadline_usec);
                if (r == -ENOTCONN) {
                        client->was_hung_up = true;
                        return client_not_reachable(client, -ECONNRESET);
                }
                if (r < 0)
                        return r == -ETIMEDOUT ? client_not_answered(client, began) : r;
        }
        client->is_lost = false;
        return client->on_changed ? client_subscribe_again(client, deadline_usec) : 0;
}

/* Nothing has been asked yet, so it may be tried again: with socket activation the next bgtd is already being started. */
int client_connect(Client *client, uint64_t deadline_usec) {
        uint64_t pause = RETRY_FIRST_USEC;
        int r = 0;

        if (client->bus)
                return 0;
        for (unsigned i = 0; i < HANG_UPS_MAX; i++) {
                *client->trouble = (Trouble) {};
                r = client_connect_once(client, deadline_usec);
                if (r != -ENOTCONN || !client->was_hung_up || client_pause(client, &pause, deadline_usec) < 0)
                        return r;
        }
        return r;
}

int client_reconnect(Client *client, uint64_t deadline_usec) {
        uint64_t pause = RETRY_FIRST_USEC;
        int r;

        for (;;) {
                *client->trouble = (Trouble) {};
                r = client_connect(client, deadline_usec);
                if (r != -ENOTCONN)
                        return r;
                r = client_pause(client, &pause, deadline_usec);
                if (r < 0)
                        return r == -ETIMEDOUT ? -ENOTCONN : r;
        }
}

/* ---- calls ---- */

typedef struct Answer {
        sd_bus_message *message;
        bool done;
} Answer;

static int answer_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Answer *answer = userdata;

        (void) error;

        answer->message = sd_bus_message_ref(m);
        answer->done = true;
        return 0;
}

static void answer_done(Answer *answer) {
        sd_bus_message_unref(answer->message);
}

static int client_take_answer(Client *client, sd_bus_message *m, Value **ret) {
        _cleanup_(value_freep) Value *values = NULL;
        const sd_bus_error *error = sd_bus_message_get_error(m);
        int r;

        if (error && sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
                return client_went_away(client);
        if (error)
                return trouble_refused(client->trouble, error->name, error->message ? error->message : error->name);

        values = value_new_list();
        r = values ? message_read_items(m, values) : -ENOMEM;
        if (r < 0)
                return trouble_failed(client->trouble, r, "Cannot read bgtd's answer");
        *ret = MOVE(values);
        return 0;
}

static int client_send(Client *client, const ClientCall *call, Answer *answer, sd_bus_slot **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(client->bus, &m, NULL, BUS_PATH, BUS_MANAGER_INTERFACE, call->method);
        if (r < 0)
                return r;
        r = message_append_all(m, call->signature, call->arguments);
        if (r < 0)
                return r;
        r = sd_bus_call_async(client->bus, ret, m, answer_on_reply, answer, UINT64_MAX);
        return r < 0 ? r : 0;
}

int client_call(Client *client, const ClientCall *call, Value **ret) {
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        _cleanup_(answer_done) Answer answer = {};
        uint64_t began = clock_now_usec(CLOCK_MONOTONIC);
        int r;

        r = client_connect(client, call->deadline_usec);
        if (r < 0)
                return r;
        r = client_send(client, call, &answer, &slot);
        if (r == -EILSEQ)
                return trouble_own(client->trouble, r, EXIT_INVALID, "A word on the command line is not UTF-8, and the bus carries nothing else.");
        if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE)
                return client_went_away(client);
        if (r < 0)
                return trouble_failed(client->trouble, r, "Cannot ask bgtd");

        while (!answer.done) {
                r = client_turn(client, call->deadline_usec);
                if (r == -ETIMEDOUT && !answer.done)
                        return client_not_answered(client, began);
                if (r == -ENOTCONN && !answer.done)
                        return client_went_away(client);
                if (r < 0 && !answer.done)
                        return r;
        }
        return client_take_answer(client, answer.message, ret);
}

int client_subscribe(Client *client, ClientOnChanged on_changed, void *userdata, uint64_t deadline_usec) {
        int r;

        r = client_connect(client, deadline_usec);
        if (r < 0)
                return r;
        client->on_changed = on_changed;
        client->userdata = userdata;
        return client_subscribe_again(client, deadline_usec);
}

void client_unsubscribe(Client *client) {
        client->on_changed = NULL;
        client->userdata = NULL;
}

int client_wait(Client *client, uint64_t deadline_usec) {
        int r;

        r = client_connect(client, deadline_usec);
        if (r < 0)
                return r;
        r = client_turn(client, deadline_usec);
        return r == -ETIMEDOUT ? 0 : r;
}
