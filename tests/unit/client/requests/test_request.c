/* Requests that wait for an answer: sent, matched, cancelled, refused, and left unanswered. */
#include "client/handle/io_driver_handle.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static ScriptedDaemon kyron_iod;
static KyronTcpStream *stream;
static TestCall call;

static void set_up(void)
{
        scripted_daemon_start(&kyron_iod, 100);
        test_call_init(&call);
        stream = NULL;
}

static void tear_down(void)
{
        scripted_daemon_stop(&kyron_iod);
}

static int start_connect(KyronTcpStream **out, TestCall *its_call, const char *address)
{
        test_call_init(its_call);
        return kyron_tcp_stream_connect_to(out, kyron_iod.handle, address, 0, &its_call->operation);
}

static const Iod__Frame *expect_connect(void)
{
        return scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CONNECT);
}

/* Starts one and lets it be sent: its sequence and, in *id, the id it offers. */
static uint32_t send_connect(TestCall *its_call, KyronTcpStream **out, uint64_t *id)
{
        const Iod__Frame *frame;

        ck_assert_int_eq(start_connect(out, its_call, "tcp:example.org:443"), KYRON_PENDING);
        frame = expect_connect();
        *id = io_id_unpack(frame->connect->source);
        return frame->sequence;
}

/* An end of a connection for the library; the other end in *peer. */
static int make_connection(int *peer)
{
        int ends[2];

        tcp_pair(ends);
        *peer = ends[0];
        return ends[1];
}

static bool slot_is_taken(uint64_t id)
{
        return slot_table_recreate(&kyron_iod.handle->slots, id) != NULL;
}

/* ---- Answers ------------------------------------------------------------------------------- */

START_TEST(answers_are_matched_by_their_sequence)
{
        KyronTcpStream *streams[3];
        TestCall calls[3];
        uint32_t sequences[3];
        uint64_t ids[3];
        int peers[3];

        for (int i = 0; i < 3; i++)
                sequences[i] = send_connect(&calls[i], &streams[i], &ids[i]);
        for (int i = 2; i >= 0; i--) {
                scripted_daemon_send_opened(&kyron_iod, sequences[i], ids[i],
                                            make_connection(&peers[i]));
                ck_assert_int_eq(process(kyron_iod.handle, 0), 1);
                ck_assert_int_eq(calls[i].completions, 1);
                ck_assert_int_eq(calls[i].result, 0);
                if (i > 0)
                        ck_assert_ptr_null(streams[i - 1]);
        }
        for (int i = 0; i < 3; i++) {
                char byte = (char)('a' + i);

                put_byte(peers[i]);
                test_call_init(&call);
                ck_assert_int_eq(kyron_tcp_stream_read(streams[i], &call.operation, &byte, 1), 0);
                kyron_tcp_stream_close(streams[i]);
                close(peers[i]);
        }
}
END_TEST

START_TEST(a_completion_runs_in_process_io_only)
{
        uint64_t id;
        uint32_t sequence = send_connect(&call, &stream, &id);
        int peer;

        scripted_daemon_send_opened(&kyron_iod, sequence, id, make_connection(&peer));
        ck_assert(wait_readable(kyron_io_driver_handle_fd(kyron_iod.handle), DEADLINE_MS));
        ck_assert_int_eq(call.completions, 0);
        ck_assert_ptr_null(stream);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        kyron_tcp_stream_close(stream);
        close(peer);
}
END_TEST

static void connect_again(KyronOperation *operation)
{
        TestCall *its_call = operation->user;

        its_call->completions++;
        its_call->result =
                kyron_tcp_stream_connect_to(&stream, kyron_iod.handle, "tcp:other:1", 0, operation);
}

START_TEST(a_completion_may_ask_again_with_the_same_operation)
{
        uint64_t id;
        uint32_t first, second;

        first = send_connect(&call, &stream, &id);
        call.operation.completion = connect_again;
        scripted_daemon_send_refused(&kyron_iod, first, ECONNREFUSED, "no");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, KYRON_PENDING);
        second = expect_connect()->sequence;
        ck_assert_uint_ne(first, second);
        /* The same place in the table, so nothing new was allocated. */
        ck_assert_uint_eq(kyron_iod.handle->requests.size, 1);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
}
END_TEST

