/* TcpListener: binding, accepting, and what it refuses. */
#include "core/tcp_protocol.h"
#include "tests/support/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MANY = 50 };

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronTcpListener *listener;
static struct sockaddr_in address;

static void set_up(void)
{
        socklen_t size = sizeof(address);

        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        address = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        ck_assert_int_eq(
                kyron_tcp_listener_bind(&listener, handle, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(
                kyron_tcp_listener_local_addr(listener, (struct sockaddr *)&address, &size), 0);
}

static void tear_down(void)
{
        kyron_tcp_listener_close(listener);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

static int connect_to_it(void)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

START_TEST(the_kernel_chooses_a_port)
{
        ck_assert_uint_ne(ntohs(address.sin_port), 0);
        ck_assert_uint_eq(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
}
END_TEST

START_TEST(a_connection_that_is_there_is_accepted_at_once)
{
        int client = connect_to_it();
        KyronTcpStream *stream;
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_listener_accept(listener, &call.operation, &stream), 0);
        ck_assert_int_eq(call.operation.result, 0);
        kyron_tcp_stream_close(stream);
        close(client);
}
END_TEST

START_TEST(a_connection_to_come_is_awaited)
{
        KyronTcpStream *stream;
        TestCall call, reading;
        char bytes[5];
        int client;

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_listener_accept(listener, &call.operation, &stream),
                         KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        client = connect_to_it();
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        /* And it works. */
        test_call_init(&reading);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &reading.operation, bytes, 5),
                         KYRON_PENDING);
        ck_assert_int_eq(write(client, "hello", 5), 5);
        ck_assert(PROCESS_UNTIL(handle, reading.completions == 1));
        ck_assert_int_eq(memcmp(bytes, "hello", 5), 0);
        kyron_tcp_stream_close(stream);
        close(client);
}
END_TEST

START_TEST(many_accept_on_one_listener)
{
        KyronTcpStream *streams[MANY];
        TestCall calls[MANY];
        int clients[MANY];

        for (int i = 0; i < MANY; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_eq(
                        kyron_tcp_listener_accept(listener, &calls[i].operation, &streams[i]),
                        KYRON_PENDING);
        }
        for (int i = 0; i < MANY; i++)
                clients[i] = connect_to_it();
        for (int i = 0; i < MANY; i++) {
                ck_assert(PROCESS_UNTIL(handle, calls[i].completions == 1));
                ck_assert_int_eq(calls[i].result, 0);
                kyron_tcp_stream_close(streams[i]);
                close(clients[i]);
        }
}
END_TEST

START_TEST(an_accept_can_be_cancelled)
{
        KyronTcpStream *stream;
        TestCall call;
        int client;

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_listener_accept(listener, &call.operation, &stream),
                         KYRON_PENDING);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        client = connect_to_it();
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        ck_assert_int_eq(kyron_tcp_listener_accept(listener, &call.operation, &stream), 0);
        kyron_tcp_stream_close(stream);
        close(client);
}
END_TEST

START_TEST(out_of_descriptors_it_says_so_and_goes_on_later)
{
        int client = connect_to_it(), lowest = dup(0);
        KyronTcpStream *stream;
        TestCall call;

        close(lowest);
        test_call_init(&call);
        if (!limit_descriptors(lowest))
                SKIP_TEST("the limit of descriptors is not the kernel's here");
        ck_assert_int_eq(kyron_tcp_listener_accept(listener, &call.operation, &stream), -EMFILE);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "accept"));
        unlimit_descriptors();
        ck_assert_int_eq(kyron_tcp_listener_accept(listener, &call.operation, &stream), 0);
        kyron_tcp_stream_close(stream);
        close(client);
}
END_TEST

START_TEST(an_address_in_use_is_refused)
{
        KyronTcpListener *other;

        ck_assert_int_eq(kyron_tcp_listener_bind(&other, handle, (struct sockaddr *)&address,
                                                 sizeof(address)),
                         -EADDRINUSE);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "127.0.0.1:"));
}
END_TEST

START_TEST(an_address_of_another_family_is_refused)
{
        const struct sockaddr_un unix_address = {.sun_family = AF_UNIX};
        KyronTcpListener *other;

        ck_assert_int_eq(kyron_tcp_listener_bind(&other, handle,
                                                 (const struct sockaddr *)&unix_address,
                                                 sizeof(unix_address)),
                         -EAFNOSUPPORT);
        ck_assert_int_eq(kyron_tcp_listener_bind(&other, handle, (struct sockaddr *)&address, 3),
                         -EINVAL);
}
END_TEST

