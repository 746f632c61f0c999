/*
 * daemon/connector: the first address that answers wins, in RFC 8305's order; whatever fails is
 * said with its name; nothing stays open.
 */
#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/connect/connector.h"
#include "daemon/connect/name_lookup.h"
#include "daemon/loop/loop.h"
#include "tests/support/deadline.h"
#include "tests/support/dns_server.h"
#include "tests/support/fixture.h"
#include "tests/support/own_network.h"
#include "tests/support/scale.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
        /* Accepts too, but for a connector that has to find another in time. */
        BACKLOG = 64,
        SHORT_MS = 300,
        STREAMS_LOOKED_FOR = 1024,
};

typedef struct Outcome {
        int calls;
        int result; /* 0: connected */
        int fd;
        char peer[ADDRESS_TEXT_MAX];
        char sentence[ERROR_TEXT_MAX];
} Outcome;

static const DnsRecord records[] = {
        {"four.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.1"}},
        {"four.test", DNS_AAAA, DNS_ANSWERS, 0, {NULL}},
        {"six.test", DNS_AAAA, DNS_ANSWERS, 0, {"::1"}},
        {"both.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.1"}},
        {"both.test", DNS_AAAA, DNS_ANSWERS, 0, {"::1"}},
        {"second.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.2", "127.0.0.3", "127.0.0.1"}},
        {"mapped.test", DNS_AAAA, DNS_ANSWERS, 0, {"::ffff:127.0.0.1"}},
        {"nowhere.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.2", "127.0.0.3"}},
        {"blocked.test", DNS_A, DNS_ANSWERS, 0, {"0.0.0.0"}},
        {"blocked.test", DNS_AAAA, DNS_ANSWERS, 0, {"::"}},
        {"empty.test", DNS_A, DNS_ANSWERS, 0, {NULL}},
        {"empty.test", DNS_AAAA, DNS_ANSWERS, 0, {NULL}},
        {"failing.test", DNS_A, DNS_SERVER_FAILS, 0, {NULL}},
        {"failing.test", DNS_AAAA, DNS_SERVER_FAILS, 0, {NULL}},
        {"half.test", DNS_A, DNS_REFUSES, 0, {NULL}},
        {"half.test", DNS_AAAA, DNS_ANSWERS, 0, {NULL}},
        {"other-half.test", DNS_A, DNS_ANSWERS, 100, {NULL}},
        {"other-half.test", DNS_AAAA, DNS_REFUSES, 0, {NULL}},
        {"mixed.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.2"}},
        {"mixed.test", DNS_AAAA, DNS_ANSWERS, 200, {"::1"}},
        {"silent.test", DNS_A, DNS_SILENT, 0, {NULL}},
        {"*.silent.test", DNS_A, DNS_SILENT, 0, {NULL}},
        {"*.silent.test", DNS_AAAA, DNS_SILENT, 0, {NULL}},
        {"silent.test", DNS_AAAA, DNS_SILENT, 0, {NULL}},
        {"garbage.test", DNS_A, DNS_SENDS_GARBAGE, 0, {NULL}},
        {"garbage.test", DNS_AAAA, DNS_SENDS_GARBAGE, 0, {NULL}},
        {"forged.test", DNS_A, DNS_WRONG_ID, 0, {"127.0.0.1"}},
        {"forged.test", DNS_AAAA, DNS_WRONG_NAME, 0, {"::1"}},
        {"late.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.1"}},
        {"late.test", DNS_AAAA, DNS_ANSWERS, 10, {"::1"}},
        {"half-silent.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.1"}},
        {"half-silent.test", DNS_AAAA, DNS_SILENT, 0, {NULL}},
        {"later.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.1"}},
        {"later.test", DNS_AAAA, DNS_ANSWERS, 400, {"::1"}},
        {"many.test",
         DNS_A,
         DNS_ANSWERS,
         0,
         {"127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4", "127.0.1.5", "127.0.1.6", "127.0.1.7",
          "127.0.1.8", "127.0.1.9", "127.0.1.10", "127.0.1.11", "127.0.1.12", "127.0.1.13",
          "127.0.1.14", "127.0.1.15", "127.0.1.16", "127.0.1.17"}},
};

