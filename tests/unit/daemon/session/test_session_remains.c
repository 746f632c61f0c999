/*
 * daemon/session_remains: what a client has not read when its session ends counts as its user's
 * until it has read it or closed, and so does what one that is turned away has not read.
 */
#include "daemon/session/session_remains.h"

#include "core/error.h"
#include "daemon/session/session_life.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <unistd.h>

static Sessions *sessions;
static InFlight *in_flight;

static void set_up(void)
{
        sharing_scene_set_up();
        sessions = &inner.daemon->sessions;
        in_flight = &inner.daemon->in_flight;
}

/* Has its session ended by the daemon, for a packet that is none. */
static void break_off(int i)
{
        const RawBytes junk = {.size = 1, .bytes = {0xff}};

        ck_assert_int_eq(raw_client_send(&sharing.clients[i], &junk, NULL, 0), 0);
        inner_server_settle();
}

/* Ends a session whose client has not read a descriptor it asked for. */
static void leave_unread(int i)
{
        uint32_t count = sessions->count;

        scene_open(i);
        SCENE_SEND(i, 1, BIND, bind,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__bind__descriptor),
                    .address = (char *)"udp:127.0.0.1:0"});
        inner_server_settle();
        break_off(i);
        ck_assert_uint_eq(sessions->count, count);
}

static uint32_t charged(void)
{
        return sessions->remains_count > 0
                       ? TAILQ_FIRST(&sessions->remains)->user->used[QUOTA_SESSIONS]
                       : 0;
}

static bool is_over(void)
{
        inner_server_settle();
        return sessions->remains_count == 0 && in_flight->share.used == 0;
}

START_TEST(what_was_passed_to_an_ended_session_is_in_flight_until_it_is_read)
{
        leave_unread(0);
        ck_assert_uint_eq(sessions->remains_count, 1);
        ck_assert_uint_eq(in_flight->share.used, 1);
        ck_assert_uint_eq(charged(), 1);
        /* The descriptor, and why the session ended. */
        ck_assert_int_eq(scene_next(0)->body_case, IOD__FRAME__BODY_OPENED);
        inner_server_settle();
        ck_assert_uint_eq(in_flight->share.used, 1);
        ck_assert_int_eq(scene_next(0)->body_case, IOD__FRAME__BODY_REFUSED);
        ck_assert(is_over());
}
END_TEST

START_TEST(or_until_the_client_closes)
{
        size_t before = scene_count_descriptors();

        leave_unread(0);
        ck_assert_uint_eq(in_flight->share.used, 1);
        raw_client_close(&sharing.clients[0]);
        ck_assert(is_over());
        ck_assert_uint_eq(scene_count_descriptors(), before);
}
END_TEST

/* A few at a time are all that those who have ended leave in flight. */
START_TEST(one_session_after_the_other_is_no_way_round_the_limits)
{
        QuotaUser *user;
        uint32_t others;

        for (int i = 0; i < 3; i++)
                leave_unread(i);
        ck_assert_uint_eq(in_flight->share.used, 3);
        ck_assert_uint_eq(charged(), 3);
        user = TAILQ_FIRST(&sessions->remains)->user;
        others = user->limits[QUOTA_SESSIONS] - 3;
        quota_charge_again(user, QUOTA_SESSIONS, others);
        raw_client_connect(&sharing.clients[3], inner.options.socket_path);
        inner_server_settle();
        ck_assert_uint_eq(sessions->count, 0);
        raw_client_close(&sharing.clients[0]);
        ck_assert(WAIT_UNTIL((inner_server_settle(), sessions->remains_count == 2), DEADLINE_MS));
        raw_client_close(&sharing.clients[3]);
        scene_open(3);
        ck_assert_uint_eq(sessions->count, 1);
        quota_discharge(user, QUOTA_SESSIONS, others);
}
END_TEST

/* Bytes cost the daemon memory, too. */
START_TEST(answers_without_descriptors_count_as_a_session)
{
        scene_open(0);
        raw_client_request(&sharing.clients[0], 1, RAW_GET_STATUS);
        break_off(0);
        ck_assert_uint_eq(sessions->count, 0);
        ck_assert_uint_eq(charged(), 1);
        ck_assert_uint_eq(in_flight->share.used, 0);
        raw_client_close(&sharing.clients[0]);
        ck_assert(is_over());
}
END_TEST

START_TEST(a_client_that_has_read_all_leaves_nothing)
{
        scene_open(0);
        inner_server_close_client(&sharing.clients[0]);
        ck_assert(is_over());
        scene_open(1);
        raw_client_request(&sharing.clients[1], 1, RAW_GET_STATUS);
        inner_server_expect(&sharing.clients[1], IOD__FRAME__BODY_STATUS);
        session_free(TAILQ_FIRST(&sessions->list));
        ck_assert_uint_eq(sessions->remains_count, 0);
}
END_TEST

/* So many as a user alone may leave unread are told why; all are turned away. */
START_TEST(who_is_turned_away_and_reads_nothing_is_told_nothing_in_the_end)
{
        enum { NEWCOMERS = REMAINS_STRANGERS_MAX * 2 };
        static RawClient newcomers[NEWCOMERS];
        int told = 0;

        sessions->max = 0;
        for (int i = 0; i < NEWCOMERS; i++) {
                raw_client_connect(&newcomers[i], inner.options.socket_path);
                inner_server_settle();
                inner_server_await_closer();
        }
        ck_assert_uint_eq(sessions->not_done[NOT_DONE_REFUSED], NEWCOMERS);
        ck_assert_uint_eq(sessions->strangers_count, REMAINS_STRANGERS_MAX / 2);
        for (int i = 0; i < NEWCOMERS; i++) {
                told += raw_client_receive(&newcomers[i]) != NULL;
                raw_client_close(&newcomers[i]);
        }
        ck_assert_int_eq(told, REMAINS_STRANGERS_MAX / 2);
        ck_assert(WAIT_UNTIL((inner_server_settle(), sessions->strangers_count == 0), DEADLINE_MS));
        sessions->max = 10;
        scene_open(0);
}
END_TEST

START_TEST(what_is_left_when_the_daemon_stops_is_let_go)
{
        leave_unread(0);
        scene_open(1);
        raw_client_request(&sharing.clients[1], 1, RAW_GET_STATUS);
        inner_server_settle();
        ck_assert_uint_eq(sessions->remains_count, 1);
        /* The end of the scene asserts that nothing is charged. */
}
END_TEST

TEST_SUITE(test_session_remains)
{
        TCase *tcase = tcase_create("remains");

        tcase_add_checked_fixture(tcase, set_up, sharing_scene_tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, what_was_passed_to_an_ended_session_is_in_flight_until_it_is_read);
        tcase_add_test(tcase, or_until_the_client_closes);
        tcase_add_test(tcase, one_session_after_the_other_is_no_way_round_the_limits);
        tcase_add_test(tcase, answers_without_descriptors_count_as_a_session);
        tcase_add_test(tcase, a_client_that_has_read_all_leaves_nothing);
        tcase_add_test(tcase, who_is_turned_away_and_reads_nothing_is_told_nothing_in_the_end);
        tcase_add_test(tcase, what_is_left_when_the_daemon_stops_is_let_go);
        suite_add_tcase(suite, tcase);
}
