/*
 * A client that does what clients do: round trips over its TCP connections to an echo server
 * (trips.h). Who waits is $KYRON_DELIVERY's to say, or --in-process: this process, without the
 * library. The times of these round trips are what others' doings cost.
 *
 * It says "ready" once each connection was used. At SIGUSR1 it writes what it has measured since
 * the last time, one line of JSON, once that are as many round trips as it is to have measured at
 * least, and begins anew; with --rests it sends only from one SIGUSR1 to the next, and what is on
 * its way then counts. At SIGUSR2 a client that --moves begins to have its connections waited for
 * elsewhere again and again, and at the next it stops. At SIGTERM it awaits what is on its way,
 * writes the last line, and ends: with 0 if not one round trip failed or got lost.
 */
#include "tests/torture/trips.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum {
        RATE_MAX = 1000000,
        /* A signal that comes just before a wait is seen so much later. */
        REST_MS = 5,
};

#define MS_NS INT64_C(1000000)

static Trips trips;
static struct {
        uint64_t at_least; /* round trips of a report */
        bool rests;
        int64_t moves_ns; /* 0: it does not */
        int64_t next_move_ns;
} how;
static bool is_resting;
static volatile sig_atomic_t report_wanted, moves_wanted, end_wanted;

static void report(void)
{
        const Latency *latency = &trips.latency;
        json_t *line;

        /* Who reads it may ask for the next at once. */
        report_wanted = 0;
        line = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "round_trips",
                         (json_int_t)latency->count, "failed", (json_int_t)trips.failed, "lost",
                         (json_int_t)trips.lost, "p50_ns",
                         (json_int_t)latency_percentile(latency, 0.5), "p99_ns",
                         (json_int_t)latency_percentile(latency, 0.99), "p999_ns",
                         (json_int_t)latency_percentile(latency, 0.999), "longest_ns",
                         (json_int_t)latency->longest_ns, "moves", (json_int_t)trips.moves,
                         "arrivals", (json_int_t)trips.arrivals);

        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(line);
        memset(&trips.latency, 0, sizeof(trips.latency));
}

static void report_if_due(void)
{
        if (!report_wanted || trips.latency.count < how.at_least)
                return;
        if (!how.rests) {
                report();
        } else if (is_resting || trips.busy == 0) {
                report();
                is_resting = !is_resting;
                trips_start(&trips);
        }
}

static void move_if_due(void)
{
        int64_t now = trips_now_ns();
        int r;

        if (!moves_wanted || how.moves_ns == 0 || now < how.next_move_ns)
                return;
        how.next_move_ns = now + how.moves_ns;
        trips.moves++;
        r = trips.io->move();
        if (r < 0) {
                trips_complain(&trips, "moving", trips.io->error_text(r));
                trips.failed++;
        }
}

static void run(void)
{
        bool goes_on = true;

        is_resting = how.rests;
        trips_start(&trips);
        while (goes_on && !end_wanted) {
                report_if_due();
                move_if_due();
                goes_on = trips_turn(&trips, is_resting || (how.rests && report_wanted)
                                                     ? trips_now_ns() + REST_MS * MS_NS
                                                     : trips_begin_due(&trips));
        }
        if (goes_on)
                trips_end(&trips);
        report();
}

static void on_signal(int signal)
{
        if (signal == SIGUSR1)
                report_wanted = 1;
        else if (signal == SIGUSR2)
                moves_wanted = !moves_wanted;
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
                {"in-process", no_argument, NULL, 'i'},
                {"rests", no_argument, NULL, 's'},
                {"moves", required_argument, NULL, 'm'},
                {NULL, 0, NULL, 0},
        };
        int option;

        trips.connections = 16;
        trips.rate = 1000;
        trips.io = &trip_io_library;
        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
                if (option == 't' && !address_parse(optarg, &trips.address))
                        return false;
                if (option == 'c')
                        trips.connections = (unsigned)strtoul(optarg, NULL, 10);
                if (option == 'r')
                        trips.rate = (unsigned)strtoul(optarg, NULL, 10);
                if (option == 'l')
                        how.at_least = strtoul(optarg, NULL, 10);
                if (option == 'i')
                        trips.io = &trip_io_in_process;
                if (option == 's')
                        how.rests = true;
                if (option == 'm')
                        how.moves_ns = (int64_t)strtoul(optarg, NULL, 10) * MS_NS;
                if (option == '?')
                        return false;
        }
        return optind == argc && trips.address.size > 0 && trips.connections > 0 &&
               trips.connections <= TRIPS_MAX && trips.rate > 0 && trips.rate <= RATE_MAX;
}

int main(int argc, char **argv)
{
        struct sigaction action = {.sa_handler = on_signal};

        if (!parse(argc, argv)) {
                fputs("usage: healthy_client --tcp ADDRESS [--connections N] [--rate N]\n"
                      "                      [--at-least N] [--rests] [--moves MS] [--in-process]\n"
                      "The daemon's socket is $KYRON_SOCKET.\n",
                      stderr);
                return 2;
        }
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigaction(SIGUSR1, &action, NULL);
        sigaction(SIGUSR2, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        if (!trips.io->open(&trips))
                return EXIT_FAILURE;
        trips_connect(&trips);
        puts("ready");
        fflush(stdout);
        run();
        trips_close(&trips);
        return trips.failed + trips.lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