START_TEST(a_refusal_brings_its_sentence_to_the_completion)
{
        uint64_t id;
        uint32_t sequence = send_connect(&call, &stream, &id);

        scripted_daemon_send_refused(&kyron_iod, sequence, EACCES,
                                     "no rule of user:www allows to connect to example.org:443");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -EACCES);
        ck_assert_str_eq(call.text, "no rule of user:www allows to connect to example.org:443");
        ck_assert_ptr_null(stream);
        ck_assert(!slot_is_taken(id));
        /* There is nothing that the daemon would have to be told of. */
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(a_refusal_of_its_id_is_no_answer)
{
        static const int errors[] = {EDQUOT, ENOSPC, ESTALE, EINVAL};

        for (int i = 0; i < 4; i++) {
                int peer;
                uint64_t id;
                uint32_t sequence = send_connect(&call, &stream, &id);

                scripted_daemon_send_refused_source(&kyron_iod, id, errors[i], "not this one");
                process(kyron_iod.handle, 0);
                ck_assert_int_eq(call.completions, 0);
                ck_assert(slot_is_taken(id));
                /* Registered or not. */
                scripted_daemon_send_opened(&kyron_iod, sequence, i % 2 ? id : 0,
                                            make_connection(&peer));
                process(kyron_iod.handle, 0);
                ck_assert_int_eq(call.completions, 1);
                ck_assert_int_eq(call.result, 0);
                ck_assert_int_eq(slot_is_taken(id), i % 2);
                kyron_tcp_stream_close(stream);
                close(peer);
                process(kyron_iod.handle, 0);
                if (i % 2)
                        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        }
}
END_TEST

START_TEST(an_answer_to_nothing_changes_nothing)
{
        uint64_t id;
        uint32_t sequence = send_connect(&call, &stream, &id);

        scripted_daemon_send_refused(&kyron_iod, 0, EPERM, "whom?");
        scripted_daemon_send_refused(&kyron_iod, sequence + 1, EPERM, "whom?");
        scripted_daemon_send_refused(&kyron_iod, sequence ^ 1U << 30, EPERM, "whom?");
        for (int i = 0; i < 4; i++)
                process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 0);
        scripted_daemon_send_refused(&kyron_iod, sequence, EPERM, "you");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        /* Once is enough. */
        scripted_daemon_send_refused(&kyron_iod, sequence, EPERM, "you again");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
}
END_TEST

START_TEST(an_answer_of_another_kind_fails_the_request)
{
        uint64_t id;
        uint32_t sequence = send_connect(&call, &stream, &id);

        scripted_daemon_send_done(&kyron_iod, sequence);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -EPROTO);
        ck_assert_str_eq(call.text, "the daemon answered with done, not with opened");
        ck_assert(!slot_is_taken(id));
}
END_TEST

