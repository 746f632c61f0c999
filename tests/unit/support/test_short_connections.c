/*
 * tests/support/short_connections: what it says of a server is what the server did. Tests that
 * promise that no connection is lost rest on it.
 */
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/short_connections.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { SLOW_MS = 60 };

typedef enum Manner {
        ECHO,
        ECHO_LATE,
        ECHO_ANOTHER_BYTE,
        ECHO_HALF,
        RESET,
        SAY_NOTHING,
} Manner;

static int listener;
static struct sockaddr_storage address;
static socklen_t length;
static pthread_t server;
static Manner manner;
static atomic_uint accepted;

static void serve_one(int fd)
{
        const struct linger abort_it = {.l_onoff = 1};
        uint8_t bytes[SHORT_CONNECTION_BYTES];
        size_t size = sizeof(bytes);

        if (recv(fd, bytes, size, MSG_WAITALL) != (ssize_t)size)
                return;
        if (manner == RESET)
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
        if (manner == SAY_NOTHING)
                recv(fd, bytes, 1, 0); /* until the other side gives up */
        if (manner == ECHO_LATE)
                poll(NULL, 0, SLOW_MS);
        if (manner == ECHO_ANOTHER_BYTE)
                bytes[size - 1] ^= 1;
        if (manner == ECHO_HALF)
                size /= 2;
        if (manner != RESET && manner != SAY_NOTHING)
                send(fd, bytes, size, MSG_NOSIGNAL);
}

static void *serve(void *data)
{
        int fd;

        (void)data;
        while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
                atomic_fetch_add(&accepted, 1);
                serve_one(fd);
                close(fd);
        }
        return NULL;
}

