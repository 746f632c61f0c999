/*
 * daemon/drain: a drained session is given nothing more, and whoever asked is answered when it has
 * nothing in hand: once, whichever of them ends first.
 */
#include "daemon/listen/drain.h"

#include "tests/support/refused_sends.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static void ask_to_drain(int i, uint32_t sequence, const Session *target, bool undo)
{
        SCENE_SEND(i, sequence, DRAIN, drain,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__drain__descriptor),
                    .session = target->id,
                    .undo = undo});
        inner_server_settle();
}

static void cancel(int i, uint32_t request)
{
        SCENE_SEND(i, 0, CANCEL, cancel,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__cancel__descriptor), .request = request});
}

/* A worker with one connection taken, one passed on in a packet that it has not read, and an asker
 * who has asked for its drain. */
static Session *busy;

static void set_up(void)
{
        sharing_scene_set_up();
        busy = scene_join(0, 8, NULL);
        scene_dial_many(1);
        ck_assert_uint_eq(scene_connections(0, NULL), 1);
        service_taken(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1)}, 1);
        ck_assert_ptr_null(scene_next(0));
        scene_dial_many(1);
        inner_server_settle();
        ck_assert_uint_eq(TAILQ_FIRST(&busy->workers)->not_taken, 1);
        scene_open(1);
        ask_to_drain(1, 7, busy, false);
        ck_assert_ptr_null(scene_next(1));
}

START_TEST(one_without_connections_is_drained_at_once_and_gets_none)
{
        Session *idle = scene_join(2, 8, NULL);

        ask_to_drain(1, 8, idle, false);
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_DONE)->sequence, 8);
        scene_dial_many(3);
        ck_assert_uint_eq(scene_connections(2, NULL), 0);
        ck_assert_uint_eq(scene_listener()->accepted, 2);
        /* Nor in a group that it joins now. */
        service_join(&sharing.clients[2], 3, "web", "", 20, 8, NULL);
        scene_expect(2, IOD__FRAME__BODY_JOINED);
        ck_assert_uint_eq(scene_connections(2, NULL), 0);
        ask_to_drain(1, 9, idle, true);
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_DONE)->sequence, 9);
        ck_assert_uint_eq(scene_serve(2), 3);
}
END_TEST

START_TEST(it_is_answered_when_nothing_is_in_hand)
{
        service_gone(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1)}, 1);
        ck_assert_ptr_null(scene_next(1));
        ck_assert_uint_eq(scene_serve(0), 1);
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_DONE)->sequence, 7);
        ck_assert_ptr_null(scene_next(1));
}
END_TEST

START_TEST(what_was_not_sent_goes_to_others_and_its_ids_stay_offered)
{
        const Worker *worker = TAILQ_FIRST(&busy->workers);
        Iod__Connections *connections;
        uint32_t credit;

        ask_to_drain(1, 8, busy, true);
        scene_expect(1, IOD__FRAME__BODY_DONE);
        credit = worker->credit;
        service_taken(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1)}, 1);
        while (scene_connections(0, &connections) > 0)
                scene_taken(0, connections);
        refused_sends = INT_MAX;
        scene_dial_many(2);
        inner_server_settle();
        ck_assert_uint_eq(worker->assigned_count, 2);
        ask_to_drain(1, 9, busy, false);
        refused_sends = 0;
        ck_assert_uint_eq(worker->assigned_count, 0);
        ck_assert_uint_eq(worker->credit, credit);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 2);
        scene_join(2, 8, NULL);
        ck_assert(WAIT_UNTIL(scene_serve(2) == 2, DEADLINE_MS));
}
END_TEST

START_TEST(it_is_answered_when_the_target_ends)
{
        scene_close(0);
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_DONE)->sequence, 7);
        ck_assert(TAILQ_EMPTY(&inner.daemon->listeners.drains.done));
}
END_TEST

START_TEST(it_is_answered_when_the_target_leaves_and_what_it_took_is_gone)
{
        service_leave(&sharing.clients[0], 3, 1);
        inner_server_settle();
        ck_assert_ptr_null(scene_next(1));
        service_gone(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1)}, 1);
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_DONE)->sequence, 7);
}
END_TEST

START_TEST(it_is_answered_when_the_listener_closes)
{
        listener_free(scene_listener());
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_DONE)->sequence, 7);
}
END_TEST

START_TEST(it_can_be_cancelled_and_the_drain_goes_on)
{
        cancel(1, 6);
        ck_assert_ptr_null(scene_next(1));
        cancel(0, 7);
        ck_assert_ptr_null(scene_next(1));
        cancel(1, 7);
        ck_assert_str_eq(scene_expect_refused(1, 7, ECANCELED), "cancelled as asked for");
        cancel(1, 7);
        ck_assert_ptr_null(scene_next(1));
        ck_assert(busy->draining);
}
END_TEST

START_TEST(an_asker_that_ends_is_forgotten)
{
        scene_close(1);
        ck_assert(TAILQ_EMPTY(&inner.daemon->listeners.drains.done));
        ck_assert_uint_eq(scene_serve(0), 1);
        service_gone(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1)}, 1);
        inner_server_settle();
}
END_TEST