START_TEST(it_listens_on_ipv6)
{
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
        socklen_t size = sizeof(v6);
        KyronTcpListener *other;
        KyronTcpStream *stream;
        TestCall call;
        int client, r;

        r = kyron_tcp_listener_bind(&other, handle, (struct sockaddr *)&v6, size);
        if (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT)
                SKIP_TEST("there is no IPv6 here");
        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(kyron_tcp_listener_local_addr(other, (struct sockaddr *)&v6, &size), 0);
        ck_assert_uint_eq(size, sizeof(v6));
        ck_assert_int_eq(kyron_tcp_listener_set_ttl(other, 9), 0);
        ck_assert_int_eq(kyron_tcp_listener_ttl(other), 9);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_listener_accept(other, &call.operation, &stream), KYRON_PENDING);
        client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(client, (struct sockaddr *)&v6, size), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        kyron_tcp_stream_close(stream);
        kyron_tcp_listener_close(other);
        close(client);
}
END_TEST

START_TEST(a_listening_socket_is_taken_over)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        KyronTcpListener *other;
        KyronTcpStream *stream;
        TestCall call;

        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(kyron_tcp_listener_from_fd(&other, handle, fd), 0);
        ck_assert_int_eq(kyron_bridged_fd_fd(kyron_tcp_listener_bridged_fd(other)), fd);
        /* It was blocking. */
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_listener_accept(other, &call.operation, &stream), KYRON_PENDING);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        kyron_tcp_listener_close(other);
}
END_TEST

START_TEST(a_socket_that_listens_for_mptcp_is_taken_over)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
        struct sockaddr_in there;
        socklen_t size = sizeof(there);
        KyronTcpListener *other;
        KyronTcpStream *stream;
        TestCall call;
        int client;

        if (fd < 0)
                SKIP_TEST("there is no MPTCP here: %s", strerror(errno));
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&there, &size), 0);
        ck_assert_int_eq(kyron_tcp_listener_from_fd(&other, handle, fd), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_listener_accept(other, &call.operation, &stream), KYRON_PENDING);
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ck_assert_int_eq(connect(client, (struct sockaddr *)&there, size), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        kyron_tcp_stream_close(stream);
        kyron_tcp_listener_close(other);
        close(client);
}
END_TEST

START_TEST(another_protocol_is_refused_by_its_number)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);
        KyronTcpListener *other;

        if (fd < 0)
                SKIP_TEST("there is no SCTP here: %s", strerror(errno));
        ck_assert_int_eq(kyron_tcp_listener_from_fd(&other, handle, fd), -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "its protocol is 132, not TCP or MPTCP"));
}
END_TEST

START_TEST(what_does_not_listen_is_refused_and_closed)
{
        KyronTcpListener *other;
        size_t before = count_descriptors();
        int ends[2];

        ck_assert_int_eq(kyron_tcp_listener_from_fd(&other, handle,
                                                    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                         -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "listening TCP socket"));
        pipe_pair(ends);
        ck_assert_int_eq(kyron_tcp_listener_from_fd(&other, handle, ends[0]), -EINVAL);
        close(ends[1]);
        ck_assert_int_eq(kyron_tcp_listener_from_fd(&other, handle, -1), -EBADF);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(it_has_a_ttl_and_no_error)
{
        ck_assert_int_eq(kyron_tcp_listener_set_ttl(listener, 42), 0);
        ck_assert_int_eq(kyron_tcp_listener_ttl(listener), 42);
        ck_assert_int_eq(kyron_tcp_listener_set_ttl(listener, 0), -EINVAL);
        ck_assert_int_eq(kyron_tcp_listener_set_ttl(listener, 256), -EINVAL);
        ck_assert_int_eq(kyron_tcp_listener_take_error(listener), 0);
}
END_TEST

TEST_SUITE(test_tcp_listener)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, the_kernel_chooses_a_port);
        tcase_add_test(all, a_connection_that_is_there_is_accepted_at_once);
        tcase_add_test(all, a_connection_to_come_is_awaited);
        tcase_add_test(all, many_accept_on_one_listener);
        tcase_add_test(all, an_accept_can_be_cancelled);
        tcase_add_test(all, out_of_descriptors_it_says_so_and_goes_on_later);
        tcase_add_test(all, an_address_in_use_is_refused);
        tcase_add_test(all, an_address_of_another_family_is_refused);
        tcase_add_test(all, it_listens_on_ipv6);
        tcase_add_test(all, a_listening_socket_is_taken_over);
        tcase_add_test(all, a_socket_that_listens_for_mptcp_is_taken_over);
        tcase_add_test(all, another_protocol_is_refused_by_its_number);
        tcase_add_test(all, what_does_not_listen_is_refused_and_closed);
        tcase_add_test(all, it_has_a_ttl_and_no_error);
        suite_add_tcase(suite, all);
}
