/*
 * daemon/session_pulse: a client that asks for a page is given one, what it writes there is told
 * within bounds, and nothing it does with the page harms who reads.
 */
#include "daemon/session/session_pulse.h"

#include "core/clock.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"
#include "tests/support/pulse_client.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REGISTRATIONS_MAX = 1000 };

static RawClient client, viewer;

/* Opens a session and asks for a pulse: its descriptor, or -1. */
static int open_session(Session **session)
{
        *session = inner_server_connect(&client);
        pulse_client_hello(&client);
        inner_server_settle();
        ck_assert((*session)->open);
        return pulse_client_welcome(&client);
}

static bool read_pulse(const Session *session, Iod__Pulse *pulse)
{
        return session_pulse_read(&session->pulse, REGISTRATIONS_MAX, pulse);
}

/* ---- it is given ---- */

START_TEST(who_asks_is_given_a_page_of_a_size_that_stays)
{
        const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
        struct stat file;
        Session *session;
        int fd = open_session(&session);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &file), 0);
        ck_assert_int_eq(file.st_size, PULSE_BYTES);
        ck_assert_int_eq(fcntl(fd, F_GET_SEALS) & seals, seals);
        ck_assert_int_eq(ftruncate(fd, 0), -1);
        ck_assert_int_eq(ftruncate(fd, 2 * PULSE_BYTES), -1);
        close(fd);
}
END_TEST

START_TEST(the_daemon_keeps_no_descriptor_of_it)
{
        Session *session;
        size_t before;

        inner_server_open_session(&viewer);
        before = count_descriptors();
        close(open_session(&session));
        /* The socket's two ends and the process's. */
        ck_assert_uint_eq(count_descriptors(), before + 3);
}
END_TEST

START_TEST(who_does_not_ask_is_given_none)
{
        const Session *session = inner_server_open_session(&client);
        Iod__Pulse pulse;

        ck_assert_ptr_null(session->pulse.page);
        ck_assert(!read_pulse(session, &pulse));
        ck_assert_uint_eq(inner.daemon->sessions.pulse_count, 0);
}
END_TEST

START_TEST(with_the_session_it_goes)
{
        Session *session;
        int fd = open_session(&session);

        ck_assert_uint_eq(inner.daemon->sessions.pulse_count, 1);
        inner_server_close_client(&client);
        ck_assert_uint_eq(inner.daemon->sessions.pulse_count, 0);
        pulse_client_unmap(pulse_client_map(fd));
}
END_TEST

/* ---- it is not, and that is no error ---- */

/* The session is open, and serves. */
static void check_without(void)
{
        Session *session;

        ck_assert_int_eq(open_session(&session), -1);
        ck_assert_ptr_null(session->pulse.page);
        raw_client_request(&client, 9, RAW_GET_STATUS);
        inner_server_expect(&client, IOD__FRAME__BODY_STATUS);
}

START_TEST(without_a_descriptor_for_it_there_is_none)
{
        Session *session = inner_server_connect(&client);
        int first_free = dup(STDIN_FILENO);

        close(first_free);
        if (!limit_descriptors(first_free))
                SKIP_TEST("valgrind keeps the limit of descriptors itself");
        pulse_client_hello(&client);
        inner_server_settle();
        unlimit_descriptors();
        ck_assert_int_eq(pulse_client_welcome(&client), -1);
        ck_assert(session->open);
}
END_TEST

START_TEST(without_room_for_descriptors_in_flight_there_is_none)
{
        const uint64_t max = inner.daemon->in_flight.share.max;

        inner.daemon->in_flight.share.max = 0;
        check_without();
        inner.daemon->in_flight.share.max = max;
}
END_TEST

START_TEST(there_are_only_so_many_at_once)
{
        inner.daemon->sessions.pulse_count = SESSION_PULSES_MAX;
        check_without();
        inner.daemon->sessions.pulse_count = 0;
}
END_TEST

START_TEST(a_user_is_given_only_so_many_a_second)
{
        SessionRate *rate = &inner.daemon->sessions.pulse_rate;

        rate->count = 1;
        rate->users[0].uid = geteuid();
        rate->users[0].paced_ns = clock_now_ns() + UINT64_C(1000000000000000);
        check_without();
}
END_TEST

/* ---- it is read ---- */

START_TEST(what_is_written_is_told)
{
        Session *session;
        Iod__Pulse pulse;
        PulsePage *page = pulse_client_map(open_session(&session));

        pulse_client_write(page, 7, 12, 3, pulse_state(clock_now_ns(), 0));
        ck_assert(read_pulse(session, &pulse));
        ck_assert_uint_eq(pulse.turns, 7);
        ck_assert_uint_eq(pulse.events, 12);
        ck_assert_uint_eq(pulse.registrations, 3);
        ck_assert_uint_eq(pulse.set, 0);
        ck_assert(!pulse.runs);
        atomic_store(&page->set, 9);
        pulse_client_write(page, 8, 12, 3, pulse_state(clock_now_ns(), PULSE_RUNS));
        ck_assert(read_pulse(session, &pulse));
        ck_assert_uint_eq(pulse.turns, 8);
        ck_assert_uint_eq(pulse.set, 9);
        ck_assert(pulse.runs);
        pulse_client_unmap(page);
}
END_TEST

