/* TcpStream: connecting without blocking, bytes both ways, the ends, and the options. */
#include "core/tcp_protocol.h"
#include "tests/support/client.h"
#include "tests/support/own_network.h"
#include "tests/support/scale.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronTcpStream *stream;
static int peer;

static void set_up(void)
{
        int ends[2];

        signal(SIGPIPE, SIG_DFL);
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        tcp_pair(ends);
        peer = ends[0];
        ck_assert_int_eq(kyron_tcp_stream_from_fd(&stream, handle, ends[1]), 0);
}

static void tear_down(void)
{
        kyron_tcp_stream_close(stream);
        close(peer);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

/* A listener, and its address. */
static int listen_on(int family, struct sockaddr_storage *address, socklen_t *size)
{
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        *size = sizeof(*address);
        if (listen(fd, 5) < 0 || getsockname(fd, (struct sockaddr *)address, size) < 0) {
                close(fd);
                return -1;
        }
        if (family == AF_INET)
                ((struct sockaddr_in *)address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        else
                ((struct sockaddr_in6 *)address)->sin6_addr = in6addr_loopback;
        return fd;
}

/* ---- Connecting ---------------------------------------------------------------------------- */

static void check_connect(int family)
{
        struct sockaddr_storage address;
        socklen_t size;
        int listener = listen_on(family, &address, &size), accepted, r;
        KyronTcpStream *client;
        TestCall call;
        char bytes[8];

        test_call_init(&call);
        r = listener < 0 ? -EAFNOSUPPORT
                         : kyron_tcp_stream_connect(&client, handle, (struct sockaddr *)&address,
                                                    size, &call.operation);
        if (family == AF_INET6 && (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT))
                SKIP_TEST("there is no IPv6 here");
        ck_assert_int_ge(r, 0);
        if (r == KYRON_PENDING) {
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                ck_assert_int_eq(call.result, 0);
        }
        accepted = accept(listener, NULL, NULL);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_write(client, &call.operation, "hi", 2), 0);
        ck_assert(wait_readable(accepted, DEADLINE_MS));
        ck_assert_int_eq(read(accepted, bytes, sizeof(bytes)), 2);
        kyron_tcp_stream_close(client);
        close(accepted);
        close(listener);
}

START_TEST(it_connects_over_ipv4)
{
        check_connect(AF_INET);
}
END_TEST

START_TEST(it_connects_over_ipv6)
{
        check_connect(AF_INET6);
}
END_TEST

START_TEST(a_port_nobody_listens_on_refuses)
{
        struct sockaddr_storage address;
        socklen_t size;
        KyronTcpStream *client = NULL;
        TestCall call;
        int r;

        close(listen_on(AF_INET, &address, &size));
        test_call_init(&call);
        r = kyron_tcp_stream_connect(&client, handle, (struct sockaddr *)&address, size,
                                     &call.operation);
        if (r == KYRON_PENDING) {
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                ck_assert_int_eq(call.result, -ECONNREFUSED);
                ck_assert_ptr_nonnull(client);
                kyron_tcp_stream_close(client);
        } else {
                ck_assert_int_eq(r, -ECONNREFUSED);
                ck_assert_ptr_null(client);
        }
}
END_TEST

enum { ONLY_PORT = 40002 };

/* In a network where the only port to connect from is the one to connect to. */
static int connect_to_itself(void *data)
{
        const struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons(ONLY_PORT),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        KyronIoDriverHandle *own;
        KyronTcpStream *client;
        TestCall call;
        int r;

        (void)data;
        /* From a user namespace of an ordinary user's, the daemon is nobody. */
        setenv("KYRON_DAEMON_UID", "65534", 1);
        own = open_handle(&kyron_iod);
        test_call_init(&call);
        r = kyron_tcp_stream_connect(&client, own, (const struct sockaddr *)&address,
                                     sizeof(address), &call.operation);
        if (r == KYRON_PENDING) {
                ck_assert(PROCESS_UNTIL(own, call.completions == 1));
                r = (int)call.result;
        }
        return -r;
}

START_TEST(a_connection_to_itself_is_refused)
{
        int error = own_network_run(ONLY_PORT, connect_to_itself, NULL);

        if (runs_under_valgrind())
                SKIP_TEST("valgrind judges a child by what its parent has");
        if (error < 0)
                SKIP_TEST("there is no network namespace for this test");
        ck_assert_int_eq(error, ECONNREFUSED);
}
END_TEST

START_TEST(a_connect_that_takes_long_can_be_cancelled_and_closed)
{
        struct sockaddr_storage address;
        socklen_t size;
        int listener = listen_on(AF_INET, &address, &size);
        KyronTcpStream *clients[10];
        TestCall calls[10];
        int pending = 0;

        /* A full backlog lets further connections wait. */
        ck_assert_int_eq(listen(listener, 0), 0);
        for (int i = 0; i < 10; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_ge(kyron_tcp_stream_connect(&clients[i], handle,
                                                          (struct sockaddr *)&address, size,
                                                          &calls[i].operation),
                                 0);
        }
        process_all(handle);
        for (int i = 0; i < 10; i++) {
                int r = kyron_operation_cancel(&calls[i].operation);

                ck_assert(r == 0 || r == -EALREADY);
                pending += r == 0;
                kyron_tcp_stream_close(clients[i]);
        }
        ck_assert_int_gt(pending, 0);
        close(listener);
}
END_TEST

START_TEST(an_address_of_another_family_is_refused)
{
        const struct sockaddr_un address = {.sun_family = AF_UNIX};
        KyronTcpStream *client;
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_connect(&client, handle,
                                                  (const struct sockaddr *)&address,
                                                  sizeof(address), &call.operation),
                         -EAFNOSUPPORT);
        ck_assert_ptr_null(client);
}
END_TEST

