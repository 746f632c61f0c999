/* Every call that takes an operation, without one, and with one that could not tell: an error, and
 * nothing has happened. */
#include "tests/support/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static char byte;

static void set_up(void)
{
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
}

static void tear_down(void)
{
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

static struct sockaddr_in loopback(void)
{
        return (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
}

static void check_streams(KyronOperation *operation, const char *sentence)
{
        struct iovec part = {&byte, 1};
        KyronUnixStream *one, *other;

        ck_assert_int_eq(kyron_unix_stream_pair(&one, &other, handle), 0);
        ck_assert_int_eq(kyron_unix_stream_read(one, operation, &byte, 1), -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), sentence));
        ck_assert_int_eq(kyron_unix_stream_readv(one, operation, &part, 1), -EINVAL);
        ck_assert_int_eq(kyron_unix_stream_ready(one, operation, KYRON_PRIORITY),
                         operation ? 0 : -EINVAL);
        kyron_unix_stream_close(one);
        kyron_unix_stream_close(other);
}

static void check_datagrams(KyronOperation *operation)
{
        struct sockaddr_in address = loopback();
        socklen_t size = sizeof(address);
        KyronUdpSocket *udp;
        KyronUnixDatagram *datagram;

        ck_assert_int_eq(
                kyron_udp_socket_bind(&udp, handle, (struct sockaddr *)&address, sizeof(address)),
                0);
        ck_assert_int_eq(kyron_udp_socket_recv(udp, operation, &byte, 1), -EINVAL);
        ck_assert_int_eq(kyron_udp_socket_recv_from(udp, operation, &byte, 1,
                                                    (struct sockaddr *)&address, &size),
                         -EINVAL);
        kyron_udp_socket_close(udp);
        ck_assert_int_eq(kyron_unix_datagram_bind(&datagram, handle, NULL), 0);
        ck_assert_int_eq(kyron_unix_datagram_recv(datagram, operation, &byte, 1), -EINVAL);
        kyron_unix_datagram_close(datagram);
}

static void check_listeners(KyronOperation *operation)
{
        struct sockaddr_in address = loopback();
        KyronTcpListener *listener;
        KyronTcpStream *stream = NULL;
        KyronTimer *timer;

        ck_assert_int_eq(kyron_tcp_listener_bind(&listener, handle, (struct sockaddr *)&address,
                                                 sizeof(address)),
                         0);
        ck_assert_int_eq(kyron_tcp_listener_accept(listener, operation, &stream), -EINVAL);
        ck_assert_ptr_null(stream);
        kyron_tcp_listener_close(listener);
        ck_assert_int_eq(kyron_timer_new(&timer, handle), 0);
        ck_assert_int_eq(kyron_timer_wait(timer, operation), -EINVAL);
        kyron_timer_close(timer);
}

static void check_requests(KyronOperation *operation)
{
        const KyronEndpointOptions options = {.name = "web"};
        KyronTcpListener *listener;
        KyronUdpSocket *udp;
        KyronTcpStream *stream;
        KyronEndpoint *endpoint;
        KyronHeld held;
        int fd = dup(0);

        ck_assert_int_eq(kyron_tcp_stream_connect_to(&stream, handle, "tcp:a:1", 0, operation),
                         -EINVAL);
        ck_assert_int_eq(kyron_udp_socket_bind_to(&udp, handle, "udp:*:0", operation), -EINVAL);
        ck_assert_int_eq(kyron_tcp_listener_take(&listener, handle, "web", NULL, NULL, operation),
                         -EINVAL);
        ck_assert_int_eq(kyron_endpoint_join(&endpoint, handle, &options, operation), -EINVAL);
        ck_assert_int_eq(kyron_hold(handle, fd, "name", NULL, 0, 1000, operation), -EINVAL);
        ck_assert_int_eq(kyron_take_held(handle, "name", operation, &held), -EINVAL);
        close(fd);
}

START_TEST(without_an_operation_nothing_begins)
{
        struct sockaddr_in address = loopback();
        KyronTcpStream *stream = NULL;

        check_streams(NULL, "no operation");
        check_datagrams(NULL);
        check_listeners(NULL);
        check_requests(NULL);
        ck_assert_int_eq(kyron_tcp_stream_connect(&stream, handle, (struct sockaddr *)&address,
                                                  sizeof(address), NULL),
                         -EINVAL);
        ck_assert_ptr_null(stream);
}
END_TEST

START_TEST(without_a_completion_nothing_waits)
{
        KyronOperation silent;

        kyron_operation_init(&silent, NULL, NULL);
        check_streams(&silent, "no completion");
        check_datagrams(&silent);
        check_listeners(&silent);
        check_requests(&silent);
        process_all(handle);
}
END_TEST

TEST_SUITE(test_no_operation)
{
        TCase *all = tcase_create("all");

        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_test(all, without_an_operation_nothing_begins);
        tcase_add_test(all, without_a_completion_nothing_waits);
        suite_add_tcase(suite, all);
}
