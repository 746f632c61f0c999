/* A worker's place in a group: joining, what arrives, what is offered, leaving, and the end. */
#include "client/requests/endpoint.h"

#include "client/handle/io_driver_handle.h"
#include "core/cleanup.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { ENDPOINT = 5, CREDITS = 4, SLOTS = 12 };

static ScriptedDaemon kyron_iod;
static KyronEndpoint *endpoint;
static KyronTcpStream *stream;
static TestCall call;
static uint64_t ids[FRAME_OFFERED_MAX];

static const KyronEndpointOptions options = {
        .name = "web",
        .address = "tcp:*:80",
        .weight = 3,
        .credits = CREDITS,
        .keep_on_death = true,
};

static void open_daemon(void)
{
        scripted_daemon_start(&kyron_iod, SLOTS);
        test_call_init(&call);
        endpoint = NULL;
        stream = NULL;
}

static void close_daemon(void)
{
        scripted_daemon_stop(&kyron_iod);
}

/* Joins; the ids it offers are in ids. */
static uint32_t send_join(size_t credits)
{
        const Iod__Frame *frame;

        ck_assert_int_eq(
                kyron_endpoint_join(&endpoint, kyron_iod.handle, &options, &call.operation),
                KYRON_PENDING);
        ck_assert_ptr_null(endpoint);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);
        ck_assert_uint_eq(frame->join->n_source, credits);
        for (size_t i = 0; i < credits; i++)
                ids[i] = io_id_unpack(frame->join->source[i]);
        return frame->sequence;
}

static void set_up(void)
{
        open_daemon();
        scripted_daemon_send_joined(&kyron_iod, send_join(CREDITS), ENDPOINT, "tcp:127.0.0.1:80");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, 0);
        ck_assert_ptr_nonnull(endpoint);
        test_call_init(&call);
}

static void tear_down(void)
{
        kyron_endpoint_close(endpoint);
        close_daemon();
}

/* The daemon passes a connection; returns its other end. */
static int pass(uint64_t id)
{
        int ends[2];

        tcp_pair(ends);
        scripted_daemon_send_connection(&kyron_iod, ENDPOINT, id, ends[1]);
        process(kyron_iod.handle, 0);
        return ends[0];
}

static int start_accept(void)
{
        test_call_init(&call);
        return kyron_endpoint_accept(endpoint, &call.operation, &stream);
}

static bool slot_is_taken(uint64_t id)
{
        return slot_table_recreate(&kyron_iod.handle->slots, id) != NULL;
}

static bool peer_sees_the_end(int peer)
{
        char byte;

        return wait_readable(peer, 0) && read(peer, &byte, 1) == 0;
}

/* ---- Joining ------------------------------------------------------------------------------- */

START_TEST(joining_says_what_is_wanted)
{
        const Iod__Frame *frame;
        const Iod__Join *join;

        ck_assert_int_eq(
                kyron_endpoint_join(&endpoint, kyron_iod.handle, &options, &call.operation),
                KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);
        join = frame->join;
        ck_assert_str_eq(join->name, "web");
        ck_assert_str_eq(join->address, "tcp:*:80");
        ck_assert_uint_eq(join->weight, 3);
        ck_assert(join->keep_on_death);
        ck_assert_uint_eq(join->n_source, CREDITS);
        for (int i = 0; i < CREDITS; i++)
                ck_assert_uint_eq(io_id_unpack_readiness(join->source[i]),
                                  READINESS_READABLE | READINESS_WRITABLE);
        scripted_daemon_send_joined(&kyron_iod, frame->sequence, ENDPOINT, "tcp:[::]:80");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_str_eq(kyron_endpoint_address(endpoint), "tcp:[::]:80");
        kyron_endpoint_close(endpoint);
}
END_TEST