START_TEST(what_is_not_connected_is_refused_and_closed)
{
        size_t before = count_descriptors();
        KyronTcpStream *other;
        int ends[2];

        ck_assert_int_eq(kyron_tcp_stream_from_fd(&other, handle,
                                                  socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                         -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "connected TCP socket"));
        unix_pair(SOCK_STREAM, ends);
        ck_assert_int_eq(kyron_tcp_stream_from_fd(&other, handle, ends[0]), -EINVAL);
        close(ends[1]);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(a_connection_of_mptcp_is_a_stream)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
        int client, accepted;
        KyronTcpStream *one, *other;
        TestCall call;
        char byte = 0;

        if (listener < 0)
                SKIP_TEST("there is no MPTCP here: %s", strerror(errno));
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(listen(listener, 1), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, _i ? IPPROTO_TCP : IPPROTO_MPTCP);
        ck_assert_int_eq(connect(client, (struct sockaddr *)&address, size), 0);
        accepted = accept(listener, NULL, NULL);
        ck_assert_int_eq(kyron_tcp_stream_from_fd(&one, handle, client), 0);
        ck_assert_int_eq(kyron_tcp_stream_from_fd(&other, handle, accepted), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_read(other, &call.operation, &byte, 1), KYRON_PENDING);
        put_byte(kyron_bridged_fd_fd(kyron_tcp_stream_bridged_fd(one)));
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        kyron_tcp_stream_close(one);
        test_call_init(&call);
        ck_assert_int_ge(kyron_tcp_stream_read(other, &call.operation, &byte, 1), 0);
        ck_assert(call.operation.result == 0 || PROCESS_UNTIL(handle, call.completions == 1));
        kyron_tcp_stream_close(other);
        close(listener);
}
END_TEST

/* ---- Bytes --------------------------------------------------------------------------------- */

START_TEST(it_reads_what_comes_and_peeks_before)
{
        TestCall call;
        char bytes[10] = "";

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_peek(stream, &call.operation, bytes, 3), KYRON_PENDING);
        ck_assert_int_eq(write(peer, "hello", 5), 5);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 3);
        ck_assert_str_eq(bytes, "hel");
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, bytes, 10), 0);
        ck_assert_int_eq(call.operation.result, 5);
        ck_assert_str_eq(bytes, "hello");
}
END_TEST