START_TEST(an_operation_in_use_is_refused)
{
        KyronTcpStream *other;

        ck_assert_int_eq(start_connect(&stream, &call, "tcp:a:1"), KYRON_PENDING);
        ck_assert_int_eq(kyron_tcp_stream_connect_to(&other, kyron_iod.handle, "tcp:b:1", 0,
                                                     &call.operation),
                         -EBUSY);
        ck_assert_ptr_null(other);
        ck_assert_str_eq(expect_connect()->connect->address, "tcp:a:1");
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(requests_use_their_places_again)
{
        static TestCall calls[40];
        static KyronTcpStream *streams[40];

        for (int round = 0; round < 5000; round++) {
                ck_assert_int_eq(start_connect(&stream, &call, "tcp:a:1"), KYRON_PENDING);
                ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        }
        ck_assert_uint_eq(kyron_iod.handle->requests.size, 1);
        for (int i = 0; i < 40; i++)
                ck_assert_int_eq(start_connect(&streams[i], &calls[i], "tcp:a:1"), KYRON_PENDING);
        ck_assert_uint_eq(kyron_iod.handle->requests.size, 40);
        for (int i = 0; i < 40; i++)
                ck_assert_uint_ne(expect_connect()->sequence, 0);
}
END_TEST

/* ---- Room ---------------------------------------------------------------------------------- */

START_TEST(requests_that_find_no_room_are_sent_when_there_is)
{
        enum { REQUESTS = 2000 };
        static KyronTcpStream *streams[REQUESTS];
        static TestCall calls[REQUESTS];
        int received = 0;

        scripted_daemon_stop(&kyron_iod);
        scripted_daemon_start(&kyron_iod, REQUESTS);
        for (int i = 0; i < REQUESTS; i++)
                ck_assert_int_eq(start_connect(&streams[i], &calls[i], "tcp:example.org:443"),
                                 KYRON_PENDING);
        process(kyron_iod.handle, 0);
        ck_assert(kyron_iod.handle->wants_room);
        ck_assert(!TAILQ_EMPTY(&kyron_iod.handle->requests.queue));
        while (received < REQUESTS) {
                expect_connect();
                received++;
        }
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert(!kyron_iod.handle->wants_room);
}
END_TEST

START_TEST(texts_that_no_frame_could_hold_are_refused_at_once)
{
        static char text[100000];

        memset(text, 'x', sizeof(text) - 1);
        ck_assert_int_eq(start_connect(&stream, &call, text), -EINVAL);
        ck_assert_str_eq(kyron_error_text(), "an address has 1 to 287 bytes");
        ck_assert_int_eq(start_connect(&stream, &call, ""), -EINVAL);
        ck_assert_int_eq(start_connect(&stream, &call, NULL), -EINVAL);
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(without_a_slot_there_is_no_request)
{
        static KyronTcpStream *streams[100];
        static TestCall calls[100];

        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(start_connect(&streams[i], &calls[i], "tcp:a:1"), KYRON_PENDING);
        ck_assert_int_eq(start_connect(&stream, &call, "tcp:a:1"), -EDQUOT);
        ck_assert_int_eq(kyron_operation_cancel(&calls[0].operation), 0);
        ck_assert_int_eq(start_connect(&stream, &call, "tcp:a:1"), KYRON_PENDING);
}
END_TEST

/* ---- Cancelling ---------------------------------------------------------------------------- */

START_TEST(a_request_cancelled_before_its_turn_is_never_sent)
{
        ck_assert_int_eq(start_connect(&stream, &call, "tcp:a:1"), KYRON_PENDING);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), -EALREADY);
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_int_eq(call.completions, 0);
}
END_TEST

START_TEST(a_cancelled_connect_is_told_and_its_slot_kept_until_it_is_answered)
{
        uint64_t id;
        uint32_t sequence = send_connect(&call, &stream, &id);
        const Iod__Frame *frame;

        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CANCEL);
        ck_assert_uint_eq(frame->cancel->request, sequence);
        ck_assert(slot_is_taken(id));
        scripted_daemon_send_refused(&kyron_iod, sequence, ECANCELED, "cancelled");
        process(kyron_iod.handle, 0);
        ck_assert(!slot_is_taken(id));
        ck_assert_int_eq(call.completions, 0);
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

/* Also when the answer is there before Cancel has left. */
static void check_late_connection(bool cancel_has_left)
{
        size_t before = count_descriptors();
        const Iod__Frame *frame;
        uint64_t id;
        uint32_t sequence = send_connect(&call, &stream, &id);
        char byte;
        int peer;

        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        if (cancel_has_left)
                scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CANCEL);
        scripted_daemon_send_opened(&kyron_iod, sequence, id, make_connection(&peer));
        process(kyron_iod.handle, 0);
        if (!cancel_has_left)
                scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CANCEL);
        ck_assert_int_eq(call.completions, 0);
        ck_assert(wait_readable(peer, DEADLINE_MS));
        ck_assert_int_eq(read(peer, &byte, 1), 0);
        close(peer);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert(!slot_is_taken(id));
        /* It was registered: the daemon is told that it is no more. */
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        ck_assert_uint_eq(frame->add_io_source->n_gone, 1);
        ck_assert_uint_eq(frame->add_io_source->gone[0], id);
}

START_TEST(a_late_answers_connection_is_closed)
{
        check_late_connection(true);
}
END_TEST

START_TEST(an_answer_that_crosses_the_cancel_is_closed)
{
        check_late_connection(false);
}
END_TEST

