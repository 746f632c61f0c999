/* What goes from the handle to the daemon: when, in how many packets, and when there is no room. */
#include "client/readiness/outbox.h"

#include "client/readiness/bridged_fd.h"
#include "tests/support/client.h"

#include <errno.h>
#include <unistd.h>

enum { SOURCES = 300 };

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronBridgedFd *bridged_fds[SOURCES];
static TestCall calls[SOURCES];
static int peers[SOURCES];
static char byte;

static void set_up(void)
{
        unlimit_descriptors();
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        for (int i = 0; i < SOURCES; i++) {
                int pipe[2];

                pipe_pair(pipe);
                peers[i] = pipe[1];
                ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fds[i], handle, pipe[0]), 0);
                test_call_init(&calls[i]);
        }
}

static void tear_down(void)
{
        for (int i = 0; i < SOURCES; i++) {
                kyron_bridged_fd_close(bridged_fds[i]);
                close(peers[i]);
        }
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

static void start_reading(int first, int count)
{
        for (int i = first; i < first + count; i++)
                ck_assert_int_eq(
                        kyron_bridged_fd_read(bridged_fds[i], &calls[i].operation, &byte, 1),
                        KYRON_PENDING);
}

static void close_one(int number)
{
        kyron_bridged_fd_close(bridged_fds[number]);
        bridged_fds[number] = NULL;
}

/* Every source that is left is told. */
static void check_readiness(void)
{
        for (int i = 0; i < SOURCES; i++) {
                if (!bridged_fds[i])
                        continue;
                put_byte(peers[i]);
                ck_assert(PROCESS_UNTIL(handle, calls[i].completions == 1));
                ck_assert_int_eq(calls[i].result, 1);
        }
}

START_TEST(registrations_of_one_turn_leave_together)
{
        start_reading(0, SOURCES);
        ck_assert_uint_eq(handle->packets_sent, 0);
        process(handle, 0);
        /* 253 in one packet, and the rest. */
        ck_assert_uint_eq(handle->packets_sent, 2);
        process(handle, 0);
        ck_assert_uint_eq(handle->packets_sent, 2);
        check_readiness();
        ck_assert_uint_eq(handle->packets_sent, 2);
}
END_TEST

START_TEST(a_wait_for_more_sends_nothing_more)
{
        start_reading(0, SOURCES);
        check_readiness();
        for (int i = 0; i < SOURCES; i++)
                calls[i].completions = 0;
        start_reading(0, SOURCES);
        process(handle, 0);
        ck_assert_uint_eq(handle->packets_sent, 2);
        check_readiness();
        ck_assert_uint_eq(handle->packets_sent, 2);
}
END_TEST

START_TEST(a_descriptor_closed_before_its_turn_is_never_sent)
{
        start_reading(0, 3);
        close_one(0);
        close_one(1);
        close_one(2);
        process(handle, 0);
        ck_assert_uint_eq(handle->packets_sent, 0);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(calls[i].result, -ECANCELED);
}
END_TEST

START_TEST(what_was_closed_is_told_with_the_next_packet)
{
        start_reading(0, 3);
        process(handle, 0);
        ck_assert_uint_eq(handle->packets_sent, 1);
        close_one(0);
        close_one(1);
        start_reading(3, 2);
        ck_assert_uint_eq(handle->closed_count, 2);
        process(handle, 0);
        ck_assert_uint_eq(handle->packets_sent, 2);
        ck_assert_uint_eq(handle->closed_count, 0);
}
END_TEST

START_TEST(more_closed_than_one_packet_names_are_told_in_two)
{
        start_reading(0, SOURCES);
        process(handle, 0);
        ck_assert_uint_eq(handle->packets_sent, 2);
        for (int i = 0; i < SOURCES; i++)
                close_one(i);
        process(handle, 0);
        ck_assert_uint_eq(handle->packets_sent, 4);
        ck_assert_uint_eq(handle->closed_count, 0);
        process_all(handle);
}
END_TEST

START_TEST(a_wider_interest_before_the_turn_is_the_same_registration)
{
        KyronBridgedFd *both;
        TestCall reading, writing;
        int ends[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        fill(ends[0]);
        ck_assert_int_eq(kyron_bridged_fd_new(&both, handle, ends[0]), 0);
        test_call_init(&reading);
        test_call_init(&writing);
        ck_assert_int_eq(kyron_bridged_fd_read(both, &reading.operation, &byte, 1), KYRON_PENDING);
        ck_assert_int_eq(kyron_bridged_fd_write(both, &writing.operation, "x", 1), KYRON_PENDING);
        process(handle, 0);
        ck_assert_uint_eq(handle->packets_sent, 1);
        ck_assert_uint_eq(both->registration.armed, KYRON_READABLE | KYRON_WRITABLE);
        drain(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, writing.completions == 1));
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, reading.completions == 1));
        ck_assert_uint_eq(handle->packets_sent, 1);
        kyron_bridged_fd_close(both);
        close(ends[1]);
}
END_TEST

