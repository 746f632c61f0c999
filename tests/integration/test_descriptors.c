/*
 * The daemon keeps no client descriptor: not for connections that came and went, not for those
 * that stay; and so the client's close is the end of the file, whatever the daemon is doing.
 */
#include "tests/support/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
        CONNECTIONS = 10000,
        BATCH = 100,
        REGISTRATIONS = 5000,
        CLOSES = 21,
        CLOSE_MAX_US = 10000,
};

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;

/* One listener for all: a port for each connection would be more ports than there are. */
static int listener;
static struct sockaddr_in listener_address;

static void listen_on_loopback(void)
{
        socklen_t size = sizeof(listener_address);

        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        listener_address = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&listener_address, size), 0);
        ck_assert_int_eq(listen(listener, 1), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&listener_address, &size), 0);
}

static void set_up(void)
{
        listen_on_loopback();
        unlimit_descriptors();
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
}

static void tear_down(void)
{
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
        close(listener);
}

static int64_t now_us(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- Connections that come and go ---------------------------------------------------------- */

typedef struct Connection {
        KyronTcpStream *stream;
        TestCall call;
        int peer;
        char byte;
} Connection;

static void open_connection(Connection *connection)
{
        int accepted;

        connection->peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(connection->peer, (struct sockaddr *)&listener_address,
                                 sizeof(listener_address)),
                         0);
        accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        test_call_init(&connection->call);
        ck_assert_int_eq(kyron_tcp_stream_from_fd(&connection->stream, handle, accepted), 0);
        ck_assert_int_eq(kyron_tcp_stream_read(connection->stream, &connection->call.operation,
                                               &connection->byte, 1),
                         KYRON_PENDING);
}

/* The daemon's own descriptor is closed by another thread of it, a moment after it registered. */
static void wait_until_given_up(const Connection *connection)
{
        int fd = kyron_bridged_fd_fd(kyron_tcp_stream_bridged_fd(connection->stream));

        ck_assert(WAIT_UNTIL(!test_daemon_holds_socket(&kyron_iod, fd), DEADLINE_MS));
}

static void close_connection(Connection *connection)
{
        kyron_tcp_stream_close(connection->stream);
        close(connection->peer);
        ck_assert(PROCESS_UNTIL(handle, connection->call.result == -ECANCELED));
}

/* Reads what the peer sent, waits for more, and is closed in the middle of that. */
static void run_batch(Connection *connections, size_t count)
{
        for (size_t i = 0; i < count; i++)
                open_connection(&connections[i]);
        process(handle, 0);
        for (size_t i = 0; i < count; i++)
                put_byte(connections[i].peer);
        for (size_t i = 0; i < count; i++) {
                Connection *connection = &connections[i];

                ck_assert(PROCESS_UNTIL(handle, connection->call.completions == 1));
                ck_assert_int_eq(connection->call.result, 1);
                ck_assert_int_eq(kyron_tcp_stream_read(connection->stream,
                                                       &connection->call.operation,
                                                       &connection->byte, 1),
                                 KYRON_PENDING);
                close_connection(connection);
        }
}

START_TEST(connections_that_came_and_went_leave_no_descriptor)
{
        Connection *connections = calloc(BATCH, sizeof(*connections));
        int64_t start = now_us();
        size_t before;

        open_connection(connections);
        process_all(handle);
        wait_until_given_up(connections);
        close_connection(connections);
        before = test_daemon_count_descriptors(&kyron_iod);
        for (int i = 0; i < CONNECTIONS / BATCH; i++)
                run_batch(connections, BATCH);
        process_all(handle);
        /* The last ones may still be with the closer. */
        ck_assert_msg(WAIT_UNTIL(test_daemon_count_descriptors(&kyron_iod) == before, DEADLINE_MS),
                      "%zu descriptors before, %zu after", before,
                      test_daemon_count_descriptors(&kyron_iod));
        printf("%d connections came and went in %d ms: %zu descriptors before and after\n",
               CONNECTIONS, (int)((now_us() - start) / 1000), before);
        free(connections);
}
END_TEST

/* ---- Registrations that stay --------------------------------------------------------------- */

START_TEST(registrations_that_stay_cost_no_descriptors)
{
        KyronBridgedFd **all = calloc(REGISTRATIONS, sizeof(KyronBridgedFd *));
        TestCall *calls = calloc(REGISTRATIONS, sizeof(*calls));
        struct rlimit limit;
        Connection first;
        uint64_t value;
        size_t with_one;

        getrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_max < REGISTRATIONS + 100)
                SKIP_TEST("at most %d open files are allowed here", (int)limit.rlim_max);
        open_connection(&first);
        process_all(handle);
        wait_until_given_up(&first);
        with_one = test_daemon_count_descriptors(&kyron_iod);
        for (int i = 0; i < REGISTRATIONS; i++) {
                int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_bridged_fd_new(&all[i], handle, fd), 0);
                ck_assert_int_eq(kyron_bridged_fd_read(all[i], &calls[i].operation, &value, 8),
                                 KYRON_PENDING);
        }
        process_all(handle);
        ck_assert_msg(
                WAIT_UNTIL(test_daemon_count_descriptors(&kyron_iod) <= with_one, DEADLINE_MS),
                "%zu descriptors with one registration, %zu with %d", with_one,
                test_daemon_count_descriptors(&kyron_iod), REGISTRATIONS);
        printf("%zu descriptors with one registration and with %d\n", with_one, REGISTRATIONS);

        /* And every one of them is live. */
        value = 1;
        for (int i = 0; i < REGISTRATIONS; i++)
                ck_assert_int_eq(write(kyron_bridged_fd_fd(all[i]), &value, 8), 8);
        for (int i = 0; i < REGISTRATIONS; i++) {
                ck_assert(PROCESS_UNTIL(handle, calls[i].completions == 1));
                ck_assert_int_eq(calls[i].result, 8);
                kyron_bridged_fd_close(all[i]);
        }
        close_connection(&first);
        free(all);
        free(calls);
}
END_TEST

