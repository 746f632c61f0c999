/* client/handle/alive: when the daemon is asked, and when it is lost. Silence is made by setting
 * back when it was heard last. */
#include "client/handle/alive.h"

#include "client/handle/timer_fd.h"
#include "tests/support/fixture.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
        LIMIT_MS = 100000,
        SILENCE_MS = LIMIT_MS / 4 * 3,
        ANSWER_MS = LIMIT_MS / 4,
};

static Alive alive;
static int timer_fd;

static void set_up(void)
{
        timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        ck_assert_int_ge(timer_fd, 0);
        unsetenv("KYRON_ALIVE_MS");
        alive_init(&alive, LIMIT_MS);
        alive.borrow_timer_fd = timer_fd;
}

static void tear_down(void)
{
        close(timer_fd);
}

/* Milliseconds until the timer runs out, rounded up; 0: it does not run. */
static long timer_ms(void)
{
        struct itimerspec left;

        ck_assert_int_eq(timerfd_gettime(timer_fd, &left), 0);
        return left.it_value.tv_sec * 1000 + (left.it_value.tv_nsec + 999999) / 1000000;
}

static void be_silent_for(uint64_t ms)
{
        alive.heard_ms -= ms;
        alive.set_ms -= ms;
}

/* As if so much of its time had passed. */
static void leave_timer(unsigned ms)
{
        timer_fd_set(timer_fd, ms);
}

/* It was silent for long enough. */
static void ask(void)
{
        alive_on_sent(&alive);
        be_silent_for(SILENCE_MS);
        ck_assert_int_eq(alive_on_timer(&alive, false), ALIVE_TO_BE_ASKED);
}

START_TEST(at_rest_no_timer_runs)
{
        ck_assert_int_eq(timer_ms(), 0);
        ck_assert_int_eq(alive_on_timer(&alive, false), ALIVE_WELL);
        ck_assert_int_eq(timer_ms(), 0);
}
END_TEST

START_TEST(what_is_sent_begins_the_watch)
{
        alive_on_sent(&alive);
        ck_assert_int_gt(timer_ms(), SILENCE_MS - 10000);
        ck_assert_int_le(timer_ms(), SILENCE_MS);
        /* And once only: it may be silent since. */
        leave_timer(5000);
        be_silent_for(LIMIT_MS / 2);
        alive_on_sent(&alive);
        ck_assert_int_le(timer_ms(), 5000);
}
END_TEST

START_TEST(what_comes_begins_the_watch)
{
        alive_on_heard(&alive);
        ck_assert_int_gt(timer_ms(), SILENCE_MS - 10000);
}
END_TEST

START_TEST(what_comes_puts_the_question_off)
{
        alive_on_heard(&alive);
        be_silent_for(LIMIT_MS / 8);
        leave_timer(5000);
        alive_on_heard(&alive);
        ck_assert_int_gt(timer_ms(), SILENCE_MS - 10000);
}
END_TEST

START_TEST(what_comes_at_once_after_it_does_not_set_the_timer_again)
{
        alive_on_heard(&alive);
        be_silent_for(LIMIT_MS / 16);
        leave_timer(5000);
        alive_on_heard(&alive);
        ck_assert_int_le(timer_ms(), 5000);
        ck_assert_int_gt(timer_ms(), 0);
}
END_TEST

START_TEST(while_frames_come_it_is_not_asked)
{
        alive_on_sent(&alive);
        alive_on_heard(&alive);
        be_silent_for(SILENCE_MS - 10000);
        ck_assert_int_eq(alive_on_timer(&alive, false), ALIVE_WELL);
        /* As long as is left of the silence. */
        ck_assert_int_gt(timer_ms(), 0);
        ck_assert_int_le(timer_ms(), 10000);
}
END_TEST

