/*
 * What requests that are cancelled, and connections that are kept on death, leave behind: after
 * thousands of each, the daemon and its client have the descriptors open that they had before, and
 * the daemon says so.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/support/client.h"
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
static int ends[2];
/* Once a test needs it. */
static KyronEndpoint *shared;

static void set_up(void)
{
        /* In a private instance its user may do everything. */
        test_daemon_start(&kyron_iod, (const char *const[]){"--user", NULL});
        handle = open_handle(&kyron_iod);
        test_call_init(&call);
        pipe_pair(ends);
}

static void tear_down(void)
{
        close(ends[0]);
        close(ends[1]);
        kyron_endpoint_close(shared);
        shared = NULL;
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

/* The operation of call, which was started, ends like this. */
static void finish(int expected)
{
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_msg(call.result == expected, "%zd: %s", call.result, call.text);
        test_call_init(&call);
}

/* The operation of call, which was started, is cancelled: before its request has left, or (an odd
 * round) after. */
static void cancel(int round)
{
        int r;

        if (round % 2 == 1)
                process(handle, 0);
        r = kyron_operation_cancel(&call.operation);
        if (r < 0) {
                ck_assert_int_eq(r, -EALREADY);
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        }
        process(handle, 0);
}

/* Nothing is left of what was asked for, as the daemon tells it. Answers to what was cancelled are
 * on their way still: the daemon keeps what they carry until there is room for them. */
static bool daemon_is_at_rest(void)
{
        const KyronctlSetup setup = {.socket_path = kyron_iod.socket_path};
        CLEANUP(cleanup_json) json_t *status = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "status", "--json");

        process(handle, 0);
        kyronctl_run_succeeded(&run);
        status = kyronctl_run_json(&run);
        return json_integer_value(json_object_get(status, "connects")) == 0 &&
               json_integer_value(json_object_get(status, "holds")) == 0 &&
               json_integer_value(json_object_get(status, "descriptors_kept")) == 0;
}

/* Plays many rounds, after one that opens what stays open. */
static void check_rounds(void (*play)(int round))
{
        size_t own, its;
        int rounds = scaled(300, 10000, 10000);

        play(0);
        play(1);
        process_all(handle);
        ck_assert(WAIT_UNTIL(daemon_is_at_rest(), DEADLINE_MS));
        own = count_descriptors();
        its = test_daemon_count_descriptors(&kyron_iod);
        for (int round = 2; round < rounds; round++)
                play(round);
        process_all(handle);
        ck_assert(WAIT_UNTIL(daemon_is_at_rest(), DEADLINE_MS));
        process_all(handle);
        ck_assert_uint_eq(count_descriptors(), own);
        ck_assert_msg(WAIT_UNTIL(test_daemon_count_descriptors(&kyron_iod) <= its, DEADLINE_MS),
                      "the daemon had %zu descriptors and has %zu", its,
                      test_daemon_count_descriptors(&kyron_iod));
}

/* ---- Bind ------------------------------------------------------------------------------------ */

static void play_bind_cancelled(int round)
{
        KyronUdpSocket *udp;

        ck_assert_int_eq(kyron_udp_socket_bind_to(&udp, handle, "udp:127.0.0.1:0", &call.operation),
                         KYRON_PENDING);
        cancel(round);
        if (udp)
                kyron_udp_socket_close(udp);
        test_call_init(&call);
}

/* ---- Listeners ------------------------------------------------------------------------------- */

static void play_take_cancelled(int round)
{
        KyronTcpListener *listener;

        ck_assert_int_eq(kyron_tcp_listener_take(&listener, handle, "taken", "tcp:127.0.0.1:0",
                                                 NULL, &call.operation),
                         KYRON_PENDING);
        cancel(round);
        if (listener)
                kyron_tcp_listener_close(listener);
        test_call_init(&call);
}

static void start_join(KyronEndpoint **endpoint)
{
        const KyronEndpointOptions options = {
                .name = "shared",
                .address = "tcp:127.0.0.1:0",
                .keep_on_death = true,
        };

        ck_assert_int_eq(kyron_endpoint_join(endpoint, handle, &options, &call.operation),
                         KYRON_PENDING);
}

