/* What comes from the daemon, where the descriptors are not those that the frame speaks of. */
#include "client/turn/inbox.h"

#include "proto/frame_socket.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static ScriptedDaemon kyron_iod;
static int peers[4], fds[4];

static void set_up(void)
{
        scripted_daemon_start(&kyron_iod, 100);
        for (int i = 0; i < 4; i++) {
                int ends[2];

                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
                peers[i] = ends[0];
                fds[i] = ends[1];
        }
}

static void close_fds(void)
{
        for (int i = 0; i < 4; i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
                fds[i] = -1;
        }
}

static void tear_down(void)
{
        close_fds();
        for (int i = 0; i < 4; i++)
                close(peers[i]);
        scripted_daemon_stop(&kyron_iod);
}

/* The session ends with this sentence, and every descriptor that came is closed. */
static void check_end(Iod__Frame *frame, size_t n, const char *sentence)
{
        char byte;

        scripted_daemon_send(&kyron_iod, frame, fds, n);
        close_fds();
        ck_assert_int_eq(kyron_io_driver_handle_process_io(kyron_iod.handle, 0), -EHOSTDOWN);
        ck_assert_str_eq(kyron_error_text(), sentence);
        for (size_t i = 0; i < n; i++)
                ck_assert_int_eq(read(peers[i], &byte, 1), 0);
        ck_assert_int_eq(kyron_io_driver_handle_process_io(kyron_iod.handle, 0), -EHOSTDOWN);
}

START_TEST(an_opened_without_its_descriptor_ends_the_session)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Opened body = IOD__OPENED__INIT;

        frame.body_case = IOD__FRAME__BODY_OPENED;
        frame.opened = &body;
        check_end(&frame, 0, "the daemon sent opened with 0 descriptors, not 1");
}
END_TEST

START_TEST(connections_with_a_descriptor_too_many_end_the_session)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Connections body = IOD__CONNECTIONS__INIT;
        Iod__Connection plain = IOD__CONNECTION__INIT, noted = IOD__CONNECTION__INIT;
        Iod__Connection *connections[] = {&plain, &noted};

        noted.note_size = 1;
        body.n_connection = 2;
        body.connection = connections;
        frame.body_case = IOD__FRAME__BODY_CONNECTIONS;
        frame.connections = &body;
        check_end(&frame, 4, "the daemon sent connections with 4 descriptors, not 3");
}
END_TEST

START_TEST(a_held_without_its_note_ends_the_session)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Held body = IOD__HELD__INIT;

        body.note_size = 1;
        frame.body_case = IOD__FRAME__BODY_HELD;
        frame.held = &body;
        check_end(&frame, 1, "the daemon sent held with 1 descriptors, not 2");
}
END_TEST

START_TEST(readiness_with_a_descriptor_ends_the_session)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Readiness body = IOD__READINESS__INIT;

        frame.body_case = IOD__FRAME__BODY_READINESS;
        frame.readiness = &body;
        check_end(&frame, 1, "the daemon sent readiness with 1 descriptors, not 0");
}
END_TEST

START_TEST(a_wrong_count_in_the_frame_ends_the_session)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Done body = IOD__DONE__INIT;

        frame.descriptors = 2;
        frame.body_case = IOD__FRAME__BODY_DONE;
        frame.done = &body;
        check_end(&frame, 1, "a packet came with 1 descriptors and announced 2");
}
END_TEST