START_TEST(after_three_quarters_of_the_time_it_is_asked_and_after_the_rest_lost)
{
        ask();
        ck_assert_int_gt(timer_ms(), ANSWER_MS - 10000);
        ck_assert_int_le(timer_ms(), ANSWER_MS);
        ck_assert_int_eq(alive_on_timer(&alive, false), ALIVE_LOST);
}
END_TEST

START_TEST(an_answer_is_the_end_of_it)
{
        ask();
        alive_on_heard(&alive);
        alive_on_answer(&alive, false);
        ck_assert_int_eq(timer_ms(), 0);
        /* Until there is something new. */
        alive_on_sent(&alive);
        ck_assert_int_gt(timer_ms(), 0);
}
END_TEST

START_TEST(as_long_as_another_answer_is_awaited_it_is_asked_again)
{
        ask();
        alive_on_heard(&alive);
        alive_on_answer(&alive, true);
        ck_assert_int_gt(timer_ms(), SILENCE_MS - 10000);
        ask();
        ck_assert_int_eq(alive_on_timer(&alive, false), ALIVE_LOST);
}
END_TEST

START_TEST(any_frame_is_a_sign_of_life)
{
        ask();
        alive_on_heard(&alive);
        ck_assert_int_eq(alive_on_timer(&alive, false), ALIVE_WELL);
        ck_assert_int_gt(timer_ms(), 0);
}
END_TEST

START_TEST(who_did_not_run_looks_before_it_judges)
{
        ask();
        ck_assert_int_eq(alive_on_timer(&alive, true), ALIVE_WELL);
        ck_assert_int_gt(timer_ms(), 0);
}
END_TEST

static const struct Wish {
        const char *environment;
        int option;
        int ms;
} wishes[] = {
        {NULL, 0, ALIVE_DEFAULT_MS},
        {NULL, 500, 500},
        {NULL, 1, ALIVE_MIN_MS},
        {NULL, -1, -1},
        {NULL, -7, -1},
        {"", 500, 500},
        {"300", -1, 300},
        {"-1", 500, -1},
        {"0", 500, ALIVE_DEFAULT_MS},
        {"soon", 500, 500},
        {"-3", 500, 500},
        {"99999999999", 500, 500},
};

START_TEST(the_environment_counts_before_the_option)
{
        const struct Wish *wish = &wishes[_i];

        if (wish->environment)
                setenv("KYRON_ALIVE_MS", wish->environment, 1);
        alive_init(&alive, wish->option);
        ck_assert_int_eq(alive.limit_ms, wish->ms);
}
END_TEST

START_TEST(who_never_wants_to_know_has_no_timer)
{
        alive_init(&alive, -1);
        alive.borrow_timer_fd = timer_fd;
        alive_on_sent(&alive);
        alive_on_heard(&alive);
        ck_assert_int_eq(timer_ms(), 0);
}
END_TEST

TEST_SUITE(test_alive)
{
        TCase *tests = tcase_create("alive");

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, at_rest_no_timer_runs);
        tcase_add_test(tests, what_is_sent_begins_the_watch);
        tcase_add_test(tests, what_comes_begins_the_watch);
        tcase_add_test(tests, what_comes_puts_the_question_off);
        tcase_add_test(tests, what_comes_at_once_after_it_does_not_set_the_timer_again);
        tcase_add_test(tests, while_frames_come_it_is_not_asked);
        tcase_add_test(tests, after_three_quarters_of_the_time_it_is_asked_and_after_the_rest_lost);
        tcase_add_test(tests, an_answer_is_the_end_of_it);
        tcase_add_test(tests, as_long_as_another_answer_is_awaited_it_is_asked_again);
        tcase_add_test(tests, any_frame_is_a_sign_of_life);
        tcase_add_test(tests, who_did_not_run_looks_before_it_judges);
        tcase_add_loop_test(tests, the_environment_counts_before_the_option, 0,
                            sizeof(wishes) / sizeof(wishes[0]));
        tcase_add_test(tests, who_never_wants_to_know_has_no_timer);
        suite_add_tcase(suite, tests);
}
