/*
 * What the code relies on about what Unix sockets carry beside bytes, proven against the kernel it
 * runs on: descriptors (SCM_RIGHTS) and who sent them. See test_kernel_assumptions_packets.c.
 */
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        RIGHTS_MAX = 253,
        NOBODY = 65534,
};

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static void expect_receive_error(int socket, int error)
{
        char byte;

        errno = 0;
        ck_assert_int_eq(recv(socket, &byte, 1, MSG_DONTWAIT), -1);
        ck_assert_int_eq(errno, error);
}

/* Sends one end of a pipe, closes it here, and returns the other end. [0] reads, [1] writes. */
static int send_pipe_end(int carrier, int sent)
{
        int ends[2];

        pipe_pair(ends);
        ck_assert_int_eq(fd_message_send(carrier, "x", 1, &ends[sent], 1), 1);
        close(ends[sent]);
        return ends[1 - sent];
}

/* ---- descriptors ---- */

START_TEST(a_message_carries_253_descriptors_and_not_254)
{
        int ends[2];
        int fds[RIGHTS_MAX + 1];
        FdMessage message;
        char byte;

        unix_pair(SOCK_SEQPACKET, ends);
        for (int i = 0; i < RIGHTS_MAX + 1; i++)
                fds[i] = ends[0];
        ck_assert_int_eq(fd_message_send(ends[0], "x", 1, fds, RIGHTS_MAX + 1), -EINVAL);
        ck_assert_int_eq(fd_message_send(ends[0], "x", 1, fds, RIGHTS_MAX), 1);
        ck_assert_int_eq(fd_message_receive(ends[1], &byte, 1, RIGHTS_MAX, &message), 1);
        ck_assert_int_eq(message.flags & MSG_CTRUNC, 0);
        ck_assert_uint_eq(message.count, RIGHTS_MAX);
}
END_TEST

START_TEST(descriptors_stay_with_their_packet)
{
        int carrier[2];
        FdMessage message;
        char buffer[16];
        int reader;

        unix_pair(SOCK_SEQPACKET, carrier);
        put_byte(carrier[0]);
        reader = send_pipe_end(carrier[0], 1);
        fd_message_receive(carrier[1], buffer, sizeof(buffer), 8, &message);
        ck_assert_uint_eq(message.count, 0);
        fd_message_receive(carrier[1], buffer, sizeof(buffer), 8, &message);
        ck_assert_uint_eq(message.count, 1);
        put_byte(message.fds[0]);
        ck_assert_uint_eq(drain(reader), 1);
}
END_TEST

