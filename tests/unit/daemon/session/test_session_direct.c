/*
 * daemon/session_direct: a session becomes direct some registrations at a time, with others served
 * in between, and is charged for what the kernel has of it until that is gone.
 */
#include "daemon/session/session_direct.h"
#include "daemon/session/session_life.h"

#include "daemon/session/session_closed.h"
#include "daemon/session/session_events.h"
#include "daemon/session/session_source.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"
#include "tests/support/service_frames.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
        SLICES = 12,
        MANY = (SLICES - 1) * SESSION_DIRECT_SLICE + SESSION_DIRECT_SLICE / 2,
        MOVE = 3, /* the sequence of SetDelivery */
        GATED_MAX = 2048,
};

static RawClient client, neighbour;
static Session *session;

static void set_up(void)
{
        inner_server_set_up();
        session = inner_server_open_session(&client);
        inner_server_open_session(&neighbour);
}

/* The session's table, as if so many files were registered; the kernel has none of them. */
static void register_many(uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                ck_assert_int_eq(registration_set_use(&session->registrations, io_id_make(i, 1),
                                                      (RegistrationInfo){.kind = 0}),
                                 0);
        session->registrations.watches = 0;
        ck_assert_int_eq(quota_charge(session->user, QUOTA_REGISTRATIONS, n), 0);
        session->charged_registrations += n;
        inner.daemon->sessions.registration_count += n;
}

static void ask_for(Iod__Delivery delivery)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__SetDelivery message = IOD__SET_DELIVERY__INIT;

        message.delivery = delivery;
        frame.sequence = MOVE;
        frame.body_case = IOD__FRAME__BODY_SET_DELIVERY;
        frame.set_delivery = &message;
        service_send(&client, &frame, NULL, 0);
}

/* A round serves one slice. */
static void serve_slices(uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                inner_server_turn();
        ck_assert(session->move.under_way);
        ck_assert_uint_eq(session->registrations.count, MANY - n * SESSION_DIRECT_SLICE);
        ck_assert_uint_eq(session->charged_registrations, session->registrations.count);
}

/* ---- counting ------------------------------------------------------------------------------ */

static uint32_t count_direct(void)
{
        raw_client_request(&neighbour, 7, RAW_GET_STATUS);
        return inner_server_expect(&neighbour, IOD__FRAME__BODY_STATUS)->status->sessions_direct;
}

static void move(Iod__Delivery delivery)
{
        ask_for(delivery);
        ck_assert_uint_eq(inner_server_expect(&client, IOD__FRAME__BODY_DONE)->sequence, MOVE);
}

START_TEST(the_direct_ones_are_counted_until_they_move_or_end)
{
        ck_assert_uint_eq(count_direct(), 0);
        move(IOD__DELIVERY__DELIVERY_DIRECT);
        ck_assert_uint_eq(count_direct(), 1);
        move(IOD__DELIVERY__DELIVERY_DIRECT);
        ck_assert_uint_eq(count_direct(), 1);
        move(IOD__DELIVERY__DELIVERY_RELAYED);
        ck_assert_uint_eq(count_direct(), 0);
        move(IOD__DELIVERY__DELIVERY_DIRECT);
        raw_client_close(&client);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert_uint_eq(count_direct(), 0);
}
END_TEST

/* ---- slices -------------------------------------------------------------------------------- */

START_TEST(many_are_forgotten_in_slices_and_others_are_served_in_between)
{
        int turns = 0;

        register_many(MANY);
        ask_for(IOD__DELIVERY__DELIVERY_DIRECT);
        serve_slices(2);
        raw_client_request(&neighbour, 7, RAW_GET_STATUS);
        while (!wait_readable(neighbour.socket_fd, 0)) {
                ck_assert_int_lt(turns++, SLICES - 4);
                inner_server_turn();
        }
        ck_assert(session->move.under_way);
        ck_assert_ptr_nonnull(raw_client_expect(&neighbour, IOD__FRAME__BODY_STATUS));
        ck_assert_uint_eq(inner_server_expect(&client, IOD__FRAME__BODY_DONE)->sequence, MOVE);
        ck_assert_uint_eq(session->registrations.count, 0);
        ck_assert_uint_eq(session->charged_registrations, 0);
        ck_assert(!waker_waits(&session->serve));
        ck_assert(loop_event_is_added(session->readable));
}
END_TEST

