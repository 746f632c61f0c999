/* UnixDatagram: datagrams by path, by connection and in pairs. */
#include "tests/support/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static char *directory;
static char path[100];
static KyronUnixDatagram *bound, *sender;

static void set_up(void)
{
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        directory = make_temp_dir();
        snprintf(path, sizeof(path), "%s/datagrams", directory);
        ck_assert_int_eq(kyron_unix_datagram_bind(&bound, handle, path), 0);
        ck_assert_int_eq(kyron_unix_datagram_bind(&sender, handle, NULL), 0);
}

static void tear_down(void)
{
        kyron_unix_datagram_close(bound);
        kyron_unix_datagram_close(sender);
        kyron_io_driver_handle_close(handle);
        remove_temp_dir(directory);
        test_daemon_stop(&kyron_iod);
}

START_TEST(a_datagram_is_sent_to_a_path)
{
        TestCall call, sending;
        char text[6] = "";

        test_call_init(&call);
        test_call_init(&sending);
        ck_assert_int_eq(kyron_unix_datagram_recv(bound, &call.operation, text, 6), KYRON_PENDING);
        ck_assert_int_eq(kyron_unix_datagram_send_to(sender, &sending.operation, "hello", 5, path),
                         0);
        ck_assert_int_eq(sending.operation.result, 5);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 5);
        ck_assert_str_eq(text, "hello");
}
END_TEST

START_TEST(a_datagram_comes_with_its_sender)
{
        struct sockaddr_un from;
        socklen_t size = sizeof(from);
        KyronUnixDatagram *named;
        TestCall call;
        char name[100], text[6];

        snprintf(name, sizeof(name), "@kyron-datagram-%d", (int)getpid());
        ck_assert_int_eq(kyron_unix_datagram_bind(&named, handle, name), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_datagram_send_to(named, &call.operation, "hello", 5, path), 0);
        ck_assert_int_eq(
                kyron_unix_datagram_recv_from(bound, &call.operation, text, 6, &from, &size), 0);
        ck_assert_uint_eq(size, sizeof(sa_family_t) + strlen(name));
        ck_assert_int_eq(memcmp(from.sun_path + 1, name + 1, strlen(name) - 1), 0);
        /* And an answer finds it by that name. */
        ck_assert_int_eq(kyron_unix_datagram_send_to(bound, &call.operation, "you", 3, name), 0);
        ck_assert_int_eq(kyron_unix_datagram_recv(named, &call.operation, text, 6), 0);
        ck_assert_int_eq(call.operation.result, 3);
        kyron_unix_datagram_close(named);
}
END_TEST

START_TEST(a_datagram_too_long_is_cut_and_says_how_long_it_was)
{
        TestCall call;
        char text[4] = "";

        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_datagram_send_to(sender, &call.operation, "hello", 5, path), 0);
        ck_assert_int_eq(kyron_unix_datagram_recv(bound, &call.operation, text, 3), 0);
        ck_assert_int_eq(call.operation.result, 5);
        ck_assert_str_eq(text, "hel");
}
END_TEST

START_TEST(a_connected_sender_waits_for_room)
{
        struct sockaddr_un address;
        socklen_t size = sizeof(address);
        TestCall call;
        int sent = 0, r;

        ck_assert_int_eq(kyron_unix_datagram_connect(sender, path), 0);
        ck_assert_int_eq(kyron_unix_datagram_peer_addr(sender, &address, &size), 0);
        ck_assert_str_eq(address.sun_path, path);
        test_call_init(&call);
        while ((r = kyron_unix_datagram_send(sender, &call.operation, "x", 1)) == 0)
                sent++;
        ck_assert_int_eq(r, KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        drain(kyron_bridged_fd_fd(kyron_unix_datagram_bridged_fd(bound)));
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        ck_assert_int_gt(sent, 0);
}
END_TEST

START_TEST(an_unconnected_sender_is_told_that_there_is_no_room)
{
        TestCall call;
        int r;

        test_call_init(&call);
        do
                r = kyron_unix_datagram_send_to(sender, &call.operation, "x", 1, path);
        while (r == 0);
        ck_assert_int_eq(r, -EAGAIN);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
}
END_TEST

START_TEST(a_pair_talks_both_ways)
{
        KyronUnixDatagram *a, *b;
        TestCall call, sending;
        char text[4] = "";

        ck_assert_int_eq(kyron_unix_datagram_pair(&a, &b, handle), 0);
        test_call_init(&call);
        test_call_init(&sending);
        ck_assert_int_eq(kyron_unix_datagram_recv(a, &call.operation, text, 4), KYRON_PENDING);
        ck_assert_int_eq(kyron_unix_datagram_send(b, &sending.operation, "abc", 3), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_str_eq(text, "abc");
        ck_assert_int_eq(kyron_unix_datagram_shutdown(b, SHUT_RDWR), 0);
        ck_assert_int_eq(kyron_unix_datagram_send(b, &sending.operation, "abc", 3), -EPIPE);
        kyron_unix_datagram_close(a);
        kyron_unix_datagram_close(b);
}
END_TEST

START_TEST(where_nobody_is_it_cannot_send)
{
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(
                kyron_unix_datagram_send_to(sender, &call.operation, "x", 1, "/nowhere/at/all"),
                -ENOENT);
        ck_assert_int_eq(kyron_unix_datagram_send_to(sender, &call.operation, "x", 1, ""), -EINVAL);
        ck_assert_int_eq(kyron_unix_datagram_connect(sender, "@kyron-nobody-is-there"),
                         -ECONNREFUSED);
        ck_assert_int_eq(kyron_unix_datagram_send(sender, &call.operation, "x", 1), -ENOTCONN);
}
END_TEST

START_TEST(it_knows_its_address)
{
        struct sockaddr_un address;
        socklen_t size = sizeof(address);
        TestCall call;

        ck_assert_int_eq(kyron_unix_datagram_local_addr(bound, &address, &size), 0);
        ck_assert_str_eq(address.sun_path, path);
        ck_assert_int_eq(kyron_unix_datagram_take_error(bound), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_datagram_ready(bound, &call.operation, KYRON_WRITABLE), 0);
}
END_TEST

START_TEST(what_is_no_unix_datagram_socket_is_refused_and_closed)
{
        size_t before = count_descriptors();
        KyronUnixDatagram *other;
        int ends[2];

        unix_pair(SOCK_STREAM, ends);
        ck_assert_int_eq(kyron_unix_datagram_from_fd(&other, handle, ends[0]), -EINVAL);
        close(ends[1]);
        unix_pair(SOCK_DGRAM, ends);
        ck_assert_int_eq(kyron_unix_datagram_from_fd(&other, handle, ends[0]), 0);
        kyron_unix_datagram_close(other);
        close(ends[1]);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_int_eq(kyron_unix_datagram_bind(&other, handle, path), -EADDRINUSE);
}
END_TEST

TEST_SUITE(test_unix_datagram)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, a_datagram_is_sent_to_a_path);
        tcase_add_test(all, a_datagram_comes_with_its_sender);
        tcase_add_test(all, a_datagram_too_long_is_cut_and_says_how_long_it_was);
        tcase_add_test(all, a_connected_sender_waits_for_room);
        tcase_add_test(all, an_unconnected_sender_is_told_that_there_is_no_room);
        tcase_add_test(all, a_pair_talks_both_ways);
        tcase_add_test(all, where_nobody_is_it_cannot_send);
        tcase_add_test(all, it_knows_its_address);
        tcase_add_test(all, what_is_no_unix_datagram_socket_is_refused_and_closed);
        suite_add_tcase(suite, all);
}
