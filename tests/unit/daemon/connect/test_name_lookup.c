/*
 * daemon/connect/name_lookup: whatever a name server says, or does not, is told as what it is; long
 * answers come over TCP, and the hosts file is not asked past.
 */
#include "core/error.h"
#include "daemon/connect/name_lookup.h"
#include "tests/support/deadline.h"
#include "tests/support/dns_server.h"
#include "tests/support/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

static const DnsRecord records[] = {
        {"some.test", DNS_A, DNS_ANSWERS, 0, {"192.0.2.7", "192.0.2.8"}},
        {"some.test", DNS_AAAA, DNS_ANSWERS, 0, {"2001:db8::7"}},
        {"four.test", DNS_A, DNS_ANSWERS, 0, {"192.0.2.7"}},
        {"four.test", DNS_AAAA, DNS_ANSWERS, 0, {NULL}},
        {"empty.test", DNS_A, DNS_ANSWERS, 0, {NULL}},
        {"empty.test", DNS_AAAA, DNS_ANSWERS, 0, {NULL}},
        {"big.test", DNS_A, DNS_TRUNCATES, 0, {"192.0.2.9"}},
        {"big.test", DNS_AAAA, DNS_ANSWERS, 0, {NULL}},
        {"alias-of.test", DNS_A, DNS_ALIAS, 0, {"192.0.2.10"}},
        {"fails.test", DNS_A, DNS_SERVER_FAILS, 0, {NULL}},
        {"fails.test", DNS_AAAA, DNS_SERVER_FAILS, 0, {NULL}},
        {"refused.test", DNS_A, DNS_REFUSES, 0, {NULL}},
        {"refused.test", DNS_AAAA, DNS_REFUSES, 0, {NULL}},
        {"four-fails.test", DNS_A, DNS_SERVER_FAILS, 0, {NULL}},
        {"four-fails.test", DNS_AAAA, DNS_ANSWERS, 0, {NULL}},
        {"six-fails.test", DNS_A, DNS_ANSWERS, 0, {"192.0.2.11"}},
        {"six-fails.test", DNS_AAAA, DNS_SERVER_FAILS, 0, {NULL}},
        {"silent.test", DNS_A, DNS_SILENT, 0, {NULL}},
        {"six-silent.test", DNS_A, DNS_ANSWERS, 0, {"192.0.2.12"}},
        {"six-silent.test", DNS_AAAA, DNS_SILENT, 0, {NULL}},
        {"forged.test", DNS_A, DNS_WRONG_ID, 0, {"192.0.2.13"}},
        {"known.test", DNS_A, DNS_ANSWERS, 0, {"192.0.2.14"}},
        {"known.test", DNS_AAAA, DNS_ANSWERS, 0, {"2001:db8::14"}},
        {"many.test",
         DNS_A,
         DNS_TRUNCATES,
         0,
         {"192.0.2.1",  "192.0.2.2",  "192.0.2.3",  "192.0.2.4",  "192.0.2.5",  "192.0.2.6",
          "192.0.2.7",  "192.0.2.8",  "192.0.2.9",  "192.0.2.10", "192.0.2.11", "192.0.2.12",
          "192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16", "192.0.2.17", "192.0.2.18",
          "192.0.2.19", "192.0.2.20", "192.0.2.21", "192.0.2.22", "192.0.2.23", "192.0.2.24",
          "192.0.2.25", "192.0.2.26", "192.0.2.27", "192.0.2.28", "192.0.2.29", "192.0.2.30",
          "192.0.2.31", "192.0.2.32", "192.0.2.33", "192.0.2.34", "192.0.2.35", "192.0.2.36",
          "192.0.2.37", "192.0.2.38", "192.0.2.39", "192.0.2.40"}},
};

static DnsServer dns;
static NameServers servers;
static NameAnswer answer;