START_TEST(a_session_may_drain_itself_and_end_meanwhile)
{
        ask_to_drain(0, 4, busy, false);
        scene_close(0);
        scene_expect(1, IOD__FRAME__BODY_DONE);
        ck_assert(TAILQ_EMPTY(&inner.daemon->listeners.drains.done));
}
END_TEST

START_TEST(a_session_waits_for_no_more_than_its_number_and_may_go_on_then)
{
        for (uint32_t i = 1; i < DRAIN_PER_SESSION_MAX; i++)
                ask_to_drain(1, 100 + i, busy, false);
        ck_assert_ptr_null(scene_next(1));
        ask_to_drain(1, 8, busy, false);
        ck_assert_str_eq(scene_expect_refused(1, 8, EDQUOT),
                         "a session may wait for 64 drains: cancel one first");
        cancel(1, 101);
        scene_expect_refused(1, 101, ECANCELED);
        ask_to_drain(1, 9, busy, false);
        ck_assert_ptr_null(scene_next(1));
        /* To take it back nobody waits. */
        ask_to_drain(1, 10, busy, true);
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_DONE)->sequence, 10);
        scene_close(0);
        for (int i = 0; i < DRAIN_PER_SESSION_MAX; i++)
                scene_expect(1, IOD__FRAME__BODY_DONE);
        ck_assert_ptr_null(scene_next(1));
}
END_TEST

START_TEST(a_user_waits_for_no_more_than_their_number)
{
        busy->user->drains += DRAIN_PER_USER_MAX - 2;
        scene_open(2);
        ask_to_drain(2, 8, busy, false);
        ck_assert_ptr_null(scene_next(2));
        ask_to_drain(2, 9, busy, false);
        ck_assert_ptr_nonnull(strstr(scene_expect_refused(2, 9, EDQUOT), "waits for 1024 drains"));
        scene_close(2);
        scene_close(1);
        ck_assert_uint_eq(busy->user->drains, DRAIN_PER_USER_MAX - 2);
        busy->user->drains = 0;
}
END_TEST

/* However many wait: nobody else waits for all of their answers. */
START_TEST(those_who_waited_are_answered_some_in_a_turn)
{
        for (uint32_t i = 1; i < DRAIN_PER_SESSION_MAX; i++)
                ask_to_drain(1, 100 + i, busy, false);
        service_gone(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1), io_id_make(1, 1)}, 2);
        while (busy->user->drains == DRAIN_PER_SESSION_MAX)
                inner_server_turn();
        ck_assert_uint_eq(busy->user->drains, DRAIN_PER_SESSION_MAX - DRAIN_ANSWERS_PER_TURN);
        inner_server_turn();
        ck_assert_uint_ge(busy->user->drains, DRAIN_PER_SESSION_MAX - 2 * DRAIN_ANSWERS_PER_TURN);
        /* Whoever ends meanwhile. */
        scene_close(0);
        scene_close(1);
        ck_assert(TAILQ_EMPTY(&inner.daemon->listeners.drains.done));
}
END_TEST

START_TEST(only_ones_own_users_and_living_sessions_are_drained)
{
        Session *asker = TAILQ_LAST(&inner.daemon->sessions.list, SessionList);
        Session nobody = {.id = 1000};

        ask_to_drain(1, 2, &nobody, false);
        ck_assert_str_eq(scene_expect_refused(1, 2, ENOENT), "there is no session 1000");
        asker->sees_all = false;
        asker->peer.uid++;
        ask_to_drain(1, 3, busy, false);
        ck_assert_str_eq(scene_expect_refused(1, 3, EACCES), "session 1 is another user's");
        asker->peer.uid--;
        ask_to_drain(1, 4, busy, true);
        scene_expect(1, IOD__FRAME__BODY_DONE);
}
END_TEST

TEST_SUITE(test_drain)
{
        TCase *waits = tcase_create("waits");

        tcase_add_checked_fixture(waits, set_up, sharing_scene_tear_down);
        tcase_set_timeout(waits, TEST_TIMEOUT_SECONDS);
        tcase_add_test(waits, one_without_connections_is_drained_at_once_and_gets_none);
        tcase_add_test(waits, it_is_answered_when_nothing_is_in_hand);
        tcase_add_test(waits, what_was_not_sent_goes_to_others_and_its_ids_stay_offered);
        tcase_add_test(waits, it_is_answered_when_the_target_ends);
        tcase_add_test(waits, it_is_answered_when_the_target_leaves_and_what_it_took_is_gone);
        tcase_add_test(waits, it_is_answered_when_the_listener_closes);
        tcase_add_test(waits, it_can_be_cancelled_and_the_drain_goes_on);
        tcase_add_test(waits, an_asker_that_ends_is_forgotten);
        tcase_add_test(waits, a_session_may_drain_itself_and_end_meanwhile);
        tcase_add_test(waits, a_session_waits_for_no_more_than_its_number_and_may_go_on_then);
        tcase_add_test(waits, a_user_waits_for_no_more_than_their_number);
        tcase_add_test(waits, those_who_waited_are_answered_some_in_a_turn);
        tcase_add_test(waits, only_ones_own_users_and_living_sessions_are_drained);
        suite_add_tcase(suite, waits);
}