START_TEST(a_refused_join_leaves_nothing)
{
        uint32_t sequence = send_join(CREDITS);

        scripted_daemon_send_refused(&kyron_iod, sequence, EACCES, "no rule allows it");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, -EACCES);
        ck_assert_str_eq(call.text, "no rule allows it");
        ck_assert_ptr_null(endpoint);
        for (int i = 0; i < CREDITS; i++)
                ck_assert(!slot_is_taken(ids[i]));
        ck_assert(TAILQ_EMPTY(&kyron_iod.handle->endpoints));
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(a_join_cancelled_before_its_turn_leaves_nothing)
{
        ck_assert_int_eq(
                kyron_endpoint_join(&endpoint, kyron_iod.handle, &options, &call.operation),
                KYRON_PENDING);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        ck_assert(TAILQ_EMPTY(&kyron_iod.handle->endpoints));
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(a_join_cancelled_on_its_way_leaves_again)
{
        uint32_t sequence = send_join(CREDITS);
        const Iod__Frame *frame;

        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        scripted_daemon_send_joined(&kyron_iod, sequence, ENDPOINT, "tcp:127.0.0.1:80");
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_LEAVE);
        ck_assert_uint_eq(frame->leave->endpoint, ENDPOINT);
        ck_assert(slot_is_taken(ids[0]));
        scripted_daemon_send_done(&kyron_iod, frame->sequence);
        process(kyron_iod.handle, 0);
        ck_assert(!slot_is_taken(ids[0]));
        ck_assert_int_eq(call.completions, 0);
        ck_assert(TAILQ_EMPTY(&kyron_iod.handle->endpoints));
}
END_TEST

START_TEST(options_out_of_bounds_are_refused_at_once)
{
        KyronEndpointOptions wrong = options;

        wrong.name = NULL;
        ck_assert_int_eq(kyron_endpoint_join(&endpoint, kyron_iod.handle, &wrong, &call.operation),
                         -EINVAL);
        wrong.name = "web";
        wrong.credits = FRAME_OFFERED_MAX + 1;
        ck_assert_int_eq(kyron_endpoint_join(&endpoint, kyron_iod.handle, &wrong, &call.operation),
                         -EINVAL);
        ck_assert_str_eq(kyron_error_text(), "an endpoint has at most 4096 credits, not 4097");
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(without_slots_one_can_join_for_what_there_is)
{
        KyronEndpointOptions many = options;
        const Iod__Frame *frame;

        many.credits = SLOTS + 8;
        ck_assert_int_eq(kyron_endpoint_join(&endpoint, kyron_iod.handle, &many, &call.operation),
                         KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);
        ck_assert_uint_eq(frame->join->n_source, SLOTS);
        /* And for nothing not at all. */
        test_call_init(&call);
        ck_assert_int_eq(kyron_endpoint_join(&endpoint, kyron_iod.handle, &many, &call.operation),
                         -EDQUOT);
        ck_assert_ptr_null(endpoint);
}
END_TEST

/* ---- Accepting ----------------------------------------------------------------------------- */

START_TEST(an_accept_that_waits_gets_what_arrives)
{
        const Iod__Frame *frame;
        int peer;

        ck_assert_int_eq(start_accept(), KYRON_PENDING);
        peer = pass(ids[0]);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, 0);
        ck_assert_ptr_nonnull(stream);
        /* The daemon learns that the program has it, with the turn's packet. */
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        ck_assert_uint_eq(frame->add_io_source->n_taken, 1);
        ck_assert_uint_eq(frame->add_io_source->taken[0], ids[0]);
        ck_assert_uint_eq(frame->add_io_source->n_gone, 0);
        kyron_tcp_stream_close(stream);
        ck_assert(peer_sees_the_end(peer));
        close(peer);
}
END_TEST

START_TEST(what_arrived_before_is_accepted_at_once_and_in_order)
{
        int peers[2] = {pass(ids[1]), pass(ids[0])};

        /* Not taken before it is accepted. */
        scripted_daemon_expect_nothing(&kyron_iod);
        for (int i = 0; i < 2; i++) {
                char byte;

                ck_assert_int_eq(start_accept(), 0);
                put_byte(peers[i]);
                test_call_init(&call);
                ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), 0);
                kyron_tcp_stream_close(stream);
                close(peers[i]);
        }
        ck_assert_int_eq(start_accept(), KYRON_PENDING);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
}
END_TEST

START_TEST(several_accepts_get_one_connection_each)
{
        TestCall calls[3];
        KyronTcpStream *streams[3];
        int peers[2], accepted = 0;

        for (int i = 0; i < 3; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_endpoint_accept(endpoint, &calls[i].operation, &streams[i]),
                                 KYRON_PENDING);
        }
        for (int i = 0; i < 2; i++)
                peers[i] = pass(ids[i]);
        for (int i = 0; i < 3; i++)
                accepted += calls[i].completions;
        ck_assert_int_eq(accepted, 2);
        for (int i = 0; i < 3; i++) {
                kyron_tcp_stream_close(streams[i]);
                kyron_operation_cancel(&calls[i].operation);
        }
        close(peers[0]);
        close(peers[1]);
}
END_TEST

