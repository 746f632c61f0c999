/*
 * daemon/delivery: answers with descriptors and connections go when the client has read what came
 * before, at once, and none is lost or comes twice; who reads nothing can ask for no more.
 */
#include "daemon/session/delivery.h"

#include "tests/support/refused_sends.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void ask_to_bind(int i, uint32_t sequence, uint64_t source)
{
        SCENE_SEND(i, sequence, BIND, bind,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__bind__descriptor),
                    .address = (char *)"udp:127.0.0.1:0",
                    .source = source});
}

/* One packet without letting the server do anything. */
static Iod__Frame *read_one(int i)
{
        fd_list_close(&sharing.received);
        ck_assert(wait_readable(sharing.clients[i].socket_fd, 0));
        return service_receive(&sharing.clients[i], &sharing.received);
}

START_TEST(one_packet_with_descriptors_is_unread_at_a_time)
{
        Session *session = scene_open(0);

        for (uint32_t i = 1; i <= 3; i++)
                ask_to_bind(0, i, raw_source(i, 1, 1));
        inner_server_settle();
        ck_assert_uint_eq(session->delivery.count, 2);
        ck_assert_uint_eq(session->registrations.count, 1);
        for (uint32_t i = 1; i <= 3; i++) {
                const Iod__Frame *frame = read_one(0);

                ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_OPENED);
                ck_assert_uint_eq(frame->sequence, i);
                ck_assert_uint_eq(frame->opened->id, io_id_make(i, 1));
                ck_assert_uint_eq(sharing.received.count, 1);
                /* The next one goes as soon as this one was read. */
                ck_assert(!wait_readable(sharing.clients[0].socket_fd, 0));
                inner_server_settle();
        }
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert(!session->delivery.awaits_reading);
}
END_TEST

START_TEST(readiness_that_is_unread_is_waited_for)
{
        Session *session = scene_open(0);
        int writer = inner_server_add_pipe(&sharing.clients[0], 5, 1, NULL);

        put_byte(writer);
        inner_server_settle();
        ask_to_bind(0, 1, 0);
        inner_server_settle();
        ck_assert_uint_eq(session->delivery.count, 1);
        ck_assert_int_eq(read_one(0)->body_case, IOD__FRAME__BODY_READINESS);
        inner_server_settle();
        ck_assert_int_eq(read_one(0)->body_case, IOD__FRAME__BODY_OPENED);
        close(writer);
}
END_TEST

START_TEST(what_waits_goes_before_more_readiness)
{
        int writer;

        scene_join(0, 4, NULL);
        writer = inner_server_add_pipe(&sharing.clients[0], 5, 1, NULL);
        put_byte(writer);
        inner_server_settle();
        scene_dial_many(1);
        inner_server_settle();
        ck_assert_int_eq(read_one(0)->body_case, IOD__FRAME__BODY_READINESS);
        /* A client that is never without events. */
        put_byte(writer);
        inner_server_settle();
        ck_assert_int_eq(read_one(0)->body_case, IOD__FRAME__BODY_CONNECTIONS);
        ck_assert_int_eq(read_one(0)->body_case, IOD__FRAME__BODY_READINESS);
        close(writer);
}
END_TEST

START_TEST(a_full_socket_is_waited_for)
{
        Session *session = scene_open(0);
        RawBytes frame = {0};
        size_t frames = 0;

        scene_join(1, 0, NULL);
        raw_put_frame(&frame, 0, 7, RAW_GET_STATUS, NULL);
        while (!notifier_is_waiting(&session->notifier)) {
                ck_assert_int_eq(raw_client_send(&sharing.clients[0], &frame, NULL, 0), 0);
                inner_server_settle();
                frames++;
        }
        /* An answer that comes late, and one with a descriptor, meet it full. */
        ck_assert_int_eq(answer_done(session, 99), 0);
        ck_assert_int_eq(answer_opened(session, 98, dup(0), 0, &scene_listener()->bound), 0);
        inner_server_settle();
        ck_assert_uint_eq(session->delivery.count, 2);
        while (frames-- > 0)
                ck_assert_int_eq(scene_next(0)->body_case, IOD__FRAME__BODY_STATUS);
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_DONE)->sequence, 99);
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_OPENED)->sequence, 98);
}
END_TEST

