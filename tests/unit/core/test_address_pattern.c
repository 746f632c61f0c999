/*
 * core/address_pattern: which addresses a pattern matches, and which it must not.
 */
#include "core/address_pattern.h"
#include "core/error.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct Case {
        const char *pattern, *address;
        bool matches;
} cases[] = {
        /* any host */
        {"tcp:*:80", "tcp:192.0.2.1:80", true},
        {"tcp:*:80", "tcp:[2001:db8::1]:80", true},
        {"tcp:*:80", "tcp:example.org:80", true},
        {"tcp:*:80", "tcp:*:80", true},
        {"tcp:*:80", "udp:*:80", false},
        {"tcp:*:80", "tcp:*:81", false},
        {"tcp:*:80", "unix:/run/s", false},
        {"udp:*:domain", "udp:*:53", true},
        /* ports */
        {"tcp:*:*", "tcp:*:0", true},
        {"tcp:*:*", "tcp:*:65535", true},
        {"tcp:*:8080-8090", "tcp:*:8079", false},
        {"tcp:*:8080-8090", "tcp:*:8080", true},
        {"tcp:*:8080-8090", "tcp:*:8090", true},
        {"tcp:*:8080-8090", "tcp:*:8091", false},
        {"tcp:*:0", "tcp:*:0", true},
        {"tcp:*:0", "tcp:*:1", false},
        {"tcp:*:1-65535", "tcp:*:0", false},
        /* names */
        {"tcp:Example.org:80", "tcp:EXAMPLE.org.:80", true},
        {"tcp:example.org:80", "tcp:www.example.org:80", false},
        {"tcp:example.org:80", "tcp:192.0.2.1:80", false},
        {"tcp:example.org:80", "tcp:*:80", false},
        {"tcp:*.example.org:80", "tcp:www.example.org:80", true},
        {"tcp:*.example.org:80", "tcp:a.b.EXAMPLE.org:80", true},
        {"tcp:*.example.org:80", "tcp:example.org:80", false},
        {"tcp:*.example.org:80", "tcp:notexample.org:80", false},
        {"tcp:*.example.org:80", "tcp:www.example.org.evil.net:80", false},
        {"tcp:*.example.org:80", "tcp:192.0.2.1:80", false},
        {"tcp:*.example.org:80", "tcp:*:80", false},
        {"tcp:localhost:80", "tcp:localhost:80", true},
        {"tcp:localhost:80", "tcp:127.0.0.1:80", true},
        {"tcp:localhost:80", "tcp:127.1.2.3:80", true},
        {"tcp:localhost:80", "tcp:[::1]:80", true},
        {"tcp:localhost:80", "tcp:[::ffff:127.0.0.1]:80", true},
        {"tcp:localhost:80", "tcp:127.0.0.1:81", false},
        {"tcp:localhost:80", "tcp:128.0.0.1:80", false},
        {"tcp:localhost:80", "tcp:0.0.0.0:80", false},
        {"tcp:localhost:80", "tcp:[::]:80", false},
        {"tcp:localhost:80", "tcp:*:80", false},
        {"tcp:localhost:80", "tcp:www.localhost:80", false},
        {"tcp:*.localhost:80", "tcp:127.0.0.1:80", false},
        /* numbers and networks */
        {"tcp:192.0.2.1:80", "tcp:192.0.2.1:80", true},
        {"tcp:192.0.2.1:80", "tcp:[::ffff:192.0.2.1]:80", true},
        {"tcp:[::ffff:192.0.2.1]:80", "tcp:192.0.2.1:80", true},
        {"tcp:192.0.2.1:80", "tcp:192.0.2.2:80", false},
        {"tcp:192.0.2.1:80", "tcp:example.org:80", false},
        {"tcp:192.0.2.1:80", "tcp:*:80", false},
        {"tcp:10.0.0.0/8:80", "tcp:10.255.255.255:80", true},
        {"tcp:10.0.0.0/8:80", "tcp:11.0.0.0:80", false},
        {"tcp:10.0.0.0/8:80", "tcp:9.255.255.255:80", false},
        {"tcp:192.0.2.128/25:80", "tcp:192.0.2.128:80", true},
        {"tcp:192.0.2.128/25:80", "tcp:192.0.2.127:80", false},
        {"tcp:192.0.2.2/31:80", "tcp:192.0.2.3:80", true},
        {"tcp:192.0.2.2/31:80", "tcp:192.0.2.4:80", false},
        {"tcp:10.0.0.0/8:80", "tcp:[::a00:1]:80", false},
        {"tcp:[2001:db8::]/32:80", "tcp:[2001:db8:ffff::1]:80", true},
        {"tcp:[2001:db8::]/32:80", "tcp:[2001:db9::]:80", false},
        {"tcp:[2001:db8::1]:80", "tcp:[2001:db8::1]:80", true},
        {"tcp:[2001:db8::1]:80", "tcp:[2001:db8::2]:80", false},
        {"tcp:[::]/0:80", "tcp:[2001:db8::1]:80", true},
        {"tcp:[::]/0:80", "tcp:192.0.2.1:80", false},
        {"tcp:0.0.0.0/0:80", "tcp:192.0.2.1:80", true},
        {"tcp:0.0.0.0/0:80", "tcp:[2001:db8::1]:80", false},
        {"tcp:[::ffff:10.0.0.0]/104:80", "tcp:10.1.2.3:80", true},
        /* a scope */
        {"tcp:[fe80::]/10:80", "tcp:[fe80::1%lo]:80", true},
        {"tcp:[fe80::%lo]/10:80", "tcp:[fe80::1%lo]:80", true},
        {"tcp:[fe80::%77777]/10:80", "tcp:[fe80::1%lo]:80", false},
        {"tcp:[fe80::1%lo]:80", "tcp:[fe80::1]:80", false},
        /* all addresses of a machine, which is more than any network */
        {"tcp:[::]:80", "tcp:*:80", false},
        {"tcp:[::]/0:80", "tcp:*:80", false},
        {"tcp:0.0.0.0/0:80", "tcp:*:80", false},
        {"tcp:[::]:80", "tcp:[::]:80", true},
        {"tcp:*:80", "tcp:[::]:80", true},
        {"tcp:[::]/0:80", "tcp:[::]:80", false},
        {"tcp:[::]/64:80", "tcp:[::]:80", false},
        {"tcp:0.0.0.0:80", "tcp:0.0.0.0:80", true},
        {"tcp:0.0.0.0/0:80", "tcp:0.0.0.0:80", true},
        {"tcp:0.0.0.0/8:80", "tcp:0.0.0.0:80", false},
        {"tcp:[::]:80", "tcp:0.0.0.0:80", false},
        /* paths */
        {"unix:/run/app/socket", "unix:/run/app/socket", true},
        {"unix:/run/app/socket", "unix:/run/app/socket2", false},
        {"unix:/run/app/*", "unix:/run/app/socket", true},
        {"unix:/run/app/*", "unix:/run/app/a/b", true},
        {"unix:/run/app/*", "unix:/run/apple", false},
        {"unix:/run/app*", "unix:/run/apple", true},
        {"unix:/run/app/s", "unix:@/run/app/s", false},
        {"unix:@app-*", "unix:@app-1", true},
        {"unix:@app-*", "unix:/app-1", false},
        {"unix:@app", "unix:@app", true},
        {"unix:@app", "unix:/app", false},
        {"unix:@*", "unix:@x", true},
        {"unix:@*", "unix:/x", false},
        {"unix:*", "unix:@x", true},
        {"unix:*", "unix:/x", true},
        {"unix:*", "tcp:*:80", false},
};