static Loop loop;
static BlockingPool *pool;
static LoopEvent *woken;
static Connector *connector;
static DnsServer dns;
static int v4_listener;
static int v6_listener;
static unsigned port;

/* A listener of each family, on one port. */
static bool open_listeners(void)
{
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        socklen_t size = sizeof(v4);

        v4_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        v6_listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(v4_listener, (struct sockaddr *)&v4, sizeof(v4)), 0);
        ck_assert_int_eq(getsockname(v4_listener, (struct sockaddr *)&v4, &size), 0);
        v6.sin6_port = v4.sin_port;
        port = ntohs(v4.sin_port);
        if (bind(v6_listener, (struct sockaddr *)&v6, sizeof(v6)) == 0) {
                ck_assert_int_eq(listen(v4_listener, BACKLOG), 0);
                ck_assert_int_eq(listen(v6_listener, BACKLOG), 0);
                return true;
        }
        close(v4_listener);
        close(v6_listener);
        return false;
}

/* The connector's sockets, and the test's own. Names are asked for over others. */
static size_t count_streams(void)
{
        size_t n = 0;

        for (int fd = 0; fd < STREAMS_LOOKED_FOR; fd++) {
                int type = 0;
                socklen_t size = sizeof(type);

                n += getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
        }
        return n;
}

static void on_woken(evutil_socket_t fd, short what, void *data)
{
        eventfd_t value;

        (void)what;
        (void)data;
        eventfd_read(fd, &value);
        blocking_pool_collect(pool);
}

static void open_connector(void)
{
        Address server;

        address_from_socket(ADDRESS_UDP, (struct sockaddr *)&dns.socket_address,
                            sizeof(dns.socket_address), &server);
        ck_assert_int_eq(connector_open(&connector, &loop, pool, &server, 1), 0);
}

static void set_up(void)
{
        ck_assert_int_eq(loop_open(&loop), 0);
        ck_assert_int_eq(blocking_pool_open(&pool, loop.wake_fd), 0);
        woken = loop_event_new(&loop, loop.wake_fd, EV_READ | EV_PERSIST, on_woken, NULL);
        ck_assert_int_eq(loop_event_add(woken, NULL), 0);
        ck_assert(WAIT_UNTIL(open_listeners(), DEADLINE_MS));
        dns_server_start(&dns, records, sizeof(records) / sizeof(records[0]));
        open_connector();
}

static void tear_down(void)
{
        connector = connector_close(connector);
        /* Calls that wait for a silent server are left behind. */
        blocking_pool_close(pool);
        loop_event_free(woken);
        loop_close(&loop);
        dns_server_stop(&dns);
        close(v4_listener);
        close(v6_listener);
}

