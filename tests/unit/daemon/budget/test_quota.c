/*
 * daemon/quota: what a user charged is given back exactly, no limit is passed, and one user's
 * charges and limits are not another's.
 */
#include "core/error.h"
#include "daemon/budget/quota.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

static Quota quota;

static const uint32_t no_limits[QUOTA_RESOURCE_COUNT];
static const uint32_t some_limits[QUOTA_RESOURCE_COUNT] = {
        [QUOTA_SESSIONS] = 3, [QUOTA_REGISTRATIONS] = 10, [QUOTA_LISTENERS] = 1,
        [QUOTA_HOLDS] = 2,    [QUOTA_CONNECTS] = 4,
};

static void set_up(void)
{
        quota_init(&quota);
}

static QuotaUser *user_ref(uid_t uid)
{
        QuotaUser *user;

        ASSERT_IN_LOOP(quota_user_ref(&quota, uid, some_limits, &user) == 0);
        ASSERT_IN_LOOP(user->uid == uid);
        return user;
}

START_TEST(a_user_has_one_account_until_the_last_reference_is_gone)
{
        QuotaUser *first = user_ref(1000);
        QuotaUser *again = user_ref(1000);

        ck_assert_ptr_eq(first, again);
        ck_assert_ptr_ne(user_ref(1001), first);
        ck_assert_int_eq(quota_charge(first, QUOTA_SESSIONS, 1), 0);
        ck_assert_ptr_null(quota_user_unref(&quota, again));
        /* Still there, with its charge. */
        ck_assert_uint_eq(user_ref(1000)->used[QUOTA_SESSIONS], 1);
        quota_discharge(first, QUOTA_SESSIONS, 1);
        quota_user_unref(&quota, first);
        quota_user_unref(&quota, first);
        quota_user_unref(&quota, user_ref(1001));
        quota_user_unref(&quota, user_ref(1001));
}
END_TEST

START_TEST(nobody_is_no_reference)
{
        ck_assert_ptr_null(quota_user_unref(&quota, NULL));
}
END_TEST

START_TEST(a_forgotten_user_starts_anew)
{
        QuotaUser *user = user_ref(1000);

        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, 10), 0);
        quota_discharge(user, QUOTA_REGISTRATIONS, 10);
        quota_user_unref(&quota, user);
        ck_assert_ptr_null(quota.users);
        user = user_ref(1000);
        ck_assert_uint_eq(user->used[QUOTA_REGISTRATIONS], 0);
        ck_assert_uint_eq(user->references, 1);
        quota_user_unref(&quota, user);
        quota_deinit(&quota);
}
END_TEST

START_TEST(the_limit_itself_is_allowed_and_one_more_is_refused_by_name)
{
        QuotaUser *user = user_ref(1000);

        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(quota_charge(user, QUOTA_SESSIONS, 1), 0);
        ck_assert_int_eq(quota_charge(user, QUOTA_SESSIONS, 1), -EDQUOT);
        ck_assert_str_eq(error_text(),
                         "user 1000 is at the limit of 3 sessions per user: end some first");
        ck_assert_uint_eq(user->used[QUOTA_SESSIONS], 3);
        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, 11), -EDQUOT);
        ck_assert_str_eq(error_text(),
                         "user 1000 is at the limit of 10 registrations per user: end some first");
        ck_assert_uint_eq(user->used[QUOTA_REGISTRATIONS], 0);
        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, 10), 0);
}
END_TEST

START_TEST(what_was_given_back_can_be_charged_again)
{
        QuotaUser *user = user_ref(1000);

        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, 10), 0);
        quota_discharge(user, QUOTA_REGISTRATIONS, 4);
        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, 5), -EDQUOT);
        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, 4), 0);
}
END_TEST

START_TEST(users_and_resources_do_not_share)
{
        QuotaUser *one = user_ref(1000), *other = user_ref(1001);

        ck_assert_int_eq(quota_charge(one, QUOTA_SESSIONS, 3), 0);
        ck_assert_int_eq(quota_charge(other, QUOTA_SESSIONS, 3), 0);
        ck_assert_int_eq(quota_charge(one, QUOTA_REGISTRATIONS, 10), 0);
        ck_assert_int_eq(quota_charge(other, QUOTA_SESSIONS, 1), -EDQUOT);
}
END_TEST