START_TEST(too_little_room_installs_what_fits_and_flags_it)
{
        int ends[2];
        int fds[4];
        size_t before;
        FdMessage message;
        char byte;

        unix_pair(SOCK_SEQPACKET, ends);
        for (int i = 0; i < 4; i++)
                fds[i] = ends[0];
        before = count_descriptors();
        ck_assert_int_eq(fd_message_send(ends[0], "x", 1, fds, 4), 1);
        ck_assert_int_eq(fd_message_receive(ends[1], &byte, 1, 3, &message), 1);
        ck_assert_int_ne(message.flags & MSG_CTRUNC, 0);
        ck_assert_uint_eq(message.count, 3);
        ck_assert_uint_eq(count_descriptors(), before + 3);
        fd_message_close(&message);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(at_the_descriptor_limit_a_receive_succeeds_with_fewer_and_flags_it)
{
        int ends[2];
        int fds[4];
        int top;
        FdMessage message;
        char byte;

        unix_pair(SOCK_SEQPACKET, ends);
        for (int i = 0; i < 4; i++)
                fds[i] = ends[0];
        ck_assert_int_eq(fd_message_send(ends[0], "x", 1, fds, 4), 1);
        top = dup(ends[0]);
        if (!limit_descriptors(top + 3))
                SKIP_TEST("the kernel does not see the limit (valgrind keeps its own)");
        ck_assert_int_eq(fd_message_receive(ends[1], &byte, 1, 4, &message), 1);
        unlimit_descriptors();
        ck_assert_int_ne(message.flags & MSG_CTRUNC, 0);
        ck_assert_uint_eq(message.count, 2);
}
END_TEST

START_TEST(a_plain_read_drops_descriptors_silently)
{
        int carrier[2];
        size_t before;
        char byte;
        int reader;

        unix_pair(SOCK_SEQPACKET, carrier);
        reader = send_pipe_end(carrier[0], 1);
        before = count_descriptors();
        ck_assert_int_eq(read(carrier[1], &byte, 1), 1);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_int_eq(read(reader, &byte, 1), 0);
}
END_TEST

START_TEST(a_descriptor_under_way_keeps_its_file_open)
{
        int carrier[2];
        int ends[2];
        FdMessage message;
        char byte;

        unix_pair(SOCK_SEQPACKET, carrier);
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        ck_assert_int_eq(fd_message_send(carrier[0], "x", 1, &ends[0], 1), 1);
        close(ends[0]);
        expect_receive_error(ends[1], EAGAIN);
        put_byte(ends[1]);

        ck_assert_int_eq(fd_message_receive(carrier[1], &byte, 1, 1, &message), 1);
        ck_assert_uint_eq(drain(message.fds[0]), 1);
        expect_receive_error(ends[1], EAGAIN);
        close(message.fds[0]);
        ck_assert_int_eq(recv(ends[1], &byte, 1, 0), 0);
}
END_TEST

START_TEST(shutdown_reaches_the_peer_while_the_descriptor_is_under_way)
{
        int carrier[2];
        int ends[2];
        char byte;

        unix_pair(SOCK_SEQPACKET, carrier);
        if (_i == 0)
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        else
                tcp_pair(ends);
        ck_assert_int_eq(fd_message_send(carrier[0], "x", 1, &ends[0], 1), 1);
        ck_assert_int_eq(shutdown(ends[0], SHUT_RDWR), 0);
        close(ends[0]);
        ck_assert(wait_readable(ends[1], DEADLINE_MS));
        ck_assert_int_eq(recv(ends[1], &byte, 1, 0), 0);
}
END_TEST

START_TEST(closing_the_receiver_frees_what_is_under_way_to_it)
{
        int carrier[2];
        char byte;
        int reader;

        unix_pair(SOCK_SEQPACKET, carrier);
        reader = send_pipe_end(carrier[0], 1);
        ck_assert_int_eq(read(reader, &byte, 1), -1);
        close(carrier[1]);
        ck_assert_int_eq(read(reader, &byte, 1), 0);
}
END_TEST

enum { REFUSED, GOT_THROUGH, NOT_TESTABLE };

static int send_beyond_the_limit(void)
{
        enum { LIMIT = 64 };
        int ends[2];
        ssize_t n = 0;

        unix_pair(SOCK_SEQPACKET, ends);
        if (!limit_descriptors(LIMIT))
                return NOT_TESTABLE;
        if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
                return NOT_TESTABLE;
        for (int i = 0; i < LIMIT + 2 && n >= 0; i++)
                n = fd_message_send(ends[0], "x", 1, &ends[0], 1);
        return n == -ETOOMANYREFS ? REFUSED : GOT_THROUGH;
}

START_TEST(too_many_descriptors_under_way_is_etoomanyrefs_without_capabilities)
{
        pid_t child;
        int status;

        child = fork(); /* it gives up its rights */
        if (child == 0)
                _exit(send_beyond_the_limit());
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert(WIFEXITED(status));
        if (WEXITSTATUS(status) == NOT_TESTABLE)
                SKIP_TEST("the kernel does not see the limit (valgrind keeps its own)");
        ck_assert_int_eq(WEXITSTATUS(status), REFUSED);
}
END_TEST

START_TEST(an_end_sent_to_its_own_peer_hangs_up_only_once_it_has_been_received)
{
        int ends[2];
        FdMessage message;
        char byte;
        pid_t child;

        unix_pair(SOCK_SEQPACKET, ends);
        child = fork();
        if (child == 0)
                _exit(fd_message_send(ends[1], "x", 1, &ends[1], 1) == 1 ? 0 : 1);
        close(ends[1]);
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
        ck_assert_int_eq(wait_for_events(ends[0], POLLIN | POLLRDHUP, 0), POLLIN);
        /* Whoever reads and keeps nothing is safe from it. */
        ck_assert_int_eq(fd_message_receive(ends[0], &byte, 1, 1, &message), 1);
        ck_assert_int_eq(wait_for_events(ends[0], POLLIN | POLLRDHUP, 0), 0);
        fd_message_close(&message);
        ck_assert_int_ne(wait_for_events(ends[0], POLLIN | POLLRDHUP, 0) & POLLHUP, 0);
}
END_TEST

/* ---- who is there ---- */

/* Connects to a listener that has SO_PASSCRED: [0] the connecting end, [1] the accepted one. Two
 * packets are under way, the first sent before the accept. */
static void connect_with_credentials(int ends[static 2])
{
        TestListener listener = listen_unix(1);
        int on = 1;

        ck_assert_int_eq(setsockopt(listener.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
        ends[0] = connect_unix(&listener);
        ck_assert_int_ge(ends[0], 0);
        put_byte(ends[0]);
        ends[1] = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(ends[1], 0);
        put_byte(ends[0]);
}

static struct ucred peer_of(int socket)
{
        struct ucred peer = {0};
        socklen_t length = sizeof(peer);

        ck_assert_int_eq(getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
        return peer;
}

START_TEST(credentials_come_with_every_packet_when_the_listener_asked)
{
        int ends[2];
        FdMessage message;
        char byte;

        connect_with_credentials(ends);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(fd_message_receive(ends[1], &byte, 1, 0, &message), 1);
                ck_assert_int_eq(message.sender.pid, getpid());
                ck_assert_uint_eq(message.sender.uid, getuid());
                ck_assert_uint_eq(message.sender.gid, getgid());
        }
}
END_TEST

START_TEST(so_peercred_names_who_connected)
{
        TestListener listener = listen_unix(1);
        uid_t uid = geteuid() == 0 ? NOBODY : geteuid();
        struct ucred peer;
        pid_t child;
        int fd;

        child = fork();
        if (child == 0) {
                if (geteuid() == 0 && setuid(NOBODY) < 0)
                        _exit(1);
                _exit(connect_unix(&listener) >= 0 ? 0 : 1);
        }
        ck_assert(wait_readable(listener.fd, DEADLINE_MS));
        fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
        peer = peer_of(fd);
        ck_assert_int_eq(peer.pid, child);
        ck_assert_uint_eq(peer.uid, uid);
        /* Also when it is gone and reaped: a process id is a name to show, not a handle to keep. */
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
        ck_assert_int_eq(peer_of(fd).pid, child);
}
END_TEST

START_TEST(the_connectors_peer_is_who_called_listen_last)
{
        TestListener listener = listen_unix(1);
        int status;
        int fd;
        pid_t child;

        /* A daemon that was handed its listening socket listens again, to be known as itself. */
        fd = connect_unix(&listener);
        ck_assert_int_eq(peer_of(fd).pid, getpid());
        close(accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC));
        child = fork();
        if (child == 0)
                _exit(listen(listener.fd, 1) == 0 ? 0 : 1);
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        fd = connect_unix(&listener);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(peer_of(fd).pid, child);
}
END_TEST

START_TEST(after_fork_the_peer_is_still_the_parent_and_the_sender_is_the_child)
{
        int ends[2];
        FdMessage message;
        char byte;
        pid_t child;

        connect_with_credentials(ends);
        child = fork();
        if (child == 0)
                _exit(send(ends[0], "x", 1, 0) == 1 ? 0 : 1);
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
        ck_assert_int_eq(peer_of(ends[1]).pid, getpid());
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(fd_message_receive(ends[1], &byte, 1, 0, &message), 1);
        ck_assert_int_eq(message.sender.pid, child);
}
END_TEST

START_TEST(so_peerpidfd_tells_of_the_peers_end_while_its_connection_is_held)
{
        TestListener listener = listen_unix(1);
        int until[2];
        int peer = -1;
        pid_t child;
        int fd;

        unix_pair(SOCK_STREAM, until);
        child = fork();
        if (child == 0) {
                char byte;
                int mine = connect_unix(&listener);

                close(until[0]);
                if (mine < 0 || fd_message_send(mine, "x", 1, &mine, 1) != 1)
                        _exit(1);
                _exit((int)read(until[1], &byte, 1));
        }
        ck_assert(wait_readable(listener.fd, DEADLINE_MS));
        fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &peer, &(socklen_t){sizeof(peer)}) < 0) {
                ck_assert_int_eq(errno, ENOPROTOOPT);
                close(until[0]);
                SKIP_TEST("no SO_PEERPIDFD before Linux 6.5");
        }
        ck_assert(wait_readable(fd, DEADLINE_MS));
        ck_assert(!wait_readable(peer, 0));
        close(until[0]);
        ck_assert(wait_readable(peer, DEADLINE_MS));
        ck_assert_int_eq(wait_for_events(fd, POLLIN | POLLRDHUP, 0), POLLIN);
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
}
END_TEST

