/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/shared-bus.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "lib/wire/bus-names.h"
#include "supervisor/bus/bus.h"
#include "supervisor/bus/link.h"
#include "supervisor/bus/peer.h"
#include "supervisor/bus/sandbox.h"
#include "supervisor/sys/log.h"

/*
 * Here the broker says who a sender is, and has to be asked: once for each name,
 * without waiting. What the sender asks meanwhile is held, and read again when
 * the answer has come. A name is never given to somebody else, so the answer
 * holds until the name goes away.
 */

#define HELD_MAX 64
#define CLIENTS_MAX 4096
#define DRIVER "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"
#define REPLY_PRIMARY_OWNER 1

typedef struct Client Client;

struct Client {
        Peer peer;                      /* among the bus's peers once it is known */
        SharedBus *shared;
        bool known;
        sd_bus_slot *question;          /* who it is; NULL: answered */
        sd_bus_slot *watch;             /* whether it is still there */
        sd_bus_message **held;
        size_t n_held;
        Client *next;                   /* SharedBus.clients */
};

struct SharedBus {
        Bus *bus;
        sd_bus *connection;
        Link link;
        Client *clients;
        size_t n_clients;
};

static_assert(offsetof(Client, peer) == 0, "a client is found by its peer");

static void client_free(Client *client) {
        Client **link = &client->shared->clients;

        while (*link != client)
                link = &(*link)->next;
        *link = client->next;
        client->shared->n_clients--;

        (void) sd_bus_slot_unref(client->question);
        (void) sd_bus_slot_unref(client->watch);
        for (size_t i = 0; i < client->n_held; i++)
                (void) sd_bus_message_unref(client->held[i]);
        free(client->held);
        if (client->known)
                peer_done(&client->peer);
        else
                free(client->peer.name);
        free(client);
}

static void client_free_peer(Peer *peer) {
        client_free((Client *) peer);
}

static void client_drop(Client *client) {
        if (client->known)
                peer_doom(&client->peer, "it has left the bus");
        else
                client_free(client);
}

static int client_on_gone(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        client_drop(userdata);
        return 0;
}

static int read_groups(sd_bus_message *m, gid_t **ret, size_t *ret_n) {
        const void *groups;
        size_t size;
        gid_t *copy;
        int r;

        static_assert(sizeof(gid_t) == sizeof(uint32_t), "groups travel as they are");

        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "au");
        if (r < 0)
                return r;
        r = sd_bus_message_read_array(m, SD_BUS_TYPE_UINT32, &groups, &size);
        if (r < 0)
                return r;
        copy = malloc(size + 1);
        if (!copy)
                return -ENOMEM;
        if (size > 0)
                memcpy(copy, groups, size);
        free(*ret);
        *ret = copy;
        *ret_n = size / sizeof *copy;
        return sd_bus_message_exit_container(m);
}

/* What the broker says of a name; @pidfd is the message's. */
typedef struct Credentials {
        uint32_t uid, pid;
        bool has_uid;
        gid_t *groups;
        size_t n_groups;
        int pidfd;
} Credentials;

static void credentials_done(Credentials *credentials) {
        free(credentials->groups);
}

static int read_credential(sd_bus_message *m, Credentials *credentials) {
        const char *key;
        int r;

        r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &key);
        if (r < 0)
                return r;
        if (strcmp(key, "UnixUserID") == 0) {
                credentials->has_uid = true;
                return sd_bus_message_read(m, "v", "u", &credentials->uid);
        }
        if (strcmp(key, "ProcessID") == 0)
                return sd_bus_message_read(m, "v", "u", &credentials->pid);
        if (strcmp(key, "ProcessFD") == 0)
                return sd_bus_message_read(m, "v", "h", &credentials->pidfd);
        if (strcmp(key, "UnixGroupIDs") == 0)
                return read_groups(m, &credentials->groups, &credentials->n_groups);
        return sd_bus_message_skip(m, "v");
}