START_TEST(a_claim_is_told_as_far_as_it_is_possible)
{
        Session *session;
        Iod__Pulse pulse;
        PulsePage *page = pulse_client_map(open_session(&session));

        /* In time to come; and before there was a pulse, ten seconds ago. */
        pulse_client_write(page, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX);
        atomic_store(&page->set, UINT64_MAX);
        ck_assert(read_pulse(session, &pulse));
        ck_assert_uint_eq(pulse.turns, INT64_MAX);
        ck_assert_uint_eq(pulse.events, INT64_MAX);
        ck_assert_uint_eq(pulse.registrations, REGISTRATIONS_MAX);
        ck_assert_uint_eq(pulse.set, INT32_MAX);
        ck_assert_uint_eq(pulse.since_ms, 0);
        session->pulse.made_ns = clock_now_ns() - 10 * UINT64_C(1000000000);
        pulse_client_write(page, 0, 0, 0, 0);
        ck_assert(read_pulse(session, &pulse));
        ck_assert_uint_ge(pulse.since_ms, 10000);
        ck_assert_uint_lt(pulse.since_ms, 10000 + 1000 * TEST_TIMEOUT_SECONDS);
        pulse_client_unmap(page);
}
END_TEST

static blkcnt_t blocks_of(int fd)
{
        struct stat file;

        ck_assert_int_eq(fstat(fd, &file), 0);
        return file.st_blocks;
}

START_TEST(a_page_that_was_never_written_is_left_alone)
{
        Session *session;
        Iod__Pulse pulse;
        int fd = open_session(&session);

        ck_assert(!read_pulse(session, &pulse));
        /* The memory would be the daemon's. */
        ck_assert_int_eq(blocks_of(fd), 0);
        close(fd);
}
END_TEST

START_TEST(a_page_that_says_something_else_is_no_pulse)
{
        Session *session;
        Iod__Pulse pulse;
        PulsePage *page = pulse_client_map(open_session(&session));

        atomic_store(&page->magic, PULSE_MAGIC + 1);
        ck_assert(!read_pulse(session, &pulse));
        atomic_store(&page->magic, PULSE_MAGIC);
        ck_assert(read_pulse(session, &pulse));
        pulse_client_unmap(page);
}
END_TEST

START_TEST(a_page_whose_memory_was_given_back_is_left_alone)
{
        Session *session;
        Iod__Pulse pulse;
        int fd = open_session(&session);
        PulsePage *page = pulse_client_map(dup(fd));

        ck_assert(read_pulse(session, &pulse));
        ck_assert_int_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PULSE_BYTES),
                         0);
        ck_assert(!read_pulse(session, &pulse));
        ck_assert_int_eq(blocks_of(fd), 0);
        pulse_client_unmap(page);
        close(fd);
}
END_TEST

START_TEST(the_list_of_sessions_has_it)
{
        const Iod__Sessions *page;
        Session *session;
        PulsePage *pulse = pulse_client_map(open_session(&session));

        pulse_client_write(pulse, 7, 12, UINT64_MAX, pulse_state(clock_now_ns(), PULSE_RUNS));
        inner_server_open_session(&viewer);
        raw_client_request(&viewer, 2, RAW_LIST_SESSIONS);
        page = inner_server_expect(&viewer, IOD__FRAME__BODY_SESSIONS)->sessions;
        ck_assert_uint_eq(page->n_entry, 2);
        ck_assert_ptr_nonnull(page->entry[0]->pulse);
        ck_assert_uint_eq(page->entry[0]->pulse->turns, 7);
        ck_assert_uint_eq(page->entry[0]->pulse->events, 12);
        ck_assert_uint_eq(page->entry[0]->pulse->registrations, session->registrations.limit);
        ck_assert(page->entry[0]->pulse->runs);
        ck_assert_ptr_null(page->entry[1]->pulse);
        pulse_client_unmap(pulse);
}
END_TEST

TEST_SUITE(test_session_pulse)
{
        TCase *given = tcase_create("given");
        TCase *read_case = tcase_create("read");

        tcase_add_checked_fixture(given, inner_server_set_up, inner_server_tear_down);
        tcase_add_test(given, who_asks_is_given_a_page_of_a_size_that_stays);
        tcase_add_test(given, the_daemon_keeps_no_descriptor_of_it);
        tcase_add_test(given, who_does_not_ask_is_given_none);
        tcase_add_test(given, with_the_session_it_goes);
        tcase_add_test(given, without_a_descriptor_for_it_there_is_none);
        tcase_add_test(given, without_room_for_descriptors_in_flight_there_is_none);
        tcase_add_test(given, there_are_only_so_many_at_once);
        tcase_add_test(given, a_user_is_given_only_so_many_a_second);
        tcase_set_timeout(given, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, given);

        tcase_add_checked_fixture(read_case, inner_server_set_up, inner_server_tear_down);
        tcase_add_test(read_case, what_is_written_is_told);
        tcase_add_test(read_case, a_claim_is_told_as_far_as_it_is_possible);
        tcase_add_test(read_case, a_page_that_was_never_written_is_left_alone);
        tcase_add_test(read_case, a_page_that_says_something_else_is_no_pulse);
        tcase_add_test(read_case, a_page_whose_memory_was_given_back_is_left_alone);
        tcase_add_test(read_case, the_list_of_sessions_has_it);
        tcase_set_timeout(read_case, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, read_case);
}
