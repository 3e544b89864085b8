/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "lib/wire/keeper-protocol.h"
#include "lib/wire/spawn-spec.h"
#include "tests/kit/unit.h"

/* The words of the header, in their order; the format is one of ours with ourselves. */
enum { MAGIC, SIZE, UID, GID, UMASK, FLAGS, N_GROUPS, N_ARGV, N_ENVIRONMENT, N_ATTACH, _N_WORDS };

static const gid_t groups[] = { 4, 24, 65534 };
static char *const arguments[] = { (char *) "/bin/echo", (char *) "", (char *) "a b", (char *) "\xc3\xa9\n\"$%", NULL };
static char *const environment[] = { (char *) "PATH=/bin", (char *) "EMPTY=", NULL };
static char *const attach[] = { (char *) "/sys/fs/cgroup/memory/x/cgroup.procs", NULL };

static const SpawnSpec sample = {
        .uid = 1000, .gid = 100, .groups = groups, .n_groups = ELEMENTSOF(groups),
        .umask = 027, .flags = SPAWN_CHANGE_IDENTITY | SPAWN_CGROUP_READ_ONLY,
        .directory = "/srv/data", .argv = arguments, .environment = environment, .attach = attach,
        .cgroup_mount = "/sys/fs/cgroup",
};

static void assert_same_strings(char *const *a, char *const *b) {
        assert_int_equal(strv_length(a), strv_length(b));
        for (size_t i = 0; a[i]; i++)
                assert_string_equal(a[i], b[i]);
}

/* The bytes of the sample, to be spoilt. */
static char *sample_bytes(size_t *ret_size) {
        _cleanup_(fd_closep) int fd = spawn_spec_encode(&sample);
        struct stat st;
        char *bytes;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        bytes = malloc((size_t) st.st_size);
        assert_non_null(bytes);
        assert_int_equal(pread(fd, bytes, (size_t) st.st_size, 0), st.st_size);
        *ret_size = (size_t) st.st_size;
        return bytes;
}

static int decode_bytes(const void *bytes, size_t size) {
        _cleanup_(fd_closep) int fd = fd_new_sealed("test", bytes, size);
        _cleanup_(spawn_spec_view_done) SpawnSpecView view = {};
        int r;

        assert_true(fd >= 0);
        r = spawn_spec_decode(fd, &view);
        if (r < 0)
                assert_null(view.mapping);
        return r;
}

static void what_is_encoded_is_decoded(void **state) {
        _cleanup_(fd_closep) int fd = spawn_spec_encode(&sample);
        _cleanup_(spawn_spec_view_done) SpawnSpecView view = {};

        assert_true(fd >= 0);
        assert_int_equal(spawn_spec_decode(fd, &view), 0);
        assert_int_equal(view.spec.uid, 1000);
        assert_int_equal(view.spec.gid, 100);
        assert_int_equal(view.spec.umask, 027);
        assert_int_equal(view.spec.flags, SPAWN_CHANGE_IDENTITY | SPAWN_CGROUP_READ_ONLY);
        assert_int_equal(view.spec.n_groups, ELEMENTSOF(groups));
        assert_memory_equal(view.spec.groups, groups, sizeof groups);
        assert_string_equal(view.spec.directory, "/srv/data");
        assert_string_equal(view.spec.cgroup_mount, "/sys/fs/cgroup");
        assert_same_strings(view.spec.argv, arguments);
        assert_same_strings(view.spec.environment, environment);
        assert_same_strings(view.spec.attach, attach);
}

static void nothing_but_a_command_is_enough(void **state) {
        const SpawnSpec spec = { .directory = "/", .argv = (char *[]) { (char *) "true", NULL } };
        _cleanup_(fd_closep) int fd = spawn_spec_encode(&spec);
        _cleanup_(spawn_spec_view_done) SpawnSpecView view = {};

        assert_true(fd >= 0);
        assert_int_equal(spawn_spec_decode(fd, &view), 0);
        assert_int_equal(view.spec.n_groups, 0);
        assert_non_null(view.spec.environment);
        assert_null(view.spec.environment[0]);
        assert_null(view.spec.attach[0]);
        assert_string_equal(view.spec.cgroup_mount, "");
}

