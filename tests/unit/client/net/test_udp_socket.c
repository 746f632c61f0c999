/* UdpSocket: datagrams to and from anybody or one peer; what is cut, what fails. */
#include "tests/support/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronUdpSocket *a, *b;
static struct sockaddr_in a_address, b_address;

static KyronUdpSocket *bind_one(struct sockaddr_in *address)
{
        socklen_t size = sizeof(*address);
        KyronUdpSocket *udp;

        *address = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        ck_assert_int_eq(kyron_udp_socket_bind(&udp, handle, (struct sockaddr *)address, size), 0);
        ck_assert_int_eq(kyron_udp_socket_local_addr(udp, (struct sockaddr *)address, &size), 0);
        return udp;
}

static void set_up(void)
{
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        a = bind_one(&a_address);
        b = bind_one(&b_address);
}

static void tear_down(void)
{
        kyron_udp_socket_close(a);
        kyron_udp_socket_close(b);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

static void send_to_b(const char *text)
{
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_udp_socket_send_to(a, &call.operation, text, strlen(text),
                                                  (struct sockaddr *)&b_address, sizeof(b_address)),
                         0);
        ck_assert_int_eq(call.operation.result, strlen(text));
}

START_TEST(a_datagram_comes_with_its_sender)
{
        struct sockaddr_in from = {.sin_family = 0};
        socklen_t size = sizeof(from);
        char text[10] = "";
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_udp_socket_recv_from(b, &call.operation, text, sizeof(text),
                                                    (struct sockaddr *)&from, &size),
                         KYRON_PENDING);
        send_to_b("hello");
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 5);
        ck_assert_str_eq(text, "hello");
        ck_assert_uint_eq(size, sizeof(from));
        ck_assert_uint_eq(from.sin_port, a_address.sin_port);
        /* At once, and without asking who. */
        send_to_b("again");
        ck_assert_int_eq(
                kyron_udp_socket_recv_from(b, &call.operation, text, sizeof(text), NULL, NULL), 0);
        ck_assert_str_eq(text, "again");
}
END_TEST

START_TEST(a_datagram_too_long_is_cut_and_says_how_long_it_was)
{
        char text[4] = "";
        TestCall call;

        test_call_init(&call);
        send_to_b("1234567");
        ck_assert_int_eq(kyron_udp_socket_recv(b, &call.operation, text, 3), 0);
        ck_assert_int_eq(call.operation.result, 7);
        ck_assert_str_eq(text, "123");
        send_to_b("");
        ck_assert_int_eq(kyron_udp_socket_recv(b, &call.operation, text, 3), 0);
        ck_assert_int_eq(call.operation.result, 0);
}
END_TEST

START_TEST(connected_it_sends_to_and_hears_one_peer)
{
        struct sockaddr_in c_address, remote;
        socklen_t size = sizeof(remote);
        KyronUdpSocket *c = bind_one(&c_address);
        TestCall call, sending;
        char text[10] = "";

        ck_assert_int_eq(
                kyron_udp_socket_connect(b, (struct sockaddr *)&a_address, sizeof(a_address)), 0);
        ck_assert_int_eq(kyron_udp_socket_peer_addr(b, (struct sockaddr *)&remote, &size), 0);
        ck_assert_uint_eq(remote.sin_port, a_address.sin_port);
        test_call_init(&call);
        test_call_init(&sending);
        ck_assert_int_eq(kyron_udp_socket_recv(b, &call.operation, text, sizeof(text)),
                         KYRON_PENDING);
        ck_assert_int_eq(kyron_udp_socket_send_to(c, &sending.operation, "stranger", 8,
                                                  (struct sockaddr *)&b_address, sizeof(b_address)),
                         0);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        send_to_b("friend");
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_str_eq(text, "friend");
        ck_assert_int_eq(kyron_udp_socket_send(b, &sending.operation, "hi", 2), 0);
        ck_assert_int_eq(kyron_udp_socket_recv(a, &call.operation, text, sizeof(text)), 0);
        ck_assert_int_eq(call.operation.result, 2);
        kyron_udp_socket_close(c);
}
END_TEST

START_TEST(several_wait_for_a_datagram_each)
{
        TestCall calls[20];
        char text[20][4];

        for (int i = 0; i < 20; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_udp_socket_recv(b, &calls[i].operation, text[i], 4),
                                 KYRON_PENDING);
        }
        for (int i = 0; i < 20; i++)
                send_to_b("one");
        for (int i = 0; i < 20; i++) {
                ck_assert(PROCESS_UNTIL(handle, calls[i].completions == 1));
                ck_assert_int_eq(calls[i].result, 3);
        }
}
END_TEST

