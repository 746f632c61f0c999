/*
 * core/address: what text is an address, its canonical form, and a sentence for each mistake.
 */
#include "core/address.h"
#include "core/error.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What goes over the wire. */
enum { SENTENCE_MAX = 95 };

static Address parse(const char *text)
{
        Address address;

        ck_assert_msg(address_parse(text, &address) == 0, "%s", error_text());
        return address;
}

static const struct Good {
        const char *text, *canonical;
} good[] = {
        {"tcp:192.0.2.1:80", "tcp:192.0.2.1:80"},
        {"udp:192.0.2.1:53", "udp:192.0.2.1:53"},
        {"tcp:[2001:DB8:0::1]:0443", "tcp:[2001:db8::1]:443"},
        {"tcp:[::]:0", "tcp:[::]:0"},
        {"tcp:[::ffff:192.0.2.1]:80", "tcp:192.0.2.1:80"},
        {"tcp:[fe80::1%lo]:80", "tcp:[fe80::1%lo]:80"},
        {"tcp:[fe80::1%1]:80", "tcp:[fe80::1%lo]:80"},
        {"udp:[ff02::1%4294967295]:1", "udp:[ff02::1%4294967295]:1"},
        {"tcp:*:65535", "tcp:*:65535"},
        {"tcp:0.0.0.0:1", "tcp:0.0.0.0:1"},
        {"tcp:Example.ORG:443", "tcp:example.org:443"},
        {"tcp:example.org.:1", "tcp:example.org:1"},
        {"tcp:_srv.1-2.x--n.org:1", "tcp:_srv.1-2.x--n.org:1"},
        {"tcp:localhost:1", "tcp:localhost:1"},
        {"tcp:1.2.3.example:1", "tcp:1.2.3.example:1"},
        {"tcp:0xfg:1", "tcp:0xfg:1"},
        {"unix:/run/app/socket", "unix:/run/app/socket"},
        {"unix:/run/a b:c/...x", "unix:/run/a b:c/...x"},
        {"unix:@name", "unix:@name"},
        {"unix:@../x//", "unix:@../x//"},
};

START_TEST(an_address_has_one_canonical_form)
{
        char text[ADDRESS_TEXT_MAX];
        Address address = parse(good[_i].text), again;

        address_format(&address, text);
        ck_assert_str_eq(text, good[_i].canonical);
        again = parse(text);
        ck_assert_mem_eq(&address, &again, sizeof(address));
}
END_TEST

/* ---- what the parts become ---- */

START_TEST(a_number_becomes_a_socket_address)
{
        Address v4 = parse("udp:192.0.2.1:53"), v6 = parse("tcp:[fe80::1%lo]:80");

        ck_assert_int_eq(v4.kind, ADDRESS_UDP);
        ck_assert_int_eq(v4.host_is, ADDRESS_NUMBER);
        ck_assert_str_eq(v4.host, "192.0.2.1");
        ck_assert_uint_eq(v4.port, 53);
        ck_assert_uint_eq(v4.size, sizeof(struct sockaddr_in));
        ck_assert_int_eq(v4.socket_address.v4.sin_family, AF_INET);
        ck_assert_uint_eq(v4.socket_address.v4.sin_port, htons(53));
        ck_assert_uint_eq(v4.socket_address.v4.sin_addr.s_addr, htonl(0xc0000201));

        ck_assert_int_eq(v6.kind, ADDRESS_TCP);
        ck_assert_int_eq(v6.host_is, ADDRESS_NUMBER);
        ck_assert_str_eq(v6.host, "fe80::1%lo");
        ck_assert_uint_eq(v6.size, sizeof(struct sockaddr_in6));
        ck_assert_int_eq(v6.socket_address.v6.sin6_family, AF_INET6);
        ck_assert_uint_eq(v6.socket_address.v6.sin6_port, htons(80));
        ck_assert_uint_eq(v6.socket_address.v6.sin6_scope_id, 1);
        ck_assert_uint_eq(v6.socket_address.v6.sin6_addr.s6_addr[0], 0xfe);
        ck_assert_uint_eq(v6.socket_address.v6.sin6_addr.s6_addr[15], 1);
}
END_TEST

START_TEST(any_address_is_all_of_ipv6)
{
        Address any = parse("tcp:*:8080");

        ck_assert_int_eq(any.host_is, ADDRESS_ANY);
        ck_assert_uint_eq(any.size, sizeof(struct sockaddr_in6));
        ck_assert_int_eq(any.socket_address.v6.sin6_family, AF_INET6);
        ck_assert_uint_eq(any.socket_address.v6.sin6_port, htons(8080));
        ck_assert(IN6_IS_ADDR_UNSPECIFIED(&any.socket_address.v6.sin6_addr));
}
END_TEST

