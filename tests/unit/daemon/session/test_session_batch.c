/*
 * daemon/session_batch: a packet of many sources is served some at a time, and nobody can tell but
 * by the time it takes: others are served in between, the session's own requests and readiness wait
 * until it is done, and what was refused comes in one frame.
 */
#include "daemon/session/session_batch.h"
#include "daemon/session/session_life.h"

#include "daemon/session/session_closed.h"
#include "daemon/session/session_events.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static RawClient client, neighbour;
static Session *session;
static uint64_t sources[FRAME_SOURCES_MAX];
static int fds[FRAME_SOURCES_MAX];
static size_t descriptors_before;

static void set_up(void)
{
        inner_server_set_up();
        session = inner_server_open_session(&client);
        inner_server_open_session(&neighbour);
        for (uint32_t i = 0; i < FRAME_SOURCES_MAX; i++) {
                sources[i] = raw_source(i, 1, READINESS_READABLE);
                fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                ck_assert_int_ge(fds[i], 0);
        }
        descriptors_before = count_descriptors();
}

static void add_all(uint32_t sequence)
{
        raw_client_add(&client, sequence, sources, fds, FRAME_SOURCES_MAX);
}

/* A round serves one slice of a user's only batch. */
static void serve_slices(uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                inner_server_turn();
        ck_assert_uint_eq(session->registrations.count, n * SESSION_BATCH_SLICE);
        ck_assert_ptr_nonnull(session->batch);
}

START_TEST(a_full_packet_is_served_in_slices_and_others_in_between)
{
        int turns = 0;

        add_all(1);
        serve_slices(2);
        raw_client_request(&neighbour, 7, RAW_GET_STATUS);
        while (!wait_readable(neighbour.socket_fd, 0)) {
                ck_assert_int_lt(turns++, 3);
                inner_server_turn();
        }
        ck_assert_ptr_nonnull(session->batch);
        ck_assert_ptr_nonnull(raw_client_expect(&neighbour, IOD__FRAME__BODY_STATUS));
        inner_server_settle();
        ck_assert_ptr_null(session->batch);
        ck_assert_uint_eq(session->registrations.count, FRAME_SOURCES_MAX);
        ck_assert_uint_eq(session->charged_registrations, FRAME_SOURCES_MAX);
        ck_assert(!waker_waits(&session->serve));
        ck_assert(event_pending(&session->readable->event, EV_READ, NULL));
        /* All but the session's epoll set is closed. */
        ck_assert(WAIT_UNTIL(count_descriptors() == descriptors_before + 1, DEADLINE_MS));
}
END_TEST

START_TEST(what_fits_a_slice_is_served_at_once)
{
        raw_client_add(&client, 1, sources, fds, SESSION_BATCH_SLICE);
        inner_server_turn();
        ck_assert_ptr_null(session->batch);
        ck_assert_uint_eq(session->registrations.count, SESSION_BATCH_SLICE);
}
END_TEST

START_TEST(the_next_requests_wait_and_all_refusals_come_in_one_frame_before_their_answers)
{
        const Iod__Frame *frame;

        /* The first and the last of them, and one in between. */
        sources[0] = raw_source(0, 0, READINESS_READABLE);
        sources[100] = raw_source(100, 1, 0);
        sources[252] = raw_source(IO_ID_SLOT_MAX, 1, READINESS_READABLE);
        add_all(5);
        raw_client_request(&client, 6, RAW_GET_STATUS);
        inner_server_settle();
        frame = raw_client_receive(&client);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_REFUSED);
        ck_assert_uint_eq(frame->sequence, 5);
        ck_assert_uint_eq(frame->refused->n_source, 3);
        ck_assert_uint_eq(frame->refused->source[0]->id, raw_source(0, 0, 0));
        ck_assert_uint_eq(frame->refused->source[1]->id, raw_source(100, 1, 0));
        ck_assert_uint_eq(frame->refused->source[2]->id, raw_source(IO_ID_SLOT_MAX, 1, 0));
        frame = raw_client_receive(&client);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_STATUS);
        ck_assert_uint_eq(frame->sequence, 6);
        ck_assert_uint_eq(frame->status->registrations, FRAME_SOURCES_MAX - 3);
}
END_TEST

START_TEST(readiness_comes_when_all_are_registered)
{
        const Iod__Frame *frame;

        for (int i = 0; i < FRAME_SOURCES_MAX; i++)
                ck_assert_int_eq(eventfd_write(fds[i], 1), 0);
        add_all(1);
        serve_slices(3);
        ck_assert(!wait_readable(client.socket_fd, 0));
        frame = inner_server_expect(&client, IOD__FRAME__BODY_READINESS);
        ck_assert_uint_eq(frame->readiness->n_event, FRAME_SOURCES_MAX);
}
END_TEST

/* Who sends one after the other would never hear of anything. */
START_TEST(readiness_does_not_wait_for_the_next_packet_too)
{
        uint64_t more[SESSION_BATCH_SLICE + 1];
        int more_fds[SESSION_BATCH_SLICE + 1];
        const Iod__Frame *frame;

        for (uint32_t i = 0; i <= SESSION_BATCH_SLICE; i++) {
                more[i] = raw_source(FRAME_SOURCES_MAX + i, 1, READINESS_READABLE);
                more_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                ck_assert_int_ge(more_fds[i], 0);
        }
        ck_assert_int_eq(eventfd_write(fds[0], 1), 0);
        add_all(1);
        raw_client_add(&client, 2, more, more_fds, SESSION_BATCH_SLICE + 1);
        while (!wait_readable(client.socket_fd, 0))
                inner_server_turn();
        ck_assert_uint_eq(session->registrations.count, FRAME_SOURCES_MAX);
        frame = raw_client_receive(&client);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_READINESS);
        ck_assert_uint_eq(frame->readiness->n_event, 1);
        inner_server_settle();
        ck_assert_uint_eq(session->registrations.count,
                          FRAME_SOURCES_MAX + SESSION_BATCH_SLICE + 1);
}
END_TEST

