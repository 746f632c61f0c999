/*
 * proto/frame_socket: packets keep their borders and their descriptors, nothing blocks, and on
 * every failure no descriptor is left open.
 */
#include "core/error.h"
#include "proto/frame_socket.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Blocking ones: what must not block would hang, and time out. */
static int pair[2];
static FdList fds;
static char buffer[256];

static void set_up(void)
{
        unix_pair(SOCK_SEQPACKET, pair);
        fds.count = 0;
}

static int receive(void)
{
        return frame_socket_receive(pair[1], buffer, sizeof(buffer), &fds);
}

static int open_one(void)
{
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        ck_assert_int_ge(fd, 0);
        return fd;
}

START_TEST(packets_keep_their_borders_and_their_order)
{
        ck_assert_int_eq(frame_socket_send(pair[0], "first", 5, NULL, 0), 0);
        ck_assert_int_eq(frame_socket_send(pair[0], "2", 1, NULL, 0), 0);
        ck_assert_int_eq(receive(), 5);
        ck_assert_mem_eq(buffer, "first", 5);
        ck_assert_int_eq(receive(), 1);
        ck_assert_mem_eq(buffer, "2", 1);
        ck_assert_uint_eq(fds.count, 0);
}
END_TEST

START_TEST(descriptors_come_with_their_packet_in_order_and_close_on_exec)
{
        int sent[3] = {open_one(), open_one(), open_one()};
        eventfd_t value;

        for (int i = 0; i < 3; i++)
                eventfd_write(sent[i], (eventfd_t)i + 1);
        ck_assert_int_eq(frame_socket_send(pair[0], "a", 1, sent, 2), 0);
        ck_assert_int_eq(frame_socket_send(pair[0], "b", 1, &sent[2], 1), 0);
        ck_assert_int_eq(receive(), 1);
        ck_assert_uint_eq(fds.count, 2);
        for (size_t i = 0; i < 2; i++) {
                int fd = fd_list_borrow(&fds, i);

                ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
                ck_assert_int_eq(eventfd_read(fd, &value), 0);
                ck_assert_uint_eq(value, i + 1);
        }
        fd_list_close(&fds);
        ck_assert_int_eq(receive(), 1);
        ck_assert_uint_eq(fds.count, 1);
        ck_assert_int_eq(eventfd_read(fd_list_borrow(&fds, 0), &value), 0);
        ck_assert_uint_eq(value, 3);
        fd_list_close(&fds);
}
END_TEST

START_TEST(what_was_sent_stays_the_senders)
{
        int fd = open_one();

        ck_assert_int_eq(frame_socket_send(pair[0], "a", 1, &fd, 1), 0);
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
        close(pair[1]);
        ck_assert_int_lt(frame_socket_send(pair[0], "a", 1, &fd, 1), 0);
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
}
END_TEST

START_TEST(a_packet_carries_253_descriptors_and_no_more)
{
        int sent[FD_LIST_MAX + 1];
        size_t before;

        for (int i = 0; i < FD_LIST_MAX + 1; i++)
                sent[i] = open_one();
        before = count_descriptors();
        ck_assert_int_eq(frame_socket_send(pair[0], "a", 1, sent, 254), -EINVAL);
        ck_assert_int_eq(frame_socket_send(pair[0], "b", 1, sent, 253), 0);
        ck_assert_int_eq(receive(), 1);
        ck_assert_mem_eq(buffer, "b", 1);
        ck_assert_uint_eq(fds.count, 253);
        fd_list_close(&fds);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(credentials_take_no_room_from_descriptors)
{
        int sent[FD_LIST_MAX];

        for (int i = 0; i < FD_LIST_MAX; i++)
                sent[i] = open_one();
        ck_assert_int_eq(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)), 0);
        ck_assert_int_eq(frame_socket_send(pair[0], "a", 1, sent, FD_LIST_MAX), 0);
        ck_assert_int_eq(receive(), 1);
        ck_assert_uint_eq(fds.count, FD_LIST_MAX);
        fd_list_close(&fds);
}
END_TEST

START_TEST(an_empty_blocking_socket_does_not_block)
{
        ck_assert_int_eq(receive(), -EAGAIN);
}
END_TEST

START_TEST(a_full_blocking_socket_does_not_block_and_loses_nothing)
{
        unsigned sent = 0, received = 0;
        int r;

        while ((r = frame_socket_send(pair[0], &sent, sizeof(sent), NULL, 0)) == 0)
                sent++;
        ck_assert_int_eq(r, -EAGAIN);
        ck_assert_uint_gt(sent, 0);
        for (;;) {
                unsigned value;

                r = frame_socket_receive(pair[1], &value, sizeof(value), &fds);
                if (r < 0)
                        break;
                ck_assert_int_eq(r, sizeof(value));
                ck_assert_uint_eq(value, received);
                received++;
        }
        ck_assert_int_eq(r, -EAGAIN);
        ck_assert_uint_eq(received, sent);
}
END_TEST