START_TEST(numbers_that_overflow_pass_no_limit)
{
        const uint32_t wide[QUOTA_RESOURCE_COUNT] = {[QUOTA_REGISTRATIONS] = UINT32_MAX};
        QuotaUser *user = user_ref(1000);

        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, UINT32_MAX), -EDQUOT);
        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, 10), 0);
        /* 10 + UINT32_MAX is 9 in 32 bits. */
        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, UINT32_MAX), -EDQUOT);

        ck_assert_int_eq(quota_user_ref(&quota, 1001, wide, &user), 0);
        ck_assert_int_eq(quota_charge(user, QUOTA_SESSIONS, 1), -EDQUOT);
        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, UINT32_MAX), 0);
        ck_assert_int_eq(quota_charge(user, QUOTA_REGISTRATIONS, 1), -EDQUOT);
}
END_TEST

START_TEST(each_resource_has_a_limit_and_a_name_of_its_own)
{
        static const char *const names[QUOTA_RESOURCE_COUNT] = {
                [QUOTA_SESSIONS] = "sessions",   [QUOTA_REGISTRATIONS] = "registrations",
                [QUOTA_LISTENERS] = "listeners", [QUOTA_HOLDS] = "holds",
                [QUOTA_CONNECTS] = "connects",
        };
        QuotaUser *user = user_ref(1000);
        char sentence[ERROR_TEXT_MAX];

        for (QuotaResource i = 0; i < QUOTA_RESOURCE_COUNT; i++) {
                ck_assert_int_eq(quota_charge(user, i, some_limits[i]), 0);
                ck_assert_int_eq(quota_charge(user, i, 1), -EDQUOT);
                snprintf(sentence, sizeof(sentence),
                         "user 1000 is at the limit of %u %s per user: end some first",
                         some_limits[i], names[i]);
                ck_assert_str_eq(error_text(), sentence);
        }
}
END_TEST

START_TEST(a_user_has_the_largest_limits_that_were_named)
{
        const uint32_t more_holds[QUOTA_RESOURCE_COUNT] = {[QUOTA_HOLDS] = 5};
        QuotaUser *user = user_ref(1000), *other = user_ref(1001), *same;

        ck_assert_int_eq(quota_user_ref(&quota, 1000, more_holds, &same), 0);
        ck_assert_ptr_eq(same, user);
        ck_assert_int_eq(quota_charge(user, QUOTA_HOLDS, 5), 0);
        ck_assert_int_eq(quota_charge(user, QUOTA_HOLDS, 1), -EDQUOT);
        ck_assert_int_eq(quota_charge(user, QUOTA_SESSIONS, 3), 0);
        ck_assert_int_eq(quota_charge(other, QUOTA_HOLDS, 3), -EDQUOT);
}
END_TEST

START_TEST(another_reference_leaves_the_limits_and_keeps_the_account)
{
        QuotaUser *user = user_ref(1000);

        ck_assert_ptr_eq(quota_user_ref_again(user), user);
        ck_assert_int_eq(quota_charge(user, QUOTA_HOLDS, 2), 0);
        quota_user_unref(&quota, user);
        /* Who had the first is gone, the charge is not. */
        ck_assert_int_eq(quota_charge(user, QUOTA_HOLDS, 1), -EDQUOT);
        quota_discharge(user, QUOTA_HOLDS, 2);
        quota_user_unref(&quota, user);
        quota_deinit(&quota);
}
END_TEST

START_TEST(a_forgotten_user_starts_with_the_limits_of_then)
{
        QuotaUser *user = user_ref(1000);

        quota_user_unref(&quota, user);
        ck_assert_int_eq(quota_user_ref(&quota, 1000, no_limits, &user), 0);
        ck_assert_int_eq(quota_charge(user, QUOTA_SESSIONS, 1), -EDQUOT);
}
END_TEST

START_TEST(a_reload_takes_nothing_back_and_its_limits_count_from_then_on)
{
        enum { USERS = 40 };
        const uint32_t one_hold[QUOTA_RESOURCE_COUNT] = {[QUOTA_HOLDS] = 1};
        QuotaUser *users[USERS];

        for (uid_t i = 0; i < USERS; i++) {
                users[i] = user_ref(1000 + i);
                ck_assert_int_eq(quota_charge(users[i], QUOTA_HOLDS, 2), 0);
        }
        quota_forget_limits(&quota);
        for (uid_t i = 0; i < USERS; i++) {
                ck_assert_uint_eq(users[i]->used[QUOTA_HOLDS], 2);
                ck_assert_int_eq(quota_charge(users[i], QUOTA_SESSIONS, 1), -EDQUOT);
                quota_user_raise_limits(users[i], one_hold);
                ck_assert_int_eq(quota_charge(users[i], QUOTA_HOLDS, 1), -EDQUOT);
                quota_discharge(users[i], QUOTA_HOLDS, 2);
                ck_assert_int_eq(quota_charge(users[i], QUOTA_HOLDS, 1), 0);
                ck_assert_int_eq(quota_charge(users[i], QUOTA_HOLDS, 1), -EDQUOT);
        }
}
END_TEST