START_TEST(what_the_daemon_does_at_once_is_not_cancelled_on_its_way)
{
        KyronHeld held;
        uint32_t sequence;

        ck_assert_int_eq(kyron_take_held(kyron_iod.handle, "session", &call.operation, &held),
                         KYRON_PENDING);
        sequence = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_HELD)->sequence;
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), -EALREADY);
        scripted_daemon_send_refused(&kyron_iod, sequence, ENOENT, "nothing is held as session");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, -ENOENT);
}
END_TEST

/* ---- The daemon's end ---------------------------------------------------------------------- */

START_TEST(the_daemons_end_ends_every_request)
{
        KyronTcpStream *queued, *cancelled;
        TestCall queued_call, cancelled_call;
        uint64_t id, other;
        size_t woken = 0;
        int r;

        send_connect(&call, &stream, &id);
        send_connect(&cancelled_call, &cancelled, &other);
        ck_assert_int_eq(kyron_operation_cancel(&cancelled_call.operation), 0);
        ck_assert_int_eq(start_connect(&queued, &queued_call, "tcp:a:1"), KYRON_PENDING);
        scripted_daemon_vanish(&kyron_iod);
        while ((r = kyron_io_driver_handle_process_io(kyron_iod.handle, DEADLINE_MS)) >= 0)
                ck_assert_uint_lt(woken++, 10);
        ck_assert_int_eq(r, -EHOSTDOWN);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -EHOSTDOWN);
        ck_assert_str_eq(call.text, "the daemon has gone");
        ck_assert_int_eq(queued_call.completions, 1);
        ck_assert_int_eq(queued_call.result, -EHOSTDOWN);
        ck_assert_int_eq(cancelled_call.completions, 0);
        ck_assert_ptr_null(stream);
        ck_assert(!slot_is_taken(id) && !slot_is_taken(other));
        ck_assert_int_eq(start_connect(&stream, &call, "tcp:a:1"), -EHOSTDOWN);
        ck_assert_str_eq(kyron_error_text(), "the daemon has gone");
}
END_TEST

START_TEST(closing_the_handle_calls_what_is_pending)
{
        KyronTcpStream *queued;
        TestCall queued_call;
        uint64_t id;

        send_connect(&call, &stream, &id);
        ck_assert_int_eq(start_connect(&queued, &queued_call, "tcp:a:1"), KYRON_PENDING);
        kyron_io_driver_handle_close(kyron_iod.handle);
        kyron_iod.handle = NULL;
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -ECANCELED);
        ck_assert_int_eq(queued_call.completions, 1);
        ck_assert_int_eq(queued_call.result, -ECANCELED);
}
END_TEST

TEST_SUITE(test_request)
{
        TCase *tcase = tcase_create("request");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, answers_are_matched_by_their_sequence);
        tcase_add_test(tcase, a_completion_runs_in_process_io_only);
        tcase_add_test(tcase, a_completion_may_ask_again_with_the_same_operation);
        tcase_add_test(tcase, a_refusal_brings_its_sentence_to_the_completion);
        tcase_add_test(tcase, a_refusal_of_its_id_is_no_answer);
        tcase_add_test(tcase, an_answer_to_nothing_changes_nothing);
        tcase_add_test(tcase, an_answer_of_another_kind_fails_the_request);
        tcase_add_test(tcase, an_operation_in_use_is_refused);
        tcase_add_test(tcase, requests_use_their_places_again);
        tcase_add_test(tcase, requests_that_find_no_room_are_sent_when_there_is);
        tcase_add_test(tcase, texts_that_no_frame_could_hold_are_refused_at_once);
        tcase_add_test(tcase, without_a_slot_there_is_no_request);
        tcase_add_test(tcase, a_request_cancelled_before_its_turn_is_never_sent);
        tcase_add_test(tcase, a_cancelled_connect_is_told_and_its_slot_kept_until_it_is_answered);
        tcase_add_test(tcase, a_late_answers_connection_is_closed);
        tcase_add_test(tcase, an_answer_that_crosses_the_cancel_is_closed);
        tcase_add_test(tcase, what_the_daemon_does_at_once_is_not_cancelled_on_its_way);
        tcase_add_test(tcase, the_daemons_end_ends_every_request);
        tcase_add_test(tcase, closing_the_handle_calls_what_is_pending);
        suite_add_tcase(suite, tcase);
}