static void use_server(const DnsServer *server)
{
        Address address;

        ck_assert_int_eq(address_from_socket(ADDRESS_UDP,
                                             (const struct sockaddr *)&server->socket_address,
                                             sizeof(server->socket_address), &address),
                         0);
        name_servers_set(&servers, &address, 1);
}

static void set_up(void)
{
        dns_server_start(&dns, records, sizeof(records) / sizeof(records[0]));
        use_server(&dns);
}

static void tear_down(void)
{
        dns_server_stop(&dns);
}

/* Asks; the addresses with blanks between, or what was said. */
static const char *ask(const char *name, int family)
{
        static char text[2 * CONNECT_ADDRESSES_MAX * INET6_ADDRSTRLEN];
        char number[INET6_ADDRSTRLEN];

        name_lookup(name, family, &servers, &answer);
        if (answer.error < 0)
                return answer.sentence;
        *text = '\0';
        for (size_t i = 0; i < answer.count; i++) {
                const InetAddress *address = &answer.addresses[i];
                bool is_v4 = address->any.sa_family == AF_INET;

                inet_ntop(address->any.sa_family,
                          is_v4 ? (const void *)&address->v4.sin_addr
                                : (const void *)&address->v6.sin6_addr,
                          number, sizeof(number));
                ck_assert_uint_eq(is_v4 ? address->v4.sin_port : address->v6.sin6_port, 0);
                strcat(text, i ? " " : "");
                strcat(text, number);
        }
        return text;
}

static const struct Told {
        const char *name;
        int family, error;
        const char *said;
        bool is_doubtful;
} told[] = {
        {"some.test", AF_INET, 0, "192.0.2.7 192.0.2.8", false},
        {"some.test", AF_INET6, 0, "2001:db8::7", false},
        {"SOME.test", AF_INET6, 0, "2001:db8::7", false},
        {"four.test", AF_UNSPEC, 0, "192.0.2.7", false},
        {"four.test", AF_INET6, -ENOENT, "no address", true},
        {"empty.test", AF_UNSPEC, -ENOENT, "no address", true},
        {"nobody.test", AF_UNSPEC, -ENOENT, "no such name", true},
        {"nobody.test", AF_INET, -ENOENT, "no such name", true},
        {"big.test", AF_INET, 0, "192.0.2.9", false},
        {"alias-of.test", AF_INET, 0, "192.0.2.10", false},
        {"fails.test", AF_UNSPEC, -EAGAIN, "its name servers failed", true},
        {"fails.test", AF_INET6, -EAGAIN, "its name servers failed", true},
        {"refused.test", AF_UNSPEC, -EAGAIN, "its name servers failed", true},
        {"four-fails.test", AF_INET, -EAGAIN, "its name servers failed", true},
        {"six-fails.test", AF_UNSPEC, 0, "192.0.2.11", false},
        {"silent.test", AF_INET, -EAGAIN, "no answer from its name servers", false},
        {"forged.test", AF_INET, -EAGAIN, "no answer from its name servers", false},
        {"six-silent.test", AF_UNSPEC, 0, "192.0.2.12", false},
};

START_TEST(what_a_name_server_says_is_told)
{
        ck_assert_str_eq(ask(told[_i].name, told[_i].family), told[_i].said);
        ck_assert_int_eq(answer.error, told[_i].error);
        ck_assert_int_eq(answer.is_doubtful, told[_i].is_doubtful);
}
END_TEST

START_TEST(a_long_answer_comes_over_tcp_and_is_cut_at_what_is_tried)
{
        ask("many.test", AF_INET);
        ck_assert_msg(answer.error == 0, "%s", answer.sentence);
        ck_assert_uint_eq(answer.count, CONNECT_ADDRESSES_MAX);
        ck_assert_uint_eq(atomic_load(&dns.tcp_questions), 1);
}
END_TEST