START_TEST(the_next_requests_wait_for_the_answer)
{
        register_many(MANY);
        ask_for(IOD__DELIVERY__DELIVERY_DIRECT);
        raw_client_request(&client, 8, RAW_GET_STATUS);
        serve_slices(SLICES - 1);
        ck_assert(!wait_readable(client.socket_fd, 0));
        ck_assert_uint_eq(inner_server_expect(&client, IOD__FRAME__BODY_DONE)->sequence, MOVE);
        ck_assert_uint_eq(
                inner_server_expect(&client, IOD__FRAME__BODY_STATUS)->status->registrations, 0);
}
END_TEST

START_TEST(what_fits_a_slice_is_forgotten_at_once)
{
        register_many(SESSION_DIRECT_SLICE - 1);
        ask_for(IOD__DELIVERY__DELIVERY_DIRECT);
        inner_server_turn();
        ck_assert(!session->move.under_way);
        ck_assert_uint_eq(session->registrations.count, 0);
}
END_TEST

START_TEST(a_session_may_end_in_the_middle)
{
        register_many(MANY);
        ask_for(IOD__DELIVERY__DELIVERY_DIRECT);
        serve_slices(1);
        raw_client_close(&client);
        session_free(session);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
        raw_client_request(&neighbour, 7, RAW_GET_STATUS);
        inner_server_expect(&neighbour, IOD__FRAME__BODY_STATUS);
}
END_TEST

START_TEST(who_has_closed_in_the_middle_is_read_to_the_end)
{
        uint64_t refusals = inner.daemon->sessions.not_done[NOT_DONE_REFUSED];
        uint64_t source = raw_source(0, 1, READINESS_READABLE);
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        register_many(MANY);
        ask_for(IOD__DELIVERY__DELIVERY_DIRECT);
        serve_slices(1);
        raw_client_add(&client, 2, &source, &fd, 1);
        session_closed_begin(session);
        session->reconciled.done(session, 0);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_REFUSED], refusals + 1);
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
        close(fd);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_not_served_in_the_middle)
{
        static char filler[FRAME_BYTES_MAX];

        register_many(MANY);
        ask_for(IOD__DELIVERY__DELIVERY_DIRECT);
        serve_slices(1);
        while (send(session->socket_fd, filler, 1000, MSG_DONTWAIT) > 0)
                ;
        while (send(session->socket_fd, filler, 1, MSG_DONTWAIT) > 0)
                ;
        session_reply_done(session, 9);
        ck_assert(notifier_is_waiting(&session->notifier));
        inner_server_settle();
        ck_assert_uint_eq(session->registrations.count, MANY - SESSION_DIRECT_SLICE);
        while (recv(client.socket_fd, filler, sizeof(filler), MSG_DONTWAIT) > 0)
                ;
        inner_server_settle();
        ck_assert_uint_eq(session->registrations.count, 0);
}
END_TEST