/* From here on nobody gets an answer from this listener: its queue is full. */
static void fill_backlog(int listener)
{
        struct sockaddr_storage address;
        socklen_t size = sizeof(address);
        int fd;

        ck_assert_int_eq(listen(listener, 0), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
        do {
                fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                (void)connect(fd, (struct sockaddr *)&address, size);
        } while (wait_writable(fd, 20));
        /* It would ask again, and take a place that gets free. */
        close(fd);
}

static void on_done(void *data, int take_fd, const Address *peer)
{
        Outcome *outcome = data;

        outcome->calls++;
        outcome->fd = take_fd;
        outcome->result = take_fd < 0 ? take_fd : 0;
        if (take_fd >= 0)
                address_format(peer, outcome->peer);
        else
                snprintf(outcome->sentence, sizeof(outcome->sentence), "%s", error_text());
}

static Connecting *start_for(uid_t uid, Outcome *outcome, const char *host, unsigned ms,
                             ConnectorAllowed allowed)
{
        Connecting *connecting = NULL;
        Address address;
        char text[ADDRESS_TEXT_MAX];

        *outcome = (Outcome){.fd = -1};
        snprintf(text, sizeof(text), "tcp:%s:%u", host, port);
        ck_assert_msg(address_parse(text, &address) == 0, "%s: %s", text, error_text());
        ck_assert_int_eq(connector_start(connector, uid, &address, ms, allowed, on_done, outcome,
                                         &connecting),
                         0);
        ck_assert_ptr_nonnull(connecting);
        return connecting;
}

static Connecting *start(Outcome *outcome, const char *host, unsigned ms, ConnectorAllowed allowed)
{
        return start_for(getuid(), outcome, host, ms, allowed);
}

static void turn(void)
{
        const struct timeval soon = {.tv_usec = 1000};

        event_base_loopexit(loop.base, &soon);
        event_base_dispatch(loop.base);
}

#define TURN_UNTIL(condition)                                                                      \
        do {                                                                                       \
                Deadline turn_until_end_ = deadline_in(DEADLINE_MS);                               \
                while (!(condition) && deadline_left(turn_until_end_) > 0)                         \
                        turn();                                                                    \
                ck_assert_msg(condition, "%s did not come", #condition);                           \
        } while (0)

static Outcome connect_to(const char *host, unsigned ms, ConnectorAllowed allowed)
{
        Outcome outcome;

        start(&outcome, host, ms, allowed);
        ck_assert_int_eq(outcome.calls, 0);
        TURN_UNTIL(outcome.calls > 0);
        ck_assert_int_eq(outcome.calls, 1);
        return outcome;
}

static void check_peer(Outcome *outcome, const char *host)
{
        char expected[ADDRESS_TEXT_MAX];

        snprintf(expected, sizeof(expected), "tcp:%s:%u", host, port);
        ck_assert_msg(outcome->result == 0, "%s", outcome->sentence);
        ck_assert_str_eq(outcome->peer, expected);
        ck_assert_int_eq(fcntl(outcome->fd, F_GETFD), FD_CLOEXEC);
        ck_assert(fcntl(outcome->fd, F_GETFL) & O_NONBLOCK);
        ck_assert_int_eq(write(outcome->fd, "x", 1), 1);
        close(STEAL_FD(outcome->fd));
}

/* Whether somebody connected to a listener; takes the connection. */
static bool was_reached(int listener)
{
        CLEANUP(cleanup_close) int fd = accept(listener, NULL, NULL);

        return fd >= 0;
}

static const struct {
        const char *host;
        const char *peer;
} reachable[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"[::1]", "[::1]"},
        {"four.test", "127.0.0.1"},
        {"FOUR.test", "127.0.0.1"},
        {"six.test", "[::1]"},
        {"both.test", "[::1]"},
        {"second.test", "127.0.0.1"},
        {"mapped.test", "127.0.0.1"},
        {"half-silent.test", "127.0.0.1"},
        {"localhost", NULL},
};

START_TEST(what_can_be_reached_is_connected)
{
        Outcome outcome = connect_to(reachable[_i].host, 0, NULL);

        const char *peer = reachable[_i].peer;

        /* A name that takes long may have the first family that answers. */
        if (!peer || (runs_under_valgrind() && strcmp(reachable[_i].host, "both.test") == 0))
                peer = strstr(outcome.peer, "::1") ? "[::1]" : "127.0.0.1";
        check_peer(&outcome, peer);
}
END_TEST

static const struct {
        const char *host;
        int result;
        const char *sentence; /* NULL: that of either family */
} unreachable[] = {
        {"127.0.0.2", -ECONNREFUSED, "Connection refused: tcp:127.0.0.2:%u"},
        {"nowhere.test", -ECONNREFUSED, "Connection refused: tcp:127.0.0.3:%u of nowhere.test"},
        {"missing.test", -ENOENT, "no such name: missing.test"},
        {"empty.test", -ENOENT, "no address: empty.test"},
        {"blocked.test", -EADDRNOTAVAIL, NULL},
        {"0.0.0.0", -EADDRNOTAVAIL, "no address to connect to: tcp:0.0.0.0:%u"},
        {"[::]", -EADDRNOTAVAIL, "no address to connect to: tcp:[::]:%u"},
        {"[::ffff:0.0.0.0]", -EADDRNOTAVAIL, "no address to connect to: tcp:0.0.0.0:%u"},
        {"failing.test", -EAGAIN, "its name servers failed: failing.test"},
        {"half.test", -EAGAIN, "its name servers failed: half.test"},
        {"other-half.test", -EAGAIN, "its name servers failed: other-half.test"},
        {"silent.test", -ETIMEDOUT, "not resolved within 300 ms: silent.test"},
        {"garbage.test", -ETIMEDOUT, "not resolved within 300 ms: garbage.test"},
        {"forged.test", -ETIMEDOUT, "not resolved within 300 ms: forged.test"},
};

START_TEST(what_cannot_be_reached_is_said)
{
        char expected[ERROR_TEXT_MAX];
        Outcome outcome;
        size_t before;

        connect_to("missing.test", 0, NULL);
        before = count_streams();
        outcome = connect_to(unreachable[_i].host,
                             unreachable[_i].result == -ETIMEDOUT ? SHORT_MS : 0, NULL);
        if (unreachable[_i].sentence) {
                snprintf(expected, sizeof(expected), unreachable[_i].sentence, port);
                ck_assert_str_eq(outcome.sentence, expected);
        }
        ck_assert_int_eq(outcome.result, unreachable[_i].result);
        ck_assert_uint_eq(count_streams(), before);
}
END_TEST

static const struct {
        const char *address;
        int result;
} refused[] = {
        {"tcp:127.0.0.1:0", -EINVAL},
        {"tcp:four.test:0", -EINVAL},
        {"tcp:*:80", -EINVAL},
        {"udp:127.0.0.1:53", -EAFNOSUPPORT},
        {"unix:/run/some/socket", -EAFNOSUPPORT},
        {"unix:@some", -EAFNOSUPPORT},
};

START_TEST(what_is_no_address_to_connect_to_is_refused)
{
        Connecting *connecting = NULL;
        Outcome outcome = {.calls = 0};
        Address address;

        ck_assert_int_eq(address_parse(refused[_i].address, &address), 0);
        ck_assert_int_eq(connector_start(connector, getuid(), &address, 0, NULL, on_done, &outcome,
                                         &connecting),
                         refused[_i].result);
        ck_assert_uint_gt(strlen(error_text()), 0);
        turn();
        ck_assert_int_eq(outcome.calls, 0);
        ck_assert_ptr_null(connecting);
}
END_TEST

enum { ONLY_PORT = 40002 };

/* In a network where the only port to connect from is the one to connect to. */
static int connect_to_itself(void *data)
{
        char expected[ERROR_TEXT_MAX];
        Outcome outcome;

        port = ONLY_PORT;
        ck_assert_int_eq(loop_open(&loop), 0);
        ck_assert_int_eq(connector_open(&connector, &loop, pool, NULL, 0), 0);
        outcome = connect_to(data, 0, NULL);
        snprintf(expected, sizeof(expected), "Connection refused: tcp:%s:%u", (char *)data, port);
        if (outcome.result < 0)
                ck_assert_str_eq(outcome.sentence, expected);
        return -outcome.result;
}

static const char *const own_hosts[] = {"127.0.0.1", "[::1]"};

START_TEST(a_connection_to_itself_is_none)
{
        int error = own_network_run(ONLY_PORT, connect_to_itself, (void *)own_hosts[_i]);

        if (runs_under_valgrind())
                SKIP_TEST("valgrind judges a child by what its parent has");
        if (error < 0)
                SKIP_TEST("there is no network namespace for this test");
        if (error == EADDRNOTAVAIL && _i == 1)
                SKIP_TEST("there is no IPv6 here");
        ck_assert_int_eq(error, ECONNREFUSED);
}
END_TEST

START_TEST(ipv6_that_answers_leaves_ipv4_alone)
{
        Outcome outcome;

        if (runs_under_valgrind())
                SKIP_TEST("under valgrind a name may take longer than IPv6 has before IPv4");
        outcome = connect_to("both.test", 0, NULL);
        check_peer(&outcome, "[::1]");
        ck_assert(was_reached(v6_listener));
        ck_assert(!was_reached(v4_listener));
}
END_TEST

START_TEST(ipv6_that_does_not_answer_is_overtaken_by_ipv4)
{
        Outcome outcome;
        size_t before;
        bool waited = false;

        connect_to("missing.test", 0, NULL);
        fill_backlog(v6_listener);
        before = count_streams();
        start(&outcome, "both.test", 0, NULL);
        /* One socket first, then another, and the second wins. */
        TURN_UNTIL((waited |= count_streams() == before + 1 && outcome.calls == 0) ||
                   outcome.calls);
        ck_assert(waited);
        ck_assert(!was_reached(v4_listener));
        TURN_UNTIL(outcome.calls == 1);
        ck_assert_uint_eq(count_streams(), before + 1);
        check_peer(&outcome, "127.0.0.1");
}
END_TEST

START_TEST(an_attempt_that_was_overtaken_can_still_win)
{
        Outcome outcome;
        size_t before;

        connect_to("missing.test", 0, NULL);
        fill_backlog(v6_listener);
        fill_backlog(v4_listener);
        before = count_streams();
        start(&outcome, "both.test", 0, NULL);
        TURN_UNTIL(count_streams() == before + 2);
        ck_assert_int_eq(outcome.calls, 0);
        /* Room in the first one's queue: the kernel tries again within seconds. */
        while (was_reached(v6_listener))
                ;
        TURN_UNTIL(outcome.calls == 1);
        ck_assert_uint_eq(count_streams(), before + 1);
        check_peer(&outcome, "[::1]");
}
END_TEST

START_TEST(ipv6_is_waited_for_a_moment)
{
        bool won = false;

        /* On a busy machine the answer may come later than the moment lasts. */
        for (int i = 0; i < 50 && !won; i++) {
                Outcome outcome = connect_to("late.test", 0, NULL);

                ck_assert_int_eq(outcome.result, 0);
                won = strstr(outcome.peer, "[::1]") != NULL;
                close(outcome.fd);
        }
        ck_assert(won);
}
END_TEST

START_TEST(a_late_ipv6_answer_still_counts)
{
        Outcome outcome;

        fill_backlog(v4_listener);
        outcome = connect_to("later.test", 0, NULL);
        check_peer(&outcome, "[::1]");
}
END_TEST

START_TEST(nobody_who_answers_ends_at_the_deadline)
{
        char expected[ERROR_TEXT_MAX];
        Outcome outcome;
        size_t before;

        connect_to("missing.test", 0, NULL);
        fill_backlog(v6_listener);
        fill_backlog(v4_listener);
        before = count_streams();
        outcome = connect_to("[::1]", SHORT_MS, NULL);
        snprintf(expected, sizeof(expected), "no answer within 300 ms: tcp:[::1]:%u", port);
        ck_assert_str_eq(outcome.sentence, expected);
        ck_assert_int_eq(outcome.result, -ETIMEDOUT);
        outcome = connect_to("both.test", 2 * SHORT_MS, NULL);
        /* The one that was tried last; a name that takes long may have either family first. */
        snprintf(expected, sizeof(expected), "no answer within 600 ms: tcp:%s:%u of both.test",
                 runs_under_valgrind() && strstr(outcome.sentence, "::1") ? "[::1]" : "127.0.0.1",
                 port);
        ck_assert_str_eq(outcome.sentence, expected);
        ck_assert_uint_eq(count_streams(), before);
}
END_TEST

static int questions_of_allowed;

static int refuse_all(void *data, const Address *address)
{
        (void)data;
        questions_of_allowed++;
        return error_set(EACCES, "no rule for %s", address->host);
}

static int allow_v4(void *data, const Address *address)
{
        (void)data;
        ck_assert_uint_eq(address->port, port);
        if (address->socket_address.any.sa_family == AF_INET)
                return 0;
        return error_set(EACCES, "no rule for IPv6");
}

static int allow_second(void *data, const Address *address)
{
        (void)data;
        if (strcmp(address->host, "127.0.0.3") == 0)
                return 0;
        return error_set(EACCES, "no rule for %s", address->host);
}

static int allow_all(void *data, const Address *address)
{
        (void)data;
        (void)address;
        questions_of_allowed++;
        return 0;
}

START_TEST(only_so_many_addresses_are_tried)
{
        Outcome outcome = connect_to("many.test", 0, allow_all);

        ck_assert_ptr_nonnull(strstr(outcome.sentence, "Connection refused: tcp:127.0.1."));
        ck_assert_int_ge(questions_of_allowed, CONNECT_ADDRESSES_MAX);
        /* On a slow machine the name is asked for twice, and what it has is asked about again. */
        ck_assert_int_le(questions_of_allowed, 2 * CONNECT_ADDRESSES_MAX);
}
END_TEST

START_TEST(only_so_many_attempts_are_open_at_once)
{
        struct sockaddr_in any = {.sin_family = AF_INET};
        socklen_t size = sizeof(any);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        Deadline end = deadline_in(DEADLINE_MS);
        Outcome outcome;
        size_t before, open, most = 0;

        ck_assert_int_eq(bind(listener, (struct sockaddr *)&any, sizeof(any)), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&any, &size), 0);
        fill_backlog(listener);
        /* That opens the socket to the name server. */
        outcome = connect_to("four.test", 0, NULL);
        close(outcome.fd);
        port = ntohs(any.sin_port);
        before = count_streams();
        /* Time for six attempts or seven, none of which is answered. */
        start(&outcome, "many.test", 1700, NULL);
        while (outcome.calls == 0 && deadline_left(end) > 0) {
                turn();
                open = count_streams() - before;
                most = open > most ? open : most;
        }
        ck_assert_int_eq(outcome.result, -ETIMEDOUT);
        ck_assert_uint_eq(most, CONNECTOR_SOCKETS_MAX);
        close(listener);
}
END_TEST

