/*
 * daemon/session/answer_packet: what has gathered goes together to a client that takes it, in its
 * order and with its descriptors; whatever one of them comes to, the others arrive once.
 */
#include "daemon/session/answer_packet.h"
#include "daemon/session/session_direct.h"

#include "tests/support/refused_sends.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

static Session *session;

static void set_up(void)
{
        sharing_scene_set_up();
        session = scene_open(0);
        session->takes_answers = true;
}

static void ask_to_bind(uint32_t sequence, uint64_t source)
{
        SCENE_SEND(0, sequence, BIND, bind,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__bind__descriptor),
                    .address = (char *)"udp:127.0.0.1:0",
                    .source = source});
}

/* The first goes at once; until it is read, the others gather. */
static void ask_for_the_first(void)
{
        ask_to_bind(1, raw_source(1, 1, 1));
        inner_server_settle();
        ck_assert_uint_eq(session->delivery.count, 0);
}

/* One packet, without letting the server do anything. */
static const Iod__Frame *read_one(Iod__Frame__BodyCase body)
{
        const Iod__Frame *frame;

        fd_list_close(&sharing.received);
        ck_assert(wait_readable(sharing.clients[0].socket_fd, 0));
        frame = service_receive(&sharing.clients[0], &sharing.received);
        ck_assert_ptr_nonnull(frame);
        ck_assert_int_eq(frame->body_case, body);
        return frame;
}

static const Iod__Answers *read_answers(size_t n, size_t n_fds)
{
        const Iod__Frame *frame;

        inner_server_settle();
        frame = read_one(IOD__FRAME__BODY_ANSWERS);
        ck_assert_uint_eq(frame->sequence, 0);
        ck_assert_uint_eq(frame->answers->n_answer, n);
        ck_assert_uint_eq(sharing.received.count, n_fds);
        return frame->answers;
}

static void check_opened(const Iod__Answer *answer, uint32_t sequence, uint64_t id)
{
        ck_assert_uint_eq(answer->sequence, sequence);
        ck_assert_int_eq(answer->body_case, IOD__ANSWER__BODY_OPENED);
        ck_assert_uint_eq(answer->opened->id, id);
        ck_assert_str_ne(answer->opened->address, "");
}

static void check_refused(const Iod__Answer *answer, uint32_t sequence, int error)
{
        ck_assert_uint_eq(answer->sequence, sequence);
        ck_assert_int_eq(answer->body_case, IOD__ANSWER__BODY_REFUSED);
        ck_assert_int_eq(answer->refused->error, error);
}

START_TEST(what_has_gathered_comes_together)
{
        const Iod__Answers *answers;

        ask_for_the_first();
        for (uint32_t i = 2; i <= 5; i++)
                ask_to_bind(i, raw_source(i, 1, 1));
        inner_server_settle();
        ck_assert_uint_eq(session->delivery.count, 4);
        ck_assert_uint_eq(read_one(IOD__FRAME__BODY_OPENED)->sequence, 1);
        answers = read_answers(4, 4);
        for (uint32_t i = 2; i <= 5; i++)
                check_opened(answers->answer[i - 2], i, io_id_make(i, 1));
        inner_server_settle();
        ck_assert_uint_eq(session->registrations.count, 5);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert_uint_eq(session->delivery.count, 0);
        ck_assert(!session->delivery.awaits_reading);
}
END_TEST

START_TEST(what_a_direct_session_is_sent_is_not_registered)
{
        const Iod__Answers *answers;

        session_direct_set(session, true);
        ask_for_the_first();
        ask_to_bind(2, raw_source(2, 1, 1));
        ask_to_bind(3, raw_source(3, 1, 1));
        inner_server_settle();
        ck_assert_uint_eq(read_one(IOD__FRAME__BODY_OPENED)->opened->id, 0);
        answers = read_answers(2, 2);
        check_opened(answers->answer[0], 2, 0);
        check_opened(answers->answer[1], 3, 0);
        ck_assert_uint_eq(session->registrations.count, 0);
}
END_TEST

START_TEST(answers_without_descriptors_need_not_wait)
{
        ask_for_the_first();
        ck_assert_int_eq(answer_done(session, 2), 0);
        ck_assert_int_eq(answer_done(session, 3), 0);
        ask_to_bind(4, 0);
        inner_server_settle();
        ck_assert_uint_eq(session->delivery.count, 1);
        ck_assert_uint_eq(read_one(IOD__FRAME__BODY_OPENED)->sequence, 1);
        ck_assert_int_eq(read_answers(2, 0)->answer[1]->body_case, IOD__ANSWER__BODY_DONE);
        inner_server_settle();
        ck_assert_uint_eq(read_one(IOD__FRAME__BODY_OPENED)->sequence, 4);
}
END_TEST

START_TEST(a_cancelled_one_has_its_place_among_them)
{
        const Iod__Answers *answers;

        ask_for_the_first();
        ask_to_bind(2, raw_source(2, 1, 1));
        inner_server_settle();
        ck_assert_int_eq(answer_cancelled(session, 3, error_set(ECANCELED, "cancelled")), 0);
        ask_to_bind(4, raw_source(4, 1, 1));
        inner_server_settle();
        read_one(IOD__FRAME__BODY_OPENED);
        answers = read_answers(3, 2);
        check_opened(answers->answer[0], 2, io_id_make(2, 1));
        check_refused(answers->answer[1], 3, ECANCELED);
        check_opened(answers->answer[2], 4, io_id_make(4, 1));
        ck_assert_uint_eq(session->not_done.counts[NOT_DONE_REFUSED], 0);
        ck_assert_uint_eq(session->not_done.counts[NOT_DONE_CANCELLED], 1);
        ck_assert_int_eq(session->not_done.error, 0);
}
END_TEST

