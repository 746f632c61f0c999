/* core/share: of what there is, a user may have no more than is free, and the next finds some. */
#include "core/share.h"

#include "core/error.h"
#include "proto/frame.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <errno.h>
#include <string.h>

static uint64_t take_all(Share *share, uint64_t *mine)
{
        while (share_has_room(share, *mine, 1))
                share_take(share, mine, 1);
        return *mine;
}

START_TEST(one_alone_has_half_and_each_next_one_half_of_what_is_left)
{
        Share share = {.max = 1024};
        uint64_t mine[10] = {0};

        for (uint64_t i = 0; i < 10; i++)
                ck_assert_uint_eq(take_all(&share, &mine[i]), UINT64_C(512) >> i);
        ck_assert_uint_eq(share_free(&share), 1);
        /* Who comes back to less takes what is free then, and no more. */
        share_give_back(&share, &mine[0], 512);
        ck_assert_uint_eq(take_all(&share, &mine[0]), 257);
        ck_assert(!share_has_room(&share, mine[1], 1));
}
END_TEST

START_TEST(many_at_once_are_all_that_is_free_for_the_first_and_within_the_share_for_others)
{
        Share share = {.max = 100};
        uint64_t mine = 0;

        ck_assert(share_has_room(&share, 0, 100));
        ck_assert(!share_has_room(&share, 0, 101));
        share_take(&share, &mine, 40);
        ck_assert(share_has_room(&share, mine, 20));
        ck_assert(!share_has_room(&share, mine, 21));
        ck_assert(!share_has_room(&share, mine, UINT64_MAX));
        ck_assert(!share_has_room(&share, UINT64_MAX, 1));
}
END_TEST

/* Limits that were lowered, and what is taken whether there is room or not. */
START_TEST(more_than_there_is_leaves_nothing_free_and_comes_back)
{
        Share share = {.max = 2};
        uint64_t mine = 0;

        share_take(&share, &mine, 5);
        ck_assert_uint_eq(share_free(&share), 0);
        ck_assert(!share_has_room(&share, 0, 1));
        ck_assert(share_has_room(&share, 0, 0));
        share_give_back(&share, &mine, 5);
        ck_assert_uint_eq(share.used, 0);
}
END_TEST

START_TEST(a_refusal_says_how_many_there_are_how_many_are_whose_and_the_way_out)
{
        Share share = {.max = 10};
        uint64_t mine = 0;

        ck_assert_int_eq(share_check(&share, mine, 1, "places", "leave one"), 0);
        share_take(&share, &mine, 8);
        ck_assert_int_eq(share_check(&share, mine, 1, "places", "leave one"), -EDQUOT);
        ck_assert_str_eq(error_text(),
                         "8 of 10 places of all users together; 8 are yours: leave one");
        ck_assert_int_eq(share_check(&share, 0, 3, "places", "leave one"), -EDQUOT);
        ck_assert_str_eq(error_text(),
                         "8 of 10 places of all users together; 0 are yours: try later");
        share = (Share){.used = 4294967295, .max = 4294967295};
        ck_assert_int_eq(share_check(&share, 4294967295, 1, "epoll watches", "close some"),
                         -EDQUOT);
        ck_assert_uint_lt(strlen(error_text()), FRAME_TEXT_MAX);
}
END_TEST

/* Whatever they take and give back, somebody who has nothing finds one as long as others have kept
 * to their share. */
START_TEST(whoever_has_nothing_finds_some_whatever_a_few_others_do)
{
        enum { USERS = 6 };
        Share share = {.max = 1 << 10};
        uint64_t mine[USERS] = {0}, state = 1;

        for (int i = 0; i < 100000; i++) {
                uint64_t *user = &mine[random_below(&state, USERS)];

                if (random_below(&state, 100) == 0)
                        share_give_back(&share, user, random_next(&state) % (*user + 1));
                else if (share_has_room(&share, *user, 1))
                        share_take(&share, user, 1);
                ASSERT_IN_LOOP(share_has_room(&share, 0, 1));
        }
}
END_TEST

TEST_SUITE(test_share)
{
        TCase *tcase = tcase_create("share");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, one_alone_has_half_and_each_next_one_half_of_what_is_left);
        tcase_add_test(
                tcase,
                many_at_once_are_all_that_is_free_for_the_first_and_within_the_share_for_others);
        tcase_add_test(tcase, more_than_there_is_leaves_nothing_free_and_comes_back);
        tcase_add_test(tcase, a_refusal_says_how_many_there_are_how_many_are_whose_and_the_way_out);
        tcase_add_test(tcase, whoever_has_nothing_finds_some_whatever_a_few_others_do);
        suite_add_tcase(suite, tcase);
}