START_TEST(whatever_many_users_do_the_accounts_balance)
{
        enum { USERS = 50 };
        static uint32_t used[USERS], references[USERS];
        uint64_t state = 4;

        for (int round = 0; round < 20000; round++) {
                uint32_t i = random_below(&state, USERS);
                uint32_t amount = random_below(&state, 6);
                QuotaUser *user = user_ref(1000 + i);
                int r;

                references[i]++;
                ASSERT_IN_LOOP(user->references == references[i]);
                ASSERT_IN_LOOP(user->used[QUOTA_REGISTRATIONS] == used[i]);
                if (random_below(&state, 2) == 0) {
                        r = quota_charge(user, QUOTA_REGISTRATIONS, amount);
                        ASSERT_IN_LOOP(r == (used[i] + amount > 10 ? -EDQUOT : 0));
                        used[i] += r == 0 ? amount : 0;
                } else {
                        quota_discharge(user, QUOTA_REGISTRATIONS, used[i]);
                        used[i] = 0;
                        for (; references[i] > 0; references[i]--)
                                quota_user_unref(&quota, user);
                }
        }
        for (uint32_t i = 0; i < USERS; i++) {
                QuotaUser *user = user_ref(1000 + i);

                quota_discharge(user, QUOTA_REGISTRATIONS, used[i]);
                for (references[i]++; references[i] > 0; references[i]--)
                        quota_user_unref(&quota, user);
        }
        quota_deinit(&quota);
}
END_TEST

#ifndef NDEBUG
START_TEST(an_account_closed_with_charges_ends_the_program)
{
        QuotaUser *user = user_ref(1000);

        quota_charge(user, QUOTA_SESSIONS, 1);
        quota_user_unref(&quota, user);
}
END_TEST

START_TEST(giving_back_more_than_was_charged_ends_the_program)
{
        QuotaUser *user = user_ref(1000);

        quota_charge(user, QUOTA_SESSIONS, 1);
        quota_discharge(user, QUOTA_SESSIONS, 2);
}
END_TEST

START_TEST(a_teardown_with_users_ends_the_program)
{
        user_ref(1000);
        quota_deinit(&quota);
}
END_TEST
#endif

TEST_SUITE(test_quota)
{
        TCase *accounts = tcase_create("accounts");

        tcase_add_checked_fixture(accounts, set_up, NULL);
        tcase_add_test(accounts, a_user_has_one_account_until_the_last_reference_is_gone);
        tcase_add_test(accounts, nobody_is_no_reference);
        tcase_add_test(accounts, a_forgotten_user_starts_anew);
        tcase_add_test(accounts, the_limit_itself_is_allowed_and_one_more_is_refused_by_name);
        tcase_add_test(accounts, what_was_given_back_can_be_charged_again);
        tcase_add_test(accounts, users_and_resources_do_not_share);
        tcase_add_test(accounts, numbers_that_overflow_pass_no_limit);
        tcase_add_test(accounts, each_resource_has_a_limit_and_a_name_of_its_own);
        tcase_add_test(accounts, a_user_has_the_largest_limits_that_were_named);
        tcase_add_test(accounts, another_reference_leaves_the_limits_and_keeps_the_account);
        tcase_add_test(accounts, a_forgotten_user_starts_with_the_limits_of_then);
        tcase_add_test(accounts, a_reload_takes_nothing_back_and_its_limits_count_from_then_on);
        tcase_add_test(accounts, whatever_many_users_do_the_accounts_balance);
#ifndef NDEBUG
        tcase_add_test_raise_signal(accounts, an_account_closed_with_charges_ends_the_program,
                                    SIGABRT);
        tcase_add_test_raise_signal(accounts, giving_back_more_than_was_charged_ends_the_program,
                                    SIGABRT);
        tcase_add_test_raise_signal(accounts, a_teardown_with_users_ends_the_program, SIGABRT);
#endif
        tcase_set_timeout(accounts, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, accounts);
}
