/* Options, addresses and shutdown of sockets: what cannot be had is refused by name. */
#include "client/net/socket_option.h"

#include "tests/support/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronBridgedFd *tcp, *plain;
static int peer, plain_peer;

static void set_up(void)
{
        int ends[2];

        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        tcp_pair(ends);
        peer = ends[1];
        ck_assert_int_eq(kyron_bridged_fd_new(&tcp, handle, ends[0]), 0);
        pipe_pair(ends);
        plain_peer = ends[1];
        ck_assert_int_eq(kyron_bridged_fd_new(&plain, handle, ends[0]), 0);
}

static void tear_down(void)
{
        kyron_bridged_fd_close(tcp);
        kyron_bridged_fd_close(plain);
        close(peer);
        close(plain_peer);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

START_TEST(an_option_is_set_and_read)
{
        ck_assert_int_eq(socket_option_set(tcp, IPPROTO_TCP, TCP_MAXSEG, 1000, "TCP_MAXSEG"), 0);
        ck_assert_int_gt(socket_option_get(tcp, IPPROTO_TCP, TCP_MAXSEG, "TCP_MAXSEG"), 0);
        ck_assert_int_eq(socket_option_is_on(tcp, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"), 0);
        ck_assert_int_eq(socket_option_set(tcp, SOL_SOCKET, SO_KEEPALIVE, 7, "SO_KEEPALIVE"), 0);
        ck_assert_int_eq(socket_option_is_on(tcp, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"), 1);
}
END_TEST

START_TEST(a_failure_names_the_option)
{
        ck_assert_int_eq(socket_option_set(plain, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"),
                         -ENOTSOCK);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "SO_KEEPALIVE cannot be set"));
        ck_assert_int_eq(socket_option_get(plain, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"),
                         -ENOTSOCK);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "SO_KEEPALIVE cannot be read"));
        ck_assert_int_eq(socket_option_is_on(plain, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"),
                         -ENOTSOCK);
}
END_TEST

START_TEST(a_time_to_live_has_bounds)
{
        ck_assert_int_eq(socket_option_set_ttl(tcp, 1), 0);
        ck_assert_int_eq(socket_option_ttl(tcp), 1);
        ck_assert_int_eq(socket_option_set_ttl(tcp, 255), 0);
        ck_assert_int_eq(socket_option_ttl(tcp), 255);
        ck_assert_int_eq(socket_option_set_ttl(tcp, 0), -EINVAL);
        ck_assert_int_eq(socket_option_set_ttl(tcp, -1), -EINVAL);
        ck_assert_int_eq(socket_option_set_ttl(tcp, 256), -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "1 to 255"));
        ck_assert_int_eq(socket_option_set_ttl(plain, 1), -ENOTSOCK);
        ck_assert_int_eq(socket_option_ttl(plain), -ENOTSOCK);
}
END_TEST

START_TEST(an_error_is_taken_once)
{
        ck_assert_int_eq(socket_option_take_error(tcp), 0);
        ck_assert_int_eq(socket_option_take_error(plain), -ENOTSOCK);
}
END_TEST

START_TEST(addresses_say_how_long_they_are)
{
        struct sockaddr_storage address;
        socklen_t size = sizeof(address);

        ck_assert_int_eq(socket_option_local_addr(tcp, (struct sockaddr *)&address, &size), 0);
        ck_assert_uint_eq(size, sizeof(struct sockaddr_in));
        /* Too little room: cut, with the whole size. */
        size = 2;
        ck_assert_int_eq(socket_option_peer_addr(tcp, (struct sockaddr *)&address, &size), 0);
        ck_assert_uint_eq(size, sizeof(struct sockaddr_in));
        ck_assert_int_eq(socket_option_local_addr(plain, (struct sockaddr *)&address, &size),
                         -ENOTSOCK);
        ck_assert_int_eq(socket_option_peer_addr(plain, (struct sockaddr *)&address, &size),
                         -ENOTSOCK);
}
END_TEST

START_TEST(a_shutdown_that_cannot_be_says_so)
{
        ck_assert_int_eq(socket_option_shutdown(tcp, 77), -EINVAL);
        ck_assert_int_eq(socket_option_shutdown(plain, SHUT_WR), -ENOTSOCK);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "shut down"));
        ck_assert_int_eq(socket_option_shutdown(tcp, SHUT_RDWR), 0);
}
END_TEST

/* Every one of them, in a child of the process that made the socket. */
static bool all_refuse(void)
{
        struct sockaddr_storage address;
        socklen_t size = sizeof(address);

        return socket_option_set(tcp, SOL_SOCKET, SO_KEEPALIVE, 1, "") == -EOWNERDEAD &&
               socket_option_get(tcp, SOL_SOCKET, SO_KEEPALIVE, "") == -EOWNERDEAD &&
               socket_option_is_on(tcp, SOL_SOCKET, SO_KEEPALIVE, "") == -EOWNERDEAD &&
               socket_option_set_ttl(tcp, 1) == -EOWNERDEAD &&
               socket_option_ttl(tcp) == -EOWNERDEAD &&
               socket_option_take_error(tcp) == -EOWNERDEAD &&
               socket_option_local_addr(tcp, (struct sockaddr *)&address, &size) == -EOWNERDEAD &&
               socket_option_peer_addr(tcp, (struct sockaddr *)&address, &size) == -EOWNERDEAD &&
               socket_option_shutdown(tcp, SHUT_RDWR) == -EOWNERDEAD;
}

START_TEST(a_child_cannot_touch_its_parents_sockets)
{
        int status;
        pid_t child = fork();

        if (child == 0)
                _exit(all_refuse() ? 0 : 1);
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        put_byte(peer);
}
END_TEST

TEST_SUITE(test_socket_option)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, an_option_is_set_and_read);
        tcase_add_test(all, a_failure_names_the_option);
        tcase_add_test(all, a_time_to_live_has_bounds);
        tcase_add_test(all, an_error_is_taken_once);
        tcase_add_test(all, addresses_say_how_long_they_are);
        tcase_add_test(all, a_shutdown_that_cannot_be_says_so);
        tcase_add_test(all, a_child_cannot_touch_its_parents_sockets);
        suite_add_tcase(suite, all);
}