START_TEST(addresses_that_are_not_allowed_are_passed_over)
{
        char expected[ERROR_TEXT_MAX];
        Outcome outcome = connect_to("both.test", 0, allow_v4);

        check_peer(&outcome, "127.0.0.1");
        ck_assert(!was_reached(v6_listener));
        /* An IPv4 address is one in any clothes. */
        outcome = connect_to("mapped.test", 0, allow_v4);
        check_peer(&outcome, "127.0.0.1");

        outcome = connect_to("second.test", 0, refuse_all);
        ck_assert_int_eq(questions_of_allowed, 3);
        ck_assert_int_eq(outcome.result, -EACCES);
        ck_assert_ptr_nonnull(strstr(outcome.sentence, "no rule for 127.0.0."));
        outcome = connect_to("127.0.0.1", 0, refuse_all);
        ck_assert_int_eq(outcome.result, -EACCES);

        /* What was tried tells more than what was not. */
        outcome = connect_to("second.test", 0, allow_second);
        snprintf(expected, sizeof(expected), "Connection refused: tcp:127.0.0.3:%u of second.test",
                 port);
        ck_assert_str_eq(outcome.sentence, expected);
        outcome = connect_to("mixed.test", 0, allow_v4);
        snprintf(expected, sizeof(expected), "Connection refused: tcp:127.0.0.2:%u of mixed.test",
                 port);
        ck_assert_str_eq(outcome.sentence, expected);
}
END_TEST