static void an_argument_of_a_hundred_kilobytes_is_kept_whole(void **state) {
        _cleanup_(spawn_spec_view_done) SpawnSpecView view = {};
        _cleanup_(freep) char *argument = calloc(1, 100 * 1024 + 1);
        _cleanup_(fd_closep) int fd = -1;

        assert_non_null(argument);
        memset(argument, 'x', 100 * 1024);
        fd = spawn_spec_encode(&(SpawnSpec) {
                .directory = "/", .argv = (char *[]) { (char *) "true", argument, NULL },
        });
        assert_int_equal(spawn_spec_decode(fd, &view), 0);
        assert_string_equal(view.spec.argv[1], argument);
}

static void a_description_without_a_command_is_not_encoded(void **state) {
        assert_int_equal(spawn_spec_encode(&(SpawnSpec) { .directory = "/", .argv = (char *[]) { NULL } }), -EINVAL);
}

static void a_description_over_the_limit_is_not_encoded(void **state) {
        _cleanup_(freep) char *argument = calloc(1, KEEPER_SPEC_BYTES_MAX + 1);

        assert_non_null(argument);
        memset(argument, 'x', KEEPER_SPEC_BYTES_MAX);
        assert_int_equal(spawn_spec_encode(&(SpawnSpec) {
                .directory = "/", .argv = (char *[]) { argument, NULL },
        }), -E2BIG);
}

/* P-46 */
static void memory_that_is_not_sealed_is_refused(void **state) {
        static const int seals[] = {
                0, F_SEAL_GROW | F_SEAL_SHRINK, F_SEAL_WRITE | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_SHRINK,
        };
        _cleanup_(freep) char *bytes = NULL;
        size_t size;

        bytes = sample_bytes(&size);
        for (size_t i = 0; i < ELEMENTSOF(seals); i++) {
                _cleanup_(fd_closep) int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
                SpawnSpecView view = {};

                assert_int_equal(fd_write_all(fd, bytes, size), 0);
                assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
                assert_int_equal(spawn_spec_decode(fd, &view), -EBADMSG);
        }
}

/* P-46 */
static void what_is_no_memory_is_refused(void **state) {
        static const char *const paths[] = { "/dev/null", "/proc/self/exe", "/" };
        SpawnSpecView view = {};

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                _cleanup_(fd_closep) int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

                assert_int_equal(spawn_spec_decode(fd, &view), -EBADMSG);
        }
        assert_int_equal(spawn_spec_decode(-1, &view), -EBADMSG);
        assert_null(view.mapping);
}

/* P-46 */
static void every_truncation_is_refused(void **state) {
        _cleanup_(freep) char *bytes = NULL;
        size_t size;

        bytes = sample_bytes(&size);
        assert_int_equal(decode_bytes(bytes, size), 0);
        for (size_t n = 0; n < size; n++) {
                uint32_t claimed = (uint32_t) n;

                assert_int_equal(decode_bytes(bytes, n), -EBADMSG);
                if (n < _N_WORDS * sizeof claimed)
                        continue;

                /* the same with a header that agrees with it */
                memcpy(bytes + SIZE * sizeof claimed, &claimed, sizeof claimed);
                assert_int_equal(decode_bytes(bytes, n), -EBADMSG);
                claimed = (uint32_t) size;
                memcpy(bytes + SIZE * sizeof claimed, &claimed, sizeof claimed);
        }
}

/* P-46 */
static void bytes_after_the_end_are_refused(void **state) {
        _cleanup_(freep) char *bytes = NULL, *longer = NULL;
        uint32_t claimed;
        size_t size;

        bytes = sample_bytes(&size);
        longer = calloc(1, size + 1);
        assert_non_null(longer);
        memcpy(longer, bytes, size);
        claimed = (uint32_t) size + 1;
        memcpy(longer + SIZE * sizeof claimed, &claimed, sizeof claimed);
        assert_int_equal(decode_bytes(longer, size + 1), -EBADMSG);
}