static void play_join_cancelled(int round)
{
        KyronEndpoint *endpoint;

        start_join(&endpoint);
        cancel(round);
        if (endpoint)
                kyron_endpoint_close(endpoint);
        test_call_init(&call);
}

/* ---- Connections of an endpoint -------------------------------------------------------------- */

/* Ends a connection without a word to come, so that its port is free at once. */
static void reset(int take_fd)
{
        const struct linger none = {.l_onoff = 1};

        ck_assert_int_ge(take_fd, 0);
        ck_assert_int_eq(setsockopt(take_fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)), 0);
        close(take_fd);
}

static KyronTcpStream *accept_one(int *peer)
{
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        KyronTcpStream *stream;
        unsigned port;

        if (!shared) {
                start_join(&shared);
                finish(0);
        }
        ck_assert_int_eq(sscanf(kyron_endpoint_address(shared), "tcp:127.0.0.1:%u", &port), 1);
        there.sin_port = htons((uint16_t)port);
        *peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(*peer, (struct sockaddr *)&there, sizeof(there)), 0);
        if (kyron_endpoint_accept(shared, &call.operation, &stream) == KYRON_PENDING)
                finish(0);
        ck_assert_ptr_nonnull(stream);
        test_call_init(&call);
        return stream;
}

static void play_kept(int round)
{
        int peer;
        KyronTcpStream *stream = accept_one(&peer);

        ck_assert_int_eq(kyron_tcp_stream_keep(stream, "note", round % 2 ? 4 : 0, &call.operation),
                         KYRON_PENDING);
        finish(0);
        reset(peer);
        kyron_tcp_stream_close(stream);
}

/* The stream is closed while the daemon is asked to keep it. */
static void play_keep_given_up(int round)
{
        int peer;
        KyronTcpStream *stream = accept_one(&peer);

        ck_assert_int_eq(kyron_tcp_stream_keep(stream, "note", 4, &call.operation), KYRON_PENDING);
        if (round % 2 == 1)
                process(handle, 0);
        kyron_tcp_stream_close(stream);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        test_call_init(&call);
        reset(peer);
}

/* ---- Held ------------------------------------------------------------------------------------ */

/* Cancelled before its request has left: after that it cannot be. */
static void play_hold_cancelled(int round)
{
        KyronHeld held;

        if (round % 2 == 1) {
                ck_assert_int_eq(kyron_take_held(handle, "left", &call.operation, &held),
                                 KYRON_PENDING);
        } else {
                ck_assert_int_eq(
                        kyron_hold(handle, ends[0], "left", "note", 4, 60000, &call.operation),
                        KYRON_PENDING);
        }
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        process(handle, 0);
        test_call_init(&call);
}

/* ---- All of them ----------------------------------------------------------------------------- */

START_TEST(binds_that_were_cancelled)
{
        check_rounds(play_bind_cancelled);
}
END_TEST

START_TEST(takes_that_were_cancelled)
{
        check_rounds(play_take_cancelled);
}
END_TEST

START_TEST(joins_that_were_cancelled)
{
        check_rounds(play_join_cancelled);
}
END_TEST

START_TEST(connections_that_were_kept)
{
        check_rounds(play_kept);
}
END_TEST

START_TEST(connections_closed_while_the_keep_is_asked_for)
{
        check_rounds(play_keep_given_up);
}
END_TEST

START_TEST(holds_that_were_cancelled)
{
        check_rounds(play_hold_cancelled);
}
END_TEST

TEST_SUITE(test_cancelled_requests)
{
        TCase *tcase = tcase_create("cancelled_requests");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, binds_that_were_cancelled);
        tcase_add_test(tcase, takes_that_were_cancelled);
        tcase_add_test(tcase, joins_that_were_cancelled);
        tcase_add_test(tcase, connections_that_were_kept);
        tcase_add_test(tcase, connections_closed_while_the_keep_is_asked_for);
        tcase_add_test(tcase, holds_that_were_cancelled);
        suite_add_tcase(suite, tcase);
}
