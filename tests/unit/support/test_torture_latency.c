/*
 * The histogram of times that a torture's figures come from.
 */
#include "tests/support/fixture.h"
#include "tests/torture/latency.h"

static Latency latency;

START_TEST(of_no_times_every_percentile_is_0)
{
        ck_assert_uint_eq(latency_percentile(&latency, 0.99), 0);
        ck_assert_uint_eq(latency.longest_ns, 0);
}
END_TEST

START_TEST(short_times_are_told_exactly)
{
        for (uint64_t ns = 1; ns <= 100; ns++)
                latency_add(&latency, ns);
        ck_assert_uint_eq(latency_percentile(&latency, 0.5), 50);
        ck_assert_uint_eq(latency_percentile(&latency, 0.99), 99);
        ck_assert_uint_eq(latency_percentile(&latency, 1), 100);
}
END_TEST

START_TEST(long_times_are_told_to_a_64th_and_never_too_short)
{
        for (uint64_t ns = 1; ns < UINT64_MAX / 3; ns = ns * 3 + 1) {
                latency = (Latency){0};
                latency_add(&latency, ns);
                latency_add(&latency, UINT64_MAX);
                ck_assert_uint_ge(latency_percentile(&latency, 0.5), ns);
                ck_assert_uint_le(latency_percentile(&latency, 0.5), ns + ns / 64);
        }
}
END_TEST

START_TEST(the_longest_is_kept_as_it_was)
{
        latency_add(&latency, 1000);
        latency_add(&latency, 123456789);
        latency_add(&latency, 1000);
        ck_assert_uint_eq(latency.longest_ns, 123456789);
        ck_assert_uint_eq(latency_percentile(&latency, 1), 123456789);
        ck_assert_uint_lt(latency_percentile(&latency, 0.5), 1020);
}
END_TEST

START_TEST(one_of_a_hundred_is_beyond_the_99th_percentile)
{
        for (int i = 0; i < 99; i++)
                latency_add(&latency, 10);
        latency_add(&latency, 5000);
        ck_assert_uint_eq(latency_percentile(&latency, 0.99), 10);
        latency_add(&latency, 5000);
        ck_assert_uint_ge(latency_percentile(&latency, 0.995), 5000);
}
END_TEST

static void set_up(void)
{
        latency = (Latency){0};
}

TEST_SUITE(test_torture_latency)
{
        TCase *tcase = tcase_create("percentiles");

        tcase_add_checked_fixture(tcase, set_up, NULL);
        tcase_add_test(tcase, of_no_times_every_percentile_is_0);
        tcase_add_test(tcase, short_times_are_told_exactly);
        tcase_add_test(tcase, long_times_are_told_to_a_64th_and_never_too_short);
        tcase_add_test(tcase, the_longest_is_kept_as_it_was);
        tcase_add_test(tcase, one_of_a_hundred_is_beyond_the_99th_percentile);
        suite_add_tcase(suite, tcase);
}