/* ---- A daemon that does not read ----------------------------------------------------------- */

/* One packet for each, until its socket is full. Returns how many were sent. */
static int fill_the_socket(void)
{
        int i = 0;

        test_daemon_pause(&kyron_iod);
        while (!handle->wants_room) {
                ck_assert_int_lt(i, SOURCES);
                start_reading(i++, 1);
                process(handle, 0);
        }
        return i - 1;
}

START_TEST(what_finds_no_room_is_sent_when_there_is)
{
        int sent = fill_the_socket();

        start_reading(sent + 1, SOURCES - sent - 1);
        process(handle, 0);
        ck_assert_uint_eq(handle->packets_sent, sent);
        ck_assert(!TAILQ_EMPTY(&handle->queue));
        /* A foreign loop is not woken for nothing, and learns when there is room. */
        ck_assert(!wait_readable(kyron_io_driver_handle_fd(handle), 0));
        test_daemon_resume(&kyron_iod);
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), DEADLINE_MS));
        check_readiness();
        ck_assert(TAILQ_EMPTY(&handle->queue));
        ck_assert(!handle->wants_room);
}
END_TEST

START_TEST(what_was_closed_before_there_was_room_is_not_sent)
{
        int sent = fill_the_socket();

        start_reading(sent + 1, SOURCES - sent - 1);
        for (int i = 0; i < SOURCES; i += 2)
                close_one(i);
        process(handle, 0);
        for (int i = 0; i < SOURCES; i += 2)
                ck_assert_int_eq(calls[i].result, -ECANCELED);
        test_daemon_resume(&kyron_iod);
        check_readiness();
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_sent_fails_its_own_wait_alone)
{
        start_reading(0, 3);
        close(kyron_bridged_fd_fd(bridged_fds[1]));
        ck_assert(PROCESS_UNTIL(handle, calls[1].completions == 1));
        ck_assert_int_eq(calls[1].result, -EBADF);
        close_one(1);
        for (int i = 0; i < 3; i += 2) {
                put_byte(peers[i]);
                ck_assert(PROCESS_UNTIL(handle, calls[i].completions == 1));
                ck_assert_int_eq(calls[i].result, 1);
        }
}
END_TEST

START_TEST(a_removal_that_found_no_room_can_wait_for_it)
{
        int fd, removed = 0;

        start_reading(0, SOURCES);
        process(handle, 0);
        test_daemon_pause(&kyron_iod);
        for (int i = 0; i < SOURCES; i++)
                ck_assert_int_eq(kyron_operation_cancel(&calls[i].operation), 0);
        while (kyron_bridged_fd_release(bridged_fds[removed], &fd) == 0) {
                close(fd);
                bridged_fds[removed++] = NULL;
                ck_assert_int_lt(removed, SOURCES);
        }
        process(handle, 0);
        ck_assert(!wait_readable(kyron_io_driver_handle_fd(handle), 0));
        test_daemon_resume(&kyron_iod);
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), DEADLINE_MS));
        process(handle, 0);
        ck_assert_int_eq(kyron_bridged_fd_release(bridged_fds[removed], &fd), 0);
        bridged_fds[removed] = NULL;
        close(fd);
}
END_TEST

TEST_SUITE(test_outbox)
{
        TCase *packets = tcase_create("packets");
        TCase *room = tcase_create("room");

        tcase_set_timeout(packets, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(packets, set_up, tear_down);
        tcase_add_test(packets, registrations_of_one_turn_leave_together);
        tcase_add_test(packets, a_wait_for_more_sends_nothing_more);
        tcase_add_test(packets, a_descriptor_closed_before_its_turn_is_never_sent);
        tcase_add_test(packets, what_was_closed_is_told_with_the_next_packet);
        tcase_add_test(packets, more_closed_than_one_packet_names_are_told_in_two);
        tcase_add_test(packets, a_wider_interest_before_the_turn_is_the_same_registration);
        tcase_add_test(packets, a_descriptor_that_cannot_be_sent_fails_its_own_wait_alone);
        suite_add_tcase(suite, packets);
        tcase_set_timeout(room, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(room, set_up, tear_down);
        tcase_add_test(room, what_finds_no_room_is_sent_when_there_is);
        tcase_add_test(room, what_was_closed_before_there_was_room_is_not_sent);
        tcase_add_test(room, a_removal_that_found_no_room_can_wait_for_it);
        suite_add_tcase(suite, room);
}
