/*
 * Whatever is asked of the daemon, finished, failed or cancelled, leaves no descriptor behind: not
 * in the daemon, and not here. Ten thousand of each kind, fewer where a sanitizer slows them down.
 */
#include "tests/support/client.h"
#include "tests/support/raw_client.h"
#include "tests/support/scale.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static TestCall call;
static int listener;
static char address[64]; /* the listener's */
static size_t daemon_before, here_before;
static RawClient asking;

static int kinds(void)
{
        return scaled(300, 10000, 10000);
}

/* Ends the operation of call; its result. */
static ssize_t end(void)
{
        ssize_t result;

        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        result = call.result;
        test_call_init(&call);
        return result;
}

static void expect(int started, ssize_t result)
{
        ck_assert_msg(started == KYRON_PENDING, "%d: %s", started, kyron_error_text());
        ck_assert_int_eq(end(), result);
}

static int dial(const char *text)
{
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unsigned port;

        ck_assert_int_eq(sscanf(text, "tcp:127.0.0.1:%u", &port), 1);
        there.sin_port = htons((uint16_t)port);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&there, sizeof(there)), 0);
        return fd;
}

/* Keeps the least; never true, to be asked for a while. */
static bool is_fewer(void)
{
        size_t count = test_daemon_count_descriptors(&kyron_iod);

        if (count < daemon_before)
                daemon_before = count;
        return false;
}

static void set_up(void)
{
        struct sockaddr_in here = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(here);

        test_daemon_start(&kyron_iod, (const char *const[]){"--user", NULL});
        handle = open_handle(&kyron_iod);
        test_call_init(&call);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&here, sizeof(here)), 0);
        ck_assert_int_eq(listen(listener, 16), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&here, &size), 0);
        snprintf(address, sizeof(address), "tcp:127.0.0.1:%u", ntohs(here.sin_port));
        /* What is opened once, such as the session's set, is there from here on. */
        raw_client_open(&asking, kyron_iod.socket_path);
        KyronTimer *timer;
        ck_assert_int_eq(kyron_timer_new(&timer, handle), 0);
        ck_assert_int_eq(kyron_timer_after(timer, 1), 0);
        ck_assert_int_ge(kyron_timer_wait(timer, &call.operation), 0);
        process_all(handle);
        kyron_timer_close(timer);
        test_call_init(&call);
        /* What was sent until now, the daemon closes by and by. */
        daemon_before = SIZE_MAX;
        WAIT_UNTIL(is_fewer(), 100);
        here_before = count_descriptors();
}

static void check_nothing_is_left(void)
{
        const Iod__Status *status;

        process_all(handle);
        ck_assert_msg(WAIT_UNTIL((process(handle, 0),
                                  test_daemon_count_descriptors(&kyron_iod) == daemon_before),
                                 DEADLINE_MS),
                      "the daemon has %zu descriptors, and had %zu",
                      test_daemon_count_descriptors(&kyron_iod), daemon_before);
        ck_assert_uint_eq(count_descriptors(), here_before);
        status = raw_client_status(&asking);
        ck_assert_uint_eq(status->connects, 0);
        ck_assert_uint_eq(status->holds, 0);
        ck_assert_uint_eq(status->descriptors_kept, 0);
}

static void tear_down(void)
{
        check_nothing_is_left();
        kyron_io_driver_handle_close(handle);
        raw_client_close(&asking);
        close(listener);
        test_daemon_stop(&kyron_iod);
}

/* ---- connects ---- */

static KyronTcpStream *connect_here(void)
{
        KyronTcpStream *stream;

        expect(kyron_tcp_stream_connect_to(&stream, handle, address, 0, &call.operation), 0);
        return stream;
}

START_TEST(connects_that_succeed)
{
        for (int i = 0; i < kinds(); i++) {
                KyronTcpStream *stream = connect_here();
                int peer = accept(listener, NULL, NULL);

                ck_assert_int_ge(peer, 0);
                kyron_tcp_stream_close(stream);
                close(peer);
        }
}
END_TEST

START_TEST(connects_that_fail)
{
        KyronTcpStream *stream;

        close(listener);
        listener = -1;
        here_before--;
        for (int i = 0; i < kinds(); i++)
                expect(kyron_tcp_stream_connect_to(&stream, handle, address, 0, &call.operation),
                       -ECONNREFUSED);
}
END_TEST

START_TEST(connects_that_are_cancelled)
{
        enum { FILLING = 4 };
        KyronTcpStream *stream;
        int filling[FILLING];

        /* Nobody gets an answer from a listener whose queue is full. */
        ck_assert_int_eq(listen(listener, 0), 0);
        for (int i = 0; i < FILLING; i++) {
                struct sockaddr_in there;
                socklen_t size = sizeof(there);

                filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&there, &size), 0);
                (void)connect(filling[i], (struct sockaddr *)&there, size);
        }
        for (int i = 0; i < kinds(); i++) {
                int r = kyron_tcp_stream_connect_to(&stream, handle, address, 0, &call.operation);

                ck_assert_int_eq(r, KYRON_PENDING);
                /* Before it was sent, and while it is under way. */
                if (i % 2 == 0)
                        process(handle, 0);
                ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
                ck_assert_int_eq(call.completions, 0);
                test_call_init(&call);
                if (i % 100 == 99)
                        process_all(handle);
        }
        for (int i = 0; i < FILLING; i++)
                close(filling[i]);
}
END_TEST

