/*
 * What the code relies on about SOCK_SEQPACKET packets, proven against the kernel it runs on:
 * borders, limits, how much waits unread, and what is left when a peer goes away. When one of
 * these fails, the design is wrong on that kernel, not the code.
 *
 * Each test runs in its own process (check's default), so none closes what only its end needs
 * closed. Unix sockets deliver within the call, so what was sent is there at once.
 */
#include "tests/support/deadline.h"
#include "tests/support/epoll_set.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_packet(int socket, const char *text)
{
        ck_assert_int_eq(send(socket, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void expect_packet(int socket, const char *text)
{
        char buffer[256];
        ssize_t length = recv(socket, buffer, sizeof(buffer), MSG_DONTWAIT);

        ck_assert_msg(length >= 0, "recv: %s", strerror(errno));
        ck_assert_int_eq(length, (ssize_t)strlen(text));
        ck_assert_mem_eq(buffer, text, (size_t)length);
}

static void expect_receive_error(int socket, int error)
{
        char byte;

        errno = 0;
        ck_assert_int_eq(recv(socket, &byte, 1, MSG_DONTWAIT), -1);
        ck_assert_int_eq(errno, error);
}

/* ---- packets ---- */

START_TEST(seqpacket_keeps_borders_and_stream_merges)
{
        int ends[2];

        unix_pair(_i == 0 ? SOCK_SEQPACKET : SOCK_STREAM, ends);
        send_packet(ends[0], "one");
        send_packet(ends[0], "two");
        if (_i == 0) {
                expect_packet(ends[1], "one");
                expect_packet(ends[1], "two");
        } else {
                expect_packet(ends[1], "onetwo");
        }
}
END_TEST

START_TEST(a_packet_of_no_bytes_reads_like_end_of_file)
{
        int ends[2];
        char byte;

        unix_pair(SOCK_SEQPACKET, ends);
        ck_assert_int_eq(send(ends[0], "", 0, 0), 0);
        send_packet(ends[0], "next");
        ck_assert_int_eq(recv(ends[1], &byte, 1, MSG_DONTWAIT), 0);
        expect_packet(ends[1], "next");
        expect_receive_error(ends[1], EAGAIN);
        close(ends[0]);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(recv(ends[1], &byte, 1, MSG_DONTWAIT), 0);
}
END_TEST

START_TEST(only_end_of_file_hangs_up)
{
        int ends[2];

        unix_pair(SOCK_SEQPACKET, ends);
        ck_assert_int_eq(send(ends[0], "", 0, 0), 0);
        ck_assert_int_eq(wait_for_events(ends[1], POLLIN | POLLRDHUP, 0), POLLIN);
        close(ends[0]);
        ck_assert_int_ne(wait_for_events(ends[1], POLLIN | POLLRDHUP, 0) & POLLRDHUP, 0);
}
END_TEST

START_TEST(an_oversized_packet_is_cut_and_flagged_and_keeps_its_descriptors)
{
        int ends[2];
        FdMessage message;
        char buffer[4];

        unix_pair(SOCK_SEQPACKET, ends);
        ck_assert_int_eq(fd_message_send(ends[0], "12345", 5, &ends[0], 1), 5);
        send_packet(ends[0], "next");
        ck_assert_int_eq(fd_message_receive(ends[1], buffer, 4, 1, &message), 4);
        ck_assert_int_ne(message.flags & MSG_TRUNC, 0);
        ck_assert_int_eq(message.flags & MSG_CTRUNC, 0);
        ck_assert_uint_eq(message.count, 1);
        /* The rest is gone with it. */
        ck_assert_int_eq(fd_message_receive(ends[1], buffer, 4, 1, &message), 4);
        ck_assert_int_eq(message.flags & MSG_TRUNC, 0);
}
END_TEST

START_TEST(a_packet_larger_than_so_sndbuf_is_not_sent_at_all)
{
        static const char big[64 * 1024];
        int ends[2];
        int size = (int)sizeof(big) / 4; /* the kernel doubles it */

        unix_pair(SOCK_SEQPACKET, ends);
        ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
        ck_assert_int_eq(send(ends[0], big, sizeof(big), MSG_NOSIGNAL), -1);
        ck_assert_int_eq(errno, EMSGSIZE);
        expect_receive_error(ends[1], EAGAIN);
}
END_TEST

static const char packet[1024];

static bool send_one(int socket)
{
        return send(socket, packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(packet);
}

static bool receive_one(int socket)
{
        char buffer[sizeof(packet)];

        return recv(socket, buffer, sizeof(buffer), MSG_DONTWAIT) == sizeof(buffer);
}

static size_t send_until_full(int socket)
{
        size_t count = 0;

        while (send_one(socket))
                count++;
        ck_assert_int_eq(errno, EAGAIN);
        return count;
}

START_TEST(so_sndbuf_bounds_the_packets_nobody_has_read)
{
        int sizes[2] = {16 * 1024, 128 * 1024};
        size_t counts[2];

        for (int i = 0; i < 2; i++) {
                int ends[2];

                unix_pair(SOCK_SEQPACKET, ends);
                ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &sizes[i], sizeof(int)),
                                 0);
                counts[i] = send_until_full(ends[0]);
                ck_assert_uint_gt(counts[i], 0);
                /* The kernel doubles the size and charges a packet more than its bytes. */
                ck_assert_uint_le(counts[i], 2 * (size_t)sizes[i] / sizeof(packet));
        }
        ck_assert_uint_gt(counts[1], 4 * counts[0]);
}
END_TEST

START_TEST(a_full_sender_is_told_of_room_when_most_has_been_read)
{
        int ends[2];
        int set = epoll_set_open();
        size_t sent;
        size_t received = 0;

        unix_pair(SOCK_SEQPACKET, ends);
        sent = send_until_full(ends[0]);
        ck_assert_int_eq(epoll_set_add(set, ends[0], EPOLLOUT | EPOLLET, 1), 0);
        while (epoll_set_next(set, 0, NULL) == EPOLL_SET_NO_EVENT) {
                ck_assert(receive_one(ends[1]));
                received++;
        }
        /* Writable means that a quarter of the buffer or less is in use. */
        ck_assert_uint_gt(received, sent / 2);
        ck_assert_uint_le(received, sent);
        ck_assert(send_one(ends[0]));
}
END_TEST

START_TEST(a_full_sender_can_send_again_before_it_is_told)
{
        int ends[2];

        /* So a gate that asks poll() waits longer than one that tries. */
        unix_pair(SOCK_SEQPACKET, ends);
        ck_assert_uint_gt(send_until_full(ends[0]), 8);
        ck_assert(receive_one(ends[1]));
        ck_assert(!wait_writable(ends[0], 0));
        ck_assert(send_one(ends[0]));
}
END_TEST

static int unread(int socket)
{
        int bytes = -1;

        ck_assert_int_eq(ioctl(socket, SIOCOUTQ, &bytes), 0);
        return bytes;
}

START_TEST(siocoutq_tells_whether_the_peer_has_read_everything)
{
        int ends[2];
        int one;

        unix_pair(SOCK_SEQPACKET, ends);
        ck_assert_int_eq(unread(ends[0]), 0);
        send_packet(ends[0], "one");
        one = unread(ends[0]);
        ck_assert_int_ge(one, 3); /* with the kernel's own overhead */
        send_packet(ends[0], "two");
        ck_assert_int_gt(unread(ends[0]), one);
        expect_packet(ends[1], "one");
        ck_assert_int_eq(unread(ends[0]), one);
        expect_packet(ends[1], "two");
        ck_assert_int_eq(unread(ends[0]), 0);
}
END_TEST

/* ---- the peer is gone ---- */

START_TEST(what_a_peer_sent_before_it_closed_is_still_read)
{
        int ends[2];
        char byte;

        unix_pair(SOCK_SEQPACKET, ends);
        send_packet(ends[1], "last words");
        close(ends[1]);
        expect_packet(ends[0], "last words");
        ck_assert_int_eq(recv(ends[0], &byte, 1, 0), 0);
        ck_assert_int_eq(send(ends[0], "x", 1, MSG_NOSIGNAL), -1);
        ck_assert_int_eq(errno, EPIPE);
}
END_TEST

START_TEST(a_peer_that_closes_with_unread_packets_is_econnreset_before_its_last_words)
{
        int ends[2];
        char byte;

        unix_pair(SOCK_SEQPACKET, ends);
        send_packet(ends[0], "never read");
        send_packet(ends[1], "last words");
        close(ends[1]);
        /* Once, and by reading on nothing is lost. */
        expect_receive_error(ends[0], ECONNRESET);
        expect_packet(ends[0], "last words");
        ck_assert_int_eq(recv(ends[0], &byte, 1, 0), 0);
}
END_TEST

START_TEST(a_send_can_be_what_meets_the_econnreset)
{
        int ends[2];

        unix_pair(SOCK_SEQPACKET, ends);
        send_packet(ends[0], "never read");
        send_packet(ends[1], "last words");
        close(ends[1]);
        ck_assert_int_eq(send(ends[0], "x", 1, MSG_NOSIGNAL), -1);
        ck_assert_int_eq(errno, ECONNRESET);
        ck_assert_int_eq(send(ends[0], "x", 1, MSG_NOSIGNAL), -1);
        ck_assert_int_eq(errno, EPIPE);
        expect_packet(ends[0], "last words");
}
END_TEST

TEST_SUITE(test_kernel_assumptions_packets)
{
        TCase *packets = tcase_create("packets");
        TCase *gone = tcase_create("gone");

        tcase_add_loop_test(packets, seqpacket_keeps_borders_and_stream_merges, 0, 2);
        tcase_add_test(packets, a_packet_of_no_bytes_reads_like_end_of_file);
        tcase_add_test(packets, only_end_of_file_hangs_up);
        tcase_add_test(packets, an_oversized_packet_is_cut_and_flagged_and_keeps_its_descriptors);
        tcase_add_test(packets, a_packet_larger_than_so_sndbuf_is_not_sent_at_all);
        tcase_add_test(packets, so_sndbuf_bounds_the_packets_nobody_has_read);
        tcase_add_test(packets, a_full_sender_is_told_of_room_when_most_has_been_read);
        tcase_add_test(packets, a_full_sender_can_send_again_before_it_is_told);
        tcase_add_test(packets, siocoutq_tells_whether_the_peer_has_read_everything);
        tcase_set_timeout(packets, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, packets);

        tcase_add_test(gone, what_a_peer_sent_before_it_closed_is_still_read);
        tcase_add_test(gone,
                       a_peer_that_closes_with_unread_packets_is_econnreset_before_its_last_words);
        tcase_add_test(gone, a_send_can_be_what_meets_the_econnreset);
        tcase_set_timeout(gone, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, gone);
}