START_TEST(a_name_is_left_to_the_resolver)
{
        Address name = parse("tcp:WWW.example.org.:80");

        ck_assert_int_eq(name.host_is, ADDRESS_NAME);
        ck_assert_str_eq(name.host, "www.example.org");
        ck_assert_uint_eq(name.port, 80);
        ck_assert_uint_eq(name.size, 0);
}
END_TEST

START_TEST(a_path_and_an_abstract_name_are_as_long_as_the_kernel_wants)
{
        const size_t before = offsetof(struct sockaddr_un, sun_path);
        Address path = parse("unix:/run/s"), name = parse("unix:@name");

        ck_assert_int_eq(path.kind, ADDRESS_UNIX);
        ck_assert_int_eq(path.host_is, ADDRESS_NUMBER);
        ck_assert_str_eq(path.host, "");
        ck_assert_uint_eq(path.size, before + sizeof("/run/s"));
        ck_assert_str_eq(path.socket_address.un.sun_path, "/run/s");
        ck_assert_uint_eq(name.size, before + 5);
        ck_assert_mem_eq(name.socket_address.un.sun_path, "\0name", 5);
}
END_TEST

START_TEST(the_longest_of_each_fits)
{
        char path[128] = "unix:/", name[ADDRESS_TEXT_MAX] = "tcp:", text[ADDRESS_TEXT_MAX];
        Address address;

        memset(path + 6, 'x', 106);
        address = parse(path);
        address_format(&address, text);
        ck_assert_str_eq(text, path);
        path[112] = 'x';
        ck_assert_int_eq(address_parse(path, &address), -EINVAL);

        /* 253 bytes: labels of 63, 63, 63 and 61. */
        memset(name + 4, 'x', 253);
        name[4 + 63] = name[4 + 127] = name[4 + 191] = '.';
        strcpy(name + 4 + 253, ":65535");
        address = parse(name);
        address_format(&address, text);
        ck_assert_str_eq(text, name);
        strcpy(name + 4 + 253, "x:65535");
        ck_assert_int_eq(address_parse(name, &address), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error_text(), "a host's name has at most 253 bytes"));
        ck_assert_uint_le(strlen(error_text()), SENTENCE_MAX);
}
END_TEST

/* ---- mistakes ---- */

#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct Bad {
        const char *text, *sentence;
} bad[] = {
        {"", "address \"\": it begins with tcp:, udp: or unix:"},
        {"80", "address \"80\": it begins with tcp:, udp: or unix:"},
        {"TCP:*:80", "address \"TCP:*:80\": it begins with tcp:, udp: or unix:"},
        {"sctp:*:80", "it begins with tcp:, udp: or unix:"},
        {"tcp:", "it needs a port: HOST:PORT"},
        {"tcp:host", "it needs a port: HOST:PORT"},
        {"tcp:host:", "it needs a port: HOST:PORT"},
        {"tcp:[::1]", "it needs a port: HOST:PORT"},
        {"tcp::80", "it needs a host, or * for any"},
        {"tcp:::1:80", "an IPv6 address needs brackets: [HOST]:PORT"},
        {"tcp:[::1:80", "there is no ] after its ["},
        {"tcp:[::1]x:80", "there is more after its ]"},
        {"tcp:[::1]/64:80", "there is more after its ]"},
        {"tcp:[]:80", "no IPv6 address is between its brackets"},
        {"tcp:[192.0.2.1]:80", "no IPv6 address is between its brackets"},
        {"tcp:[host]:80", "no IPv6 address is between its brackets"},
        {"tcp:[fe80::1%nosuch0]:80", "there is no such network interface"},
        {"tcp:[fe80::1%]:80", "there is no such network interface"},
        {"tcp:[fe80::1%0]:80", "there is no such network interface"},
        {"tcp:[fe80::1%4294967296]:80", "there is no such network interface"},
        {"tcp:[2001:db8::1%lo]:80", "only link-local addresses have a %scope"},
        {"tcp:host:65536", "a port is a number from 0 to 65535"},
        {"tcp:host:000080", "a port is a number from 0 to 65535"},
        {"tcp:host:99999999999999999999", "a port is a number from 0 to 65535"},
        {"tcp:host:-1", "its port has to be a number"},
        {"tcp:host:+1", "its port has to be a number"},
        {"tcp:host: 1", "its port has to be a number"},
        {"tcp:host:80-90", "its port has to be a number"},
        {"tcp:host:*", "its port has to be a number"},
        {"tcp:host:no-such-service", "its port has to be a number"},
        {"tcp:10.0.0.0/8:80", "its host is neither a number nor a name"},
        {"tcp:*.example.org:80", "its host is neither a number nor a name"},
        {"tcp:a..b:80", "its host is neither a number nor a name"},
        {"tcp:.:80", "its host is neither a number nor a name"},
        {"tcp:.a:80", "its host is neither a number nor a name"},
        {"tcp:a..:80", "its host is neither a number nor a name"},
        {"tcp:-a:80", "its host is neither a number nor a name"},
        {"tcp:a-.b:80", "its host is neither a number nor a name"},
        {"tcp:a b:80", "its host is neither a number nor a name"},
        {"tcp:" X63 "x:80", "no part of a host's name has more than 63 bytes"},
        /* Old ways to write numbers, which a policy for names must not be asked about. */
        {"tcp:127.1:80", "its host is neither a number nor a name"},
        {"tcp:2130706433:80", "its host is neither a number nor a name"},
        {"tcp:256.0.0.1:80", "its host is neither a number nor a name"},
        {"tcp:0x7f.1:80", "its host is neither a number nor a name"},
        {"tcp:127.0.0.0X1:80", "its host is neither a number nor a name"},
        {"tcp:127.0.0.1.:80", "its host is neither a number nor a name"},
        {"tcp:a\nb:80", "address: it has to be printable ASCII"},
        {"unix:/a\x80", "address: it has to be printable ASCII"},
        {"unix:", "it needs an absolute path, or @NAME"},
        {"unix:relative", "it needs an absolute path, or @NAME"},
        {"unix:@", "there is no name after its @"},
        {"unix:/run/", "its path ends with /"},
        {"unix:/run//s", "its path has //, /./ or /../ in it"},
        {"unix:/run/./s", "its path has //, /./ or /../ in it"},
        {"unix:/run/app/../s", "its path has //, /./ or /../ in it"},
        {"unix:/run/..", "its path has //, /./ or /../ in it"},
        {"unix:/" X63 X63, "a path has at most 107 bytes"},
};