/* What is passed to it meanwhile is not swept away with the rest. */
START_TEST(what_comes_in_the_middle_stays)
{
        const IoId early = io_id_make(0, 2), late = io_id_make(MANY + 1, 1);

        register_many(MANY);
        ask_for(IOD__DELIVERY__DELIVERY_DIRECT);
        serve_slices(1);
        ck_assert_int_eq(session_note_io_source(session, early, DESCRIPTOR_KIND_TCP), 0);
        ck_assert_int_eq(session_note_io_source(session, late, DESCRIPTOR_KIND_TCP), 0);
        inner_server_expect(&client, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(session->registrations.count, 2);
        ck_assert_ptr_nonnull(registration_set_recreate(&session->registrations, early));
        ck_assert_ptr_nonnull(registration_set_recreate(&session->registrations, late));
        ck_assert_uint_eq(session->charged_registrations, 2);
}
END_TEST

/* ---- what the kernel has ------------------------------------------------------------------- */

static atomic_bool gated[GATED_MAX];
static int gate[2];

/* The closer's, in this program: that of some descriptors lasts until the gate is open. */
int close(int fd)
{
        if (fd >= 0 && fd < GATED_MAX && atomic_exchange(&gated[fd], false))
                wait_readable(gate[0], 2 * DEADLINE_MS);
        return (int)syscall(SYS_close, fd);
}

static unsigned count_written_off(void)
{
        Closer *closer = &inner.daemon->closer;
        unsigned count = 0;

        pthread_mutex_lock(&closer->lock);
        for (size_t i = 0; i < CLOSER_LANE_THREADS; i++)
                count += session->lane->workers[i].state == CLOSER_WORKER_WRITTEN_OFF;
        pthread_mutex_unlock(&closer->lock);
        return count;
}

/* All threads of the user's lane are in a close() that lasts. */
static void stop_closing(void)
{
        FdList list = {.count = 0};

        ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
        for (int i = 0; i < CLOSER_LANE_THREADS; i++) {
                int fd = eventfd(0, EFD_CLOEXEC);

                ck_assert_int_lt(fd, GATED_MAX);
                gated[fd] = true;
                fd_list_add(&list, fd);
        }
        closer_push(&inner.daemon->closer, session->lane, &list);
        ck_assert(WAIT_UNTIL((inner_server_settle(), count_written_off() == CLOSER_LANE_THREADS),
                             DEADLINE_MS));
}

START_TEST(it_is_charged_for_its_sets_until_they_are_closed)
{
        enum { FILES = 10, ROUNDS = 3 };
        int files[FILES];

        stop_closing();
        for (int i = 0; i < FILES; i++)
                files[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        for (uint64_t round = 1; round <= ROUNDS; round++) {
                for (uint32_t i = 0; i < FILES; i++) {
                        uint64_t source = raw_source(i, 1, READINESS_READABLE);

                        raw_client_add(&client, 2, &source, &files[i], 1);
                }
                ask_for(IOD__DELIVERY__DELIVERY_DIRECT);
                inner_server_expect(&client, IOD__FRAME__BODY_DONE);
                ck_assert_uint_eq(session->charged_registrations, 0);
                ck_assert_uint_eq(session->charged_watches, round * FILES);
                ck_assert_uint_eq(session->user->watches, round * FILES);
                ask_for(IOD__DELIVERY__DELIVERY_RELAYED);
                inner_server_expect(&client, IOD__FRAME__BODY_DONE);
        }
        ck_assert_int_eq((int)write(gate[1], "", 1), 1);
        ck_assert(WAIT_UNTIL((inner_server_settle(), session->charged_watches == 0), DEADLINE_MS));
        ck_assert_uint_eq(session->user->watches, 0);
        for (int i = 0; i < FILES; i++)
                close(files[i]);
}
END_TEST

START_TEST(a_session_may_end_before_they_are)
{
        uint64_t source = raw_source(0, 1, READINESS_READABLE);
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        stop_closing();
        raw_client_add(&client, 2, &source, &fd, 1);
        ask_for(IOD__DELIVERY__DELIVERY_DIRECT);
        inner_server_expect(&client, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(inner.daemon->watches.share.used, 1);
        inner_server_close_client(&client);
        ck_assert_uint_eq(inner.daemon->watches.share.used, 0);
        ck_assert_int_eq((int)write(gate[1], "", 1), 1);
        inner_server_await_closer();
        inner_server_settle();
        close(fd);
}
END_TEST

TEST_SUITE(test_session_direct)
{
        TCase *counting = tcase_create("counting");
        TCase *slices = tcase_create("slices");
        TCase *kernel = tcase_create("what the kernel has");

        tcase_add_checked_fixture(counting, set_up, inner_server_tear_down);
        tcase_add_test(counting, the_direct_ones_are_counted_until_they_move_or_end);
        suite_add_tcase(suite, counting);
        tcase_add_checked_fixture(slices, set_up, inner_server_tear_down);
        tcase_set_timeout(slices, TEST_TIMEOUT_SECONDS);
        tcase_add_test(slices, many_are_forgotten_in_slices_and_others_are_served_in_between);
        tcase_add_test(slices, the_next_requests_wait_for_the_answer);
        tcase_add_test(slices, what_fits_a_slice_is_forgotten_at_once);
        tcase_add_test(slices, a_session_may_end_in_the_middle);
        tcase_add_test(slices, who_has_closed_in_the_middle_is_read_to_the_end);
        tcase_add_test(slices, a_client_that_does_not_read_is_not_served_in_the_middle);
        tcase_add_test(slices, what_comes_in_the_middle_stays);
        suite_add_tcase(suite, slices);
        tcase_add_checked_fixture(kernel, set_up, inner_server_tear_down);
        tcase_set_timeout(kernel, TEST_TIMEOUT_SECONDS);
        tcase_add_test(kernel, it_is_charged_for_its_sets_until_they_are_closed);
        tcase_add_test(kernel, a_session_may_end_before_they_are);
        suite_add_tcase(suite, kernel);
}