START_TEST(parts_are_read_and_written_in_one)
{
        const struct iovec out[] = {{(void *)"AB", 2}, {(void *)"CDE", 3}};
        char first[3], second[4];
        const struct iovec in[] = {{first, 3}, {second, 4}};
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_writev(stream, &call.operation, out, 2), 0);
        ck_assert_int_eq(call.operation.result, 5);
        ck_assert(wait_readable(peer, DEADLINE_MS));
        ck_assert_uint_eq(drain(peer), 5);
        ck_assert_int_eq(kyron_tcp_stream_readv(stream, &call.operation, in, 2), KYRON_PENDING);
        ck_assert_int_eq(write(peer, "1234567", 7), 7);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 7);
        ck_assert_int_eq(memcmp(second, "4567", 4), 0);
        ck_assert_int_eq(kyron_tcp_stream_readv(stream, &call.operation, in, -1), -EINVAL);
}
END_TEST

START_TEST(a_file_that_somebody_made_blocking_blocks_nobody)
{
        int fd = kyron_bridged_fd_fd(kyron_tcp_stream_bridged_fd(stream));
        char bytes[1000] = "";
        struct iovec part = {bytes, sizeof(bytes)};
        TestCall read_call, parts_call, write_call;
        int r = 0;

        ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
        test_call_init(&read_call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &read_call.operation, bytes, 10),
                         KYRON_PENDING);
        test_call_init(&parts_call);
        ck_assert_int_eq(kyron_tcp_stream_readv(stream, &parts_call.operation, &part, 1),
                         KYRON_PENDING);
        test_call_init(&write_call);
        for (int i = 0; i < 100000 && r == 0; i++)
                r = i % 2 ? kyron_tcp_stream_write(stream, &write_call.operation, bytes,
                                                   sizeof(bytes))
                          : kyron_tcp_stream_writev(stream, &write_call.operation, &part, 1);
        ck_assert_int_eq(r, KYRON_PENDING);
        ck_assert_int_eq(kyron_operation_cancel(&read_call.operation), 0);
        ck_assert_int_eq(kyron_operation_cancel(&parts_call.operation), 0);
        ck_assert_int_eq(kyron_operation_cancel(&write_call.operation), 0);
}
END_TEST

/* More than any buffer takes, so that both sides have to wait. */
START_TEST(megabytes_go_through)
{
        enum { BYTES = 16 << 20, BLOCK = 1 << 18 };
        uint8_t *out = malloc(BLOCK), *in = malloc(BLOCK);
        size_t sent = 0, received = 0;
        TestCall call;

        test_call_init(&call);
        while (received < BYTES) {
                ssize_t n;

                if (sent < BYTES && (call.completions == 1 || sent == 0)) {
                        int r;

                        call.completions = 0;
                        do {
                                for (size_t i = 0; i < BLOCK; i++)
                                        out[i] = (uint8_t)((sent + i) % 251);
                                r = kyron_tcp_stream_write(stream, &call.operation, out,
                                                           BYTES - sent < BLOCK ? BYTES - sent
                                                                                : BLOCK);
                                ck_assert_int_ge(r, 0);
                                if (r == 0)
                                        sent += (size_t)call.operation.result;
                        } while (r == 0 && sent < BYTES);
                }
                while ((n = read(peer, in, BLOCK)) > 0) {
                        for (ssize_t i = 0; i < n; i++) {
                                if (in[i] != (received + (size_t)i) % 251)
                                        ck_abort_msg("byte %zu differs", received + (size_t)i);
                        }
                        received += (size_t)n;
                }
                process(handle, sent < BYTES ? 20 : 0);
                if (call.completions == 1)
                        sent += (size_t)call.result;
        }
        ck_assert_uint_eq(received, BYTES);
        free(out);
        free(in);
}
END_TEST

