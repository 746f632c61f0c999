/*
 * daemon/resolver: the hosts file comes first, name servers are those of the file as it is now, and
 * every question ends once.
 */
#include "core/error.h"
#include "daemon/connect/resolver.h"
#include "daemon/loop/loop.h"
#include "tests/support/deadline.h"
#include "tests/support/dns_server.h"
#include "tests/support/fixture.h"
#include "tests/support/own_malloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Ending {
        int calls;
        int error;
        ResolverAnswer answer;
        char sentence[ERROR_TEXT_MAX];
} Ending;

static const DnsRecord records[] = {
        {"some.test", DNS_A, DNS_ANSWERS, 0, {"192.0.2.7", "192.0.2.8"}},
        {"some.test", DNS_AAAA, DNS_ANSWERS, 0, {"2001:db8::7"}},
        {"big.test", DNS_A, DNS_TRUNCATES, 0, {NULL}},
        {"silent.test", DNS_A, DNS_SILENT, 0, {NULL}},
        {"known.test", DNS_A, DNS_ANSWERS, 0, {"192.0.2.9"}},
        {"many.test",
         DNS_A,
         DNS_ANSWERS,
         0,
         {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7",
          "192.0.2.8", "192.0.2.9", "192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13",
          "192.0.2.14", "192.0.2.15", "192.0.2.16", "192.0.2.17", "192.0.2.18"}},
};

static const char hosts_text[] = "# a comment\n"
                                 "127.0.0.1\tlocalhost\n"
                                 "192.0.2.1 known.test alias Mixed.Case  # not this\n"
                                 "2001:db8::1   known.test\n"
                                 "192.0.2.2 known.test\r\n"
                                 "not-a-number broken.test\n"
                                 "192.0.2.3\n"
                                 "\n"
                                 "192.0.2.4 last.test";

static Loop loop;
static Resolver *resolver;
static DnsServer dns;
static char *directory;
static char resolv_conf[128];
static char hosts[128];
static ResolverFiles files = {.resolv_conf = resolv_conf, .hosts = hosts};

static void write_file(const char *path, const char *text)
{
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
        ck_assert_int_eq(loop_open(&loop), 0);
        directory = make_temp_dir();
        snprintf(resolv_conf, sizeof(resolv_conf), "%s/resolv.conf", directory);
        snprintf(hosts, sizeof(hosts), "%s/hosts", directory);
        dns_server_start(&dns, records, sizeof(records) / sizeof(records[0]));
}

static void tear_down(void)
{
        resolver = resolver_close(resolver);
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
        loop_close(&loop);
        dns_server_stop(&dns);
        remove_temp_dir(directory);
}

static void open_resolver(bool with_server)
{
        char *servers[] = {dns.address};

        ck_assert_int_eq(resolver_open(&resolver, &loop, &files, servers, with_server), 0);
}

static void on_answered(void *data, int error, const ResolverAnswer *answer)
{
        Ending *ending = data;

        ending->calls++;
        ending->error = error;
        ending->answer = *answer;
        snprintf(ending->sentence, sizeof(ending->sentence), "%s", error_text());
}

static void turn_until(const int *calls)
{
        const struct timeval soon = {.tv_usec = 1000};
        Deadline end = deadline_in(DEADLINE_MS);

        while (*calls == 0 && deadline_left(end) > 0) {
                event_base_loopexit(loop.base, &soon);
                event_base_dispatch(loop.base);
        }
        ck_assert_int_eq(*calls, 1);
}

/* Asks and waits. */
static Ending ask(const char *name, int family)
{
        Ending ending = {.calls = 0};
        ResolverQuestion *question;
        int r = resolver_ask(resolver, name, family, &ending.answer, on_answered, &ending,
                             &question);

        if (r == 0) {
                ck_assert_ptr_nonnull(question);
                ck_assert_int_eq(ending.calls, 0);
                turn_until(&ending.calls);
                return ending;
        }
        ck_assert_ptr_null(question);
        ending.error = r < 0 ? r : 0;
        snprintf(ending.sentence, sizeof(ending.sentence), "%s", error_text());
        return ending;
}

static void check_addresses(const Ending *ending, const char *expected)
{
        char text[256] = "";
        char number[INET6_ADDRSTRLEN];

        ck_assert_msg(ending->error == 0, "%s", ending->sentence);
        for (size_t i = 0; i < ending->answer.count; i++) {
                const InetAddress *address = &ending->answer.addresses[i];
                bool is_v4 = address->any.sa_family == AF_INET;

                inet_ntop(address->any.sa_family,
                          is_v4 ? (const void *)&address->v4.sin_addr
                                : (const void *)&address->v6.sin6_addr,
                          number, sizeof(number));
                strcat(text, i ? " " : "");
                strcat(text, number);
        }
        ck_assert_str_eq(text, expected);
}