static void bind_listener(sa_family_t family)
{
        /* Of TCP, loopback with any port; of Unix, any abstract name. */
        union {
                struct sockaddr any;
                struct sockaddr_in in;
        } to = {.in = {.sin_family = family, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};

        listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(listener, 0);
        ck_assert_int_eq(
                bind(listener, &to.any, family == AF_UNIX ? sizeof(family) : sizeof(to.in)), 0);
        length = sizeof(address);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
}

static void start_server(sa_family_t family, Manner how)
{
        manner = how;
        atomic_store(&accepted, 0);
        bind_listener(family);
        ck_assert_int_eq(listen(listener, 128), 0);
        ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
}

static void stop_server(void)
{
        shutdown(listener, SHUT_RDWR); /* ends accept4() */
        pthread_join(server, NULL);
        close(listener);
}

static ShortConnectionsResult run_load(uint64_t count, unsigned at_once, int wait_ms)
{
        ShortConnectionsResult result;
        ShortConnections *load = short_connections_start((struct sockaddr *)&address, length, count,
                                                         at_once, wait_ms);

        ck_assert_ptr_nonnull(load);
        short_connections_end(load, &result);
        ck_assert_uint_eq(result.served + result.refused + result.reset + result.lost +
                                  result.mixed_up + result.failed,
                          count);
        return result;
}

START_TEST(every_connection_is_made_once_and_served)
{
        ShortConnectionsResult result;

        start_server(_i == 0 ? AF_INET : AF_UNIX, ECHO);
        result = run_load(1000, 8, DEADLINE_MS);
        stop_server();
        ck_assert_uint_eq(result.served, 1000);
        ck_assert_str_eq(result.first_failure, "");
        ck_assert_uint_eq(atomic_load(&accepted), 1000);
}
END_TEST

START_TEST(the_slowest_is_told)
{
        ShortConnectionsResult result;

        start_server(AF_INET, ECHO_LATE);
        result = run_load(2, 1, DEADLINE_MS);
        stop_server();
        ck_assert_uint_eq(result.served, 2);
        ck_assert_uint_ge(result.slowest_ms, SLOW_MS);
}
END_TEST

START_TEST(a_refused_connection_is_not_tried_again)
{
        ShortConnectionsResult result;

        bind_listener(_i == 0 ? AF_INET : AF_UNIX); /* and nobody listens */
        result = run_load(5, 2, DEADLINE_MS);
        close(listener);
        ck_assert_uint_eq(result.refused, 5);
        ck_assert_str_eq(result.first_failure, "connect: Connection refused");
}
END_TEST

static const struct {
        Manner manner;
        size_t counted; /* where in the result */
        const char *failure;
} failures[] = {
        {ECHO_ANOTHER_BYTE, offsetof(ShortConnectionsResult, mixed_up),
         "receive: other bytes than were sent"},
        {ECHO_HALF, offsetof(ShortConnectionsResult, lost), "receive: the other side ended it"},
        {RESET, offsetof(ShortConnectionsResult, reset), "receive: Connection reset by peer"},
        {SAY_NOTHING, offsetof(ShortConnectionsResult, lost),
         "receive: Resource temporarily unavailable"},
};

START_TEST(each_failure_is_counted_as_what_it_is)
{
        ShortConnectionsResult result;
        uint64_t counted;

        start_server(AF_INET, failures[_i].manner);
        result = run_load(3, 1, manner == SAY_NOTHING ? 20 : DEADLINE_MS);
        stop_server();
        memcpy(&counted, (const char *)&result + failures[_i].counted, sizeof(counted));
        ck_assert_uint_eq(counted, 3);
        ck_assert_str_eq(result.first_failure, failures[_i].failure);
        ck_assert_uint_eq(atomic_load(&accepted), 3);
}
END_TEST

START_TEST(a_connection_that_nobody_accepts_is_lost)
{
        ShortConnectionsResult result;

        bind_listener(_i == 0 ? AF_INET : AF_UNIX);
        ck_assert_int_eq(listen(listener, 0), 0);
        result = run_load(4, 2, 20);
        close(listener);
        ck_assert_uint_eq(result.lost, 4);
}
END_TEST

START_TEST(without_a_count_it_goes_on_until_its_end)
{
        ShortConnectionsResult result;
        ShortConnections *load;

        start_server(AF_INET, ECHO);
        load = short_connections_start((struct sockaddr *)&address, length, 0, 4, DEADLINE_MS);
        ck_assert_ptr_nonnull(load);
        ck_assert(WAIT_UNTIL(short_connections_ended(load) >= 500, DEADLINE_MS));
        short_connections_end(load, &result);
        stop_server();
        ck_assert_uint_ge(result.served, 500);
        ck_assert_uint_eq(result.served, atomic_load(&accepted));
}
END_TEST

START_TEST(what_cannot_be_started_says_so)
{
        struct sockaddr_storage any = {.ss_family = AF_INET};

        errno = 0;
        ck_assert_ptr_null(short_connections_start((struct sockaddr *)&any, sizeof(any), 1, 0, 1));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_ptr_null(short_connections_start((struct sockaddr *)&any, sizeof(any), 1,
                                                   SHORT_CONNECTIONS_AT_ONCE_MAX + 1, 1));
        ck_assert_ptr_null(short_connections_start((struct sockaddr *)&any, sizeof(any), 1, 1, 0));
}
END_TEST

TEST_SUITE(test_short_connections)
{
        TCase *loads = tcase_create("loads");

        tcase_add_loop_test(loads, every_connection_is_made_once_and_served, 0, 2);
        tcase_add_test(loads, the_slowest_is_told);
        tcase_add_loop_test(loads, a_refused_connection_is_not_tried_again, 0, 2);
        tcase_add_loop_test(loads, each_failure_is_counted_as_what_it_is, 0,
                            (int)(sizeof(failures) / sizeof(failures[0])));
        tcase_add_loop_test(loads, a_connection_that_nobody_accepts_is_lost, 0, 2);
        tcase_add_test(loads, without_a_count_it_goes_on_until_its_end);
        tcase_add_test(loads, what_cannot_be_started_says_so);
        tcase_set_timeout(loads, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, loads);
}