START_TEST(readiness_can_be_awaited)
{
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_ready(stream, &call.operation, KYRON_WRITABLE), 0);
        ck_assert_int_eq(call.operation.result, KYRON_WRITABLE);
}
END_TEST

/* ---- The end ------------------------------------------------------------------------------- */

START_TEST(the_peers_end_is_0_bytes)
{
        TestCall call;
        char byte;

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), KYRON_PENDING);
        ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        /* And stays the end; but writing goes on. */
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), 0);
        ck_assert_int_eq(call.operation.result, 0);
        ck_assert_int_eq(kyron_tcp_stream_write(stream, &call.operation, "x", 1), 0);
}
END_TEST

START_TEST(a_shutdown_is_the_peers_end)
{
        TestCall call;
        char byte;

        ck_assert_int_eq(kyron_tcp_stream_shutdown(stream, SHUT_WR), 0);
        ck_assert(wait_readable(peer, DEADLINE_MS));
        ck_assert_int_eq(read(peer, &byte, 1), 0);
        test_call_init(&call);
        /* No SIGPIPE. */
        ck_assert_int_eq(kyron_tcp_stream_write(stream, &call.operation, "x", 1), -EPIPE);
        ck_assert_int_eq(kyron_tcp_stream_shutdown(stream, 99), -EINVAL);
}
END_TEST

START_TEST(a_reset_is_an_error)
{
        const struct linger at_once = {.l_onoff = 1};
        TestCall call;
        char byte;

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), KYRON_PENDING);
        process_all(handle);
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(peer);
        peer = dup(0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ECONNRESET);
        ck_assert_int_eq(kyron_tcp_stream_take_error(stream), 0);
}
END_TEST

/* How the peer sees the stream's end: 0 bytes, or an error. */
static int see_end(void)
{
        char byte;
        ssize_t n;

        ck_assert(wait_readable(peer, DEADLINE_MS));
        n = recv(peer, &byte, 1, MSG_DONTWAIT);
        return n < 0 ? -errno : (int)n;
}

enum { HAS_WAITED = 1, DAEMON_HAS_A_COPY = 2, ENDINGS = 3 };

static void wait_once(int ending)
{
        TestCall call;
        char byte;

        if (ending == 0)
                return;
        if (ending == DAEMON_HAS_A_COPY)
                test_daemon_pause(&kyron_iod);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), KYRON_PENDING);
        if (ending == DAEMON_HAS_A_COPY)
                process(handle, 0);
        else
                process_all(handle);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
}

/* And sees how: before the daemon goes on. */
static int close_stream(int ending)
{
        int end;

        kyron_tcp_stream_close(stream);
        stream = NULL;
        process(handle, 0);
        end = see_end();
        if (ending == DAEMON_HAS_A_COPY)
                test_daemon_resume(&kyron_iod);
        return end;
}

START_TEST(closing_is_the_peers_end)
{
        wait_once(_i);
        ck_assert_int_eq(close_stream(_i), 0);
}
END_TEST

START_TEST(closing_breaks_it_off_where_the_program_says_so)
{
        const struct linger none = {.l_onoff = 1};

        wait_once(_i);
        setsockopt(kyron_bridged_fd_fd(kyron_tcp_stream_bridged_fd(stream)), SOL_SOCKET, SO_LINGER,
                   &none, sizeof(none));
        ck_assert_int_eq(close_stream(_i), -ECONNRESET);
}
END_TEST

START_TEST(closing_breaks_it_off_where_something_was_not_read)
{
        wait_once(_i);
        put_byte(peer);
        ck_assert(wait_readable(kyron_bridged_fd_fd(kyron_tcp_stream_bridged_fd(stream)),
                                DEADLINE_MS));
        ck_assert_int_eq(close_stream(_i), -ECONNRESET);
}
END_TEST

