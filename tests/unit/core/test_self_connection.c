/* core/self_connection: a socket connected to itself is told from every other. */
#include "core/self_connection.h"

#include "tests/support/fixture.h"

#include <netinet/in.h>
#include <unistd.h>

static const int families[] = {AF_INET, AF_INET6};

START_TEST(a_socket_connected_to_its_own_address_is_its_own_peer)
{
        struct sockaddr_storage address = {.ss_family = (sa_family_t)families[_i]};
        socklen_t size = sizeof(address);
        int fd = socket(families[_i], SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (families[_i] == AF_INET)
                ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        else
                ((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                if (fd >= 0)
                        close(fd);
                ck_assert_int_eq(_i, 1);
                SKIP_TEST("there is no IPv6 here");
        }
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
        ck_assert(!self_connection_is(fd));
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, size), 0);
        ck_assert(self_connection_is(fd));
        close(fd);
}
END_TEST

START_TEST(every_other_connection_has_two_ends)
{
        int tcp[2], local[2];

        tcp_pair(tcp);
        unix_pair(SOCK_STREAM, local);
        for (int i = 0; i < 2; i++) {
                ck_assert(!self_connection_is(tcp[i]));
                ck_assert(!self_connection_is(local[i]));
                close(tcp[i]);
                close(local[i]);
        }
        ck_assert(!self_connection_is(-1));
}
END_TEST

TEST_SUITE(test_self_connection)
{
        TCase *tests = tcase_create("all");

        tcase_add_loop_test(tests, a_socket_connected_to_its_own_address_is_its_own_peer, 0, 2);
        tcase_add_test(tests, every_other_connection_has_two_ends);
        suite_add_tcase(suite, tests);
}