START_TEST(answers_and_connections_wait_together)
{
        Iod__Connections *connections;

        scene_join(0, 8, NULL);
        ask_to_bind(0, 1, 0);
        inner_server_settle();
        ask_to_bind(0, 2, 0);
        scene_dial_many(3);
        inner_server_settle();
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_OPENED)->sequence, 1);
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_OPENED)->sequence, 2);
        ck_assert_uint_eq(scene_connections(0, &connections), 3);
        scene_taken(0, connections);
        ck_assert_ptr_null(scene_next(0));
}
END_TEST

START_TEST(an_answer_that_could_not_be_sent_is_sent_again_and_registered)
{
        Session *session = scene_open(0);
        const Iod__Frame *frame;

        refused_sends = INT_MAX;
        ask_to_bind(0, 1, raw_source(4, 1, 1));
        ck_assert_ptr_null(scene_next(0));
        ck_assert_int_lt(refused_sends, INT_MAX);
        ck_assert_uint_eq(session->registrations.count, 0);
        ck_assert_uint_eq(session->charged_registrations, 0);
        refused_sends = 0;
        ck_assert(WAIT_UNTIL((frame = scene_next(0)) != NULL, DEADLINE_MS));
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_OPENED);
        ck_assert_uint_eq(frame->opened->id, io_id_make(4, 1));
        ck_assert_uint_eq(session->registrations.count, 1);
}
END_TEST

START_TEST(what_cannot_be_registered_is_refused_and_closed)
{
        scene_open(0);
        ask_to_bind(0, 1, raw_source(0xfffff0, 1, 1));
        scene_expect_refused(0, 1, EDQUOT);
        ask_to_bind(0, 2, raw_source(1, 1, 0));
        scene_expect_refused(0, 2, EINVAL);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert_uint_eq(TAILQ_FIRST(&inner.daemon->sessions.list)->charged_registrations, 0);
}
END_TEST

START_TEST(who_reads_no_answers_can_ask_for_no_more)
{
        Session *session = scene_open(0);

        for (uint32_t i = 1; i <= 100; i++)
                ask_to_bind(0, i, 0);
        inner_server_settle();
        ck_assert_uint_eq(session->delivery.count, DELIVERY_ANSWERS_MAX);
        ck_assert_uint_eq(inner.daemon->kept.count, DELIVERY_ANSWERS_MAX);
        ck_assert(!event_pending(&session->readable->event, EV_READ, NULL));
        for (uint32_t i = 1; i <= 100; i++)
                ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_OPENED)->sequence, i);
        ck_assert(event_pending(&session->readable->event, EV_READ, NULL));
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

START_TEST(one_that_pauses_is_noticed_when_it_goes)
{
        scene_open(0);
        for (uint32_t i = 1; i <= 100; i++)
                ask_to_bind(0, i, 0);
        inner_server_settle();
        scene_close(0);
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

START_TEST(a_session_that_cannot_go_on_ends_once)
{
        Session *session = scene_join(0, 4, NULL);

        session_fail(session, 0, error_set(ENOMEM, "no memory to go on"));
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        inner_server_expect_goodbye(&sharing.clients[0], 0, ENOMEM, "no memory to go on");
}
END_TEST

TEST_SUITE(test_delivery)
{
        TCase *answers = tcase_create("answers");

        tcase_add_checked_fixture(answers, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(answers, TEST_TIMEOUT_SECONDS);
        tcase_add_test(answers, one_packet_with_descriptors_is_unread_at_a_time);
        tcase_add_test(answers, readiness_that_is_unread_is_waited_for);
        tcase_add_test(answers, what_waits_goes_before_more_readiness);
        tcase_add_test(answers, a_full_socket_is_waited_for);
        tcase_add_test(answers, answers_and_connections_wait_together);
        tcase_add_test(answers, an_answer_that_could_not_be_sent_is_sent_again_and_registered);
        tcase_add_test(answers, what_cannot_be_registered_is_refused_and_closed);
        tcase_add_test(answers, who_reads_no_answers_can_ask_for_no_more);
        tcase_add_test(answers, one_that_pauses_is_noticed_when_it_goes);
        tcase_add_test(answers, a_session_that_cannot_go_on_ends_once);
        suite_add_tcase(suite, answers);
}
