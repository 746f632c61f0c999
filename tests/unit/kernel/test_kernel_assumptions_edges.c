/*
 * What the code relies on about epoll's edges, proven against the kernel it runs on: when an event
 * is told, when it is told again, and which bits it has. See test_kernel_assumptions_epoll.c.
 */
#include "tests/support/deadline.h"
#include "tests/support/epoll_set.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(adding_reports_what_is_ready_already)
{
        int set = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        put_byte(pipe[1]);
        ck_assert_int_eq(epoll_set_add(set, pipe[0], EPOLLIN | EPOLLET, 1), 0);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLIN);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLL_SET_NO_EVENT);
}
END_TEST

START_TEST(modifying_reports_what_is_ready_again)
{
        int set = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        put_byte(pipe[1]);
        ck_assert_int_eq(epoll_set_add(set, pipe[0], EPOLLIN | EPOLLET, 1), 0);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLIN);
        ck_assert_int_eq(epoll_set_control(set, EPOLL_CTL_MOD, pipe[0], EPOLLIN | EPOLLET, 1), 0);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLIN);
}
END_TEST

START_TEST(more_data_is_a_new_edge_though_nothing_was_read)
{
        int set = epoll_set_open();
        int ends[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        ck_assert_int_eq(epoll_set_add(set, ends[0], EPOLLIN | EPOLLET, 1), 0);
        for (int i = 0; i < 3; i++) {
                put_byte(ends[1]);
                ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLIN);
                ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLL_SET_NO_EVENT);
        }
}
END_TEST

START_TEST(edges_that_nobody_collects_become_one_event)
{
        int set = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(epoll_set_add(set, pipe[0], EPOLLIN | EPOLLET, 1), 0);
        for (int i = 0; i < 100; i++)
                put_byte(pipe[1]);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLIN);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLL_SET_NO_EVENT);
}
END_TEST

START_TEST(a_pipe_without_writers_hangs_up_and_says_nothing_else)
{
        int set = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(epoll_set_add(set, pipe[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 1), 0);
        close(pipe[1]);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLHUP);
}
END_TEST

START_TEST(a_pipe_without_readers_is_writable_with_an_error)
{
        int set = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        fill(pipe[1]);
        ck_assert_int_eq(epoll_set_add(set, pipe[1], EPOLLOUT | EPOLLET, 1), 0);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLL_SET_NO_EVENT);
        close(pipe[0]);
        ck_assert_uint_ne(epoll_set_next(set, 0, NULL) & EPOLLERR, 0);
}
END_TEST

START_TEST(an_edge_triggered_hangup_is_reported_once)
{
        int set = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(epoll_set_add(set, pipe[0], EPOLLET, 1), 0);
        close(pipe[1]);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLHUP);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLL_SET_NO_EVENT);
}
END_TEST

START_TEST(a_level_triggered_hangup_is_reported_without_end_or_interest)
{
        int set = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(epoll_set_add(set, pipe[0], 0, 1), 0);
        close(pipe[1]);
        for (int i = 0; i < 100; i++)
                ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLHUP);
}
END_TEST

START_TEST(a_fifo_that_hung_up_opens_again_with_the_next_writer)
{
        int set = epoll_set_open();
        char *directory = make_temp_dir();
        char path[256];
        char byte;
        int reader;
        int writer;

        snprintf(path, sizeof(path), "%s/fifo", directory);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        ck_assert_int_ge(writer, 0);
        ck_assert_int_eq(epoll_set_add(set, reader, EPOLLIN | EPOLLET, 1), 0);
        close(writer);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLHUP);
        ck_assert_int_eq(read(reader, &byte, 1), 0);

        writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        ck_assert_int_ge(writer, 0);
        errno = 0;
        ck_assert_int_eq(read(reader, &byte, 1), -1);
        ck_assert_int_eq(errno, EAGAIN);
        put_byte(writer);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLIN);
        remove_temp_dir(directory);
}
END_TEST

