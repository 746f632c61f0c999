/* daemon/turn: the longest turn is told, from the first callback to the end. */
#include "daemon/loop/turn.h"
#include "tests/support/fixture.h"

/* A turn that began so long ago ends. */
static void turn_of(Turn *turn, uint64_t ns)
{
        turn->began_ns = clock_now_ns() - ns;
        turn_end(turn);
}

START_TEST(the_longest_turn_is_remembered)
{
        Turn turn = {.count = 0};

        turn_of(&turn, 1000000);
        turn_of(&turn, 5000000000);
        turn_of(&turn, 2000000);
        ck_assert_uint_eq(turn.count, 3);
        ck_assert_uint_ge(turn.longest_ns, 5000000000);
        ck_assert_uint_lt(turn.longest_ns, 6000000000);
}
END_TEST

START_TEST(a_turn_begins_with_its_first_callback)
{
        Turn turn = {.count = 0};
        uint64_t began;

        turn_begin(&turn);
        began = turn.began_ns;
        ck_assert_uint_ne(began, 0);
        while (clock_now_ns() == began)
                ;
        turn_begin(&turn);
        ck_assert_uint_eq(turn.began_ns, began);
        turn_end(&turn);
        ck_assert_uint_gt(turn.longest_ns, 0);
        ck_assert_uint_eq(turn.began_ns, 0);
}
END_TEST

START_TEST(a_turn_that_served_nobody_does_not_count)
{
        Turn turn = {.count = 0};

        turn_end(&turn);
        ck_assert_uint_eq(turn.count, 0);
        ck_assert_uint_eq(turn.longest_ns, 0);
}
END_TEST

TEST_SUITE(test_turn)
{
        TCase *turns = tcase_create("turns");

        tcase_add_test(turns, the_longest_turn_is_remembered);
        tcase_add_test(turns, a_turn_begins_with_its_first_callback);
        tcase_add_test(turns, a_turn_that_served_nobody_does_not_count);
        suite_add_tcase(suite, turns);
}
