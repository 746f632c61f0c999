/*
 * daemon/session_life: a session that ends gives back what it has some at a time, and the others
 * are served in between.
 */
#include "daemon/session/session_life.h"

#include "tests/support/sharing_scene.h"

#include <sys/eventfd.h>
#include <unistd.h>

enum {
        IN_HAND = 8 * SESSION_END_CONNECTIONS + 1,
        /* A turn here may be two of the loop's. */
        IN_A_TURN = 2 * SESSION_END_CONNECTIONS,
};

static Session *session;

/* Client 0, with more in hand than is given back at once. */
static void set_up(void)
{
        Iod__Connections *connections;

        sharing_scene_set_up();
        scene_open(1);
        session = scene_join(0, IN_HAND, NULL);
        scene_dial_many(IN_HAND);
        for (uint32_t n = 0; n < IN_HAND; n += (uint32_t)connections->n_connection) {
                ck_assert(WAIT_UNTIL(scene_connections(0, &connections) > 0, DEADLINE_MS));
                scene_taken(0, connections);
        }
        ck_assert_uint_eq(session->in_hand, IN_HAND);
}

/* Turns until something of the session's end was done, which is not much at a time. */
static void give_some_back(void)
{
        const uint32_t before = session->in_hand;

        for (int turns = 0; session->in_hand == before; turns++) {
                ck_assert_int_lt(turns, 100);
                inner_server_turn();
        }
        ck_assert_uint_le(before - session->in_hand, IN_A_TURN);
}

START_TEST(what_it_has_in_hand_is_given_back_in_slices_and_others_are_served_in_between)
{
        raw_client_close(&sharing.clients[0]);
        give_some_back();
        ck_assert(session->ended);
        raw_client_request(&sharing.clients[1], 5, RAW_GET_STATUS);
        for (int i = 0; i < 2; i++)
                give_some_back();
        ck_assert_uint_gt(session->in_hand, 0);
        ck_assert(wait_readable(sharing.clients[1].socket_fd, 0));
        ck_assert_uint_eq(inner.daemon->sessions.count, 2);
        ck_assert_uint_eq(session->user->used[QUOTA_SESSIONS], 2);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert_uint_eq(scene_listener()->group.passed_again, 0);
        scene_expect(1, IOD__FRAME__BODY_STATUS);
}
END_TEST

START_TEST(it_is_drained_when_it_has_given_back_everything)
{
        raw_client_close(&sharing.clients[0]);
        give_some_back();
        SCENE_SEND(
                1, 7, DRAIN, drain,
                {.base = PROTOBUF_C_MESSAGE_INIT(&iod__drain__descriptor), .session = session->id});
        give_some_back();
        give_some_back();
        ck_assert(!wait_readable(sharing.clients[1].socket_fd, 0));
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_DONE)->sequence, 7);
}
END_TEST

START_TEST(it_is_given_nothing_of_what_comes_meanwhile)
{
        RawBytes garbage = {0};
        Iod__Connections *connections;

        service_offer(&sharing.clients[0], 0, 1, IN_HAND, 5);
        raw_put(&garbage, "\xff\xff\xff", 3);
        raw_client_send(&sharing.clients[0], &garbage, NULL, 0);
        give_some_back();
        scene_dial_many(2);
        give_some_back();
        ck_assert_uint_eq(scene_listener()->accepted, IN_HAND);
        service_join(&sharing.clients[1], 6, "web", "", 0, 5, NULL);
        scene_expect(1, IOD__FRAME__BODY_JOINED);
        ck_assert(WAIT_UNTIL(scene_connections(1, &connections) == 2, DEADLINE_MS));
        scene_gone(1, connections);
}
END_TEST

START_TEST(it_may_be_ended_at_once_in_the_middle)
{
        raw_client_close(&sharing.clients[0]);
        give_some_back();
        session_free(session);
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
        raw_client_request(&sharing.clients[1], 5, RAW_GET_STATUS);
        scene_expect(1, IOD__FRAME__BODY_STATUS);
}
END_TEST

/* Each slot has an array of its own in the map. */
START_TEST(so_are_its_registrations)
{
        enum { COUNT = 3 * SESSION_END_ARRAYS, FIRST = 1 << 10, APART = 64 };
        const RegistrationSet *set = &session->registrations;
        uint32_t slot = 0;

        for (uint32_t i = 0; i < COUNT; i++) {
                const uint64_t source = raw_source(FIRST + i * APART, 1, READINESS_READABLE);
                int fd = eventfd(0, EFD_CLOEXEC);

                ck_assert_int_ge(fd, 0);
                raw_client_add(&sharing.clients[0], 0, &source, &fd, 1);
                close(fd);
                ck_assert(WAIT_UNTIL((inner_server_settle(), set->count == IN_HAND + i + 1),
                                     DEADLINE_MS));
        }
        raw_client_close(&sharing.clients[0]);
        while (session->in_hand > 0)
                give_some_back();
        ck_assert_ptr_nonnull(registration_set_next(set, &slot));
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
}
END_TEST

TEST_SUITE(test_session_life)
{
        TCase *tests = tcase_create("end");

        tcase_add_checked_fixture(tests, set_up, sharing_scene_tear_down);
        tcase_set_timeout(tests, TEST_TIMEOUT_SECONDS);
        tcase_add_test(
                tests,
                what_it_has_in_hand_is_given_back_in_slices_and_others_are_served_in_between);
        tcase_add_test(tests, it_is_drained_when_it_has_given_back_everything);
        tcase_add_test(tests, it_is_given_nothing_of_what_comes_meanwhile);
        tcase_add_test(tests, it_may_be_ended_at_once_in_the_middle);
        tcase_add_test(tests, so_are_its_registrations);
        suite_add_tcase(suite, tests);
}
