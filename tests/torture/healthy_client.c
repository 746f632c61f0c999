/*
 * A client that does what clients do: it sends a message over each of its TCP connections in turn,
 * at a steady rate, and awaits it back from an echo server. Both ends wait by way of the daemon, so
 * the times of these round trips are what others' doings cost.
 *
 * A round trip is due at a time of its own, fixed beforehand. One that cannot begin then, because
 * the one before it on its connection still lasts, counts from when it was due: a stall is counted
 * by all whom it held up.
 *
 * It says "ready" once each connection was used. At SIGUSR1 it writes what it has measured since
 * the last time, one line of JSON, once that are as many round trips as it is to have measured at
 * least, and begins anew; at SIGTERM it awaits what is on its way, writes
 * the last line, and ends: with 0 if not one round trip failed or got lost.
 */
#include "core/cleanup.h"
#include "examples/address.h"
#include "tests/torture/latency.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <kyron.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)

enum {
        MESSAGE_SIZE = 64,
        CONNECTIONS_MAX = 1000,
        RATE_MAX = 1000000,
        /* For what is on its way at the end; whatever the daemon does, it has done by then. */
        LAST_ANSWERS_S = 15,
        COMPLAINTS_MAX = 3,
};

typedef struct Trip {
        KyronTcpStream *stream; /* NULL: it has failed */
        KyronOperation operation;
        enum { CONNECTS, IDLE, SENDS, RECEIVES } state;
        int64_t begun_ns;
        int64_t overdue_ns; /* the next one should have begun then; 0: it is not due yet */
        size_t done;        /* bytes */
        uint64_t number;
        uint64_t message[MESSAGE_SIZE / sizeof(uint64_t)];
        uint64_t reply[MESSAGE_SIZE / sizeof(uint64_t)];
} Trip;

typedef struct Client {
        KyronIoDriverHandle *handle;
        Address address;
        unsigned connections;
        unsigned rate;     /* round trips a second */
        uint64_t at_least; /* of a report */
        unsigned connecting;
        unsigned busy;
        uint64_t begun;
        unsigned next; /* whose turn it is */
        uint64_t failed, lost;
        unsigned complaints;
        bool is_ending;
        Latency latency;
        Trip trips[CONNECTIONS_MAX];
} Client;

static Client client;
static volatile sig_atomic_t report_wanted, end_wanted;

static int64_t now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void complain(const char *what, const char *why)
{
        if (client.complaints++ < COMPLAINTS_MAX)
                fprintf(stderr, "healthy_client: %s: %s\n", what, why);
}

static void fail(Trip *trip, const char *why)
{
        complain(trip->state == CONNECTS   ? "connecting"
                 : trip->state == RECEIVES ? "receiving"
                                           : "sending",
                 why);
        client.failed++;
        if (trip->state == CONNECTS)
                client.connecting--;
        else
                client.busy--;
        trip->state = IDLE;
        kyron_tcp_stream_close(STEAL_PTR(trip->stream));
}

static void begin(Trip *trip, int64_t due_ns)
{
        trip->begun_ns = due_ns;
        trip->overdue_ns = 0;
        trip->done = 0;
        trip->number++;
        for (size_t i = 0; i < MESSAGE_SIZE / sizeof(uint64_t); i++)
                trip->message[i] = (trip->number << 32 | (uint64_t)(trip - client.trips)) * (i + 1);
        trip->state = SENDS;
        client.busy++;
}

static void end(Trip *trip)
{
        if (memcmp(trip->message, trip->reply, MESSAGE_SIZE) != 0) {
                fail(trip, "what came back is not what was sent");
                return;
        }
        latency_add(&client.latency, (uint64_t)(now_ns() - trip->begun_ns));
        trip->state = IDLE;
        client.busy--;
        if (trip->overdue_ns > 0 && !client.is_ending)
                begin(trip, trip->overdue_ns);
}

static void take(Trip *trip, ssize_t result)
{
        if (result < 0 || (result == 0 && trip->state == RECEIVES)) {
                fail(trip, result < 0 ? kyron_error_text() : "the server has closed");
                return;
        }
        if (trip->state == CONNECTS) {
                kyron_tcp_stream_set_nodelay(trip->stream, true);
                trip->state = IDLE;
                client.connecting--;
                return;
        }
        trip->done += (size_t)result;
        if (trip->done < MESSAGE_SIZE)
                return;
        trip->done = 0;
        if (trip->state == SENDS)
                trip->state = RECEIVES;
        else
                end(trip);
}

/* Goes on until it has to wait or there is nothing to do. */
static void go_on(Trip *trip)
{
        while (trip->state == SENDS || trip->state == RECEIVES) {
                uint8_t *bytes =
                        trip->state == SENDS ? (uint8_t *)trip->message : (uint8_t *)trip->reply;
                size_t left = MESSAGE_SIZE - trip->done;
                int r = trip->state == SENDS
                                ? kyron_tcp_stream_write(trip->stream, &trip->operation,
                                                         bytes + trip->done, left)
                                : kyron_tcp_stream_read(trip->stream, &trip->operation,
                                                        bytes + trip->done, left);

                if (r == KYRON_PENDING)
                        return;
                take(trip, r < 0 ? r : trip->operation.result);
        }
}

static void on_completion(KyronOperation *operation)
{
        Trip *trip = operation->user;

        take(trip, operation->result);
        go_on(trip);
}