START_TEST(a_peer_that_is_not_there_ends_a_wait_with_its_error)
{
        struct sockaddr_in gone;
        TestCall call, sending;
        char text[4];

        kyron_udp_socket_close(bind_one(&gone));
        ck_assert_int_eq(kyron_udp_socket_connect(a, (struct sockaddr *)&gone, sizeof(gone)), 0);
        test_call_init(&call);
        test_call_init(&sending);
        ck_assert_int_eq(kyron_udp_socket_recv(a, &call.operation, text, 4), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(kyron_udp_socket_send(a, &sending.operation, "x", 1), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ECONNREFUSED);
}
END_TEST

static int runs;

static ssize_t count_and_wait(int borrow_fd, KyronOperation *operation)
{
        (void)borrow_fd;
        (void)operation;
        runs++;
        return -EAGAIN;
}

START_TEST(an_error_nobody_takes_does_not_spin)
{
        struct sockaddr_in gone;
        TestCall call, sending;

        kyron_udp_socket_close(bind_one(&gone));
        ck_assert_int_eq(kyron_udp_socket_connect(a, (struct sockaddr *)&gone, sizeof(gone)), 0);
        test_call_init(&call);
        test_call_init(&sending);
        runs = 0;
        ck_assert_int_eq(kyron_bridged_fd_async_call(kyron_udp_socket_bridged_fd(a),
                                                     &call.operation, KYRON_READABLE,
                                                     count_and_wait),
                         KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(kyron_udp_socket_send(a, &sending.operation, "x", 1), 0);
        ck_assert(PROCESS_UNTIL(handle, runs == 2));
        for (int i = 0; i < 20; i++)
                process_all(handle);
        ck_assert_int_eq(runs, 2);
        ck_assert_int_eq(kyron_udp_socket_take_error(a), -ECONNREFUSED);
        ck_assert_int_eq(kyron_udp_socket_take_error(a), 0);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
}
END_TEST

START_TEST(it_speaks_ipv6)
{
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
        socklen_t size = sizeof(v6);
        KyronUdpSocket *c;
        TestCall call;
        char text[4] = "";
        int r = kyron_udp_socket_bind(&c, handle, (struct sockaddr *)&v6, size);

        if (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT)
                SKIP_TEST("there is no IPv6 here");
        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(kyron_udp_socket_local_addr(c, (struct sockaddr *)&v6, &size), 0);
        test_call_init(&call);
        ck_assert_int_eq(
                kyron_udp_socket_send_to(c, &call.operation, "me", 2, (struct sockaddr *)&v6, size),
                0);
        ck_assert_int_eq(kyron_udp_socket_recv(c, &call.operation, text, 4), 0);
        ck_assert_str_eq(text, "me");
        ck_assert_int_eq(kyron_udp_socket_set_ttl(c, 3), 0);
        ck_assert_int_eq(kyron_udp_socket_ttl(c), 3);
        kyron_udp_socket_close(c);
}
END_TEST

START_TEST(what_is_no_udp_socket_is_refused_and_closed)
{
        size_t before = count_descriptors();
        KyronUdpSocket *other;

        ck_assert_int_eq(kyron_udp_socket_from_fd(&other, handle,
                                                  socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                         -EINVAL);
        ck_assert_int_eq(kyron_udp_socket_from_fd(&other, handle,
                                                  socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
                         -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "UDP"));
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_int_eq(kyron_udp_socket_from_fd(&other, handle,
                                                  socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
                         0);
        kyron_udp_socket_close(other);
}
END_TEST

START_TEST(addresses_are_checked)
{
        const struct sockaddr_un wrong = {.sun_family = AF_UNIX};
        KyronUdpSocket *other;

        ck_assert_int_eq(kyron_udp_socket_bind(&other, handle, (const struct sockaddr *)&wrong,
                                               sizeof(wrong)),
                         -EAFNOSUPPORT);
        ck_assert_int_eq(
                kyron_udp_socket_connect(a, (const struct sockaddr *)&wrong, sizeof(wrong)),
                -EAFNOSUPPORT);
        ck_assert_int_eq(kyron_udp_socket_bind(&other, handle, (struct sockaddr *)&b_address,
                                               sizeof(b_address)),
                         -EADDRINUSE);
}
END_TEST

START_TEST(its_options_are_set_and_read)
{
        TestCall call;

        ck_assert_int_eq(kyron_udp_socket_broadcast(a), 0);
        ck_assert_int_eq(kyron_udp_socket_set_broadcast(a, true), 0);
        ck_assert_int_eq(kyron_udp_socket_broadcast(a), 1);
        ck_assert_int_eq(kyron_udp_socket_set_ttl(a, 33), 0);
        ck_assert_int_eq(kyron_udp_socket_ttl(a), 33);
        test_call_init(&call);
        ck_assert_int_eq(kyron_udp_socket_ready(a, &call.operation, KYRON_WRITABLE), 0);
        ck_assert_int_eq(kyron_udp_socket_take_error(a), 0);
}
END_TEST

TEST_SUITE(test_udp_socket)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, a_datagram_comes_with_its_sender);
        tcase_add_test(all, a_datagram_too_long_is_cut_and_says_how_long_it_was);
        tcase_add_test(all, connected_it_sends_to_and_hears_one_peer);
        tcase_add_test(all, several_wait_for_a_datagram_each);
        tcase_add_test(all, a_peer_that_is_not_there_ends_a_wait_with_its_error);
        tcase_add_test(all, an_error_nobody_takes_does_not_spin);
        tcase_add_test(all, it_speaks_ipv6);
        tcase_add_test(all, what_is_no_udp_socket_is_refused_and_closed);
        tcase_add_test(all, addresses_are_checked);
        tcase_add_test(all, its_options_are_set_and_read);
        suite_add_tcase(suite, all);
}