static const struct {
        const char *name;
        int family;
        const char *addresses;
} known[] = {
        {"known.test", AF_INET, "192.0.2.1 192.0.2.2"},
        {"known.test", AF_INET6, "2001:db8::1"},
        {"alias", AF_INET, "192.0.2.1"},
        {"alias", AF_INET6, ""},
        {"mixed.case", AF_INET, "192.0.2.1"},
        {"last.test", AF_INET, "192.0.2.4"},
        {"localhost", AF_INET, "127.0.0.1"},
};

START_TEST(the_hosts_file_answers_without_asking_anybody)
{
        Ending ending;

        write_file(hosts, hosts_text);
        open_resolver(true);
        ending = ask(known[_i].name, known[_i].family);
        check_addresses(&ending, known[_i].addresses);
        ck_assert_uint_eq(atomic_load(&dns.questions), 0);
}
END_TEST

static const char *const unknown[] = {"not", "this", "broken.test", "192.0.2.3", "comment", "know"};

START_TEST(what_the_hosts_file_does_not_say_is_asked)
{
        write_file(hosts, hosts_text);
        open_resolver(true);
        ck_assert_int_eq(ask(unknown[_i], AF_INET).error, -ENOENT);
        ck_assert_uint_eq(atomic_load(&dns.questions), 1);
}
END_TEST

START_TEST(the_hosts_file_counts_as_it_is_now)
{
        Ending ending;

        open_resolver(true);
        ending = ask("known.test", AF_INET);
        check_addresses(&ending, "192.0.2.9");
        write_file(hosts, hosts_text);
        ending = ask("known.test", AF_INET);
        check_addresses(&ending, "192.0.2.1 192.0.2.2");
}
END_TEST

START_TEST(localhost_is_known_without_a_file)
{
        Ending ending;

        open_resolver(true);
        ending = ask("localhost", AF_INET);
        check_addresses(&ending, "127.0.0.1");
        ending = ask("localhost", AF_INET6);
        check_addresses(&ending, "::1");
        ck_assert_uint_eq(atomic_load(&dns.questions), 0);
}
END_TEST

START_TEST(name_servers_are_asked_family_by_family)
{
        Ending ending;

        open_resolver(true);
        ending = ask("some.test", AF_INET);
        check_addresses(&ending, "192.0.2.7 192.0.2.8");
        ending = ask("some.test", AF_INET6);
        check_addresses(&ending, "2001:db8::7");
        ending = ask("many.test", AF_INET);
        ck_assert_uint_eq(ending.answer.count, CONNECT_ADDRESSES_MAX);
        ending = ask("big.test", AF_INET);
        ck_assert_int_eq(ending.error, -EAGAIN);
        ck_assert_str_eq(ending.sentence,
                         "its name servers failed (reply truncated or ill-formed)");
}
END_TEST

START_TEST(the_case_of_letters_is_mixed_at_random)
{
        open_resolver(true);
        /* All small by chance: once in 256 times. */
        for (int i = 0; i < 20; i++)
                ck_assert_int_eq(ask("some.test", AF_INET).error, 0);
        ck_assert_uint_gt(atomic_load(&dns.capitals), 0);
}
END_TEST

START_TEST(without_name_servers_it_fails_at_once_and_says_so)
{
        char expected[192];
        Ending ending;

        if (_i == 1)
                write_file(resolv_conf, "# nothing\nsearch example.org\n");
        write_file(hosts, hosts_text);
        open_resolver(false);
        ending = ask("some.test", AF_INET);
        snprintf(expected, sizeof(expected), "no name server to ask, see %s", resolv_conf);
        ck_assert_int_eq(ending.error, -EAGAIN);
        ck_assert_str_eq(ending.sentence, expected);
        ck_assert_int_eq(ending.calls, 0);
        ending = ask("known.test", AF_INET6);
        check_addresses(&ending, "2001:db8::1");
}
END_TEST

/* How many sockets for name servers are open: in turns, for retired ones take one. */
static bool count_comes_to(size_t expected)
{
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
        return count_descriptors() == expected;
}

