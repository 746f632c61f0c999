/* client/handle_delivery: who hardly waits goes direct, who is quiet comes back, and nobody swings.
 */
#include "client/handle/handle_delivery.h"
#include "tests/support/fixture.h"

#include <stdlib.h>

enum { SECOND_US = 1000000, MINUTE_US = 60 * SECOND_US };

static HandleDelivery delivery;
static uint64_t now_us;       /* simulated */
static uint64_t look_us;      /* when the timer runs out; 0: it does not run */
static unsigned moves, looks; /* from one to the other; of the timer */

static void set_up(void)
{
        handle_delivery_init(&delivery, KYRON_DELIVERY_AUTO);
        delivery.wanted = KYRON_DELIVERY_AUTO;
        now_us = MINUTE_US;
        look_us = 0;
        moves = looks = 0;
}

static bool is_direct(void)
{
        return delivery.pace.direct;
}

/* After whatever may have decided: as turn/moving.c does. */
static void note(bool was_direct)
{
        if (is_direct() == was_direct && (!is_direct() || look_us > now_us))
                return;
        moves += is_direct() != was_direct;
        look_us = is_direct() ? now_us + delivery.pace.quiet_ms * UINT64_C(1000) : 0;
}

/* Nothing happens until then, but for the timer. */
static void wait_until(uint64_t then_us)
{
        while (look_us != 0 && look_us <= then_us) {
                bool was_direct = is_direct();

                now_us = look_us;
                looks++;
                handle_delivery_decide(&delivery.pace, now_us / 1000);
                note(was_direct);
        }
        now_us = then_us;
}

/* What handle_delivery_on_turn() does, at the simulated time. */
static void turn(void)
{
        DeliveryPace *pace = &delivery.pace;
        bool was_direct = is_direct();

        pace->turns++;
        if (!was_direct && pace->turns >= DELIVERY_BUSY_TURNS)
                handle_delivery_decide(pace, now_us / 1000);
        note(was_direct);
}

/* So many turns a second, evenly, for so long. */
static void go_on(unsigned rate, uint64_t lasts_us)
{
        const uint64_t end_us = now_us + lasts_us;
        const uint64_t pause_us = SECOND_US / rate;

        while (now_us + pause_us <= end_us) {
                wait_until(now_us + pause_us);
                turn();
        }
        wait_until(end_us);
}

START_TEST(who_takes_a_thousand_turns_a_second_is_direct_within_a_tenth)
{
        go_on(1000, SECOND_US / 10);
        ck_assert(is_direct());
}
END_TEST

START_TEST(who_takes_one_turn_a_second_stays_and_has_no_timer)
{
        go_on(1, 60ull * MINUTE_US);
        ck_assert(!is_direct());
        ck_assert_uint_eq(moves, 0);
        ck_assert_uint_eq(looks, 0);
}
END_TEST

START_TEST(who_is_quiet_comes_back_after_seconds_by_a_look_or_two)
{
        go_on(1000, 10 * SECOND_US);
        looks = 0;
        wait_until(now_us + 2 * DELIVERY_QUIET_MS * UINT64_C(1000));
        ck_assert(!is_direct());
        ck_assert_uint_le(looks, 2);
        /* And nothing wakes it from then on. */
        looks = 0;
        wait_until(now_us + MINUTE_US);
        ck_assert_uint_eq(looks, 0);
}
END_TEST

START_TEST(who_pauses_for_a_moment_stays_direct)
{
        go_on(1000, SECOND_US);
        for (int i = 0; i < 60; i++) {
                wait_until(now_us + SECOND_US);
                go_on(1000, SECOND_US);
                ck_assert(is_direct());
        }
}
END_TEST

START_TEST(at_a_constant_rate_it_never_swings)
{
        for (unsigned rate = 1; rate <= 100000; rate += 1 + rate / 20) {
                set_up();
                go_on(rate, rate < 1000 ? 2ull * MINUTE_US : 10 * SECOND_US);
                ck_assert_msg(moves <= 1, "%u moves at %u turns a second", moves, rate);
        }
}
END_TEST

START_TEST(a_rate_between_the_thresholds_stays_where_it_is)
{
        go_on(150, MINUTE_US);
        ck_assert(!is_direct());
        go_on(1000, SECOND_US);
        go_on(150, MINUTE_US);
        ck_assert(is_direct());
        go_on(90, MINUTE_US);
        ck_assert(!is_direct());
}
END_TEST

START_TEST(bursts_swing_ever_more_rarely)
{
        unsigned first, last;

        for (int i = 0; i < 60; i++) {
                go_on(1000, SECOND_US / 20);
                wait_until(now_us + SECOND_US);
        }
        first = moves;
        moves = 0;
        for (int i = 0; i < 60; i++) {
                go_on(1000, SECOND_US / 20);
                wait_until(now_us + SECOND_US);
        }
        last = moves;
        ck_assert_uint_lt(last, first);
        ck_assert_uint_le(last, 2 * 60000 / DELIVERY_QUIET_MAX_MS + 2);
        ck_assert_uint_le(delivery.pace.quiet_ms, DELIVERY_QUIET_MAX_MS);
}
END_TEST

