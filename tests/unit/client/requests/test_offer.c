/* Offers: how many, when, and what happens without room or slots. */
#include "client/requests/offer.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/bridged_fd.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <unistd.h>

enum { ENDPOINT = 5, CREDITS = 8 };

static ScriptedDaemon kyron_iod;
static KyronEndpoint *endpoint;
static TestCall call;
static uint64_t ids[FRAME_OFFERED_MAX];

/* Joins with so many credits, of which the Join offers first. */
static void join(uint32_t slots, unsigned credits, size_t first)
{
        const KyronEndpointOptions options = {.name = "web", .credits = credits};
        const Iod__Frame *frame;

        scripted_daemon_start(&kyron_iod, slots);
        test_call_init(&call);
        ck_assert_int_eq(
                kyron_endpoint_join(&endpoint, kyron_iod.handle, &options, &call.operation),
                KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);
        ck_assert_uint_eq(frame->join->n_source, first);
        for (size_t i = 0; i < first; i++)
                ids[i] = io_id_unpack(frame->join->source[i]);
        scripted_daemon_send_joined(&kyron_iod, frame->sequence, ENDPOINT, "tcp:127.0.0.1:80");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, 0);
}

static void leave(void)
{
        kyron_endpoint_close(endpoint);
        scripted_daemon_stop(&kyron_iod);
}

static void pass(uint64_t id)
{
        int ends[2];

        tcp_pair(ends);
        scripted_daemon_send_connection(&kyron_iod, ENDPOINT, id, ends[1]);
        process(kyron_iod.handle, 0);
        close(ends[0]);
}

/* Accepts what has arrived; and lets the daemon know. */
static KyronTcpStream *accept_one(void)
{
        KyronTcpStream *stream;

        test_call_init(&call);
        ck_assert_int_eq(kyron_endpoint_accept(endpoint, &call.operation, &stream), 0);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        return stream;
}

static const Iod__Offer *expect_offer(size_t count)
{
        const Iod__Frame *frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_OFFER);

        ck_assert_uint_eq(frame->offer->endpoint, ENDPOINT);
        ck_assert_uint_eq(frame->offer->n_source, count);
        return frame->offer;
}

START_TEST(half_of_the_credits_are_offered_again_together)
{
        KyronTcpStream *streams[CREDITS / 2];
        const Iod__Offer *offer;

        join(100, CREDITS, CREDITS);
        for (int i = 0; i < CREDITS / 2; i++) {
                scripted_daemon_expect_nothing(&kyron_iod);
                pass(ids[i]);
                streams[i] = accept_one();
        }
        offer = expect_offer(CREDITS / 2);
        /* New ids, while the old connections are open. */
        for (int i = 0; i < CREDITS / 2; i++) {
                for (int j = 0; j < CREDITS; j++)
                        ck_assert_uint_ne(io_id_unpack(offer->source[i]), ids[j]);
        }
        scripted_daemon_expect_nothing(&kyron_iod);
        for (int i = 0; i < CREDITS / 2; i++)
                kyron_tcp_stream_close(streams[i]);
        leave();
}
END_TEST

START_TEST(what_arrived_and_is_not_accepted_uses_its_credit)
{
        join(100, CREDITS, CREDITS);
        for (int i = 0; i < CREDITS; i++)
                pass(ids[i]);
        scripted_daemon_expect_nothing(&kyron_iod);
        for (int i = 0; i < CREDITS / 2; i++)
                kyron_tcp_stream_close(accept_one());
        expect_offer(CREDITS / 2);
        leave();
}
END_TEST

START_TEST(without_credits_nothing_more_is_offered)
{
        join(100, 1, 1);
        ck_assert_int_eq(kyron_endpoint_set_credits(endpoint, 0), 0);
        pass(ids[0]);
        kyron_tcp_stream_close(accept_one());
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE); /* gone */
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_int_eq(kyron_endpoint_set_credits(endpoint, 3), 0);
        expect_offer(3);
        ck_assert_int_eq(kyron_endpoint_set_credits(endpoint, FRAME_OFFERED_MAX + 1), -EINVAL);
        leave();
}
END_TEST

