/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "supervisor/bus/quota.h"
#include "tests/kit/unit.h"

/* Enough for 400 connections in all, 100 of one user. */
#define N_FDS 3200

static void a_user_has_a_quarter_of_all_connections(void **state) {
        Quota *quota, *other;
        Quotas quotas;
        size_t n = 0;

        quotas_init(&quotas, N_FDS);
        while (quota_enter(&quotas, 1000, &quota) == 0)
                n++;
        assert_int_equal(n, 100);
        assert_int_equal(quota_enter(&quotas, 1000, &other), -EDQUOT);
        assert_int_equal(quota_enter(&quotas, 1001, &other), 0);

        quota_leave(&quotas, other);
        while (n-- > 0)
                quota_leave(&quotas, quota);
        quotas_done(&quotas);
}

static void all_users_together_have_a_bound_and_root_none(void **state) {
        Quota *quota[5], *root, *one_more;
        Quotas quotas;

        quotas_init(&quotas, N_FDS);
        for (uid_t uid = 0; uid < 4; uid++)
                for (size_t i = 0; i < 100; i++)
                        assert_int_equal(quota_enter(&quotas, 1000 + uid, &quota[uid]), 0);
        assert_int_equal(quota_enter(&quotas, 2000, &one_more), -EDQUOT);
        for (size_t i = 0; i < 1000; i++)
                assert_int_equal(quota_enter(&quotas, 0, &root), 0);

        for (size_t i = 0; i < 1000; i++)
                quota_leave(&quotas, root);
        for (uid_t uid = 0; uid < 4; uid++)
                for (size_t i = 0; i < 100; i++)
                        quota_leave(&quotas, quota[uid]);
        quotas_done(&quotas);
}

static void connections_of_a_user_share_one_account(void **state) {
        Quota *a, *b, *other;
        Quotas quotas;

        quotas_init(&quotas, N_FDS);
        assert_int_equal(quota_enter(&quotas, 1000, &a), 0);
        assert_int_equal(quota_enter(&quotas, 1000, &b), 0);
        assert_int_equal(quota_enter(&quotas, 1001, &other), 0);
        assert_ptr_equal(a, b);
        assert_ptr_not_equal(a, other);
        assert_int_equal(a->n_connections, 2);

        quota_leave(&quotas, a);
        quota_leave(&quotas, b);
        quota_leave(&quotas, other);
        quotas_done(&quotas);
}

static void an_account_that_is_left_is_empty_when_it_is_entered_again(void **state) {
        Quotas quotas;
        Quota *quota;

        quotas_init(&quotas, N_FDS);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(quota_enter(&quotas, 1000, &quota), 0);
                assert_int_equal(quota->n_connections, 1);
                assert_int_equal(quota->n_request_bytes, 0);
                assert_true(quota_take_request(quota, 100));
                quota_give_request(quota, 100);
                quota_leave(&quotas, quota);
                assert_int_equal(quotas.n_users, 0);
        }
        quotas_done(&quotas);
}

static void what_is_refused_is_not_taken(void **state) {
        Quotas quotas;
        Quota *quota;

        quotas_init(&quotas, N_FDS);
        assert_int_equal(quota_enter(&quotas, 1000, &quota), 0);
        assert_true(quota_take_request(quota, QUOTA_REQUEST_BYTES_MAX - 1));
        assert_false(quota_take_request(quota, 2));
        assert_false(quota_take_request(quota, UINT64_MAX));
        assert_true(quota_take_request(quota, 1));
        assert_false(quota_take_request(quota, 1));
        assert_true(quota_take_request(quota, 0));
        quota_give_request(quota, QUOTA_REQUEST_BYTES_MAX);
        quota_leave(&quotas, quota);
        quotas_done(&quotas);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_user_has_a_quarter_of_all_connections),
                cmocka_unit_test(all_users_together_have_a_bound_and_root_none),
                cmocka_unit_test(connections_of_a_user_share_one_account),
                cmocka_unit_test(an_account_that_is_left_is_empty_when_it_is_entered_again),
                cmocka_unit_test(what_is_refused_is_not_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
