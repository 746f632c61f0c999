/*
 * daemon/connect/near_address: what leads to this machine or stays beside it is told from the rest,
 * however it is written, and whatever the machine lets be bound.
 */
#include "daemon/connect/near_address.h"

#include "core/error.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/own_network.h"
#include "tests/support/scale.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int check(const char *text)
{
        Address address;

        ck_assert_msg(address_parse(text, &address) == 0, "%s: %s", text, error_text());
        return near_address_check(&address);
}

static const struct {
        const char *text;
        int near;
} cases[] = {
        {"tcp:127.0.0.1:80", 1},
        {"tcp:127.255.255.254:80", 1},
        {"tcp:0.0.0.0:80", 1},
        {"tcp:0.1.2.3:80", 1},
        {"tcp:169.254.169.254:80", 1},
        {"tcp:[::1]:80", 1},
        {"tcp:[::]:80", 1},
        {"tcp:[fe80::1]:80", 1},
        {"tcp:[febf::1]:80", 1},
        {"tcp:[::ffff:127.0.0.1]:80", 1},
        {"tcp:[::ffff:169.254.0.1]:80", 1},
        {"tcp:[::127.0.0.1]:80", 1},
        {"tcp:[64:ff9b::127.0.0.1]:80", 1},
        {"tcp:[64:ff9b::a9fe:a9fe]:80", 1},
        {"tcp:[2002:7f00:1::1]:80", 1},
        {"tcp:192.0.2.1:80", 0},
        {"tcp:128.0.0.1:80", 0},
        {"tcp:169.253.255.255:80", 0},
        {"tcp:255.255.255.255:80", 0},
        {"tcp:[2001:db8::1]:80", 0},
        {"tcp:[fec0::1]:80", 0},
        {"tcp:[64:ff9b::192.0.2.1]:80", 0},
        {"tcp:[2002:c000:201::1]:80", 0},
};

START_TEST(what_is_near_is_told_from_the_rest)
{
        ck_assert_msg(check(cases[_i].text) == cases[_i].near, "%s", cases[_i].text);
}
END_TEST

START_TEST(every_address_of_an_interface_is_near)
{
        struct ifaddrs *all, *each;
        int checked = 0;

        ck_assert_int_eq(getifaddrs(&all), 0);
        for (each = all; each; each = each->ifa_next) {
                char text[ADDRESS_TEXT_MAX];
                Address address;

                if (!each->ifa_addr ||
                    (each->ifa_addr->sa_family != AF_INET && each->ifa_addr->sa_family != AF_INET6))
                        continue;
                ck_assert_int_eq(address_from_socket(ADDRESS_TCP, each->ifa_addr,
                                                     each->ifa_addr->sa_family == AF_INET
                                                             ? sizeof(struct sockaddr_in)
                                                             : sizeof(struct sockaddr_in6),
                                                     &address),
                                 0);
                address_format(&address, text);
                ck_assert_msg(near_address_check(&address) == 1, "%s of %s", text, each->ifa_name);
                checked++;
        }
        freeifaddrs(all);
        ck_assert_int_gt(checked, 0);
}
END_TEST

/* Where addresses are bound that are none of the machine's, and it has some of each kind. */
static int look_around(void *data)
{
        static const char *const sysctls[] = {
                "/proc/sys/net/ipv4/ip_nonlocal_bind",
                "/proc/sys/net/ipv6/ip_nonlocal_bind",
        };

        (void)data;
        for (int i = 0; i < 2; i++) {
                int fd = open(sysctls[i], O_WRONLY | O_CLOEXEC);

                if (fd >= 0) {
                        ck_assert_int_eq(write(fd, "1", 1), 1);
                        close(fd);
                }
        }
        ck_assert_int_eq(own_network_add_address("10.77.0.1", 32), 0);
        ck_assert_int_eq(check("tcp:10.77.0.1:80"), 1);
        ck_assert_int_eq(check("tcp:10.77.0.3:80"), 0);
        ck_assert_int_eq(check("tcp:192.0.2.1:80"), 0);
        /* On the loopback a whole network is the machine's. */
        ck_assert_int_eq(own_network_add_address("10.78.0.1", 24), 0);
        ck_assert_int_eq(check("tcp:10.78.0.9:80"), 1);
        if (own_network_add_address("fd77::1", 128) == 0) {
                /* Once the kernel has found that nobody else has it. */
                ck_assert(WAIT_UNTIL(check("tcp:[fd77::1]:80") == 1, DEADLINE_MS));
                ck_assert_int_eq(check("tcp:[fd77::3]:80"), 0);
        }
        return 0;
}

START_TEST(what_can_be_bound_and_is_not_the_machines_is_not_near)
{
        int r = own_network_run(0, look_around, NULL);

        if (runs_under_valgrind())
                SKIP_TEST("valgrind judges a child by what its parent has");
        if (r < 0)
                SKIP_TEST("there is no network namespace for this test");
        ck_assert_int_eq(r, 0);
}
END_TEST

TEST_SUITE(test_near_address)
{
        TCase *tests = tcase_create("all");

        tcase_add_loop_test(tests, what_is_near_is_told_from_the_rest, 0,
                            sizeof(cases) / sizeof(cases[0]));
        tcase_add_test(tests, every_address_of_an_interface_is_near);
        tcase_add_test(tests, what_can_be_bound_and_is_not_the_machines_is_not_near);
        suite_add_tcase(suite, tests);
}