/* ---- sockets ---- */

START_TEST(binds_that_succeed_and_fail)
{
        KyronUdpSocket *first, *second;
        struct sockaddr_in bound;
        socklen_t size = sizeof(bound);
        char text[64];

        for (int i = 0; i < kinds(); i++) {
                expect(kyron_udp_socket_bind_to(&first, handle, "udp:127.0.0.1:0", &call.operation),
                       0);
                ck_assert_int_eq(
                        kyron_udp_socket_local_addr(first, (struct sockaddr *)&bound, &size), 0);
                snprintf(text, sizeof(text), "udp:127.0.0.1:%u", ntohs(bound.sin_port));
                expect(kyron_udp_socket_bind_to(&second, handle, text, &call.operation),
                       -EADDRINUSE);
                kyron_udp_socket_close(first);
        }
}
END_TEST

START_TEST(listeners_taken_and_refused)
{
        KyronTcpListener *taken, *none;

        for (int i = 0; i < kinds(); i++) {
                expect(kyron_tcp_listener_take(&taken, handle, "taken", "tcp:127.0.0.1:0", NULL,
                                               &call.operation),
                       0);
                expect(kyron_tcp_listener_take(&none, handle, "none", NULL, NULL, &call.operation),
                       -ENOENT);
                expect(kyron_tcp_listener_take(&none, handle, "here", address, NULL,
                                               &call.operation),
                       -EADDRINUSE);
                kyron_tcp_listener_close(taken);
        }
        /* It stays open for others, as it should. */
        daemon_before++;
}
END_TEST

/* ---- shared ---- */

static KyronEndpoint *join(bool keep_on_death)
{
        const KyronEndpointOptions options = {
                .name = "shared",
                .address = "tcp:127.0.0.1:0",
                .keep_on_death = keep_on_death,
        };
        KyronEndpoint *endpoint;

        expect(kyron_endpoint_join(&endpoint, handle, &options, &call.operation), 0);
        return endpoint;
}

START_TEST(endpoints_joined_and_left)
{
        for (int i = 0; i < kinds(); i++) {
                KyronEndpoint *endpoint = join(false);

                kyron_endpoint_close(endpoint);
                process_all(handle);
        }
        daemon_before++; /* the listener */
}
END_TEST

START_TEST(connections_accepted)
{
        KyronEndpoint *endpoint = join(_i == 1);
        KyronTcpStream *stream;

        for (int i = 0; i < kinds(); i++) {
                int peer = dial(kyron_endpoint_address(endpoint));

                if (kyron_endpoint_accept(endpoint, &call.operation, &stream) == KYRON_PENDING)
                        ck_assert_int_eq(end(), 0);
                test_call_init(&call);
                kyron_tcp_stream_close(stream);
                close(peer);
        }
        kyron_endpoint_close(endpoint);
        daemon_before++; /* the listener */
}
END_TEST

/* ---- held ---- */

static void hold(const char *name, uint64_t time_to_live_ms, ssize_t result)
{
        expect(kyron_hold(handle, listener, name, "note", 4, time_to_live_ms, &call.operation),
               result);
}

START_TEST(descriptors_held_refused_and_taken)
{
        KyronHeld held;

        for (int i = 0; i < kinds(); i++) {
                hold("name", 60000, 0);
                hold("name", 60000, -EEXIST);
                expect(kyron_take_held(handle, "name", &call.operation, &held), 0);
                close(held.fd);
                close(held.note_fd);
                expect(kyron_take_held(handle, "name", &call.operation, &held), -ENOENT);
        }
}
END_TEST

START_TEST(descriptors_held_until_their_time_is_over)
{
        char name[32];

        for (int i = 0; i < kinds(); i++) {
                snprintf(name, sizeof(name), "name-%d", i);
                hold(name, 1, 0);
        }
}
END_TEST

TEST_SUITE(test_request_descriptors)
{
        TCase *all = tcase_create("all");

        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_set_timeout(all, 120);
        tcase_add_test(all, connects_that_succeed);
        tcase_add_test(all, connects_that_fail);
        tcase_add_test(all, connects_that_are_cancelled);
        tcase_add_test(all, binds_that_succeed_and_fail);
        tcase_add_test(all, listeners_taken_and_refused);
        tcase_add_test(all, endpoints_joined_and_left);
        tcase_add_loop_test(all, connections_accepted, 0, 2);
        tcase_add_test(all, descriptors_held_refused_and_taken);
        tcase_add_test(all, descriptors_held_until_their_time_is_over);
        suite_add_tcase(suite, all);
}