START_TEST(descriptors_of_a_frame_from_a_newer_daemon_are_closed)
{
        /* descriptors = 1; field 99, of no bytes. */
        static const uint8_t bytes[] = {0x08, 1, 0x9a, 0x06, 0};
        char byte;

        ck_assert_int_eq(frame_socket_send(kyron_iod.socket_fd, bytes, sizeof(bytes), fds, 1), 0);
        close_fds();
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(read(peers[0], &byte, 1), 0);
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(descriptors_lost_at_the_limit_are_named_as_the_reason)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Opened body = IOD__OPENED__INIT;
        int lowest, r;

        frame.body_case = IOD__FRAME__BODY_OPENED;
        frame.opened = &body;
        scripted_daemon_send(&kyron_iod, &frame, fds, 1);
        close_fds();
        lowest = dup(0);
        close(lowest);
        if (!limit_descriptors(lowest))
                SKIP_TEST("the limit of descriptors is not the kernel's here");
        r = kyron_io_driver_handle_process_io(kyron_iod.handle, 0);
        unlimit_descriptors();
        ck_assert_int_eq(r, -EHOSTDOWN);
        ck_assert_str_eq(kyron_error_text(), "descriptors were lost: too many open files");
}
END_TEST

/* ---- Answers ---- */

enum { ASKED = 4 };

static TestCall calls[ASKED];
static KyronTcpStream *streams[ASKED];
static Iod__Answer answers[ASKED], *pointers[ASKED];
static Iod__Opened opened[ASKED];

/* Asks for connections. An Answers with all of them. */
static void ask_and_answer(Iod__Answers *body)
{
        for (int i = 0; i < ASKED; i++) {
                const Iod__Frame *frame;

                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_tcp_stream_connect_to(&streams[i], kyron_iod.handle,
                                                             "tcp:example.org:443", 0,
                                                             &calls[i].operation),
                                 KYRON_PENDING);
                frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CONNECT);
                opened[i] = (Iod__Opened)IOD__OPENED__INIT;
                opened[i].id = io_id_unpack(frame->connect->source);
                opened[i].address = (char *)"tcp:127.0.0.1:443";
                answers[i] = (Iod__Answer)IOD__ANSWER__INIT;
                answers[i].sequence = frame->sequence;
                answers[i].body_case = IOD__ANSWER__BODY_OPENED;
                answers[i].opened = &opened[i];
                pointers[i] = &answers[i];
        }
        *body = (Iod__Answers)IOD__ANSWERS__INIT;
        body->n_answer = ASKED;
        body->answer = pointers;
}

static void send_answers(Iod__Answers *body, size_t n)
{
        Iod__Frame frame = IOD__FRAME__INIT;

        frame.body_case = IOD__FRAME__BODY_ANSWERS;
        frame.answers = body;
        scripted_daemon_send(&kyron_iod, &frame, fds, n);
        close_fds();
}

/* The stream is peer's other end. */
static void check_stream(KyronTcpStream *stream, int peer)
{
        int fd = kyron_bridged_fd_fd(kyron_tcp_stream_bridged_fd(stream));
        char byte;

        put_byte(peer);
        ck_assert_int_eq(read(fd, &byte, 1), 1);
        kyron_tcp_stream_close(stream);
}

START_TEST(each_answer_has_its_own_descriptors)
{
        Iod__Answers body;

        ask_and_answer(&body);
        send_answers(&body, ASKED);
        ck_assert_int_eq(process(kyron_iod.handle, 0), ASKED);
        for (int i = 0; i < ASKED; i++) {
                ck_assert_int_eq(calls[i].completions, 1);
                ck_assert_int_eq(calls[i].result, 0);
                check_stream(streams[i], peers[i]);
        }
}
END_TEST

START_TEST(a_refusal_and_a_cancelled_one_among_them_shift_nothing)
{
        Iod__Refused refused = IOD__REFUSED__INIT;
        Iod__Answers body;
        char byte;

        ask_and_answer(&body);
        refused.error = ECONNREFUSED;
        refused.text = (char *)"nobody is there";
        answers[0].body_case = IOD__ANSWER__BODY_REFUSED;
        answers[0].refused = &refused;
        ck_assert_int_eq(kyron_operation_cancel(&calls[1].operation), 0);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CANCEL);
        send_answers(&body, ASKED - 1);
        ck_assert_int_eq(process(kyron_iod.handle, 0), ASKED - 1);
        ck_assert_int_eq(calls[0].result, -ECONNREFUSED);
        ck_assert_str_eq(calls[0].text, "nobody is there");
        /* The first descriptor was the cancelled one's. */
        ck_assert_int_eq(read(peers[0], &byte, 1), 0);
        ck_assert_int_eq(calls[1].completions, 0);
        check_stream(streams[2], peers[1]);
        check_stream(streams[3], peers[2]);
}
END_TEST

