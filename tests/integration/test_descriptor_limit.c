/*
 * A worker at its limit of open files, when connections are passed to it: it loses its session, and
 * none of the connections, which another worker serves.
 */
#include "tests/support/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS = 8 };

static TestDaemon kyron_iod;
static TestCall call;

static void set_up(void)
{
        /* In a private instance its user may do everything. */
        test_daemon_start(&kyron_iod, (const char *const[]){"--user", NULL});
        test_call_init(&call);
}

static void tear_down(void)
{
        test_daemon_stop(&kyron_iod);
}

static KyronEndpoint *join(KyronIoDriverHandle *handle)
{
        const KyronEndpointOptions options = {.name = "web", .address = "tcp:127.0.0.1:0"};
        KyronEndpoint *endpoint;

        ck_assert_int_eq(kyron_endpoint_join(&endpoint, handle, &options, &call.operation),
                         KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_msg(call.result == 0, "%zd: %s", call.result, call.text);
        test_call_init(&call);
        return endpoint;
}

/* A connection that says which it is. */
static int dial(const KyronEndpoint *endpoint, char which)
{
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unsigned port;

        ck_assert_int_eq(sscanf(kyron_endpoint_address(endpoint), "tcp:127.0.0.1:%u", &port), 1);
        there.sin_port = htons((uint16_t)port);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&there, sizeof(there)), 0);
        ck_assert_int_eq(send(fd, &which, 1, MSG_NOSIGNAL), 1);
        return fd;
}

/* Leaves this process so many descriptors to open. */
static bool leave_room_for(int count)
{
        int fds[CONNECTIONS] = {0}, limit;

        for (int i = 0; i <= count; i++) {
                fds[i] = fcntl(0, F_DUPFD_CLOEXEC, 0);
                ck_assert_int_ge(fds[i], 0);
        }
        limit = fds[count];
        for (int i = 0; i <= count; i++)
                close(fds[i]);
        return limit_descriptors(limit);
}

/* Accepts one, and answers it. Which it was. */
static char serve_one(KyronIoDriverHandle *handle, KyronEndpoint *endpoint)
{
        KyronTcpStream *stream;
        char which = 0;

        if (kyron_endpoint_accept(endpoint, &call.operation, &stream) == KYRON_PENDING)
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        test_call_init(&call);
        ck_assert_ptr_nonnull(stream);
        if (kyron_tcp_stream_read(stream, &call.operation, &which, 1) == KYRON_PENDING)
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_write(stream, &call.operation, &which, 1), 0);
        test_call_init(&call);
        kyron_tcp_stream_close(stream);
        return which;
}

static const int rooms[] = {0};

START_TEST(a_worker_at_its_descriptor_limit_loses_its_session_and_no_connection)
{
        KyronIoDriverHandle *full = open_handle(&kyron_iod), *other = open_handle(&kyron_iod);
        KyronEndpoint *endpoint = join(full), *successor;
        KyronTcpStream *stream;
        int peers[CONNECTIONS];
        unsigned served = 0;
        Deadline end = deadline_in(DEADLINE_MS);
        char byte;
        int r;

        for (int i = 0; i < CONNECTIONS; i++)
                peers[i] = dial(endpoint, (char)i);
        ck_assert(wait_readable(kyron_io_driver_handle_fd(full), DEADLINE_MS));
        if (!leave_room_for(rooms[_i]))
                SKIP_TEST("the kernel does not know of this process's descriptor limit");
        do
                r = kyron_io_driver_handle_process_io(full, 20);
        while (r >= 0 && deadline_left(end) > 0);
        unlimit_descriptors();
        ck_assert_int_eq(r, -EHOSTDOWN);
        ck_assert_str_eq(kyron_error_text(), "descriptors were lost: too many open files");
        /* What had arrived is another's too. */
        ck_assert_int_eq(kyron_endpoint_accept(endpoint, &call.operation, &stream), -EHOSTDOWN);
        test_call_init(&call);

        successor = join(other);
        for (int i = 0; i < CONNECTIONS; i++)
                served |= 1u << serve_one(other, successor);
        ck_assert_uint_eq(served, (1u << CONNECTIONS) - 1);
        for (int i = 0; i < CONNECTIONS; i++) {
                ck_assert(wait_readable(peers[i], DEADLINE_MS));
                ck_assert_int_eq(recv(peers[i], &byte, 1, 0), 1);
                ck_assert_int_eq(byte, i);
                close(peers[i]);
        }
        kyron_endpoint_close(endpoint);
        kyron_endpoint_close(successor);
        kyron_io_driver_handle_close(full);
        kyron_io_driver_handle_close(other);
}
END_TEST

TEST_SUITE(test_descriptor_limit)
{
        TCase *tcase = tcase_create("descriptor_limit");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase,
                            a_worker_at_its_descriptor_limit_loses_its_session_and_no_connection, 0,
                            sizeof(rooms) / sizeof(rooms[0]));
        suite_add_tcase(suite, tcase);
}