START_TEST(a_mistake_is_named)
{
        Address address;
        const char *text;

        ck_assert_msg(address_parse(bad[_i].text, &address) == -EINVAL, "it is taken: %s",
                      bad[_i].text);
        text = strstr(error_text(), bad[_i].sentence);
        ck_assert_msg(text != NULL, "it said: %s", error_text());
        ck_assert_str_eq(text, bad[_i].sentence);
        ck_assert_uint_le(strlen(error_text()), SENTENCE_MAX);
}
END_TEST

/* ---- from the kernel ---- */

static void expect_from(AddressKind kind, const void *socket_address, socklen_t size,
                        const char *text)
{
        char formatted[ADDRESS_TEXT_MAX];
        Address address;

        ck_assert_int_eq(address_from_socket(kind, socket_address, size, &address), 0);
        address_format(&address, formatted);
        ck_assert_str_eq(formatted, text);
}

START_TEST(a_socket_address_is_what_its_text_parses_to)
{
        static const char *const texts[] = {
                "tcp:192.0.2.1:80", "udp:[2001:db8::1]:53", "tcp:[fe80::1%lo]:1",
                "tcp:[::]:9",       "unix:/run/app/socket", "unix:@name",
        };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                Address parsed = parse(texts[i]), address;

                ck_assert_int_eq(address_from_socket(parsed.kind, &parsed.socket_address.any,
                                                     parsed.size, &address),
                                 0);
                ck_assert_mem_eq(&address, &parsed, sizeof(address));
        }
}
END_TEST

START_TEST(a_mapped_address_is_ipv4)
{
        struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(80)};

        ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr), 1);
        expect_from(ADDRESS_TCP, &mapped, sizeof(mapped), "tcp:192.0.2.1:80");
}
END_TEST

START_TEST(a_strangers_name_is_printable)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0a\0b\nc\xff"};
        const socklen_t before = offsetof(struct sockaddr_un, sun_path);

        expect_from(ADDRESS_UNIX, &un, before + 7, "unix:@a?b?c?");
        expect_from(ADDRESS_UNIX, &un, before, "unix:");
        /* A path may fill all of it, without a terminating zero. */
        memset(un.sun_path, 'x', sizeof(un.sun_path));
        expect_from(ADDRESS_UNIX, &un, sizeof(un),
                    "unix:" X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}
END_TEST

START_TEST(another_family_is_refused)
{
        struct sockaddr_storage storage = {.ss_family = AF_NETLINK};
        const struct sockaddr *any = (const struct sockaddr *)&storage;
        Address address;

        ck_assert_int_eq(address_from_socket(ADDRESS_TCP, any, sizeof(storage), &address),
                         -EAFNOSUPPORT);
        ck_assert_int_eq(address_from_socket(ADDRESS_UNIX, any, sizeof(storage), &address),
                         -EAFNOSUPPORT);
        storage.ss_family = AF_UNIX;
        ck_assert_int_eq(address_from_socket(ADDRESS_TCP, any, sizeof(storage), &address),
                         -EAFNOSUPPORT);
        storage.ss_family = AF_INET6;
        ck_assert_int_eq(address_from_socket(ADDRESS_TCP, any, 27, &address), -EAFNOSUPPORT);
        storage.ss_family = AF_INET;
        ck_assert_int_eq(address_from_socket(ADDRESS_TCP, any, 15, &address), -EAFNOSUPPORT);
        ck_assert_int_eq(address_from_socket(ADDRESS_TCP, any, 0, &address), -EAFNOSUPPORT);
}
END_TEST