START_TEST(a_burst_after_a_long_rest_is_as_the_first)
{
        go_on(1000, SECOND_US / 10);
        wait_until(now_us + 10 * SECOND_US);
        go_on(1000, SECOND_US / 10);
        ck_assert_uint_gt(delivery.pace.quiet_ms, DELIVERY_QUIET_MS);
        wait_until(now_us + 10ull * MINUTE_US);
        go_on(1000, SECOND_US / 10);
        ck_assert_uint_eq(delivery.pace.quiet_ms, DELIVERY_QUIET_MS);
}
END_TEST

/* ---- What is wanted, and what is allowed --------------------------------------------------- */

static const struct Wish {
        const char *environment;
        KyronDelivery option, expected;
} wishes[] = {
        {NULL, KYRON_DELIVERY_AUTO, KYRON_DELIVERY_AUTO},
        {NULL, KYRON_DELIVERY_DIRECT, KYRON_DELIVERY_DIRECT},
        {NULL, KYRON_DELIVERY_RELAYED, KYRON_DELIVERY_RELAYED},
        {"auto", KYRON_DELIVERY_DIRECT, KYRON_DELIVERY_AUTO},
        {"relayed", KYRON_DELIVERY_DIRECT, KYRON_DELIVERY_RELAYED},
        {"direct", KYRON_DELIVERY_RELAYED, KYRON_DELIVERY_DIRECT},
        {"", KYRON_DELIVERY_DIRECT, KYRON_DELIVERY_DIRECT},
        {"nonsense", KYRON_DELIVERY_RELAYED, KYRON_DELIVERY_RELAYED},
};

START_TEST(the_environment_decides_and_then_the_program)
{
        const struct Wish *wish = &wishes[_i];

        if (wish->environment)
                setenv("KYRON_DELIVERY", wish->environment, 1);
        else
                unsetenv("KYRON_DELIVERY");
        handle_delivery_init(&delivery, wish->option);
        unsetenv("KYRON_DELIVERY");
        ck_assert_int_eq(delivery.wanted, wish->expected);
}
END_TEST

START_TEST(what_the_policy_does_not_allow_is_not_wanted)
{
        delivery.wanted = KYRON_DELIVERY_DIRECT;
        handle_delivery_begin_session(&delivery, 0);
        ck_assert(!handle_delivery_wants_direct(&delivery));
        handle_delivery_begin_session(&delivery, DELIVERY_ALLOWS_RELAYED);
        ck_assert(!handle_delivery_wants_direct(&delivery));
        handle_delivery_begin_session(&delivery, DELIVERY_ALLOWS_RELAYED | DELIVERY_ALLOWS_DIRECT);
        ck_assert(handle_delivery_wants_direct(&delivery));
        ck_assert(!delivery.told_direct);
        delivery.wanted = KYRON_DELIVERY_RELAYED;
        handle_delivery_begin_session(&delivery, DELIVERY_ALLOWS_DIRECT);
        ck_assert(handle_delivery_wants_direct(&delivery));
        ck_assert(delivery.told_direct);
}
END_TEST

START_TEST(who_was_direct_and_is_auto_now_comes_back_when_it_is_quiet)
{
        handle_delivery_begin_session(&delivery, DELIVERY_ALLOWS_RELAYED | DELIVERY_ALLOWS_DIRECT);
        delivery.direct = true;
        handle_delivery_want(&delivery, KYRON_DELIVERY_AUTO, 5000);
        ck_assert(handle_delivery_wants_direct(&delivery));
        ck_assert(!handle_delivery_decide(&delivery.pace, 5000 + DELIVERY_QUIET_MS));
        ck_assert(!handle_delivery_wants_direct(&delivery));
}
END_TEST

TEST_SUITE(test_handle_delivery)
{
        TCase *tcase = tcase_create("delivery");

        tcase_add_checked_fixture(tcase, set_up, NULL);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, who_takes_a_thousand_turns_a_second_is_direct_within_a_tenth);
        tcase_add_test(tcase, who_takes_one_turn_a_second_stays_and_has_no_timer);
        tcase_add_test(tcase, who_is_quiet_comes_back_after_seconds_by_a_look_or_two);
        tcase_add_test(tcase, who_pauses_for_a_moment_stays_direct);
        tcase_add_test(tcase, at_a_constant_rate_it_never_swings);
        tcase_add_test(tcase, a_rate_between_the_thresholds_stays_where_it_is);
        tcase_add_test(tcase, bursts_swing_ever_more_rarely);
        tcase_add_test(tcase, a_burst_after_a_long_rest_is_as_the_first);
        tcase_add_loop_test(tcase, the_environment_decides_and_then_the_program, 0,
                            sizeof(wishes) / sizeof(wishes[0]));
        tcase_add_test(tcase, what_the_policy_does_not_allow_is_not_wanted);
        tcase_add_test(tcase, who_was_direct_and_is_auto_now_comes_back_when_it_is_quiet);
        suite_add_tcase(suite, tcase);
}
