/* SPDX-License-Identifier: MIT */
#include "supervisor/bus/quota.h"

#include "lib/base/result.h"

#define CONNECTIONS_MAX 4096
#define FDS_PER_CONNECTION 4
/* A single user gets at most this part of all, so that there are some left for the next one. */
#define PART_OF_ONE_USER 4

void quotas_init(Quotas *quotas, uint64_t n_fds) {
        /* Half of what the process may have; the rest is the tasks'. */
        uint64_t n = n_fds / 2 / FDS_PER_CONNECTION;

        *quotas = (Quotas) { .n_connections_max = n < CONNECTIONS_MAX ? (size_t) n : CONNECTIONS_MAX };
}

void quotas_done(Quotas *quotas) {
        assert(quotas->n_users == 0);
        free(quotas->users);
        quotas->users = NULL;
}

static Quota *quota_find(Quotas *quotas, uid_t uid) {
        for (size_t i = 0; i < quotas->n_users; i++)
                if (quotas->users[i]->uid == uid)
                        return quotas->users[i];
        return NULL;
}

static int quota_new(Quotas *quotas, uid_t uid, Quota **ret) {
        _cleanup_(freep) Quota *quota = NULL;
        Quota **users;

        quota = calloc(1, sizeof *quota);
        users = reallocarray(quotas->users, quotas->n_users + 1, sizeof *users);
        if (users)
                quotas->users = users;
        if (!quota || !users)
                return -ENOMEM;

        quota->uid = uid;
        users[quotas->n_users++] = quota;
        *ret = MOVE(quota);
        return 0;
}

int quota_enter(Quotas *quotas, uid_t uid, Quota **ret) {
        Quota *quota = quota_find(quotas, uid);
        int r;

        if (uid != 0 && (quotas->n_connections >= quotas->n_connections_max ||
                         (quota && quota->n_connections >= quotas->n_connections_max / PART_OF_ONE_USER)))
                return -EDQUOT;

        if (!quota) {
                r = quota_new(quotas, uid, &quota);
                if (r < 0)
                        return r;
        }
        quota->n_connections++;
        quotas->n_connections += uid != 0;
        *ret = quota;
        return 0;
}

void quota_leave(Quotas *quotas, Quota *quota) {
        assert(quota->n_connections > 0);

        quotas->n_connections -= quota->uid != 0;
        if (--quota->n_connections > 0)
                return;

        assert(quota->n_request_bytes == 0);
        for (size_t i = 0; i < quotas->n_users; i++)
                if (quotas->users[i] == quota)
                        quotas->users[i] = quotas->users[--quotas->n_users];
        free(quota);
}

bool quota_take_request(Quota *quota, uint64_t n_bytes) {
        if (n_bytes > QUOTA_REQUEST_BYTES_MAX - quota->n_request_bytes)
                return false;
        quota->n_request_bytes += n_bytes;
        return true;
}

void quota_give_request(Quota *quota, uint64_t n_bytes) {
        assert(n_bytes <= quota->n_request_bytes);
        quota->n_request_bytes -= n_bytes;
}