/* P-46 */
static void a_header_that_lies_is_refused(void **state) {
        static const struct {
                size_t word;
                uint32_t value;
        } lies[] = {
                { MAGIC, 0 }, { SIZE, 0 }, { SIZE, UINT32_MAX }, { UMASK, 01000 }, { UMASK, UINT32_MAX },
                { FLAGS, _SPAWN_FLAGS_ALL + 1 }, { FLAGS, UINT32_MAX },
                { N_GROUPS, 0 }, { N_GROUPS, 2 }, { N_GROUPS, SPAWN_GROUPS_MAX },
                { N_GROUPS, SPAWN_GROUPS_MAX + 1 }, { N_GROUPS, 0x40000001 }, { N_GROUPS, UINT32_MAX },
                { N_ARGV, 0 }, { N_ARGV, 3 }, { N_ARGV, 5 }, { N_ARGV, 0x20000001 }, { N_ARGV, UINT32_MAX },
                { N_ENVIRONMENT, 1 }, { N_ENVIRONMENT, 3 }, { N_ENVIRONMENT, UINT32_MAX },
                { N_ATTACH, 0 }, { N_ATTACH, 2 }, { N_ATTACH, UINT32_MAX },
        };
        _cleanup_(freep) char *bytes = NULL;
        size_t size;

        bytes = sample_bytes(&size);
        for (size_t i = 0; i < ELEMENTSOF(lies); i++) {
                char *word = bytes + lies[i].word * sizeof(uint32_t);
                uint32_t truth;

                memcpy(&truth, word, sizeof truth);
                memcpy(word, &lies[i].value, sizeof truth);
                assert_int_equal(decode_bytes(bytes, size), -EBADMSG);
                memcpy(word, &truth, sizeof truth);
        }
        assert_int_equal(decode_bytes(bytes, size), 0);
}

/* P-46 */
static void a_command_without_a_name_is_refused(void **state) {
        uint32_t words[_N_WORDS] = { [MAGIC] = SPAWN_SPEC_MAGIC, [N_ARGV] = 1 };
        char bytes[sizeof words + 3] = "";

        words[SIZE] = sizeof bytes;
        memcpy(bytes, words, sizeof words);
        assert_int_equal(decode_bytes(bytes, sizeof bytes), -EBADMSG);
}

/* P-46 */
static void random_bytes_are_refused_or_make_a_whole_description(void **state) {
        enum { ROUNDS = 4000 };
        _cleanup_(freep) char *bytes = NULL;
        size_t size;

        bytes = sample_bytes(&size);
        srandom(1);
        for (int i = 0; i < ROUNDS; i++) {
                _cleanup_(spawn_spec_view_done) SpawnSpecView view = {};
                _cleanup_(freep) char *spoilt = malloc(size);
                _cleanup_(fd_closep) int fd = -1;

                assert_non_null(spoilt);
                memcpy(spoilt, bytes, size);
                for (int n = 1 + (int) (random() % 4); n > 0; n--)
                        spoilt[(size_t) random() % size] = (char) random();
                fd = fd_new_sealed("test", spoilt, size);
                if (spawn_spec_decode(fd, &view) < 0)
                        continue;

                /* all of it can be read */
                assert_true(strlen(view.spec.directory) + strlen(view.spec.cgroup_mount) < size);
                assert_true(view.spec.argv[0][0] != '\0');
                assert_true(strv_length(view.spec.argv) + strv_length(view.spec.environment) +
                            strv_length(view.spec.attach) < size);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_encoded_is_decoded),
                cmocka_unit_test(nothing_but_a_command_is_enough),
                cmocka_unit_test(an_argument_of_a_hundred_kilobytes_is_kept_whole),
                cmocka_unit_test(a_description_without_a_command_is_not_encoded),
                cmocka_unit_test(a_description_over_the_limit_is_not_encoded),
                cmocka_unit_test(memory_that_is_not_sealed_is_refused),
                cmocka_unit_test(what_is_no_memory_is_refused),
                cmocka_unit_test(every_truncation_is_refused),
                cmocka_unit_test(bytes_after_the_end_are_refused),
                cmocka_unit_test(a_header_that_lies_is_refused),
                cmocka_unit_test(a_command_without_a_name_is_refused),
                cmocka_unit_test(random_bytes_are_refused_or_make_a_whole_description),
        };

        return cmocka_run_group_tests_name("spawn-spec", tests, NULL, NULL);
}