static void connect_all(void)
{
        for (unsigned i = 0; i < client.connections; i++) {
                Trip *trip = &client.trips[i];
                int r;

                kyron_operation_init(&trip->operation, on_completion, trip);
                client.connecting++;
                r = kyron_tcp_stream_connect(&trip->stream, client.handle,
                                             (struct sockaddr *)&client.address.storage,
                                             client.address.size, &trip->operation);
                if (r != KYRON_PENDING)
                        take(trip, r);
        }
}

/* Begins what is due; returns when the next is. */
static int64_t begin_due(int64_t started_ns)
{
        int64_t period_ns = SECOND_NS / client.rate, now = now_ns(), due;

        while ((due = started_ns + (int64_t)client.begun * period_ns) <= now) {
                Trip *trip = &client.trips[client.next];

                client.begun++;
                client.next = client.next + 1 < client.connections ? client.next + 1 : 0;
                if (!trip->stream)
                        continue;
                if (trip->state != IDLE) {
                        if (trip->overdue_ns == 0)
                                trip->overdue_ns = due;
                        continue;
                }
                begin(trip, now_ns());
                go_on(trip);
        }
        return due;
}

static void report(void)
{
        json_t *line = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "round_trips",
                                 (json_int_t)client.latency.count, "failed",
                                 (json_int_t)client.failed, "lost", (json_int_t)client.lost,
                                 "p50_ns", (json_int_t)latency_percentile(&client.latency, 0.5),
                                 "p99_ns", (json_int_t)latency_percentile(&client.latency, 0.99),
                                 "p999_ns", (json_int_t)latency_percentile(&client.latency, 0.999),
                                 "longest_ns", (json_int_t)client.latency.longest_ns);

        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(line);
        memset(&client.latency, 0, sizeof(client.latency));
        report_wanted = 0;
}

/* One turn of at most until then; false when there is no going on. */
static bool turn(int64_t until_ns)
{
        int64_t left_ns = until_ns - now_ns();
        int r = kyron_io_driver_handle_process_io(
                client.handle, left_ns > 0 ? (int)((left_ns + 999999) / 1000000) : 0);

        if (r >= 0 || r == -EINTR)
                return true;
        complain("process_io", kyron_error_text());
        client.failed += client.busy > 0 ? client.busy : 1;
        client.busy = 0;
        return false;
}

static void run(void)
{
        int64_t started_ns = now_ns();
        bool goes_on = true;

        while (goes_on && !end_wanted) {
                if (report_wanted && client.latency.count >= client.at_least)
                        report();
                goes_on = turn(begin_due(started_ns));
        }
        client.is_ending = true;
        started_ns = now_ns();
        while (goes_on && client.busy > 0 && now_ns() < started_ns + LAST_ANSWERS_S * SECOND_NS)
                goes_on = turn(started_ns + LAST_ANSWERS_S * SECOND_NS);
        client.lost = client.busy;
        report();
}

static void on_signal(int signal)
{
        if (signal == SIGUSR1)
                report_wanted = 1;
        else
                end_wanted = 1;
}

static bool parse(int argc, char **argv)
{
        static const struct option names[] = {
                {"tcp", required_argument, NULL, 't'},
                {"connections", required_argument, NULL, 'c'},
                {"rate", required_argument, NULL, 'r'},
                {"at-least", required_argument, NULL, 'l'},
                {NULL, 0, NULL, 0},
        };
        int option;

        client.connections = 16;
        client.rate = 1000;
        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
                if (option == 't' && !address_parse(optarg, &client.address))
                        return false;
                if (option == 'c')
                        client.connections = (unsigned)strtoul(optarg, NULL, 10);
                if (option == 'r')
                        client.rate = (unsigned)strtoul(optarg, NULL, 10);
                if (option == 'l')
                        client.at_least = strtoul(optarg, NULL, 10);
                if (option == '?')
                        return false;
        }
        return optind == argc && client.address.size > 0 && client.connections > 0 &&
               client.connections <= CONNECTIONS_MAX && client.rate > 0 && client.rate <= RATE_MAX;
}

int main(int argc, char **argv)
{
        struct sigaction action = {.sa_handler = on_signal};

        if (!parse(argc, argv)) {
                fputs("usage: healthy_client --tcp ADDRESS [--connections N] [--rate N]\n"
                      "                      [--at-least N]\n"
                      "The daemon's socket is $KYRON_SOCKET.\n",
                      stderr);
                return 2;
        }
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigaction(SIGUSR1, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        if (kyron_io_driver_handle_open(&client.handle,
                                        &(KyronOptions){.program = "healthy_client"}) < 0) {
                fprintf(stderr, "healthy_client: %s\n", kyron_error_text());
                return EXIT_FAILURE;
        }
        connect_all();
        while (client.connecting > 0 && turn(now_ns() + SECOND_NS))
                ;
        /* Each connection is used once: from here on all of them wait, and there are no more. */
        for (unsigned i = 0; i < client.connections; i++) {
                if (!client.trips[i].stream)
                        continue;
                begin(&client.trips[i], now_ns());
                go_on(&client.trips[i]);
        }
        while (client.busy > 0 && turn(now_ns() + SECOND_NS))
                ;
        puts("ready");
        fflush(stdout);
        run();
        for (unsigned i = 0; i < client.connections; i++) {
                kyron_operation_cancel(&client.trips[i].operation);
                kyron_tcp_stream_close(client.trips[i].stream);
        }
        kyron_io_driver_handle_close(client.handle);
        return client.failed + client.lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