START_TEST(a_connection_closed_before_it_was_told_is_gone_and_not_taken)
{
        const Iod__Frame *frame;
        int peer = pass(ids[0]);

        ck_assert_int_eq(start_accept(), 0);
        kyron_tcp_stream_close(stream);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        ck_assert_uint_eq(frame->add_io_source->n_taken, 0);
        ck_assert_uint_eq(frame->add_io_source->n_gone, 1);
        ck_assert_uint_eq(frame->add_io_source->gone[0], ids[0]);
        close(peer);
}
END_TEST

START_TEST(connections_of_the_other_kind_are_not_accepted)
{
        KyronUnixStream *other;

        ck_assert_int_eq(kyron_endpoint_accept_unix(endpoint, &call.operation, &other), -EINVAL);
        ck_assert_str_eq(kyron_error_text(),
                         "the listener is at tcp:127.0.0.1:80, not at a unix: address");
        ck_assert_ptr_null(other);
}
END_TEST

START_TEST(connections_that_were_not_offered_for_are_closed)
{
        size_t before = count_descriptors();
        int peers[4], ends[2];

        peers[0] = pass(ids[0]);
        peers[1] = pass(ids[0]);                   /* used already */
        peers[2] = pass(io_id_make(SLOTS - 1, 1)); /* never offered */
        tcp_pair(ends);
        peers[3] = ends[0];
        scripted_daemon_send_connection(&kyron_iod, ENDPOINT + 1, ids[1], ends[1]);
        process(kyron_iod.handle, 0);
        for (int i = 1; i < 4; i++) {
                ck_assert(peer_sees_the_end(peers[i]));
                close(peers[i]);
        }
        ck_assert_int_eq(start_accept(), 0);
        kyron_tcp_stream_close(stream);
        close(peers[0]);
        ck_assert_int_eq(start_accept(), KYRON_PENDING);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

/* ---- Leaving ------------------------------------------------------------------------------- */

START_TEST(closing_gives_back_what_was_not_accepted)
{
        int accepted = pass(ids[0]), arrived = pass(ids[1]), late;
        const Iod__Frame *frame;
        uint32_t sequence;
        char byte;

        ck_assert_int_eq(start_accept(), 0);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        kyron_endpoint_close(STEAL_PTR(endpoint));
        ck_assert(peer_sees_the_end(arrived));
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_LEAVE);
        ck_assert_uint_eq(frame->leave->endpoint, ENDPOINT);
        sequence = frame->sequence;
        /* One that was on its way is closed here, and nothing is said of it. */
        late = pass(ids[2]);
        ck_assert(peer_sees_the_end(late));
        scripted_daemon_expect_nothing(&kyron_iod);
        for (int i = 1; i < CREDITS; i++)
                ck_assert(slot_is_taken(ids[i]));
        scripted_daemon_send_done(&kyron_iod, sequence);
        process(kyron_iod.handle, 0);
        for (int i = 1; i < CREDITS; i++)
                ck_assert(!slot_is_taken(ids[i]));
        ck_assert(TAILQ_EMPTY(&kyron_iod.handle->endpoints));
        /* What was accepted goes on, and its end is told. */
        put_byte(accepted);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), 0);
        kyron_tcp_stream_close(stream);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        ck_assert_uint_eq(frame->add_io_source->gone[0], ids[0]);
        close(accepted);
        close(arrived);
        close(late);
}
END_TEST

START_TEST(closing_does_not_end_a_connection_that_is_another_workers)
{
        int ends[2], copy;
        char byte;

        tcp_pair(ends);
        copy = dup(ends[1]); /* the daemon's, for another worker */
        scripted_daemon_send_connection(&kyron_iod, ENDPOINT, ids[0], ends[1]);
        process(kyron_iod.handle, 0);
        kyron_endpoint_close(STEAL_PTR(endpoint));
        put_byte(copy);
        ck_assert(wait_readable(ends[0], DEADLINE_MS));
        ck_assert_int_eq(read(ends[0], &byte, 1), 1);
        close(copy);
        close(ends[0]);
}
END_TEST

START_TEST(closing_cancels_the_accepts_that_wait)
{
        ck_assert_int_eq(start_accept(), KYRON_PENDING);
        kyron_endpoint_close(STEAL_PTR(endpoint));
        ck_assert_int_eq(call.completions, 0);
        /* Also if the daemon has confirmed it before they are told. */
        scripted_daemon_send_done(&kyron_iod, 0);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -ECANCELED);
}
END_TEST