START_TEST(the_usual_number_of_credits_is_sixty_four)
{
        join(100, 0, ENDPOINT_CREDITS);
        ck_assert_uint_eq(ENDPOINT_CREDITS, 64);
        leave();
}
END_TEST

START_TEST(more_than_a_frame_holds_is_offered_in_two)
{
        join(2 * FRAME_OFFERED_MAX, FRAME_OFFERED_MAX, ENDPOINT_OFFER_MAX);
        expect_offer(FRAME_OFFERED_MAX - ENDPOINT_OFFER_MAX);
        leave();
}
END_TEST

START_TEST(slots_that_were_missing_are_offered_when_they_are_free)
{
        KyronTcpStream *streams[2];

        join(2, CREDITS, 2);
        for (int i = 0; i < 2; i++) {
                pass(ids[i]);
                streams[i] = accept_one();
        }
        scripted_daemon_expect_nothing(&kyron_iod);
        kyron_tcp_stream_close(streams[0]);
        /* The same slot, after the daemon was told. */
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        ck_assert_uint_eq(io_id_slot(expect_offer(1)->source[0]), io_id_slot(ids[0]));
        kyron_tcp_stream_close(streams[1]);
        leave();
}
END_TEST

/* What the daemon says of an id that it cannot use. */
static void refuse(uint64_t id, int error)
{
        scripted_daemon_send_refused_source(&kyron_iod, id, error, "not this one");
        process(kyron_iod.handle, 0);
}

static bool slot_is_taken(uint64_t id)
{
        return slot_table_recreate(&kyron_iod.handle->slots, id) != NULL;
}

START_TEST(a_refused_id_is_used_up_and_its_slot_free)
{
        static const int errors[] = {EINVAL, ESTALE, EEXIST, ENOSPC, EPROTO, 0};
        KyronTcpStream *stream;
        const Iod__Offer *offer;

        join(100, 12, 12);
        for (int i = 0; i < 6; i++) {
                scripted_daemon_expect_nothing(&kyron_iod);
                refuse(ids[11 - i], errors[i]);
                ck_assert(!slot_is_taken(ids[11 - i]));
        }
        /* As many as were lost, from the slots that were freed. */
        offer = expect_offer(6);
        for (size_t i = 0; i < offer->n_source; i++)
                ck_assert_uint_lt(io_id_slot(offer->source[i]), 12);
        pass(ids[0]);
        stream = accept_one();
        kyron_tcp_stream_close(stream);
        leave();
}
END_TEST

START_TEST(a_slot_this_session_may_not_have_is_not_offered_again)
{
        join(100, CREDITS, CREDITS);
        /* The limit is 5 now, which no Welcome has said. */
        for (uint32_t i = 5; i < CREDITS; i++)
                refuse(ids[i], EDQUOT);
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_uint_eq(kyron_iod.handle->slots.limit, 5);
        for (int i = 0; i < 3; i++) {
                pass(ids[i]);
                kyron_tcp_stream_close(accept_one());
                /* Its end, and then its slot is offered again. */
                scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
                ck_assert_uint_lt(io_id_slot(expect_offer(1)->source[0]), 5);
        }
        leave();
}
END_TEST

