/*
 * core/address_service: services' names are ports where that is asked for; nobody is asked for what
 * needs no name service, and never when an address is parsed.
 */
#include "client/kyron.h"
#include "core/address_pattern.h"
#include "core/address_service.h"
#include "core/error.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>

enum { HTTP_PORT = 80, SYSLOG_PORT = 514, SHELL_PORT = 5140 };

static int asked;

/* The name service. */
KYRON_PUBLIC int getservbyname_r(const char *name, const char *protocol, struct servent *service,
                                 char *buffer, size_t size, struct servent **found)
{
        bool is_udp = strcmp(protocol, "udp") == 0;
        int port = strcmp(name, "http") == 0  ? HTTP_PORT
                   : strcmp(name, "a-b") != 0 ? 0
                   : is_udp                   ? SYSLOG_PORT
                                              : SHELL_PORT;

        (void)buffer;
        (void)size;
        asked++;
        *service = (struct servent){.s_port = htons((uint16_t)port)};
        *found = port ? service : NULL;
        return 0;
}

/* It would have the kernel look for a module. */
KYRON_PUBLIC unsigned if_nametoindex(const char *name)
{
        (void)name;
        asked++;
        return 0;
}

static const struct {
        const char *text, *numbered;
        int questions;
} good[] = {
        {"tcp:*:http", "tcp:*:80", 1},
        {"udp:*:http", "udp:*:80", 1},
        {"tcp:example.org:a-b", "tcp:example.org:5140", 1},
        {"udp:[fe80::1%lo]:a-b", "udp:[fe80::1%lo]:514", 1},
        {"tcp:example.org:443", "tcp:example.org:443", 0},
        {"unix:/run/a:http", "unix:/run/a:http", 0},
};

START_TEST(a_services_name_is_a_port_where_it_is_asked_for)
{
        char text[ADDRESS_TEXT_MAX];
        Address address;
        int port;

        ck_assert_int_eq(address_parse_asking(good[_i].text, &address), 0);
        address_format(&address, text);
        ck_assert_str_eq(text, good[_i].numbered);
        ck_assert_int_eq(asked, good[_i].questions);

        port = address_service_port(good[_i].text);
        ck_assert_int_eq(port > 0, good[_i].questions);
        if (port == 0)
                return;
        address_replace_service(good[_i].text, (unsigned)port, text);
        ck_assert_str_eq(text, good[_i].numbered);
}
END_TEST

START_TEST(parsing_an_address_asks_nobody)
{
        static const char *const texts[] = {
                "tcp:*:http",
                "udp:127.0.0.1:a-b",
                "tcp:example.org:no-such-service",
                "tcp:[fe80::1%lo]:80",
                "tcp:[fe80::1%no-such-one]:80",
        };
        Address address;

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                ck_assert_int_eq(address_parse(texts[i], &address), i == 3 ? 0 : -EINVAL);
        ck_assert_int_eq(asked, 0);
        ck_assert_int_eq(address_parse("tcp:*:http", &address), -EINVAL);
        ck_assert_str_eq(error_text(), "address \"tcp:*:http\": its port has to be a number");
}
END_TEST

START_TEST(a_service_that_nobody_knows_is_named)
{
        Address address;

        ck_assert_int_eq(address_service_port("tcp:*:nosuch"), -EINVAL);
        ck_assert_str_eq(error_text(),
                         "address \"tcp:*:nosuch\": its port is neither a number nor a "
                         "service's name");
        ck_assert_int_eq(address_parse_asking("tcp:*:nosuch", &address), -EINVAL);
        ck_assert_int_eq(asked, 2);
}
END_TEST

START_TEST(what_is_no_address_is_left_to_who_parses_it)
{
        static const char *const texts[] = {"", "http", "tcp:http", "tcp:*:", "tcp:::1:http"};

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                ck_assert_int_eq(address_service_port(texts[i]), 0);
        ck_assert_int_eq(asked, 0);
}
END_TEST

START_TEST(patterns_take_services_names)
{
        AddressPattern pattern;

        ck_assert_int_eq(address_pattern_parse("tcp:*:a-b", &pattern), 0);
        ck_assert_uint_eq(pattern.port_first, SHELL_PORT);
        ck_assert_uint_eq(pattern.port_last, SHELL_PORT);
        ck_assert_int_eq(address_pattern_parse("tcp:*:1-http", &pattern), 0);
        ck_assert_uint_eq(pattern.port_last, HTTP_PORT);
}
END_TEST

TEST_SUITE(test_address_service)
{
        TCase *services = tcase_create("services");

        tcase_add_loop_test(services, a_services_name_is_a_port_where_it_is_asked_for, 0,
                            sizeof(good) / sizeof(good[0]));
        tcase_add_test(services, parsing_an_address_asks_nobody);
        tcase_add_test(services, a_service_that_nobody_knows_is_named);
        tcase_add_test(services, what_is_no_address_is_left_to_who_parses_it);
        tcase_add_test(services, patterns_take_services_names);
        suite_add_tcase(suite, services);
}
