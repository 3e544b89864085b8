/* SPDX-License-Identifier: MIT */
#include "lib/wire/spawn-spec.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "lib/wire/keeper-protocol.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

typedef struct SpawnSpecHeader {
        uint32_t magic;
        uint32_t size;          /* of the whole */
        uint32_t uid, gid, umask, flags;
        uint32_t n_groups, n_argv, n_environment, n_attach;
} SpawnSpecHeader;

static void append_strings(Text *text, char *const *v) {
        for (size_t i = 0; v && v[i]; i++)
                text_append_bytes(text, v[i], strlen(v[i]) + 1);
}

int spawn_spec_encode(const SpawnSpec *spec) {
        SpawnSpecHeader header = {
                .magic = SPAWN_SPEC_MAGIC,
                .uid = spec->uid, .gid = spec->gid, .umask = spec->umask, .flags = spec->flags,
                .n_groups = (uint32_t) spec->n_groups,
                .n_argv = (uint32_t) strv_length(spec->argv),
                .n_environment = (uint32_t) strv_length(spec->environment),
                .n_attach = (uint32_t) strv_length(spec->attach),
        };
        _cleanup_(text_done) Text text = {};

        if (header.n_argv == 0)
                return -EINVAL;
        if (spec->n_groups > SPAWN_GROUPS_MAX)
                return -E2BIG;

        text_append_bytes(&text, &header, sizeof header);
        for (size_t i = 0; i < spec->n_groups; i++) {
                uint32_t gid = spec->groups[i];

                text_append_bytes(&text, &gid, sizeof gid);
        }
        text_append_bytes(&text, spec->directory, strlen(spec->directory) + 1);
        text_append_bytes(&text, text_or_empty(spec->cgroup_mount), strlen(text_or_empty(spec->cgroup_mount)) + 1);
        append_strings(&text, spec->argv);
        append_strings(&text, spec->environment);
        append_strings(&text, spec->attach);
        if (text.failed)
                return -ENOMEM;
        if (text.length > KEEPER_SPEC_BYTES_MAX)
                return -E2BIG;

        header.size = (uint32_t) text.length;
        memcpy(text.data, &header, sizeof header);
        return fd_new_sealed("bgt-spawn", text.data, text.length);
}

/* What is left to read of the mapping. */
typedef struct Rest {
        const char *p, *end;
} Rest;

static int rest_string(Rest *rest, const char **ret) {
        const char *nul = memchr(rest->p, '\0', (size_t) (rest->end - rest->p));

        if (!nul)
                return -EBADMSG;
        *ret = rest->p;
        rest->p = nul + 1;
        return 0;
}

/* A vector whose strings are borrowed from the mapping; only the array is the caller's. */
static int rest_vector(Rest *rest, uint32_t n, char ***ret) {
        _cleanup_(freep) char **v = NULL;
        int r;

        if (n > (size_t) (rest->end - rest->p))         /* each takes at least its NUL */
                return -EBADMSG;
        v = calloc((size_t) n + 1, sizeof *v);
        if (!v)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++) {
                r = rest_string(rest, (const char **) &v[i]);
                if (r < 0)
                        return r;
        }
        *ret = MOVE(v);
        return 0;
}

static int view_map(SpawnSpecView *view, int memfd) {
        struct stat st;
        void *mapping;
        int seals;

        seals = fcntl(memfd, F_GET_SEALS);
        if (seals < 0 || (seals & SEALS) != SEALS)
                return -EBADMSG;
        if (fstat(memfd, &st) < 0)
                return result_errno();
        if (st.st_size < (off_t) sizeof(SpawnSpecHeader) || st.st_size > (off_t) KEEPER_SPEC_BYTES_MAX)
                return -EBADMSG;

        mapping = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, memfd, 0);
        if (mapping == MAP_FAILED)
                return result_errno();
        view->mapping = mapping;
        view->mapping_size = (size_t) st.st_size;
        return 0;
}

static int view_parse(SpawnSpecView *view) {
        SpawnSpecHeader header;
        SpawnSpec *spec = &view->spec;
        Rest rest = { view->mapping, (const char *) view->mapping + view->mapping_size };
        char **argv = NULL, **environment = NULL, **attach = NULL;
        int r;

        memcpy(&header, rest.p, sizeof header);
        rest.p += sizeof header;
        if (header.magic != SPAWN_SPEC_MAGIC || header.size != view->mapping_size || header.n_argv == 0 ||
            (header.flags & ~(uint32_t) _SPAWN_FLAGS_ALL) || header.n_groups > SPAWN_GROUPS_MAX ||
            (header.umask & ~0777U) || header.n_groups * sizeof(uint32_t) > (size_t) (rest.end - rest.p))
                return -EBADMSG;

        spec->uid = header.uid;
        spec->gid = header.gid;
        spec->umask = header.umask;
        spec->flags = header.flags;
        spec->groups = (const gid_t *) rest.p;
        spec->n_groups = header.n_groups;
        rest.p += header.n_groups * sizeof(uint32_t);

        r = rest_string(&rest, &spec->directory);
        if (r < 0)
                return r;
        r = rest_string(&rest, &spec->cgroup_mount);
        if (r < 0)
                return r;
        r = rest_vector(&rest, header.n_argv, &argv);
        spec->argv = argv;
        if (r < 0)
                return r;
        r = rest_vector(&rest, header.n_environment, &environment);
        spec->environment = environment;
        if (r < 0)
                return r;
        r = rest_vector(&rest, header.n_attach, &attach);
        spec->attach = attach;
        if (r < 0)
                return r;
        return rest.p == rest.end && spec->argv[0][0] ? 0 : -EBADMSG;
}

int spawn_spec_decode(int memfd, SpawnSpecView *ret) {
        _cleanup_(spawn_spec_view_done) SpawnSpecView view = {};
        int r;

        r = view_map(&view, memfd);
        if (r < 0)
                return r;
        r = view_parse(&view);
        if (r < 0)
                return r;
        *ret = view;
        view = (SpawnSpecView) {};
        return 0;
}

void spawn_spec_view_done(SpawnSpecView *view) {
        free((void *) view->spec.argv);
        free((void *) view->spec.environment);
        free((void *) view->spec.attach);
        if (view->mapping)
                (void) munmap(view->mapping, view->mapping_size);
        *view = (SpawnSpecView) {};
}