START_TEST(refused_before_it_was_offered_or_twice_changes_nothing_else)
{
        enum { PIPES = 20 };
        KyronBridgedFd *pipes[PIPES];
        TestCall calls[PIPES];
        int ends[PIPES][2];
        char byte;

        join(100, CREDITS, CREDITS);
        for (int i = 0; i < CREDITS; i++) {
                refuse(ids[i], EINVAL);
                refuse(ids[i], EDQUOT);
                refuse(ids[i], ESTALE);
        }
        /* Nobody's slot is given to two. */
        for (int i = 0; i < PIPES; i++) {
                pipe_pair(ends[i]);
                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_bridged_fd_new(&pipes[i], kyron_iod.handle, ends[i][0]), 0);
                ck_assert_int_eq(kyron_bridged_fd_read(pipes[i], &calls[i].operation, &byte, 1),
                                 KYRON_PENDING);
                for (int j = 0; j < i; j++)
                        ck_assert_uint_ne(io_id_slot(pipes[i]->registration.id),
                                          io_id_slot(pipes[j]->registration.id));
        }
        kyron_endpoint_close(endpoint);
        for (int i = 0; i < PIPES; i++) {
                ck_assert_ptr_eq(
                        slot_table_recreate(&kyron_iod.handle->slots, pipes[i]->registration.id),
                        &pipes[i]->registration);
                kyron_bridged_fd_close(pipes[i]);
                close(ends[i][1]);
        }
        scripted_daemon_stop(&kyron_iod);
}
END_TEST

START_TEST(what_has_arrived_is_the_programs_whatever_is_said_of_its_id)
{
        static const int errors[] = {EDQUOT, ENOSPC, ESTALE};

        join(100, CREDITS, CREDITS);
        for (int i = 0; i < 3; i++) {
                KyronTcpStream *stream;
                char byte;

                pass(ids[i]);
                refuse(ids[i], errors[i]);
                test_call_init(&call);
                ck_assert_int_eq(kyron_endpoint_accept(endpoint, &call.operation, &stream), 0);
                /* The other side has closed it. */
                ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), 0);
                ck_assert_int_eq(call.operation.result, 0);
                kyron_tcp_stream_close(stream);
        }
        pass(ids[3]);
        refuse(ids[3], EDQUOT);
        kyron_endpoint_close(endpoint);
        scripted_daemon_stop(&kyron_iod);
}
END_TEST

/* Fills the daemon's socket with requests for a name; returns how many it took. */
static int fill_the_socket(TestCall *calls, KyronHeld *held, int count)
{
        int i;

        for (i = 0; i < count && !kyron_iod.handle->wants_room; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_eq(
                        kyron_take_held(kyron_iod.handle, "x", &calls[i].operation, &held[i]),
                        KYRON_PENDING);
                process(kyron_iod.handle, 0);
        }
        ck_assert(kyron_iod.handle->wants_room);
        return i;
}

START_TEST(an_offer_that_finds_no_room_is_sent_once_there_is)
{
        enum { CALLS = 2000 };
        static TestCall calls[CALLS];
        static KyronHeld held[CALLS];
        int filled;

        join(100, 1, 1);
        filled = fill_the_socket(calls, held, CALLS);
        ck_assert_int_eq(kyron_endpoint_set_credits(endpoint, 5), 0);
        process(kyron_iod.handle, 0);
        for (int i = 0; i < filled; i++)
                scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_HELD);
        expect_offer(4);
        scripted_daemon_expect_nothing(&kyron_iod);
        leave();
}
END_TEST

TEST_SUITE(test_offer)
{
        TCase *tcase = tcase_create("offer");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, half_of_the_credits_are_offered_again_together);
        tcase_add_test(tcase, what_arrived_and_is_not_accepted_uses_its_credit);
        tcase_add_test(tcase, without_credits_nothing_more_is_offered);
        tcase_add_test(tcase, the_usual_number_of_credits_is_sixty_four);
        tcase_add_test(tcase, more_than_a_frame_holds_is_offered_in_two);
        tcase_add_test(tcase, slots_that_were_missing_are_offered_when_they_are_free);
        tcase_add_test(tcase, a_refused_id_is_used_up_and_its_slot_free);
        tcase_add_test(tcase, a_slot_this_session_may_not_have_is_not_offered_again);
        tcase_add_test(tcase, refused_before_it_was_offered_or_twice_changes_nothing_else);
        tcase_add_test(tcase, what_has_arrived_is_the_programs_whatever_is_said_of_its_id);
        tcase_add_test(tcase, an_offer_that_finds_no_room_is_sent_once_there_is);
        suite_add_tcase(suite, tcase);
}
