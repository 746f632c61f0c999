/*
 * No wakeup is ever lost: every round trip of every connection of every process completes, while
 * operations are delayed, cancelled and started again from two threads of each process; and while
 * the registrations move between the daemon and the processes, and the daemon is killed.
 *
 * KYRON_TEST_SCALE=full: 10 processes x 1,000 connections x 200 round trips, five runs.
 */
#include "tests/integration/ring.h"
#include "tests/support/fixture.h"
#include "tests/support/scale.h"

static void run(bool moves)
{
        const Ring ring = {
                .processes = scaled(2, 4, 10),
                .connections = scaled(30, 100, 1000),
                .rounds = moves ? scaled(40, 300, 200) : scaled(20, 50, 200),
                .runs = scaled(1, 1, 5),
                .moves = moves,
        };

        ring_run(&ring);
}

START_TEST(every_round_trip_completes_whatever_is_cancelled)
{
        run(false);
}
END_TEST

START_TEST(every_round_trip_completes_whoever_serves)
{
        run(true);
}
END_TEST

TEST_SUITE(test_lost_wakeups)
{
        TCase *ring = tcase_create("ring"), *moving_ring = tcase_create("moving_ring");

        tcase_set_timeout(ring, scaled(2, 2, 30) * TEST_TIMEOUT_SECONDS);
        tcase_add_test(ring, every_round_trip_completes_whatever_is_cancelled);
        suite_add_tcase(suite, ring);
        tcase_set_timeout(moving_ring, scaled(2, 2, 30) * TEST_TIMEOUT_SECONDS);
        tcase_add_test(moving_ring, every_round_trip_completes_whoever_serves);
        suite_add_tcase(suite, moving_ring);
}