START_TEST(one_that_cannot_be_registered_is_refused_among_them)
{
        const Iod__Answers *answers;

        ask_for_the_first();
        ask_to_bind(2, raw_source(0xfffff0, 1, 1));
        ask_to_bind(3, raw_source(3, 1, 1));
        ask_to_bind(4, raw_source(3, 1, 1));
        inner_server_settle();
        read_one(IOD__FRAME__BODY_OPENED);
        answers = read_answers(3, 1);
        check_refused(answers->answer[0], 2, EDQUOT);
        check_opened(answers->answer[1], 3, io_id_make(3, 1));
        check_refused(answers->answer[2], 4, ESTALE);
        inner_server_settle();
        ck_assert_uint_eq(session->not_done.counts[NOT_DONE_REFUSED], 2);
        ck_assert_uint_eq(session->registrations.count, 2);
        ck_assert_uint_eq(session->charged_registrations, 2);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

START_TEST(a_refused_packet_is_sent_again_whole)
{
        const Iod__Answers *answers;

        ask_for_the_first();
        ask_to_bind(2, raw_source(2, 1, 1));
        ask_to_bind(3, raw_source(0xfffff0, 1, 1));
        ask_to_bind(4, raw_source(4, 1, 1));
        inner_server_settle();
        read_one(IOD__FRAME__BODY_OPENED);
        refused_sends = INT_MAX;
        inner_server_settle();
        ck_assert_int_lt(refused_sends, INT_MAX);
        ck_assert_uint_eq(session->delivery.count, 3);
        ck_assert_uint_eq(session->registrations.count, 1);
        ck_assert_uint_eq(session->charged_registrations, 1);
        refused_sends = 0;
        answers = scene_await(0, IOD__FRAME__BODY_ANSWERS)->answers;
        ck_assert_uint_eq(answers->n_answer, 3);
        check_opened(answers->answer[0], 2, io_id_make(2, 1));
        check_refused(answers->answer[1], 3, EDQUOT);
        check_opened(answers->answer[2], 4, io_id_make(4, 1));
        ck_assert_uint_eq(session->registrations.count, 3);
        ck_assert_uint_eq(session->not_done.counts[NOT_DONE_REFUSED], 1);
        ck_assert_ptr_null(scene_next(0));
}
END_TEST

START_TEST(a_session_that_ends_with_a_refused_packet_leaves_nothing)
{
        ask_for_the_first();
        for (uint32_t i = 2; i <= 4; i++)
                ask_to_bind(i, raw_source(i, 1, 1));
        inner_server_settle();
        read_one(IOD__FRAME__BODY_OPENED);
        refused_sends = INT_MAX;
        inner_server_settle();
        refused_sends = 0;
        scene_close(0);
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

/* Answers that others have put there; nothing has been sent. */
static void open_many(uint32_t n)
{
        Address address;

        ck_assert_int_eq(address_parse("udp:127.0.0.1:1", &address), 0);
        for (uint32_t i = 1; i <= n; i++) {
                int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

                ck_assert_int_eq(answer_opened(session, i, fd, 0, &address), 0);
        }
}

START_TEST(a_packet_has_no_more_than_so_many)
{
        const Iod__Answers *answers;

        open_many(FRAME_PACKET_ANSWERS_MAX + 6);
        answers = read_answers(FRAME_PACKET_ANSWERS_MAX, FRAME_PACKET_ANSWERS_MAX);
        ck_assert_uint_eq(answers->answer[0]->sequence, 1);
        answers = read_answers(6, 6);
        ck_assert_uint_eq(answers->answer[5]->sequence, FRAME_PACKET_ANSWERS_MAX + 6);
}
END_TEST

START_TEST(where_there_is_no_room_for_all_one_goes_alone)
{
        inner.daemon->in_flight.share.max = 1;
        open_many(3);
        for (uint32_t i = 1; i <= 3; i++) {
                inner_server_settle();
                ck_assert_uint_eq(read_one(IOD__FRAME__BODY_OPENED)->sequence, i);
        }
        inner.daemon->in_flight.share.max = UINT64_MAX;
}
END_TEST

START_TEST(who_does_not_take_it_is_sent_one_at_a_time)
{
        session->takes_answers = false;
        open_many(3);
        for (uint32_t i = 1; i <= 3; i++) {
                inner_server_settle();
                ck_assert_uint_eq(read_one(IOD__FRAME__BODY_OPENED)->sequence, i);
        }
}
END_TEST

TEST_SUITE(test_answer_packet)
{
        TCase *packets = tcase_create("packets");

        tcase_add_checked_fixture(packets, set_up, sharing_scene_tear_down);
        tcase_set_timeout(packets, TEST_TIMEOUT_SECONDS);
        tcase_add_test(packets, what_has_gathered_comes_together);
        tcase_add_test(packets, what_a_direct_session_is_sent_is_not_registered);
        tcase_add_test(packets, answers_without_descriptors_need_not_wait);
        tcase_add_test(packets, a_cancelled_one_has_its_place_among_them);
        tcase_add_test(packets, one_that_cannot_be_registered_is_refused_among_them);
        tcase_add_test(packets, a_refused_packet_is_sent_again_whole);
        tcase_add_test(packets, a_session_that_ends_with_a_refused_packet_leaves_nothing);
        tcase_add_test(packets, a_packet_has_no_more_than_so_many);
        tcase_add_test(packets, where_there_is_no_room_for_all_one_goes_alone);
        tcase_add_test(packets, who_does_not_take_it_is_sent_one_at_a_time);
        suite_add_tcase(suite, packets);
}