START_TEST(after_the_other_side_closed_there_is_an_end_and_no_signal)
{
        /* SIGPIPE would end this process. */
        close(pair[0]);
        ck_assert_int_eq(receive(), 0);
        ck_assert_int_eq(frame_socket_send(pair[1], "a", 1, NULL, 0), -EPIPE);
}
END_TEST

START_TEST(a_last_word_is_heard_although_ours_was_not)
{
        ck_assert_int_eq(frame_socket_send(pair[1], "unread", 6, NULL, 0), 0);
        ck_assert_int_eq(frame_socket_send(pair[0], "goodbye", 7, NULL, 0), 0);
        close(pair[0]);
        ck_assert_int_eq(receive(), -ECONNRESET);
        ck_assert_int_eq(receive(), 7);
        ck_assert_int_eq(receive(), 0);
}
END_TEST

START_TEST(a_packet_too_long_is_refused_and_its_descriptors_can_be_closed)
{
        static const char packet[sizeof(buffer) + 1];
        int sent[2] = {open_one(), open_one()};
        size_t before = count_descriptors();

        ck_assert_int_eq(frame_socket_send(pair[0], packet, sizeof(buffer), NULL, 0), 0);
        ck_assert_int_eq(receive(), sizeof(buffer));
        ck_assert_int_eq(frame_socket_send(pair[0], packet, sizeof(packet), sent, 2), 0);
        ck_assert_int_eq(receive(), -EMSGSIZE);
        ck_assert_str_eq(error_text(), "a packet is longer than the limit of 256 bytes");
        ck_assert_uint_eq(fds.count, 2);
        fd_list_close(&fds);
        ck_assert_uint_eq(count_descriptors(), before);
        /* The rest of it does not come as another packet. */
        ck_assert_int_eq(receive(), -EAGAIN);
}
END_TEST

START_TEST(an_empty_packet_is_an_end_and_its_descriptors_can_be_closed)
{
        int fd = open_one();
        size_t before = count_descriptors();

        ck_assert_int_eq(fd_message_send(pair[0], "", 0, &fd, 1), 0);
        ck_assert_int_eq(receive(), 0);
        ck_assert_uint_eq(fds.count, 1);
        fd_list_close(&fds);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(descriptors_lost_at_the_limit_are_an_error_and_the_others_can_be_closed)
{
        int sent[10];
        int last = -1;
        size_t before;

        for (int i = 0; i < 10; i++)
                sent[i] = last = open_one();
        ck_assert_int_eq(frame_socket_send(pair[0], "a", 1, sent, 10), 0);
        ck_assert_int_eq(frame_socket_send(pair[0], "b", 1, NULL, 0), 0);
        before = count_descriptors();
        /* Room for four of them. */
        if (!limit_descriptors(last + 1 + 4))
                SKIP_TEST("the limit of open files is not the kernel's here");
        ck_assert_int_eq(receive(), -EMFILE);
        ck_assert_uint_eq(fds.count, 4);
        fd_list_close(&fds);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_int_eq(receive(), 1);
        ck_assert_mem_eq(buffer, "b", 1);
        unlimit_descriptors();
}
END_TEST

TEST_SUITE(test_frame_socket)
{
        TCase *packets = tcase_create("packets");
        TCase *failures = tcase_create("failures");

        tcase_add_checked_fixture(packets, set_up, NULL);
        tcase_add_test(packets, packets_keep_their_borders_and_their_order);
        tcase_add_test(packets, descriptors_come_with_their_packet_in_order_and_close_on_exec);
        tcase_add_test(packets, what_was_sent_stays_the_senders);
        tcase_add_test(packets, a_packet_carries_253_descriptors_and_no_more);
        tcase_add_test(packets, credentials_take_no_room_from_descriptors);
        tcase_set_timeout(packets, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, packets);

        tcase_add_checked_fixture(failures, set_up, NULL);
        tcase_add_test(failures, an_empty_blocking_socket_does_not_block);
        tcase_add_test(failures, a_full_blocking_socket_does_not_block_and_loses_nothing);
        tcase_add_test(failures, after_the_other_side_closed_there_is_an_end_and_no_signal);
        tcase_add_test(failures, a_last_word_is_heard_although_ours_was_not);
        tcase_add_test(failures, a_packet_too_long_is_refused_and_its_descriptors_can_be_closed);
        tcase_add_test(failures, an_empty_packet_is_an_end_and_its_descriptors_can_be_closed);
        tcase_add_test(failures,
                       descriptors_lost_at_the_limit_are_an_error_and_the_others_can_be_closed);
        tcase_set_timeout(failures, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, failures);
}