static int read_credentials(sd_bus_message *m, Credentials *ret) {
        int r;

        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
                r = read_credential(m, ret);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        return ret->has_uid ? 0 : -ENODATA;
}

static int client_learn(Client *client, sd_bus_message *m) {
        _cleanup_(credentials_done) Credentials credentials = { .pidfd = -1 };
        Bus *bus = client->shared->bus;
        int r;

        r = read_credentials(m, &credentials);
        if (r < 0)
                return r;
        client->peer.caller = (Caller) {
                .uid = credentials.uid,
                .gid = (gid_t) -1,      /* among the others, and no broker says which it is */
                .groups = credentials.groups,
                .n_groups = credentials.n_groups,
                .pid = (pid_t) credentials.pid,
                .sandboxed = sandbox_holds(bus->sv, &bus->outside, (pid_t) credentials.pid, credentials.pidfd),
        };
        r = peer_init(&client->peer, bus, client->shared->connection, credentials.groups);
        if (r < 0)
                return r;
        credentials.groups = NULL;
        client->peer.free = client_free_peer;
        client->known = true;
        return 0;
}

static void client_release(Client *client) {
        int r;

        for (size_t i = 0; i < client->n_held; i++) {
                r = sd_bus_enqueue_for_read(client->shared->connection, client->held[i]);
                if (r < 0)
                        (void) log_failure(r, "Cannot read a client's request again");
                (void) sd_bus_message_unref(client->held[i]);
        }
        client->n_held = 0;
}

static void client_refuse(Client *client, int reason) {
        for (size_t i = 0; i < client->n_held; i++)
                (void) sd_bus_reply_method_errnof(client->held[i], reason, "It cannot be found out who asks: %s.", strerror(-reason));
        client_free(client);
}

static int client_on_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Client *client = userdata;
        int r;

        client->question = sd_bus_slot_unref(client->question);
        r = sd_bus_message_is_method_error(m, NULL) > 0 ? -sd_bus_message_get_errno(m) : client_learn(client, m);
        if (r < 0)
                client_refuse(client, r);
        else
                client_release(client);
        return 0;
}

