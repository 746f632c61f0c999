/* Timer: once, again and again, and not at all. */
#include "tests/support/client.h"

#include <errno.h>

enum { MS = 1000000, LONG = 1000 };

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronTimer *timer;
static TestCall call;

static void set_up(void)
{
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        ck_assert_int_eq(kyron_timer_new(&timer, handle), 0);
        test_call_init(&call);
}

static void tear_down(void)
{
        kyron_timer_close(timer);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

START_TEST(it_expires_once)
{
        Deadline not_before = deadline_in(5);

        ck_assert_int_eq(kyron_timer_wait(timer, &call.operation), KYRON_PENDING);
        ck_assert_int_eq(kyron_timer_after(timer, 6 * MS), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        ck_assert_int_eq(deadline_left(not_before), 0);
        ck_assert_int_eq(kyron_timer_wait(timer, &call.operation), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(call.completions, 1);
}
END_TEST

START_TEST(it_expires_again_and_again)
{
        ck_assert_int_eq(kyron_timer_every(timer, MS), 0);
        for (int i = 1; i <= 10; i++) {
                int r;

                call.completions = 0;
                r = kyron_timer_wait(timer, &call.operation);
                if (r == KYRON_PENDING)
                        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                else
                        ck_assert_int_eq(r, 0);
                ck_assert_int_ge(call.operation.result, 1);
        }
}
END_TEST

START_TEST(expiries_nobody_waited_for_are_counted)
{
        ck_assert_int_eq(kyron_timer_every(timer, MS), 0);
        /* Not the timer's own descriptor: that would be looking. */
        Deadline later = deadline_in(20);
        ck_assert(WAIT_UNTIL(deadline_left(later) == 0, DEADLINE_MS));
        ck_assert_int_eq(kyron_timer_wait(timer, &call.operation), 0);
        ck_assert_int_ge(call.operation.result, 10);
}
END_TEST

START_TEST(disarmed_it_does_not_expire)
{
        ck_assert_int_eq(kyron_timer_after(timer, 1), 0);
        ck_assert(wait_readable(kyron_bridged_fd_fd(kyron_timer_bridged_fd(timer)), DEADLINE_MS));
        /* Takes back the expiry nobody has seen. */
        ck_assert_int_eq(kyron_timer_after(timer, 0), 0);
        ck_assert_int_eq(kyron_timer_wait(timer, &call.operation), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        ck_assert_int_eq(kyron_timer_every(timer, 0), 0);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        /* And can be armed again under the wait. */
        ck_assert_int_eq(kyron_timer_after(timer, MS), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(arming_replaces_what_was_armed)
{
        ck_assert_int_eq(kyron_timer_every(timer, MS), 0);
        ck_assert_int_eq(kyron_timer_after(timer, (uint64_t)LONG * LONG * MS), 0);
        ck_assert_int_eq(kyron_timer_wait(timer, &call.operation), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
}
END_TEST

START_TEST(a_wait_can_be_cancelled_and_closed)
{
        TestCall other;

        test_call_init(&other);
        ck_assert_int_eq(kyron_timer_wait(timer, &call.operation), KYRON_PENDING);
        ck_assert_int_eq(kyron_timer_wait(timer, &other.operation), KYRON_PENDING);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        kyron_timer_close(timer);
        timer = NULL;
        ck_assert(PROCESS_UNTIL(handle, other.completions == 1));
        ck_assert_int_eq(other.result, -ECANCELED);
        ck_assert_int_eq(call.completions, 0);
}
END_TEST

TEST_SUITE(test_timer)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, it_expires_once);
        tcase_add_test(all, it_expires_again_and_again);
        tcase_add_test(all, expiries_nobody_waited_for_are_counted);
        tcase_add_test(all, disarmed_it_does_not_expire);
        tcase_add_test(all, arming_replaces_what_was_armed);
        tcase_add_test(all, a_wait_can_be_cancelled_and_closed);
        suite_add_tcase(suite, all);
}