TEST_SUITE(test_kernel_assumptions_rights)
{
        TCase *descriptors = tcase_create("descriptors");
        TCase *credentials = tcase_create("credentials");

        tcase_add_test(descriptors, a_message_carries_253_descriptors_and_not_254);
        tcase_add_test(descriptors, descriptors_stay_with_their_packet);
        tcase_add_test(descriptors, too_little_room_installs_what_fits_and_flags_it);
        tcase_add_test(descriptors,
                       at_the_descriptor_limit_a_receive_succeeds_with_fewer_and_flags_it);
        tcase_add_test(descriptors, a_plain_read_drops_descriptors_silently);
        tcase_add_test(descriptors, a_descriptor_under_way_keeps_its_file_open);
        tcase_add_loop_test(descriptors,
                            shutdown_reaches_the_peer_while_the_descriptor_is_under_way, 0, 2);
        tcase_add_test(descriptors, closing_the_receiver_frees_what_is_under_way_to_it);
        tcase_add_test(descriptors,
                       too_many_descriptors_under_way_is_etoomanyrefs_without_capabilities);
        tcase_add_test(descriptors,
                       an_end_sent_to_its_own_peer_hangs_up_only_once_it_has_been_received);
        tcase_set_timeout(descriptors, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, descriptors);

        tcase_add_test(credentials, credentials_come_with_every_packet_when_the_listener_asked);
        tcase_add_test(credentials, so_peercred_names_who_connected);
        tcase_add_test(credentials, the_connectors_peer_is_who_called_listen_last);
        tcase_add_test(credentials,
                       after_fork_the_peer_is_still_the_parent_and_the_sender_is_the_child);
        tcase_add_test(credentials,
                       so_peerpidfd_tells_of_the_peers_end_while_its_connection_is_held);
        tcase_set_timeout(credentials, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, credentials);
}
