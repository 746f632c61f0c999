/* daemon/session_rate: a user opens no more sessions than the pace allows, and is alone in that. */
#include "daemon/budget/session_rate.h"
#include "tests/support/fixture.h"

enum { PER_SECOND = 100, AT_ONCE = 10 };
#define STEP_NS UINT64_C(10000000)
#define NOW_NS  UINT64_C(5000000000)

static SessionRate rate;

static bool take(uid_t uid, uint64_t now_ns)
{
        return session_rate_take(&rate, uid, PER_SECOND, AT_ONCE, now_ns);
}

static int take_all(uid_t uid, uint64_t now_ns)
{
        int n = 0;

        while (n < 1000 && take(uid, now_ns))
                n++;
        return n;
}

static void set_up(void)
{
        rate = (SessionRate){.count = 0};
}

START_TEST(some_may_come_at_once_and_then_one_each_step)
{
        ck_assert_int_eq(take_all(1, NOW_NS), AT_ONCE);
        ck_assert(!take(1, NOW_NS + STEP_NS - 1));
        ck_assert(take(1, NOW_NS + STEP_NS));
        ck_assert(!take(1, NOW_NS + STEP_NS));
        ck_assert_int_eq(take_all(1, NOW_NS + 4 * STEP_NS), 3);
}
END_TEST

START_TEST(who_has_waited_long_enough_may_have_as_many_again_and_no_more)
{
        ck_assert_int_eq(take_all(1, NOW_NS), AT_ONCE);
        ck_assert_int_eq(take_all(1, NOW_NS + 1000 * STEP_NS), AT_ONCE);
}
END_TEST

START_TEST(one_users_haste_is_not_anothers)
{
        ck_assert_int_eq(take_all(1, NOW_NS), AT_ONCE);
        ck_assert_int_eq(take_all(2, NOW_NS), AT_ONCE);
        ck_assert(!take(1, NOW_NS));
        ck_assert(!take(2, NOW_NS));
}
END_TEST

START_TEST(a_user_has_one_place_and_gives_it_back)
{
        for (uid_t uid = 0; uid < 3 * SESSION_RATE_USERS_MAX; uid++)
                ck_assert(take(uid, NOW_NS + uid * STEP_NS));
        ck_assert_uint_le(rate.count, 2);
}
END_TEST

/* A user may be many. */
START_TEST(where_there_are_more_users_than_places_the_hasty_stay_and_nobody_is_kept_out)
{
        ck_assert_int_eq(take_all(7, NOW_NS), AT_ONCE);
        for (uid_t uid = 1000; uid < 1000 + 3 * SESSION_RATE_USERS_MAX; uid++)
                ck_assert(take(uid, NOW_NS));
        ck_assert(!take(7, NOW_NS));
        ck_assert_int_eq(take_all(5000, NOW_NS), AT_ONCE);
        ck_assert_uint_eq(rate.count, SESSION_RATE_USERS_MAX);
}
END_TEST

TEST_SUITE(test_session_rate)
{
        TCase *users = tcase_create("users");

        tcase_add_checked_fixture(users, set_up, NULL);
        tcase_add_test(users, some_may_come_at_once_and_then_one_each_step);
        tcase_add_test(users, who_has_waited_long_enough_may_have_as_many_again_and_no_more);
        tcase_add_test(users, one_users_haste_is_not_anothers);
        tcase_add_test(users, a_user_has_one_place_and_gives_it_back);
        tcase_add_test(
                users,
                where_there_are_more_users_than_places_the_hasty_stay_and_nobody_is_kept_out);
        suite_add_tcase(suite, users);
}