/* ---- Closing while the daemon is stopped --------------------------------------------------- */

static int compare(const void *a, const void *b)
{
        int64_t difference = *(const int64_t *)a - *(const int64_t *)b;

        return difference < 0 ? -1 : difference > 0;
}

/* Closes them one by one and measures when each peer sees the end. */
static void check_ends(Connection *connections, const char *title)
{
        int64_t took[CLOSES];
        char byte;

        for (size_t i = 0; i < CLOSES; i++) {
                int64_t start = now_us();

                kyron_tcp_stream_close(connections[i].stream);
                ck_assert(wait_readable(connections[i].peer, DEADLINE_MS));
                took[i] = now_us() - start;
                ck_assert_int_eq(read(connections[i].peer, &byte, 1), 0);
                close(connections[i].peer);
        }
        qsort(took, CLOSES, sizeof(took[0]), compare);
        printf("%s: end of file after %d us in the middle, %d us at most\n", title,
               (int)took[CLOSES / 2], (int)took[CLOSES - 1]);
        /* The one in the middle: on a busy machine any single one may be held up. */
        ck_assert_int_le(took[CLOSES / 2], CLOSE_MAX_US);
}

START_TEST(a_peer_sees_the_end_at_once_while_the_daemon_is_stopped)
{
        Connection connections[CLOSES];

        for (size_t i = 0; i < CLOSES; i++)
                open_connection(&connections[i]);
        process_all(handle);
        for (size_t i = 0; i < CLOSES; i++)
                wait_until_given_up(&connections[i]);
        test_daemon_pause(&kyron_iod);
        check_ends(connections, "registered, daemon stopped");
        test_daemon_resume(&kyron_iod);
        for (size_t i = 0; i < CLOSES; i++)
                ck_assert(PROCESS_UNTIL(handle, connections[i].call.result == -ECANCELED));
}
END_TEST

START_TEST(a_peer_sees_the_end_at_once_though_the_daemon_has_not_read_the_registration)
{
        Connection connections[CLOSES];

        test_daemon_pause(&kyron_iod);
        for (size_t i = 0; i < CLOSES; i++)
                open_connection(&connections[i]);
        process(handle, 0);
        check_ends(connections, "in flight, daemon stopped");
        test_daemon_resume(&kyron_iod);
        for (size_t i = 0; i < CLOSES; i++)
                ck_assert(PROCESS_UNTIL(handle, connections[i].call.result == -ECANCELED));
        process_all(handle);
}
END_TEST

START_TEST(a_peer_sees_the_end_at_once_though_nothing_was_sent_yet)
{
        Connection connections[CLOSES];

        for (size_t i = 0; i < CLOSES; i++)
                open_connection(&connections[i]);
        check_ends(connections, "not sent");
        for (size_t i = 0; i < CLOSES; i++)
                ck_assert(PROCESS_UNTIL(handle, connections[i].call.result == -ECANCELED));
        process_all(handle);
}
END_TEST

START_TEST(a_client_that_is_killed_leaves_no_descriptor)
{
        Connection connection;
        size_t before;

        open_connection(&connection);
        process_all(handle);
        wait_until_given_up(&connection);
        before = test_daemon_count_descriptors(&kyron_iod);
        for (int i = 0; i < 20; i++) {
                int ready[2];
                pid_t child;

                fflush(NULL);
                pipe_pair(ready);
                child = fork();
                if (child == 0) {
                        Connection connections[10];

                        handle = open_handle(&kyron_iod);
                        for (size_t k = 0; k < 10; k++)
                                open_connection(&connections[k]);
                        process_all(handle);
                        put_byte(ready[1]);
                        for (;;)
                                pause();
                }
                ck_assert(wait_readable(ready[0], DEADLINE_MS));
                ck_assert_int_eq(kill(child, SIGKILL), 0);
                ck_assert(wait_exit(child, DEADLINE_MS, NULL));
                close(ready[0]);
                close(ready[1]);
        }
        ck_assert_msg(WAIT_UNTIL(test_daemon_count_descriptors(&kyron_iod) == before, DEADLINE_MS),
                      "%zu descriptors before, %zu after", before,
                      test_daemon_count_descriptors(&kyron_iod));
        close_connection(&connection);
}
END_TEST

TEST_SUITE(test_descriptors)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, connections_that_came_and_went_leave_no_descriptor);
        tcase_add_test(all, registrations_that_stay_cost_no_descriptors);
        tcase_add_test(all, a_peer_sees_the_end_at_once_while_the_daemon_is_stopped);
        tcase_add_test(all,
                       a_peer_sees_the_end_at_once_though_the_daemon_has_not_read_the_registration);
        tcase_add_test(all, a_peer_sees_the_end_at_once_though_nothing_was_sent_yet);
        tcase_add_test(all, a_client_that_is_killed_leaves_no_descriptor);
        suite_add_tcase(suite, all);
}
