/* core/histogram: each time is in one count, by the bounds. */
#include "core/histogram.h"
#include "tests/support/fixture.h"

START_TEST(a_time_is_counted_up_to_its_bound)
{
        for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
                Histogram histogram = {.sum_ns = 0};

                if (i > 0)
                        ck_assert_uint_gt(histogram_bounds_ns[i], histogram_bounds_ns[i - 1]);
                histogram_add(&histogram, histogram_bounds_ns[i]);
                histogram_add(&histogram, histogram_bounds_ns[i] + 1);
                ck_assert_uint_eq(histogram.counts[i], 1);
                ck_assert_uint_eq(histogram.counts[i + 1], 1);
                ck_assert_uint_eq(histogram.sum_ns, 2 * histogram_bounds_ns[i] + 1);
        }
}
END_TEST

START_TEST(nothing_is_too_short_and_nothing_too_long)
{
        Histogram histogram = {.sum_ns = 0};

        histogram_add(&histogram, 0);
        histogram_add(&histogram, UINT64_MAX);
        ck_assert_uint_eq(histogram.counts[0], 1);
        ck_assert_uint_eq(histogram.counts[HISTOGRAM_BOUNDS], 1);
}
END_TEST

TEST_SUITE(test_histogram)
{
        TCase *histogram = tcase_create("histogram");

        tcase_add_test(histogram, a_time_is_counted_up_to_its_bound);
        tcase_add_test(histogram, nothing_is_too_short_and_nothing_too_long);
        suite_add_tcase(suite, histogram);
}