static void close_it(KyronOperation *operation)
{
        TestCall *its_call = operation->user;

        its_call->completions++;
        kyron_endpoint_close(STEAL_PTR(endpoint));
}

START_TEST(a_completion_may_close_its_endpoint)
{
        int peer;

        ck_assert_int_eq(start_accept(), KYRON_PENDING);
        call.operation.completion = close_it;
        peer = pass(ids[0]);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_ptr_nonnull(stream);
        kyron_tcp_stream_close(stream);
        close(peer);
}
END_TEST

/* ---- The daemon's end ---------------------------------------------------------------------- */

START_TEST(the_daemons_end_takes_back_what_was_not_accepted)
{
        int kept[2], copy, arrived;
        TestCall late;
        KyronTcpStream *other;
        char byte;

        tcp_pair(kept);
        copy = dup(kept[1]);
        scripted_daemon_send_connection(&kyron_iod, ENDPOINT, ids[0], kept[1]);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(start_accept(), 0);
        arrived = pass(ids[1]);
        scripted_daemon_vanish(&kyron_iod);
        while (kyron_io_driver_handle_process_io(kyron_iod.handle, DEADLINE_MS) >= 0)
                ;
        ck_assert(peer_sees_the_end(arrived));
        test_call_init(&late);
        ck_assert_int_eq(kyron_endpoint_accept(endpoint, &late.operation, &other), -EHOSTDOWN);
        ck_assert_ptr_null(other);
        /* Another worker may have what was accepted: closing it here does not end it there. */
        kyron_tcp_stream_close(stream);
        put_byte(copy);
        ck_assert(wait_readable(kept[0], DEADLINE_MS));
        ck_assert_int_eq(read(kept[0], &byte, 1), 1);
        close(kept[0]);
        close(copy);
        close(arrived);
}
END_TEST

START_TEST(the_daemons_end_ends_the_accepts_that_wait)
{
        ck_assert_int_eq(start_accept(), KYRON_PENDING);
        scripted_daemon_vanish(&kyron_iod);
        while (kyron_io_driver_handle_process_io(kyron_iod.handle, DEADLINE_MS) >= 0)
                ;
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -EHOSTDOWN);
        ck_assert_str_eq(call.text, "the daemon has gone");
}
END_TEST

START_TEST(a_leave_that_is_never_answered_ends_with_the_handle)
{
        kyron_endpoint_close(STEAL_PTR(endpoint));
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_LEAVE);
}
END_TEST

TEST_SUITE(test_endpoint)
{
        TCase *joining = tcase_create("joining");
        TCase *joined = tcase_create("joined");

        tcase_set_timeout(joining, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(joining, open_daemon, close_daemon);
        tcase_add_test(joining, joining_says_what_is_wanted);
        tcase_add_test(joining, a_refused_join_leaves_nothing);
        tcase_add_test(joining, a_join_cancelled_before_its_turn_leaves_nothing);
        tcase_add_test(joining, a_join_cancelled_on_its_way_leaves_again);
        tcase_add_test(joining, options_out_of_bounds_are_refused_at_once);
        tcase_add_test(joining, without_slots_one_can_join_for_what_there_is);
        suite_add_tcase(suite, joining);
        tcase_set_timeout(joined, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(joined, set_up, tear_down);
        tcase_add_test(joined, an_accept_that_waits_gets_what_arrives);
        tcase_add_test(joined, what_arrived_before_is_accepted_at_once_and_in_order);
        tcase_add_test(joined, several_accepts_get_one_connection_each);
        tcase_add_test(joined, a_connection_closed_before_it_was_told_is_gone_and_not_taken);
        tcase_add_test(joined, connections_of_the_other_kind_are_not_accepted);
        tcase_add_test(joined, connections_that_were_not_offered_for_are_closed);
        tcase_add_test(joined, closing_gives_back_what_was_not_accepted);
        tcase_add_test(joined, closing_does_not_end_a_connection_that_is_another_workers);
        tcase_add_test(joined, closing_cancels_the_accepts_that_wait);
        tcase_add_test(joined, a_completion_may_close_its_endpoint);
        tcase_add_test(joined, the_daemons_end_takes_back_what_was_not_accepted);
        tcase_add_test(joined, the_daemons_end_ends_the_accepts_that_wait);
        tcase_add_test(joined, a_leave_that_is_never_answered_ends_with_the_handle);
        suite_add_tcase(suite, joined);
}