START_TEST(an_answer_to_nothing_is_let_go_of)
{
        Iod__Answers body;
        char byte;

        ask_and_answer(&body);
        answers[1].sequence = 12345678;
        send_answers(&body, ASKED);
        ck_assert_int_eq(process(kyron_iod.handle, 0), ASKED - 1);
        ck_assert_int_eq(read(peers[1], &byte, 1), 0);
        ck_assert_int_eq(calls[1].completions, 0);
        check_stream(streams[0], peers[0]);
        check_stream(streams[2], peers[2]);
        check_stream(streams[3], peers[3]);
}
END_TEST

START_TEST(answers_with_a_descriptor_too_few_end_the_session)
{
        Iod__Answers body;
        char byte;

        ask_and_answer(&body);
        send_answers(&body, ASKED - 1);
        kyron_io_driver_handle_process_io(kyron_iod.handle, 0);
        ck_assert_int_eq(kyron_io_driver_handle_process_io(kyron_iod.handle, 0), -EHOSTDOWN);
        ck_assert_str_eq(kyron_error_text(), "the daemon sent answers with 3 descriptors, not 4");
        for (int i = 0; i < ASKED; i++) {
                ck_assert_int_eq(read(peers[i], &byte, 1), 0);
                ck_assert_int_eq(calls[i].result, -EHOSTDOWN);
        }
}
END_TEST

START_TEST(at_the_limit_of_descriptors_none_of_them_stays_open)
{
        Iod__Answers body;
        int lowest, r;
        char byte;

        ask_and_answer(&body);
        send_answers(&body, ASKED);
        lowest = dup(0);
        close(lowest);
        if (!limit_descriptors(lowest + 2))
                SKIP_TEST("the limit of descriptors is not the kernel's here");
        kyron_io_driver_handle_process_io(kyron_iod.handle, 0);
        r = kyron_io_driver_handle_process_io(kyron_iod.handle, 0);
        unlimit_descriptors();
        ck_assert_int_eq(r, -EHOSTDOWN);
        ck_assert_str_eq(kyron_error_text(), "descriptors were lost: too many open files");
        for (int i = 0; i < ASKED; i++)
                ck_assert_int_eq(read(peers[i], &byte, 1), 0);
}
END_TEST

TEST_SUITE(test_inbox)
{
        TCase *tcase = tcase_create("inbox");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, an_opened_without_its_descriptor_ends_the_session);
        tcase_add_test(tcase, connections_with_a_descriptor_too_many_end_the_session);
        tcase_add_test(tcase, a_held_without_its_note_ends_the_session);
        tcase_add_test(tcase, readiness_with_a_descriptor_ends_the_session);
        tcase_add_test(tcase, a_wrong_count_in_the_frame_ends_the_session);
        tcase_add_test(tcase, descriptors_of_a_frame_from_a_newer_daemon_are_closed);
        tcase_add_test(tcase, descriptors_lost_at_the_limit_are_named_as_the_reason);
        tcase_add_test(tcase, each_answer_has_its_own_descriptors);
        tcase_add_test(tcase, a_refusal_and_a_cancelled_one_among_them_shift_nothing);
        tcase_add_test(tcase, an_answer_to_nothing_is_let_go_of);
        tcase_add_test(tcase, answers_with_a_descriptor_too_few_end_the_session);
        tcase_add_test(tcase, at_the_limit_of_descriptors_none_of_them_stays_open);
        suite_add_tcase(suite, tcase);
}