/* ---- anything ---- */

/* Changes a few bytes of a good address: mostly to such as mean something. */
static void mutate(uint64_t *state, char *text, size_t size)
{
        static const char telling[] = ":[]*/%@.-0129afxX\n\x80 udp";
        size_t length = strlen(text);

        for (uint32_t n = random_below(state, 4); n > 0; n--) {
                size_t at = random_below(state, (uint32_t)length + 1);
                char c = telling[random_below(state, sizeof(telling) - 1)];

                switch (random_below(state, 4)) {
                case 0:
                        c = (char)random_below(state, 256);
                        /* fall through */
                case 1:
                        text[at] = at < length ? c : '\0';
                        break;
                case 2:
                        if (at < length)
                                memmove(text + at, text + at + 1, length - at);
                        break;
                default:
                        if (length + 2 < size) {
                                memmove(text + at + 1, text + at, length - at + 1);
                                text[at] = c;
                        }
                }
                length = strlen(text);
        }
}

static bool is_same(const Address *a, const Address *b)
{
        return a->kind == b->kind && a->host_is == b->host_is && a->port == b->port &&
               strcmp(a->host, b->host) == 0 && a->size == b->size &&
               memcmp(&a->socket_address, &b->socket_address, a->size) == 0;
}

START_TEST(whatever_the_text_what_is_taken_comes_back_the_same)
{
        const uint64_t seed = 20261122;
        uint64_t state = seed;
        unsigned taken = 0;

        printf("seed %llu\n", (unsigned long long)seed);
        for (unsigned i = 0; i < 200000; i++) {
                char text[600], formatted[ADDRESS_TEXT_MAX], again_formatted[ADDRESS_TEXT_MAX];
                Address address, again;

                strcpy(text, good[random_below(&state, sizeof(good) / sizeof(good[0]))].text);
                /* Sometimes much longer than anything that is allowed. */
                if (random_below(&state, 16) == 0) {
                        size_t length = strlen(text), more = random_below(&state, 500);

                        memset(text + length, "x.0:/"[random_below(&state, 5)], more);
                        text[length + more] = '\0';
                }
                mutate(&state, text, sizeof(text));
                if (address_parse(text, &address) < 0) {
                        ASSERT_IN_LOOP(strlen(error_text()) <= SENTENCE_MAX);
                        continue;
                }
                taken++;
                address_format(&address, formatted);
                if (address_parse(formatted, &again) < 0)
                        ck_abort_msg("\"%s\" became \"%s\": %s", text, formatted, error_text());
                address_format(&again, again_formatted);
                if (!is_same(&address, &again) || strcmp(formatted, again_formatted) != 0)
                        ck_abort_msg("\"%s\" became \"%s\"", text, formatted);
        }
        ck_assert_uint_gt(taken, 20000);
        ck_assert_uint_lt(taken, 180000);
}
END_TEST

TEST_SUITE(test_address)
{
        TCase *text = tcase_create("text");
        TCase *sockets = tcase_create("sockets");
        TCase *anything = tcase_create("anything");

        tcase_add_loop_test(text, an_address_has_one_canonical_form, 0,
                            (int)(sizeof(good) / sizeof(good[0])));
        tcase_add_test(text, a_number_becomes_a_socket_address);
        tcase_add_test(text, any_address_is_all_of_ipv6);
        tcase_add_test(text, a_name_is_left_to_the_resolver);
        tcase_add_test(text, a_path_and_an_abstract_name_are_as_long_as_the_kernel_wants);
        tcase_add_test(text, the_longest_of_each_fits);
        tcase_add_loop_test(text, a_mistake_is_named, 0, (int)(sizeof(bad) / sizeof(bad[0])));
        suite_add_tcase(suite, text);

        tcase_add_test(sockets, a_socket_address_is_what_its_text_parses_to);
        tcase_add_test(sockets, a_mapped_address_is_ipv4);
        tcase_add_test(sockets, a_strangers_name_is_printable);
        tcase_add_test(sockets, another_family_is_refused);
        suite_add_tcase(suite, sockets);

        tcase_add_test(anything, whatever_the_text_what_is_taken_comes_back_the_same);
        tcase_set_timeout(anything, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, anything);
}