START_TEST(a_name_is_asked_for_as_it_is_written)
{
        /* As resolv.conf(5)'s "search". */
        setenv("LOCALDOMAIN", "test", 1);
        ck_assert_str_eq(ask("some", AF_INET), "no such name");
        ck_assert_uint_eq(atomic_load(&dns.questions), 1);
        ck_assert_str_eq(ask("nobody.example", AF_INET), "no such name");
        ck_assert_uint_eq(atomic_load(&dns.questions), 2);
}
END_TEST

START_TEST(where_nobody_serves_it_is_told_at_once)
{
        dns_server_stop(&dns);
        ck_assert_str_eq(ask("some.test", AF_UNSPEC), "its name servers failed");
        ck_assert_int_eq(answer.error, -EAGAIN);
        dns_server_start(&dns, records, 1);
}
END_TEST

START_TEST(several_are_asked_in_turn_and_ipv6_ones_too)
{
        static const char *const texts[] = {"udp:[::1]:1", "udp:127.0.0.1:1"};
        Address addresses[3];

        for (size_t i = 0; i < 2; i++)
                ck_assert_int_eq(address_parse(texts[i], &addresses[i]), 0);
        address_from_socket(ADDRESS_UDP, (const struct sockaddr *)&dns.socket_address,
                            sizeof(dns.socket_address), &addresses[2]);
        name_servers_set(&servers, addresses, 3);
        ck_assert_uint_eq(servers.count, 3);
        ck_assert_str_eq(ask("some.test", AF_INET6), "2001:db8::7");
        /* And others the next time. */
        name_servers_set(&servers, addresses, 1);
        ck_assert_str_eq(ask("some.test", AF_INET6), "its name servers failed");
        use_server(&dns);
        ck_assert_str_eq(ask("some.test", AF_INET6), "2001:db8::7");
}
END_TEST

static void *ask_once(void *data)
{
        (void)data;
        ask("some.test", AF_INET);
        return NULL;
}

START_TEST(a_thread_that_asks_for_the_first_time_closes_nothing_of_others)
{
        pthread_t thread;
        size_t before = count_descriptors();

        ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, ask_once, NULL), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(answer.error, 0);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
}
END_TEST

/* In a namespace of its own: false where that may not be. */
static bool set_hosts(const char *text)
{
        char path[] = "/tmp/kyron-hosts-XXXXXX";
        int fd = mkstemp(path);
        bool done;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
        done = unshare(CLONE_NEWNS) == 0 &&
               mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount(path, "/etc/hosts", NULL, MS_BIND, NULL) == 0;
        unlink(path);
        return done;
}

START_TEST(the_hosts_file_is_not_asked_past)
{
        if (!set_hosts("192.0.2.1 known.test alias\n2001:db8::1 six.known.test\n"))
                SKIP_TEST("only root may have a hosts file of its own");
        ck_assert_str_eq(ask("known.test", AF_UNSPEC), "192.0.2.1");
        ck_assert_str_eq(ask("alias", AF_UNSPEC), "192.0.2.1");
        ck_assert_str_eq(ask("six.known.test", AF_UNSPEC), "2001:db8::1");
        ck_assert_uint_eq(atomic_load(&dns.questions), 0);
        ck_assert_str_eq(ask("some.test", AF_INET6), "2001:db8::7");
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

TEST_SUITE(test_name_lookup)
{
        TCase *names = tcase_create("names");

        tcase_add_checked_fixture(names, set_up, tear_down);
        tcase_add_loop_test(names, what_a_name_server_says_is_told, 0, COUNT(told));
        tcase_add_test(names, a_long_answer_comes_over_tcp_and_is_cut_at_what_is_tried);
        tcase_add_test(names, a_name_is_asked_for_as_it_is_written);
        tcase_add_test(names, where_nobody_serves_it_is_told_at_once);
        tcase_add_test(names, several_are_asked_in_turn_and_ipv6_ones_too);
        tcase_add_test(names, a_thread_that_asks_for_the_first_time_closes_nothing_of_others);
        tcase_add_test(names, the_hosts_file_is_not_asked_past);
        tcase_set_timeout(names, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, names);
}
