/* SPDX-License-Identifier: MIT */
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/sys/account.h"
#include "tests/kit/private.h"
#include "tests/kit/unit.h"

#define N_GROUPS 300
#define N_MEMBERS 2000

/* A user with more groups than are asked for at first, a very long entry, and a very long list of members. */
static bool replace_databases(void) {
        _cleanup_(text_done) Text users = {}, groups = {};

        text_append(&users, "root:x:0:0:root:/root:/bin/bash\n"
                            "ada:x:1000:1000:Ada:/home/ada:/bin/zsh\n"
                            "bare:x:1001:1001:::\n"
                            "4242:x:1002:1002::/home/numeric:/bin/sh\nlong:x:1003:1003:");
        for (int i = 0; i < 20000; i++)
                text_append_char(&users, 'x');
        text_append(&users, ":/home/long:/bin/sh\n");

        text_append(&groups, "root:x:0:\nada:x:1000:\n");
        for (int i = 0; i < N_GROUPS; i++)
                text_appendf(&groups, "g%d:x:%d:ada\n", i, 2000 + i);
        text_append(&groups, "crowd:x:5000:");
        for (int i = 0; i < N_MEMBERS; i++)
                text_appendf(&groups, "%smember%d", i ? "," : "", i);
        text_append(&groups, "\n");

        return !users.failed && !groups.failed && private_replace_file("/etc/passwd", users.data) &&
               private_replace_file("/etc/group", groups.data);
}

static void a_user_is_found_by_name_and_by_number(void **state) {
        _cleanup_(account_freep) Account *a = NULL, *b = NULL, *c = NULL;

        assert_int_equal(account_find("ada", &a), 0);
        assert_string_equal(a->name, "ada");
        assert_string_equal(a->home, "/home/ada");
        assert_string_equal(a->shell, "/bin/zsh");
        assert_int_equal(a->uid, 1000);
        assert_int_equal(a->gid, 1000);
        assert_int_equal(account_find("1000", &b), 0);
        assert_string_equal(b->name, "ada");
        assert_int_equal(account_find_uid(1000, &c), 0);
        assert_string_equal(c->name, "ada");
}

static void a_user_has_all_groups_however_many(void **state) {
        _cleanup_(account_freep) Account *a = NULL;
        bool own = false, last = false;

        assert_int_equal(account_find("ada", &a), 0);
        assert_int_equal(a->n_groups, N_GROUPS + 1);
        for (size_t i = 0; i < a->n_groups; i++) {
                own |= a->groups[i] == 1000;
                last |= a->groups[i] == 2000 + N_GROUPS - 1;
        }
        assert_true(own && last);
}

static void what_an_entry_leaves_empty_has_a_default(void **state) {
        _cleanup_(account_freep) Account *a = NULL;

        assert_int_equal(account_find("bare", &a), 0);
        assert_string_equal(a->home, "/");
        assert_string_equal(a->shell, "/bin/sh");
}

static void a_long_entry_is_read_whole(void **state) {
        _cleanup_(account_freep) Account *a = NULL;
        gid_t gid;

        assert_int_equal(account_find("long", &a), 0);
        assert_string_equal(a->home, "/home/long");
        assert_int_equal(account_find_group("crowd", &gid), 0);
        assert_int_equal(gid, 5000);
}

static void a_number_without_an_entry_is_a_user_all_the_same(void **state) {
        _cleanup_(account_freep) Account *a = NULL;

        assert_int_equal(account_find("77777", &a), 0);
        assert_string_equal(a->name, "77777");
        assert_string_equal(a->home, "/");
        assert_string_equal(a->shell, "/bin/sh");
        assert_int_equal(a->uid, 77777);
        assert_int_equal(a->gid, 77777);
        assert_int_equal(a->n_groups, 1);
        assert_int_equal(a->groups[0], 77777);
}

static void a_name_of_digits_goes_before_the_number(void **state) {
        _cleanup_(account_freep) Account *a = NULL;

        assert_int_equal(account_find("4242", &a), 0);
        assert_int_equal(a->uid, 1002);
}

/* P-43, P-44: -1 would mean "leave it as it is", which is root. */
static void what_is_no_user_is_none(void **state) {
        static const char *const names[] = {
                "", "nosuchuser", "root ", "-1", "+0", " 0", "0 ", "0x0",
                "65535", "4294967295", "4294967296", "18446744073709551616",
        };
        Account *a;
        gid_t gid;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(account_find(names[i], &a), -ESRCH);
                assert_int_equal(account_find_group(names[i], &gid), -ESRCH);
        }
        assert_int_equal(account_find_uid((uid_t) -1, &a), -ESRCH);
}

static void a_group_is_found_by_name_and_by_number(void **state) {
        gid_t gid;

        assert_int_equal(account_find_group("g7", &gid), 0);
        assert_int_equal(gid, 2007);
        assert_int_equal(account_find_group("2007", &gid), 0);
        assert_int_equal(gid, 2007);
        assert_int_equal(account_find_group("88888", &gid), 0);
        assert_int_equal(gid, 88888);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_user_is_found_by_name_and_by_number),
                cmocka_unit_test(a_user_has_all_groups_however_many),
                cmocka_unit_test(what_an_entry_leaves_empty_has_a_default),
                cmocka_unit_test(a_long_entry_is_read_whole),
                cmocka_unit_test(a_number_without_an_entry_is_a_user_all_the_same),
                cmocka_unit_test(a_name_of_digits_goes_before_the_number),
                cmocka_unit_test(what_is_no_user_is_none),
                cmocka_unit_test(a_group_is_found_by_name_and_by_number),
        };

        if (!private_enter() || !replace_databases())
                return UNIT_SKIPPED;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