/* First the watch, then the question: whoever is gone in between is not missed. */
static int client_ask(Client *client) {
        sd_bus *connection = client->shared->connection;
        _cleanup_(freep) char *rule = NULL;
        int r;

        rule = text_format("type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                           "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s',arg2=''", client->peer.name);
        if (!rule)
                return -ENOMEM;
        r = sd_bus_add_match_async(connection, &client->watch, rule, client_on_gone, NULL, client);
        if (r < 0)
                return r;
        return sd_bus_call_method_async(connection, &client->question, DRIVER, "GetConnectionCredentials",
                                        client_on_credentials, client, "s", client->peer.name);
}

static int client_new(SharedBus *shared, const char *name, Client **ret) {
        Client *client;
        int r;

        if (shared->n_clients >= CLIENTS_MAX)
                return -EDQUOT;
        client = calloc(1, sizeof *client);
        if (!client)
                return -ENOMEM;
        client->shared = shared;
        client->next = shared->clients;
        shared->clients = client;
        shared->n_clients++;

        client->peer.name = strdup(name);
        r = client->peer.name ? client_ask(client) : -ENOMEM;
        if (r < 0) {
                client_free(client);
                return r;
        }
        *ret = client;
        return 0;
}

static int client_hold(Client *client, sd_bus_message *m) {
        sd_bus_message **held;

        if (client->n_held >= HELD_MAX)
                return -EDQUOT;
        held = reallocarray(client->held, client->n_held + 1, sizeof *held);
        if (!held)
                return -ENOMEM;
        client->held = held;
        held[client->n_held++] = sd_bus_message_ref(m);
        return 0;
}

static Client *client_find(const SharedBus *shared, const char *name) {
        for (Client *client = shared->clients; client; client = client->next)
                if (strcmp(client->peer.name, name) == 0)
                        return client;
        return NULL;
}

static int shared_bus_identify(Link *link, sd_bus_message *m) {
        SharedBus *shared = (SharedBus *) ((char *) link - offsetof(SharedBus, link));
        const char *sender = sd_bus_message_get_sender(m);
        Client *client;
        int r;

        if (!sender)
                return -EACCES;
        client = client_find(shared, sender);
        if (client && client->known) {
                link->peer = &client->peer;
                return 0;
        }
        if (!client) {
                r = client_new(shared, sender, &client);
                if (r < 0)
                        return r;
        }
        r = client_hold(client, m);
        return r < 0 ? r : 1;
}

static int shared_bus_on_name(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *refusal = sd_bus_message_get_error(m);
        uint32_t result = 0;

        if (refusal)
                log_warning("The bus does not let us be called " BUS_NAME ": %s", text_or_empty(refusal->message));
        else if (sd_bus_message_read_basic(m, SD_BUS_TYPE_UINT32, &result) < 0 || result != REPLY_PRIMARY_OWNER)
                log_warning("Another process is called " BUS_NAME " on the bus; this one answers on its socket alone.");
        return 0;
}

static int shared_bus_on_disconnect(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        SharedBus *shared = userdata;
        Client *next;

        log_warning("The connection to the bus is lost; the private socket is still there.");
        for (Client *client = shared->clients; client; client = next) {
                next = client->next;
                client_drop(client);
        }
        return 0;
}

static int shared_bus_start(SharedBus *shared) {
        int r;

        r = sd_bus_set_close_on_exit(shared->connection, false);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(shared->connection, NULL, NULL, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                "Disconnected", shared_bus_on_disconnect, shared);
        if (r < 0)
                return r;
        shared->link = (Link) { .bus = shared->bus, .identify = shared_bus_identify };
        r = link_export(&shared->link, shared->connection);
        if (r < 0)
                return r;
        r = sd_bus_request_name_async(shared->connection, NULL, BUS_NAME, 0, shared_bus_on_name, shared);
        if (r < 0)
                return r;
        return sd_bus_attach_event(shared->connection, shared->bus->sv->event, PRIORITY_REST);
}

/*
 * Without descriptors: closing one of a file system that does not answer would
 * hold us for ever, and the broker passes on everybody's.
 */
static int open_system(sd_bus **ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *connection = NULL;
        const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r;

        r = sd_bus_new(&connection);
        if (r < 0)
                return r;
        r = sd_bus_set_address(connection, address ? address : "unix:path=/run/dbus/system_bus_socket");
        if (r < 0)
                return r;
        r = sd_bus_set_bus_client(connection, true);
        if (r < 0)
                return r;
        r = sd_bus_negotiate_fds(connection, false);
        if (r < 0)
                return r;
        r = sd_bus_start(connection);
        if (r < 0)
                return r;
        *ret = MOVE(connection);
        return 0;
}

int shared_bus_open(SharedBus **ret, Bus *bus, SharedBusKind kind) {
        SharedBus *shared;
        int r;

        *ret = NULL;
        if (kind == SHARED_BUS_NONE)
                return 0;

        shared = calloc(1, sizeof *shared);
        if (!shared)
                return -ENOMEM;
        shared->bus = bus;
        r = kind == SHARED_BUS_SYSTEM ? open_system(&shared->connection) : sd_bus_open_user(&shared->connection);
        if (r >= 0)
                r = shared_bus_start(shared);
        if (r < 0) {
                (void) log_result(LOG_INFO, r, 0, "No %s bus here; the private socket is enough",
                                  kind == SHARED_BUS_SYSTEM ? "system" : "session");
                (void) shared_bus_close(shared);
                return 0;
        }
        *ret = shared;
        return 0;
}

SharedBus *shared_bus_close(SharedBus *shared) {
        if (!shared)
                return NULL;

        while (shared->clients)
                client_free(shared->clients);
        (void) sd_bus_close_unref(shared->connection);
        free(shared);
        return NULL;
}