START_TEST(many_are_removed_in_slices_too)
{
        add_all(1);
        inner_server_settle();
        raw_client_remove(&client, 2, sources, fds, FRAME_SOURCES_MAX);
        inner_server_turn();
        ck_assert_uint_eq(session->registrations.count, FRAME_SOURCES_MAX - SESSION_BATCH_SLICE);
        ck_assert_ptr_null(inner_server_next(&client));
        ck_assert_uint_eq(session->registrations.count, 0);
        ck_assert_uint_eq(session->charged_registrations, 0);
}
END_TEST

START_TEST(a_session_may_end_in_the_middle)
{
        add_all(1);
        serve_slices(2);
        raw_client_close(&client);
        session_free(session);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
        /* Without the connection's two ends, and without the process it was opened by. */
        ck_assert(WAIT_UNTIL(count_descriptors() <= descriptors_before - 2, DEADLINE_MS));
        inner_server_await_closer();
        raw_client_request(&neighbour, 7, RAW_GET_STATUS);
        inner_server_expect(&neighbour, IOD__FRAME__BODY_STATUS);
}
END_TEST

START_TEST(who_has_closed_in_the_middle_is_read_to_the_end)
{
        uint64_t refusals = inner.daemon->sessions.not_done[NOT_DONE_REFUSED];
        uint64_t wrong = raw_source(0, 0, READINESS_READABLE);

        add_all(1);
        serve_slices(2);
        raw_client_add(&client, 2, &wrong, fds, 1);
        session_closed_begin(session);
        session->reconciled.done(session, 0);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_REFUSED], refusals + 1);
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
}
END_TEST

/* Two wait in the line with their descriptors; a third packet's would have no place. */
START_TEST(their_descriptors_have_places_in_the_closer)
{
        Session *second = TAILQ_LAST(&inner.daemon->sessions.list, SessionList);
        static RawClient third;
        Session *waits = inner_server_open_session(&third);

        add_all(1);
        raw_client_add(&neighbour, 1, sources, fds, FRAME_SOURCES_MAX);
        raw_client_add(&third, 1, sources, fds, FRAME_SOURCES_MAX);
        while (!waker_waits(&waits->room))
                inner_server_turn();
        ck_assert_ptr_nonnull(session->batch);
        ck_assert_ptr_nonnull(second->batch);
        ck_assert_uint_eq(waits->registrations.count, 0);
        ck_assert(WAIT_UNTIL((inner_server_settle(), !waker_waits(&waits->room)), DEADLINE_MS));
        inner_server_settle();
        ck_assert_uint_eq(waits->registrations.count, FRAME_SOURCES_MAX);
        ck_assert_uint_eq(session->registrations.count, FRAME_SOURCES_MAX);
        raw_client_close(&third);
        inner_server_settle();
}
END_TEST

/* A frame the client has left no room for is sent later; the batch goes on when it has been. */
START_TEST(a_client_that_does_not_read_is_not_served_in_the_middle)
{
        static char filler[FRAME_BYTES_MAX];

        add_all(1);
        serve_slices(1);
        while (send(session->socket_fd, filler, 1000, MSG_DONTWAIT) > 0)
                ;
        while (send(session->socket_fd, filler, 1, MSG_DONTWAIT) > 0)
                ;
        session_reply_done(session, 9);
        ck_assert(notifier_is_waiting(&session->notifier));
        inner_server_settle();
        ck_assert_uint_eq(session->registrations.count, SESSION_BATCH_SLICE);
        while (recv(client.socket_fd, filler, sizeof(filler), MSG_DONTWAIT) > 0)
                ;
        inner_server_settle();
        ck_assert_uint_eq(session->registrations.count, FRAME_SOURCES_MAX);
}
END_TEST

TEST_SUITE(test_session_batch)
{
        TCase *slices = tcase_create("slices");

        tcase_add_checked_fixture(slices, set_up, inner_server_tear_down);
        tcase_set_timeout(slices, TEST_TIMEOUT_SECONDS);
        tcase_add_test(slices, a_full_packet_is_served_in_slices_and_others_in_between);
        tcase_add_test(slices, what_fits_a_slice_is_served_at_once);
        tcase_add_test(
                slices,
                the_next_requests_wait_and_all_refusals_come_in_one_frame_before_their_answers);
        tcase_add_test(slices, readiness_comes_when_all_are_registered);
        tcase_add_test(slices, readiness_does_not_wait_for_the_next_packet_too);
        tcase_add_test(slices, many_are_removed_in_slices_too);
        tcase_add_test(slices, a_session_may_end_in_the_middle);
        tcase_add_test(slices, who_has_closed_in_the_middle_is_read_to_the_end);
        tcase_add_test(slices, their_descriptors_have_places_in_the_closer);
        tcase_add_test(slices, a_client_that_does_not_read_is_not_served_in_the_middle);
        suite_add_tcase(suite, slices);
}