START_TEST(closing_cancels_what_waits)
{
        TestCall call;
        char byte;

        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), KYRON_PENDING);
        kyron_tcp_stream_close(stream);
        stream = NULL;
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ECANCELED);
}
END_TEST

/* ---- Options ------------------------------------------------------------------------------- */

START_TEST(it_knows_both_addresses)
{
        struct sockaddr_in local, remote;
        socklen_t size = sizeof(local);

        ck_assert_int_eq(kyron_tcp_stream_local_addr(stream, (struct sockaddr *)&local, &size), 0);
        ck_assert_uint_eq(size, sizeof(local));
        ck_assert_int_eq(kyron_tcp_stream_peer_addr(stream, (struct sockaddr *)&remote, &size), 0);
        ck_assert_uint_ne(local.sin_port, remote.sin_port);
        ck_assert_int_eq(getsockname(peer, (struct sockaddr *)&local, &size), 0);
        ck_assert_uint_eq(local.sin_port, remote.sin_port);
}
END_TEST

START_TEST(its_options_are_set_and_read)
{
        ck_assert_int_eq(kyron_tcp_stream_nodelay(stream), 0);
        ck_assert_int_eq(kyron_tcp_stream_set_nodelay(stream, true), 0);
        ck_assert_int_eq(kyron_tcp_stream_nodelay(stream), 1);
        ck_assert_int_eq(kyron_tcp_stream_keepalive(stream), 0);
        ck_assert_int_eq(kyron_tcp_stream_set_keepalive(stream, 60, 10, 5), 0);
        ck_assert_int_eq(kyron_tcp_stream_keepalive(stream), 1);
        ck_assert_int_eq(kyron_tcp_stream_set_keepalive(stream, 60, 0, 5), -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "TCP_KEEPINTVL"));
        ck_assert_int_eq(kyron_tcp_stream_set_keepalive(stream, 0, 0, 0), 0);
        ck_assert_int_eq(kyron_tcp_stream_keepalive(stream), 0);
        ck_assert_int_eq(kyron_tcp_stream_set_ttl(stream, 7), 0);
        ck_assert_int_eq(kyron_tcp_stream_ttl(stream), 7);
        ck_assert_int_eq(kyron_tcp_stream_set_ttl(stream, 0), -EINVAL);
}
END_TEST

TEST_SUITE(test_tcp_stream)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, it_connects_over_ipv4);
        tcase_add_test(all, it_connects_over_ipv6);
        tcase_add_test(all, a_port_nobody_listens_on_refuses);
        tcase_add_test(all, a_connection_to_itself_is_refused);
        tcase_add_test(all, a_connect_that_takes_long_can_be_cancelled_and_closed);
        tcase_add_test(all, an_address_of_another_family_is_refused);
        tcase_add_test(all, what_is_not_connected_is_refused_and_closed);
        tcase_add_loop_test(all, a_connection_of_mptcp_is_a_stream, 0, 2);
        tcase_add_test(all, it_reads_what_comes_and_peeks_before);
        tcase_add_test(all, a_file_that_somebody_made_blocking_blocks_nobody);
        tcase_add_test(all, parts_are_read_and_written_in_one);
        tcase_add_test(all, megabytes_go_through);
        tcase_add_test(all, readiness_can_be_awaited);
        tcase_add_test(all, the_peers_end_is_0_bytes);
        tcase_add_test(all, a_shutdown_is_the_peers_end);
        tcase_add_test(all, a_reset_is_an_error);
        tcase_add_loop_test(all, closing_is_the_peers_end, 0, ENDINGS);
        tcase_add_loop_test(all, closing_breaks_it_off_where_the_program_says_so, 0, ENDINGS);
        tcase_add_loop_test(all, closing_breaks_it_off_where_something_was_not_read, 0, ENDINGS);
        tcase_add_test(all, closing_cancels_what_waits);
        tcase_add_test(all, it_knows_both_addresses);
        tcase_add_test(all, its_options_are_set_and_read);
        suite_add_tcase(suite, all);
}
