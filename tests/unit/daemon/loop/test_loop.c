/*
 * daemon/loop/loop_event, later: every callback begins the turn, whoever it is of; who ends is
 * woken when the callback has returned, others once it is over.
 */
#include "daemon/loop/loop.h"
#include "daemon/process/log.h"
#include "tests/support/fixture.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static Loop loop;
static Waker ended, placed;
static LoopEvent *event, *second;
static char calls[64];

static void note(void *data)
{
        strncat(calls, data, sizeof(calls) - strlen(calls) - 1);
}

static void on_event(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        note(data);
}

static void on_ending_event(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        later_wake(&loop.later, &placed);
        later_wake_on_return(&loop.later, &ended);
        note(data);
}

static void on_own_end(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        note(data);
        event = loop_event_free(event);
}

static void set_up(void)
{
        *calls = '\0';
        log_open(LOG_CRIT);
        ck_assert_int_eq(loop_open(&loop), 0);
        waker_init(&ended, note, (char *)"ended ");
        waker_init(&placed, note, (char *)"placed ");
}

static void tear_down(void)
{
        event = loop_event_free(event);
        second = loop_event_free(second);
        loop_close(&loop);
        loop_close(&loop);
}

static void run(void)
{
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
}

START_TEST(every_callback_begins_the_turn)
{
        const struct timeval at_once = {0};
        int pipe[2];

        pipe_pair(pipe);
        for (int i = 0; i < 3; i++) {
                const short what[] = {EV_READ, EV_SIGNAL, 0};
                const int number[] = {pipe[0], SIGUSR1, -1};

                event = loop_event_new(&loop, number[i], what[i], on_event, (char *)"called ");
                ck_assert_ptr_nonnull(event);
                ck_assert(!loop_event_is_added(event));
                ck_assert_int_eq(loop_event_add(event, what[i] ? NULL : &at_once), 0);
                ck_assert(loop_event_is_added(event));
                if (i == 0)
                        put_byte(pipe[1]);
                else if (i == 1)
                        raise(SIGUSR1);
                *calls = '\0';
                run();
                ck_assert_str_eq(calls, "called ");
                ck_assert_uint_ne(turn_end(&loop.turn), 0);
                ck_assert_uint_eq(loop.turn.count, i + 1);
                event = loop_event_free(event);
        }
        ck_assert(!loop_event_is_added(NULL));
}
END_TEST

START_TEST(who_ends_in_a_callback_is_woken_before_anybody_else)
{
        event = loop_timer_new(&loop, on_ending_event, (char *)"first ");
        second = loop_timer_new(&loop, on_event, (char *)"second ");
        loop_event_activate(event);
        loop_event_activate(second);
        run();
        ck_assert_str_eq(calls, "first ended second placed ");
}
END_TEST

START_TEST(an_event_may_be_freed_by_its_callback)
{
        event = loop_timer_new(&loop, on_own_end, (char *)"own ");
        loop_event_activate(event);
        run();
        ck_assert_str_eq(calls, "own ");
}
END_TEST

START_TEST(who_is_to_be_woken_later_is_woken_without_an_event_of_ours)
{
        later_wake_on_return(&loop.later, &ended);
        later_wake(&loop.later, &placed);
        run();
        ck_assert_str_eq(calls, "placed ended ");
        *calls = '\0';
        later_wake(&loop.later, &placed);
        later_run(&loop.later);
        ck_assert_str_eq(calls, "placed ");
}
END_TEST

START_TEST(what_waits_for_a_moment_may_come_sooner)
{
        later_wake_in_a_moment(&loop.later, &placed);
        run();
        ck_assert_str_eq(calls, "");
        later_wake(&loop.later, &placed);
        later_wake_in_a_moment(&loop.later, &placed);
        run();
        ck_assert_str_eq(calls, "placed ");
        later_wake_in_a_moment(&loop.later, &ended);
        event_base_loop(loop.base, EVLOOP_ONCE); /* the timer is the only thing to wait for */
        ck_assert_str_eq(calls, "placed ended ");
}
END_TEST

TEST_SUITE(test_loop)
{
        TCase *events = tcase_create("events");

        tcase_add_checked_fixture(events, set_up, tear_down);
        tcase_add_test(events, every_callback_begins_the_turn);
        tcase_add_test(events, who_ends_in_a_callback_is_woken_before_anybody_else);
        tcase_add_test(events, an_event_may_be_freed_by_its_callback);
        tcase_add_test(events, who_is_to_be_woken_later_is_woken_without_an_event_of_ours);
        tcase_add_test(events, what_waits_for_a_moment_may_come_sooner);
        tcase_set_timeout(events, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, events);
}