START_TEST(a_pattern_matches_what_it_says_and_nothing_else)
{
        AddressPattern pattern;
        Address address;

        ck_assert_msg(address_pattern_parse(cases[_i].pattern, &pattern) == 0, "%s", error_text());
        ck_assert_msg(address_parse(cases[_i].address, &address) == 0, "%s", error_text());
        ck_assert_msg(address_pattern_matches(&pattern, &address) == cases[_i].matches, "%s %s %s",
                      cases[_i].pattern, cases[_i].matches ? "does not match" : "matches",
                      cases[_i].address);
}
END_TEST

static const struct Bad {
        const char *text, *sentence;
} bad[] = {
        {"tcp", "pattern \"tcp\": it begins with tcp:, udp: or unix:"},
        {"*", "it begins with tcp:, udp: or unix:"},
        {"tcp:*", "it needs a port: HOST:PORT"},
        {"tcp:*:", "it needs a port: HOST:PORT"},
        {"tcp:*:90-80", "its range of ports ends before it begins"},
        {"tcp:*:80-", "it needs a port: HOST:PORT"},
        {"tcp:*:80-65536", "a port is a number from 0 to 65535"},
        {"tcp:*:65536-65537", "a port is a number from 0 to 65535"},
        {"tcp:*:80-90-100", "its port is neither a number nor a service's name"},
        {"tcp:*:80,90", "its port is neither a number nor a service's name"},
        {"tcp:**:80", "its host is neither a number nor a name"},
        {"tcp:*.:80", "its host is neither a number nor a name"},
        {"tcp:*.*.org:80", "its host is neither a number nor a name"},
        {"tcp:www.*:80", "its host is neither a number nor a name"},
        {"tcp:*.0.0.1:80", "its host is neither a number nor a name"},
        {"tcp:10.0.0.0/33:80", "it has more bits after its / than an address has"},
        {"tcp:[::]/129:80", "it has more bits after its / than an address has"},
        {"tcp:10.0.0.0/:80", "after its / comes a number of bits"},
        {"tcp:10.0.0.0/8/9:80", "after its / comes a number of bits"},
        {"tcp:10.0.0.0/-8:80", "after its / comes a number of bits"},
        {"tcp:10.0.0.0/0008:80", "after its / comes a number of bits"},
        {"tcp:10.0.0.1/8:80", "its address has bits set after its prefix"},
        {"tcp:[2001:db8::1]/32:80", "its address has bits set after its prefix"},
        {"tcp:example.org/8:80", "only a number has a / with a number of bits"},
        {"unix:/run/../*", "its path has //, /./ or /../ in it"},
        {"unix:run/*", "it needs an absolute path, or @NAME"},
        {"unix:", "it needs an absolute path, or @NAME"},
        {"tcp:*:\t", "pattern: it has to be printable ASCII"},
};

