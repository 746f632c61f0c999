/* client/busy_poll: who waits briefly polls, until that is of no use or in the way. */
#include "client/handle/busy_poll.h"
#include "tests/support/fixture.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LIMIT_NS  UINT64_C(100000)
#define SECOND_NS UINT64_C(1000000000)

static BusyPoll busy;
static uint64_t now_ns;

static void set_up(void)
{
        busy = (BusyPoll){.limit_ns = LIMIT_NS, .pause_ns = BUSY_POLL_PAUSE_MIN_NS};
        now_ns = SECOND_NS;
}

/* Some waits of so long each, so many of them caught, with so much work between them. */
static bool have(uint64_t wait_ns, uint64_t work_ns, unsigned caught)
{
        const BusyPollWaits waits = {
                .count = BUSY_POLL_WAITS,
                .caught = caught,
                .waited_ns = wait_ns * BUSY_POLL_WAITS,
                .worked_ns = work_ns * BUSY_POLL_WAITS,
        };

        now_ns += waits.waited_ns + waits.worked_ns;
        return busy_poll_decide(&busy, now_ns, &waits);
}

START_TEST(short_waits_are_polled)
{
        ck_assert(have(90000, 7000, 0));
        ck_assert(have(30000, 7000, BUSY_POLL_WAITS));
        ck_assert(have(30000, 7000, BUSY_POLL_CAUGHT_MIN));
}
END_TEST

START_TEST(long_waits_are_slept)
{
        ck_assert(!have(2 * LIMIT_NS, 7000, 0));
        ck_assert(!have(SECOND_NS, 7000, 0));
}
END_TEST

START_TEST(who_works_more_than_it_waits_sleeps)
{
        ck_assert(!have(20000, 20000, 0));
        ck_assert(have(20000, 19000, 0));
        ck_assert(!have(20000, 20000, BUSY_POLL_WAITS));
}
END_TEST

START_TEST(what_is_not_caught_is_slept_for_a_while)
{
        have(90000, 7000, 0);
        ck_assert(!have(90000, 7000, BUSY_POLL_CAUGHT_MIN - 1));
        ck_assert(!have(90000, 7000, 0));
        now_ns += BUSY_POLL_PAUSE_MIN_NS;
        ck_assert(have(90000, 7000, 0));
}
END_TEST

static uint64_t pause_after_a_try(uint64_t lasts_ns)
{
        now_ns = busy.again_ns;
        ck_assert(have(90000, 7000, 0));
        now_ns += lasts_ns;
        ck_assert(!have(90000, 7000, 0));
        return busy.again_ns - now_ns;
}

START_TEST(each_pause_is_twice_as_long_up_to_a_limit)
{
        uint64_t pause = BUSY_POLL_PAUSE_MIN_NS;

        for (int i = 0; i < 6; i++, pause *= 2)
                ck_assert_uint_eq(pause_after_a_try(0), pause);
        for (int i = 0; i < 3; i++)
                pause = pause_after_a_try(0);
        ck_assert_uint_eq(pause, BUSY_POLL_PAUSE_MAX_NS);
}
END_TEST

START_TEST(when_it_went_well_the_next_pause_is_short_again)
{
        pause_after_a_try(0);
        pause_after_a_try(0);
        ck_assert_uint_eq(pause_after_a_try(SECOND_NS), BUSY_POLL_PAUSE_MIN_NS);
}
END_TEST

/* ---- the wait itself ---- */

static Selector selector = SELECTOR_INIT;
static int event_fd;

static void set_up_wait(void)
{
        set_up();
        busy.polls = true;
        ck_assert_int_eq(selector_open(&selector), 0);
        event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_eq(selector_add_level(&selector, event_fd, 7, READINESS_READABLE), 0);
}

static int wait_for(int timeout_ms)
{
        SelectorEvent events[4];

        return busy_poll_wait(&busy, &selector, events, 4, timeout_ms);
}

START_TEST(what_is_ready_is_caught)
{
        busy.ended_ns = 1;
        eventfd_write(event_fd, 1);
        ck_assert_int_eq(wait_for(-1), 1);
        ck_assert_uint_eq(busy.waits.count, 1);
        ck_assert_uint_eq(busy.waits.caught, 1);
}
END_TEST

START_TEST(what_does_not_come_is_slept_for)
{
        busy.ended_ns = 1;
        ck_assert_int_eq(wait_for(1), 0);
        ck_assert_uint_eq(busy.waits.count, 1);
        ck_assert_uint_eq(busy.waits.caught, 0);
        ck_assert_uint_ge(busy.waits.waited_ns, 1000000);
}
END_TEST

START_TEST(a_look_is_no_wait)
{
        busy.ended_ns = 1;
        ck_assert_int_eq(wait_for(0), 0);
        ck_assert_uint_eq(busy.waits.count, 0);
}
END_TEST

START_TEST(misses_end_it)
{
        for (int i = 0; i <= BUSY_POLL_WAITS; i++)
                ck_assert_int_eq(wait_for(1), 0);
        ck_assert(!busy.polls);
        ck_assert_uint_gt(busy.again_ns, 0);
}
END_TEST

/* ---- who decides ---- */

static const struct Wish {
        const char *environment;
        int option;
        uint64_t us;
} wishes[] = {
        {NULL, 0, BUSY_POLL_DEFAULT_US},
        {NULL, 20, 20},
        {NULL, 5000, BUSY_POLL_MAX_US},
        {NULL, -1, 0},
        {"", 20, 20},
        {"0", 20, 0},
        {"30", -1, 30},
        {"5000", 0, BUSY_POLL_MAX_US},
        {"often", 20, 20},
        {"-3", 20, 20},
};

START_TEST(the_environment_counts_before_the_option)
{
        const struct Wish *wish = &wishes[_i];

        if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
                SKIP_TEST("there is one processor");
        if (wish->environment)
                setenv("KYRON_BUSY_POLL_US", wish->environment, 1);
        else
                unsetenv("KYRON_BUSY_POLL_US");
        busy_poll_init(&busy, wish->option);
        ck_assert_uint_eq(busy.limit_ns, wish->us * 1000);
}
END_TEST

TEST_SUITE(test_busy_poll)
{
        TCase *decision = tcase_create("decision");
        TCase *waits = tcase_create("waits");
        TCase *options = tcase_create("options");

        tcase_add_checked_fixture(decision, set_up, NULL);
        tcase_add_test(decision, short_waits_are_polled);
        tcase_add_test(decision, long_waits_are_slept);
        tcase_add_test(decision, who_works_more_than_it_waits_sleeps);
        tcase_add_test(decision, what_is_not_caught_is_slept_for_a_while);
        tcase_add_test(decision, each_pause_is_twice_as_long_up_to_a_limit);
        tcase_add_test(decision, when_it_went_well_the_next_pause_is_short_again);
        suite_add_tcase(suite, decision);
        tcase_add_checked_fixture(waits, set_up_wait, NULL);
        tcase_add_test(waits, what_is_ready_is_caught);
        tcase_add_test(waits, what_does_not_come_is_slept_for);
        tcase_add_test(waits, a_look_is_no_wait);
        tcase_add_test(waits, misses_end_it);
        suite_add_tcase(suite, waits);
        tcase_add_loop_test(options, the_environment_counts_before_the_option, 0,
                            sizeof(wishes) / sizeof(wishes[0]));
        suite_add_tcase(suite, options);
}
