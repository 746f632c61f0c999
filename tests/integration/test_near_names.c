/*
 * A policy that allows names: whoever answers for one of them cannot have the daemon connect to
 * this machine itself, or to what is beside it. Only a rule that allows the address does.
 */
#include "tests/support/client.h"
#include "tests/support/config_file.h"
#include "tests/support/dns_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char
        own_v4[INET_ADDRSTRLEN]; /* of an interface other than the loopback; "": there is none */

static DnsRecord records[] = {
        {"loop.example.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.1"}},
        {"loop.example.test", DNS_AAAA, DNS_ANSWERS, 0, {"::1"}},
        {"mapped.example.test", DNS_AAAA, DNS_ANSWERS, 0, {"::ffff:127.0.0.1"}},
        {"net.example.test", DNS_A, DNS_ANSWERS, 0, {"127.9.9.9"}},
        {"metadata.example.test", DNS_A, DNS_ANSWERS, 0, {"169.254.169.254"}},
        {"zero.example.test", DNS_A, DNS_ANSWERS, 0, {"0.1.2.3"}},
        {"own.example.test", DNS_A, DNS_ANSWERS, 0, {own_v4}},
};

static ConfigFile config;
static DnsServer dns;
static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronTcpStream *stream;
static TestCall call;
static int listener;
static unsigned port;

static void find_own_v4(void)
{
        struct ifaddrs *all, *each;

        ck_assert_int_eq(getifaddrs(&all), 0);
        for (each = all; each; each = each->ifa_next) {
                const struct sockaddr_in *address = (const struct sockaddr_in *)each->ifa_addr;

                if (address && address->sin_family == AF_INET &&
                    ntohl(address->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
                        inet_ntop(AF_INET, &address->sin_addr, own_v4, sizeof(own_v4));
        }
        freeifaddrs(all);
}

/* On every address, so that only the policy is in the way. */
static void set_up(void)
{
        struct sockaddr_in here = {.sin_family = AF_INET};
        socklen_t size = sizeof(here);

        find_own_v4();
        dns_server_start(&dns, records, sizeof(records) / sizeof(records[0]) - !*own_v4);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&here, sizeof(here)), 0);
        ck_assert_int_eq(listen(listener, 16), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&here, &size), 0);
        port = ntohs(here.sin_port);
        config_file_make(&config);
        test_call_init(&call);
}

static void tear_down(void)
{
        kyron_io_driver_handle_close(handle);
        close(listener);
        test_daemon_stop(&kyron_iod);
        config_file_remove(&config);
        dns_server_stop(&dns);
}

static void connect_to(const char *patterns, const char *host)
{
        char address[128];

        config_file_write(&config,
                          "name-servers = {\"%s\"}\n"
                          "policy \"user:%u\" { connect = {%s} }\n",
                          dns.address, (unsigned)geteuid(), patterns);
        test_daemon_start(&kyron_iod, (const char *const[]){"--config", config.path, NULL});
        handle = open_handle(&kyron_iod);
        snprintf(address, sizeof(address), "tcp:%s:%u", host, port);
        ck_assert_int_eq(kyron_tcp_stream_connect_to(&stream, handle, address, 0, &call.operation),
                         KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}

static const struct {
        const char *host, *number;
} near[] = {
        {"loop.example.test", NULL /* of either family */},
        {"mapped.example.test", "127.0.0.1"},
        {"net.example.test", "127.9.9.9"},
        {"metadata.example.test", "169.254.169.254"},
        {"zero.example.test", "0.1.2.3"},
        {"own.example.test", own_v4},
};

START_TEST(a_name_does_not_allow_what_is_near)
{
        char sentence[128];

        if (near[_i].number == own_v4 && !*own_v4)
                SKIP_TEST("this machine has no address but the loopback's");
        connect_to("\"tcp:*.example.test:*\"", near[_i].host);
        ck_assert_msg(call.result == -EACCES, "%zd: %s", call.result, call.text);
        if (!near[_i].number)
                return;
        snprintf(sentence, sizeof(sentence), "uid %u may not connect to tcp:%s:%u: not in policy",
                 (unsigned)geteuid(), near[_i].number, port);
        ck_assert_msg(strncmp(call.text, sentence, strlen(sentence)) == 0, "%s", call.text);
}
END_TEST

static const char *const allowing[] = {
        "\"tcp:*.example.test:*\", \"tcp:127.0.0.0/8:*\"",
        "\"tcp:127.0.0.1:*\"",
        "\"tcp:*:*\"",
        "\"tcp:localhost:*\"",
};

START_TEST(a_rule_for_the_address_does)
{
        connect_to(allowing[_i], "loop.example.test");
        ck_assert_msg(call.result == 0, "%s", call.text);
        kyron_tcp_stream_close(stream);
}
END_TEST

START_TEST(localhost_is_this_machine_where_a_rule_says_so)
{
        connect_to("\"tcp:localhost:*\"", _i == 0 ? "localhost" : "127.0.0.1");
        ck_assert_msg(call.result == 0, "%s", call.text);
        kyron_tcp_stream_close(stream);
}
END_TEST

TEST_SUITE(test_near_names)
{
        TCase *tests = tcase_create("all");

        tcase_set_timeout(tests, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_loop_test(tests, a_name_does_not_allow_what_is_near, 0,
                            sizeof(near) / sizeof(near[0]));
        tcase_add_loop_test(tests, a_rule_for_the_address_does, 0,
                            sizeof(allowing) / sizeof(allowing[0]));
        tcase_add_loop_test(tests, localhost_is_this_machine_where_a_rule_says_so, 0, 2);
        suite_add_tcase(suite, tests);
}