START_TEST(a_changed_list_of_name_servers_counts_and_the_old_ones_go)
{
        ResolverQuestion *question;
        Ending old = {.calls = 0};
        size_t before = count_descriptors();

        write_file(resolv_conf, "nameserver 127.0.0.1\n");
        open_resolver(false);
        /* Under way when the file changes: the old ones are kept for it. Nobody serves port 53
         * here, or whoever does is not asked long enough. */
        ck_assert_int_eq(resolver_ask(resolver, "silent.test", AF_INET, &old.answer, on_answered,
                                      &old, &question),
                         0);
        ck_assert_uint_eq(count_descriptors(), before + 1);
        write_file(resolv_conf, "nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
        for (int i = 0; i < 3; i++) {
                ResolverQuestion *another;
                Ending unheard = {.calls = 0};

                ck_assert_int_eq(resolver_ask(resolver, "silent.test", AF_INET, &unheard.answer,
                                              on_answered, &unheard, &another),
                                 0);
                resolver_give_up(another);
                ck_assert_uint_eq(count_descriptors(), before + 3);
        }
        if (old.calls == 0)
                resolver_give_up(question);
        ck_assert(WAIT_UNTIL(count_comes_to(before + 2), DEADLINE_MS));
        unlink(resolv_conf);
        ck_assert_int_eq(resolver_ask(resolver, "silent.test", AF_INET, &old.answer, on_answered,
                                      &old, &question),
                         -EAGAIN);
        ck_assert(WAIT_UNTIL(count_comes_to(before), DEADLINE_MS));
        ck_assert_int_eq(old.calls, 0);
}
END_TEST

START_TEST(what_was_given_up_is_never_answered)
{
        ResolverQuestion *question;
        Ending ending = {.calls = 0};

        open_resolver(true);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(resolver_ask(resolver, i ? "silent.test" : "some.test", AF_INET,
                                              &ending.answer, on_answered, &ending, &question),
                                 0);
                /* Given up before the loop has seen the answer that is there. */
                ck_assert(WAIT_UNTIL(atomic_load(&dns.questions) == (unsigned)i + 1, DEADLINE_MS));
                resolver_give_up(question);
                ask("some.test", AF_INET6);
                ck_assert_int_eq(ending.calls, 0);
                atomic_store(&dns.questions, (unsigned)i + 1);
        }
}
END_TEST

/* evdns loses an answer that it has no memory to call back for, and says nothing. */
START_TEST(whatever_allocation_fails_a_question_ends_or_can_be_given_up)
{
        /* More than there are. */
        const int allocations = 60;
        int ended = 0, lost = 0;

        if (!own_malloc_works())
                SKIP_TEST("malloc is not this program's own here");
        for (int i = 1; i <= allocations; i++) {
                Ending ending = {.calls = 0};
                ResolverQuestion *question = NULL;
                ResolverAnswer answer;
                Deadline end = deadline_in(20);
                int r;

                open_resolver(true);
                own_malloc_countdown = i;
                r = resolver_ask(resolver, "some.test", AF_INET, &answer, on_answered, &ending,
                                 &question);
                while (r == 0 && ending.calls == 0 && deadline_left(end) > 0)
                        event_base_loop(loop.base, EVLOOP_NONBLOCK);
                own_malloc_countdown = 0;
                if (r == 0 && ending.calls == 0) {
                        resolver_give_up(question);
                        lost++;
                } else {
                        ended++;
                }
                ck_assert(r == 0 || r == -ENOMEM || r == -ENOENT || r == -EAGAIN);
                /* And the next one is answered. */
                ck_assert_int_eq(ask("some.test", AF_INET).error, 0);
                resolver = resolver_close(resolver);
                event_base_loop(loop.base, EVLOOP_NONBLOCK);
        }
        ck_assert_int_gt(ended, 0);
        ck_assert_int_gt(lost, 0);
}
END_TEST

START_TEST(closing_with_questions_leaves_nothing)
{
        enum { QUESTIONS = 200 };
        ResolverQuestion *question;
        Ending ending = {.calls = 0};
        size_t before = count_descriptors();

        open_resolver(true);
        for (int i = 0; i < QUESTIONS; i++)
                ck_assert_int_eq(resolver_ask(resolver, i % 2 ? "silent.test" : "some.test",
                                              AF_INET, &ending.answer, on_answered, &ending,
                                              &question),
                                 0);
        /* With answers that wait to be read, and some that are being told of. */
        ck_assert(WAIT_UNTIL(atomic_load(&dns.questions) == QUESTIONS, DEADLINE_MS));
        if (_i == 1)
                event_base_loop(loop.base, EVLOOP_ONCE);
        ending.calls = 0;
        resolver = resolver_close(resolver);
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_int_eq(ending.calls, 0);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

TEST_SUITE(test_resolver)
{
        TCase *resolving = tcase_create("resolving");

        tcase_add_checked_fixture(resolving, set_up, tear_down);
        tcase_add_loop_test(resolving, the_hosts_file_answers_without_asking_anybody, 0,
                            COUNT(known));
        tcase_add_loop_test(resolving, what_the_hosts_file_does_not_say_is_asked, 0,
                            COUNT(unknown));
        tcase_add_test(resolving, the_hosts_file_counts_as_it_is_now);
        tcase_add_test(resolving, localhost_is_known_without_a_file);
        tcase_add_test(resolving, name_servers_are_asked_family_by_family);
        tcase_add_test(resolving, the_case_of_letters_is_mixed_at_random);
        tcase_add_loop_test(resolving, without_name_servers_it_fails_at_once_and_says_so, 0, 2);
        tcase_add_test(resolving, a_changed_list_of_name_servers_counts_and_the_old_ones_go);
        tcase_add_test(resolving, what_was_given_up_is_never_answered);
        tcase_add_test(resolving, whatever_allocation_fails_a_question_ends_or_can_be_given_up);
        tcase_add_loop_test(resolving, closing_with_questions_leaves_nothing, 0, 2);
        tcase_set_timeout(resolving, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, resolving);
}