START_TEST(a_silent_name_delays_only_who_asked)
{
        enum { SILENT = 500 };
        static Outcome silent[SILENT];
        Outcome outcome;

        for (int i = 0; i < SILENT; i++) {
                char host[32];

                snprintf(host, sizeof(host), "%d.silent.test", i);
                start_for(getuid() + 1, &silent[i], host, 0, NULL);
        }
        TURN_UNTIL(atomic_load(&dns.questions) >= BLOCKING_THREADS_MAX / 2);
        outcome = connect_to("four.test", 0, NULL);
        check_peer(&outcome, "127.0.0.1");
        for (int i = 0; i < SILENT; i++)
                ck_assert_int_eq(silent[i].calls, 0);
}
END_TEST

/* Where a connection is when it is cancelled. */
static const struct {
        const char *host;
        unsigned questions; /* or more: an answer that is late is asked for again */
        size_t sockets;
} stages[] = {
        {"127.0.0.1", 0, 0}, {"both.test", 0, 0}, {"silent.test", 2, 0},      {"[::1]", 0, 1},
        {"both.test", 2, 1}, {"both.test", 2, 2}, {"half-silent.test", 3, 1},
};

START_TEST(cancelling_ends_it_without_a_word_at_any_stage)
{
        Connecting *connecting;
        Outcome outcome, other;
        unsigned asked;
        size_t before;

        connect_to("missing.test", 0, NULL);
        fill_backlog(v6_listener);
        fill_backlog(v4_listener);
        before = count_streams();
        asked = atomic_load(&dns.questions);
        connecting = start(&outcome, stages[_i].host, 0, NULL);
        if (stages[_i].questions + stages[_i].sockets > 0)
                TURN_UNTIL(atomic_load(&dns.questions) >= asked + stages[_i].questions &&
                           count_streams() == before + stages[_i].sockets);
        connector_cancel(connecting);
        /* The C library may have one of its own for a moment, to a cache of names. */
        TURN_UNTIL(count_streams() == before);
        /* A number is answered from the loop meanwhile, but nobody is told of this one. */
        other = connect_to("four.test", SHORT_MS, NULL);
        cleanup_close(&other.fd);
        ck_assert_int_eq(outcome.calls, 0);
        TURN_UNTIL(count_streams() == before);
}
END_TEST

