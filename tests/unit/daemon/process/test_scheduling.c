/* daemon/scheduling: who has many events yields, until others are in the way. */
#include "daemon/process/scheduling.h"
#include "tests/support/fixture.h"

#include <sched.h>
#include <sys/resource.h>

#define WINDOW_NS UINT64_C(10000000)
#define SECOND_NS UINT64_C(1000000000)

static Scheduling scheduling;
static uint64_t now_ns, events, waited_ns;

static void set_up(void)
{
        scheduling = (Scheduling){.statistics_fd = -1, .pause_ns = SCHEDULING_PAUSE_MIN_NS};
        now_ns = scheduling.began_ns = SECOND_NS;
        events = waited_ns = 0;
}

/* So many events a second for a while, and a wait of so much for each. */
static bool have(uint64_t lasts_ns, uint64_t events_a_second, uint64_t wait_ns)
{
        uint64_t more = events_a_second * lasts_ns / SECOND_NS;

        now_ns += lasts_ns;
        events += more;
        waited_ns += more * wait_ns;
        scheduling.yields = scheduling_decide(&scheduling, now_ns, events, waited_ns);
        return scheduling.yields;
}

START_TEST(it_yields_while_there_are_many_events)
{
        ck_assert(!have(WINDOW_NS, 0, 0));
        ck_assert(!have(WINDOW_NS, 2000, 0));
        ck_assert(have(WINDOW_NS, 50000, 0));
        ck_assert(have(WINDOW_NS, 2000, 0));
        ck_assert(!have(WINDOW_NS, 500, 0));
        ck_assert(have(WINDOW_NS, 50000, 0));
        ck_assert(!have(WINDOW_NS, 0, 0));
}
END_TEST

START_TEST(few_events_in_a_long_time_are_not_many)
{
        have(WINDOW_NS, 50000, 0);
        ck_assert(!have(60 * SECOND_NS, 1, 0));
}
END_TEST

START_TEST(its_own_clients_may_let_it_wait)
{
        have(WINDOW_NS, 50000, 0);
        ck_assert(have(WINDOW_NS, 50000, 10000));
        ck_assert(have(WINDOW_NS, 50000, 15000));
}
END_TEST

START_TEST(others_in_the_way_end_it_for_a_while)
{
        have(WINDOW_NS, 50000, 0);
        ck_assert(!have(WINDOW_NS, 50000, 300000));
        for (uint64_t paused = 0; paused < SCHEDULING_PAUSE_MIN_NS - WINDOW_NS; paused += WINDOW_NS)
                ck_assert(!have(WINDOW_NS, 50000, 0));
        ck_assert(have(WINDOW_NS, 50000, 0));
}
END_TEST

/* How long it does not yield once others were in the way. */
static uint64_t pause_after_others(void)
{
        uint64_t began = now_ns;

        ck_assert(!have(WINDOW_NS, 50000, 300000));
        while (!have(WINDOW_NS, 50000, 0))
                ck_assert_uint_lt(now_ns - began, 60 * SECOND_NS);
        return now_ns - began - WINDOW_NS;
}

START_TEST(each_pause_is_twice_as_long_up_to_a_limit)
{
        uint64_t pause, last = 0;

        have(WINDOW_NS, 50000, 0);
        while ((pause = pause_after_others()) < SCHEDULING_PAUSE_MAX_NS) {
                ck_assert_uint_eq(pause, last == 0 ? SCHEDULING_PAUSE_MIN_NS : 2 * last);
                last = pause;
        }
        ck_assert_uint_eq(pause, SCHEDULING_PAUSE_MAX_NS);
        ck_assert_uint_eq(pause_after_others(), SCHEDULING_PAUSE_MAX_NS);
}
END_TEST

START_TEST(what_went_well_for_long_makes_pauses_short_again)
{
        have(WINDOW_NS, 50000, 0);
        pause_after_others();
        ck_assert_uint_gt(pause_after_others(), SCHEDULING_PAUSE_MIN_NS);
        for (int i = 0; i < 100; i++)
                ck_assert(have(WINDOW_NS, 50000, 0));
        ck_assert_uint_eq(pause_after_others(), SCHEDULING_PAUSE_MIN_NS);
}
END_TEST

static int policy(void)
{
        return sched_getscheduler(0);
}

#define CANNOT_YIELD "the kernel does not say how long it lets wait, or there is a policy already"

START_TEST(the_kernel_is_told)
{
        scheduling_open(&scheduling);
        if (scheduling.statistics_fd < 0)
                SKIP_TEST(CANNOT_YIELD);
        scheduling_adapt(&scheduling, 0, 0);
        scheduling_adapt(&scheduling, SECOND_NS, 0);
        ck_assert_int_eq(policy(), SCHED_OTHER);
        scheduling_adapt(&scheduling, SECOND_NS + WINDOW_NS, 100000);
        ck_assert_int_eq(policy(), SCHED_BATCH);
        scheduling_adapt(&scheduling, 2 * SECOND_NS, 100000);
        ck_assert_int_eq(policy(), SCHED_OTHER);
        scheduling_adapt(&scheduling, 2 * SECOND_NS + WINDOW_NS, 200000);
        ck_assert_int_eq(policy(), SCHED_BATCH);
        scheduling_close(&scheduling);
        ck_assert_int_eq(policy(), SCHED_OTHER);
}
END_TEST

START_TEST(its_niceness_stays)
{
        ck_assert_int_eq(setpriority(PRIO_PROCESS, 0, 5), 0);
        scheduling_open(&scheduling);
        if (scheduling.statistics_fd < 0)
                SKIP_TEST(CANNOT_YIELD);
        scheduling_adapt(&scheduling, SECOND_NS, 0);
        scheduling_adapt(&scheduling, SECOND_NS + WINDOW_NS, 100000);
        ck_assert_int_eq(policy(), SCHED_BATCH);
        ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), 5);
        scheduling_close(&scheduling);
}
END_TEST

START_TEST(who_was_given_a_policy_keeps_it)
{
        const struct sched_param none = {.sched_priority = 0};

        ck_assert_int_eq(sched_setscheduler(0, SCHED_IDLE, &none), 0);
        scheduling_open(&scheduling);
        scheduling_adapt(&scheduling, SECOND_NS, 0);
        scheduling_adapt(&scheduling, SECOND_NS + WINDOW_NS, 100000);
        scheduling_close(&scheduling);
        ck_assert_int_eq(policy(), SCHED_IDLE);
}
END_TEST

TEST_SUITE(test_scheduling)
{
        TCase *decides = tcase_create("decides"), *kernel = tcase_create("kernel");

        tcase_add_checked_fixture(decides, set_up, NULL);
        tcase_add_test(decides, it_yields_while_there_are_many_events);
        tcase_add_test(decides, few_events_in_a_long_time_are_not_many);
        tcase_add_test(decides, its_own_clients_may_let_it_wait);
        tcase_add_test(decides, others_in_the_way_end_it_for_a_while);
        tcase_add_test(decides, each_pause_is_twice_as_long_up_to_a_limit);
        tcase_add_test(decides, what_went_well_for_long_makes_pauses_short_again);
        suite_add_tcase(suite, decides);
        tcase_add_checked_fixture(kernel, set_up, NULL);
        tcase_add_test(kernel, the_kernel_is_told);
        tcase_add_test(kernel, its_niceness_stays);
        tcase_add_test(kernel, who_was_given_a_policy_keeps_it);
        suite_add_tcase(suite, kernel);
}