START_TEST(a_peers_half_close_is_readable_and_rdhup)
{
        int set = epoll_set_open();
        int ends[2];

        if (_i == 0)
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        else
                tcp_pair(ends);
        ck_assert_int_eq(epoll_set_add(set, ends[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 1), 0);
        ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
        ck_assert_uint_eq(epoll_set_next(set, DEADLINE_MS, NULL), EPOLLIN | EPOLLRDHUP);
        put_byte(ends[0]);
}
END_TEST

static bool all_is_acknowledged(int fd)
{
        int unsent = -1;

        ck_assert_int_eq(ioctl(fd, SIOCOUTQ, &unsent), 0);
        return unsent == 0;
}

START_TEST(a_tcp_socket_is_writable_once_until_it_has_been_full)
{
        int set = epoll_set_open();
        int ends[2];

        tcp_pair(ends);
        ck_assert_int_eq(epoll_set_add(set, ends[0], EPOLLIN | EPOLLOUT | EPOLLET, 1), 0);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLOUT);
        /* Room that was never missing is not announced, however much the peer reads. */
        for (int i = 0; i < 10; i++) {
                put_byte(ends[0]);
                ck_assert(wait_readable(ends[1], DEADLINE_MS));
                drain(ends[1]);
                ck_assert(WAIT_UNTIL(all_is_acknowledged(ends[0]), DEADLINE_MS));
        }
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLL_SET_NO_EVENT);

        fill(ends[0]);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLL_SET_NO_EVENT);
        ck_assert(WAIT_UNTIL(drain(ends[1]) == 0 && all_is_acknowledged(ends[0]), DEADLINE_MS));
        ck_assert_uint_eq(epoll_set_next(set, DEADLINE_MS, NULL), EPOLLOUT);
}
END_TEST

START_TEST(a_unix_stream_announces_room_at_every_read_only_to_who_asked)
{
        int asked = epoll_set_open();
        int not_asked = epoll_set_open();
        int ends[2];

        /* So interest is widened to WRITABLE only once it is awaited. */
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        ck_assert_int_eq(epoll_set_add(asked, ends[0], EPOLLOUT | EPOLLET, 1), 0);
        ck_assert_int_eq(epoll_set_add(not_asked, ends[0], EPOLLIN | EPOLLET, 1), 0);
        ck_assert_uint_eq(epoll_set_next(asked, 0, NULL), EPOLLOUT);
        for (int i = 0; i < 3; i++) {
                put_byte(ends[0]);
                drain(ends[1]);
                ck_assert_uint_eq(epoll_set_next(asked, 0, NULL), EPOLLOUT);
        }
        ck_assert_uint_eq(epoll_set_next(not_asked, 0, NULL), EPOLL_SET_NO_EVENT);
}
END_TEST

TEST_SUITE(test_kernel_assumptions_edges)
{
        TCase *edges = tcase_create("edges");

        tcase_add_test(edges, adding_reports_what_is_ready_already);
        tcase_add_test(edges, modifying_reports_what_is_ready_again);
        tcase_add_test(edges, more_data_is_a_new_edge_though_nothing_was_read);
        tcase_add_test(edges, edges_that_nobody_collects_become_one_event);
        tcase_add_test(edges, a_pipe_without_writers_hangs_up_and_says_nothing_else);
        tcase_add_test(edges, a_pipe_without_readers_is_writable_with_an_error);
        tcase_add_test(edges, an_edge_triggered_hangup_is_reported_once);
        tcase_add_test(edges, a_level_triggered_hangup_is_reported_without_end_or_interest);
        tcase_add_test(edges, a_fifo_that_hung_up_opens_again_with_the_next_writer);
        tcase_add_loop_test(edges, a_peers_half_close_is_readable_and_rdhup, 0, 2);
        tcase_add_test(edges, a_tcp_socket_is_writable_once_until_it_has_been_full);
        tcase_add_test(edges, a_unix_stream_announces_room_at_every_read_only_to_who_asked);
        tcase_set_timeout(edges, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, edges);
}