START_TEST(a_mistake_is_named)
{
        AddressPattern pattern;
        const char *text;

        ck_assert_int_eq(address_pattern_parse(bad[_i].text, &pattern), -EINVAL);
        text = strstr(error_text(), bad[_i].sentence);
        ck_assert_msg(text != NULL, "it said: %s", error_text());
        ck_assert_str_eq(text, bad[_i].sentence);
}
END_TEST

/* The neighbour differs in the last bit of the prefix. */
START_TEST(random_numbers_match_themselves_and_the_networks_around_them)
{
        const uint64_t seed = 20261122;
        uint64_t state = seed;

        printf("seed %llu\n", (unsigned long long)seed);
        for (unsigned i = 0; i < 20000; i++) {
                uint32_t number = (uint32_t)random_next(&state) | 1;
                unsigned bits = 1 + random_below(&state, 32);
                uint32_t mask = UINT32_MAX << (32 - bits), network = number & mask;
                uint32_t other = number ^ 1U << (32 - bits);
                char text[ADDRESS_TEXT_MAX];
                AddressPattern pattern;
                Address inside, outside;

                snprintf(text, sizeof(text), "tcp:%u.%u.%u.%u/%u:*", network >> 24,
                         network >> 16 & 255, network >> 8 & 255, network & 255, bits);
                ASSERT_IN_LOOP(address_pattern_parse(text, &pattern) == 0);
                snprintf(text, sizeof(text), "tcp:%u.%u.%u.%u:80", number >> 24, number >> 16 & 255,
                         number >> 8 & 255, number & 255);
                ASSERT_IN_LOOP(address_parse(text, &inside) == 0);
                snprintf(text, sizeof(text), "tcp:%u.%u.%u.%u:80", other >> 24, other >> 16 & 255,
                         other >> 8 & 255, other & 255);
                ASSERT_IN_LOOP(address_parse(text, &outside) == 0);
                ASSERT_IN_LOOP(address_pattern_matches(&pattern, &inside));
                ASSERT_IN_LOOP(!address_pattern_matches(&pattern, &outside));
        }
}
END_TEST

START_TEST(no_text_is_too_strange)
{
        static const char telling[] = "tcp:udp:unix:[]*/%@.-0129afx";
        const uint64_t seed = 20261123;
        uint64_t state = seed;
        unsigned taken = 0;

        printf("seed %llu\n", (unsigned long long)seed);
        for (unsigned i = 0; i < 200000; i++) {
                AddressPattern pattern;
                char text[600];
                size_t length;

                strcpy(text, cases[random_below(&state, sizeof(cases) / sizeof(cases[0]))].pattern);
                length = strlen(text);
                for (uint32_t n = random_below(&state, 4); n > 0; n--)
                        text[random_below(&state, (uint32_t)length)] =
                                telling[random_below(&state, sizeof(telling) - 1)];
                if (random_below(&state, 16) == 0) {
                        size_t more = random_below(&state, 500);

                        memset(text + length, "x.0:/"[random_below(&state, 5)], more);
                        text[length + more] = '\0';
                }
                if (address_pattern_parse(text, &pattern) == 0)
                        taken++;
                else
                        ASSERT_IN_LOOP(strlen(error_text()) <= 95);
        }
        ck_assert_uint_gt(taken, 20000);
}
END_TEST

TEST_SUITE(test_address_pattern)
{
        TCase *patterns = tcase_create("patterns");

        tcase_add_loop_test(patterns, a_pattern_matches_what_it_says_and_nothing_else, 0,
                            (int)(sizeof(cases) / sizeof(cases[0])));
        tcase_add_loop_test(patterns, a_mistake_is_named, 0, (int)(sizeof(bad) / sizeof(bad[0])));
        tcase_add_test(patterns, random_numbers_match_themselves_and_the_networks_around_them);
        tcase_add_test(patterns, no_text_is_too_strange);
        tcase_set_timeout(patterns, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, patterns);
}