START_TEST(closing_ends_it_without_a_word_at_any_stage)
{
        Outcome outcome;
        unsigned asked = atomic_load(&dns.questions);
        size_t before;

        fill_backlog(v6_listener);
        fill_backlog(v4_listener);
        before = count_streams();
        start(&outcome, stages[_i].host, 0, NULL);
        if (stages[_i].questions + stages[_i].sockets > 0)
                TURN_UNTIL(atomic_load(&dns.questions) >= asked + stages[_i].questions &&
                           count_streams() >= before + stages[_i].sockets);
        connector_close(connector);
        TURN_UNTIL(count_streams() == before);
        ck_assert_int_eq(outcome.calls, 0);
        open_connector();
}
END_TEST

static void cancel_some(Connecting **connectings, Outcome *outcomes, int n)
{
        for (int i = 0; i < n; i += 3) {
                if (outcomes[i].calls == 0)
                        connector_cancel(connectings[i]);
                outcomes[i].calls++;
        }
}

static bool all_are_over(const Outcome *outcomes, int n)
{
        for (int i = 0; i < n; i++) {
                if (outcomes[i].calls == 0)
                        return false;
        }
        return true;
}

START_TEST(many_are_started_some_in_a_turn)
{
        enum { AT_ONCE = 20, A_TURN = 8 };
        Outcome outcomes[AT_ONCE];
        size_t before = count_streams(), last = before;

        for (int i = 0; i < AT_ONCE; i++)
                start(&outcomes[i], "127.0.0.1", 0, NULL);
        ck_assert_uint_eq(count_streams(), before);
        for (int turns = 0; turns < AT_ONCE && last < before + AT_ONCE; turns++) {
                size_t now;

                event_base_loop(loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
                now = count_streams();
                ck_assert_uint_le(now, last + A_TURN);
                last = now;
        }
        ck_assert_uint_eq(last, before + AT_ONCE);
        TURN_UNTIL(all_are_over(outcomes, AT_ONCE));
        for (int i = 0; i < AT_ONCE; i++) {
                ck_assert_int_eq(outcomes[i].result, 0);
                close(outcomes[i].fd);
        }
}
END_TEST

START_TEST(one_that_is_cancelled_before_it_is_started_is_not)
{
        Outcome outcomes[2];
        size_t before = count_streams();
        Connecting *first = start(&outcomes[0], "127.0.0.1", 0, NULL);

        start(&outcomes[1], "127.0.0.1", 0, NULL);
        connector_cancel(first);
        TURN_UNTIL(outcomes[1].calls > 0);
        ck_assert_int_eq(outcomes[0].calls, 0);
        ck_assert_uint_eq(count_streams(), before + 1);
        close(outcomes[1].fd);
}
END_TEST

START_TEST(thousands_leave_nothing_open)
{
        static const char *const hosts[] = {
                "both.test", "127.0.0.1", "nowhere.test", "missing.test",
                "[::1]",     "four.test", "127.0.0.9",    "half-silent.test",
        };
        enum { AT_ONCE = 48 };
        Connecting *connectings[AT_ONCE];
        Outcome outcomes[AT_ONCE];
        int rounds = scaled(10, 80, 400);
        size_t before;

        connect_to("missing.test", 0, NULL);
        before = count_streams();
        for (int round = 0; round < rounds; round++) {
                for (int i = 0; i < AT_ONCE; i++)
                        connectings[i] = start(&outcomes[i], hosts[(i + round) % 8], 0, NULL);
                for (int i = 0; i < round % 4; i++)
                        event_base_loop(loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
                cancel_some(connectings, outcomes, AT_ONCE);
                TURN_UNTIL(all_are_over(outcomes, AT_ONCE));
                for (int i = 0; i < AT_ONCE; i++) {
                        if (outcomes[i].fd >= 0)
                                close(outcomes[i].fd);
                }
                while (was_reached(v4_listener) || was_reached(v6_listener))
                        ;
        }
        ck_assert_uint_eq(count_streams(), before);
}
END_TEST

START_TEST(without_descriptors_it_fails_and_says_so)
{
        Outcome outcome;
        int next;

        connect_to("missing.test", 0, NULL);
        start(&outcome, "127.0.0.1", 0, NULL);
        next = dup(0);
        close(next);
        if (!limit_descriptors(next))
                SKIP_TEST("the limit is not the kernel's here");
        TURN_UNTIL(outcome.calls == 1);
        unlimit_descriptors();
        ck_assert_int_eq(outcome.result, -EMFILE);
        ck_assert_ptr_nonnull(strstr(outcome.sentence, "Too many open files: tcp:127.0.0.1"));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

TEST_SUITE(test_connector)
{
        TCase *connecting = tcase_create("connecting");

        tcase_add_checked_fixture(connecting, set_up, tear_down);
        tcase_add_loop_test(connecting, what_can_be_reached_is_connected, 0, COUNT(reachable));
        tcase_add_loop_test(connecting, what_cannot_be_reached_is_said, 0, COUNT(unreachable));
        tcase_add_loop_test(connecting, what_is_no_address_to_connect_to_is_refused, 0,
                            COUNT(refused));
        tcase_add_loop_test(connecting, a_connection_to_itself_is_none, 0, COUNT(own_hosts));
        tcase_add_test(connecting, ipv6_that_answers_leaves_ipv4_alone);
        tcase_add_test(connecting, ipv6_that_does_not_answer_is_overtaken_by_ipv4);
        tcase_add_test(connecting, an_attempt_that_was_overtaken_can_still_win);
        tcase_add_test(connecting, ipv6_is_waited_for_a_moment);
        tcase_add_test(connecting, a_late_ipv6_answer_still_counts);
        tcase_add_test(connecting, nobody_who_answers_ends_at_the_deadline);
        tcase_add_test(connecting, only_so_many_addresses_are_tried);
        tcase_add_test(connecting, only_so_many_attempts_are_open_at_once);
        tcase_add_test(connecting, addresses_that_are_not_allowed_are_passed_over);
        tcase_add_test(connecting, a_silent_name_delays_only_who_asked);
        tcase_add_loop_test(connecting, cancelling_ends_it_without_a_word_at_any_stage, 0,
                            COUNT(stages));
        tcase_add_loop_test(connecting, closing_ends_it_without_a_word_at_any_stage, 0,
                            COUNT(stages));
        tcase_add_test(connecting, many_are_started_some_in_a_turn);
        tcase_add_test(connecting, one_that_is_cancelled_before_it_is_started_is_not);
        tcase_add_test(connecting, thousands_leave_nothing_open);
        tcase_add_test(connecting, without_descriptors_it_fails_and_says_so);
        tcase_set_timeout(connecting, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, connecting);
}
