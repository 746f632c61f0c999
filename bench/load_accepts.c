/*
 * The load of the accept cases, the same for every server: so many connections at once, each of
 * which sends 64 bytes, checks the 64 that come back, and is closed for the next to take its place.
 * It ends with a reset, which leaves no port behind that could not be used again. Writes one line
 * of JSON: connections, p50_us and p99_us from connect() to the last byte, and what
 * measure_report() does.
 */
#include "bench/load_connection.h"
#include "bench/measure.h"
#include "bench/program.h"
#include "examples/address.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum {
        EVENTS_MAX = 256,
        AT_ONCE_MAX = 1024,
        STALL_S = 20,
};

typedef struct Load {
        LoadMessages messages; /* one of each connection */
        Measure measure;
        Address target;
        unsigned at_once;
        int64_t warm_up_ns;
        int64_t time_ns;
        uint32_t opened;
        int set;
        LoadConnection connections[AT_ONCE_MAX];
        int64_t opened_ns[AT_ONCE_MAX];
} Load;

static void parse(Load *load, int argc, char **argv)
{
        static const struct option names[] = {
                {"tcp", required_argument, NULL, 't'},
                {"at-once", required_argument, NULL, 'a'},
                {"warm-up", required_argument, NULL, 'w'},
                {"time", required_argument, NULL, 'm'},
                {"watch", required_argument, NULL, 'o'},
                {NULL, 0, NULL, 0},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
                if (option == 't' && address_parse(optarg, &load->target))
                        continue;
                if (option == 'a')
                        load->at_once = (unsigned)program_number(optarg, 1, AT_ONCE_MAX);
                else if (option == 'w')
                        load->warm_up_ns = (int64_t)program_number(optarg, 0, INT32_MAX) * 1000000;
                else if (option == 'm')
                        load->time_ns = (int64_t)program_number(optarg, 1, INT32_MAX) * 1000000;
                else if (option == 'o')
                        measure_watch(&load->measure, (pid_t)program_number(optarg, 1, INT32_MAX));
                else
                        program_fail("takes --tcp, --at-once, --warm-up, --time and --watch");
        }
        if (load->target.size == 0)
                program_fail("where to? --tcp");
}

static void open_next(Load *load, unsigned place)
{
        LoadConnection *connection = &load->connections[place];
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = place};

        load->opened_ns[place] = now_ns();
        load_connection_open(connection, load->opened++, false,
                             (const struct sockaddr *)&load->target.storage, load->target.size);
        load_connection_send(connection, &load->messages);
        /* Times count from before connect(). */
        connection->sent_ns[0] = load->opened_ns[place];
        program_check(epoll_ctl(load->set, EPOLL_CTL_ADD, connection->fd, &event), "epoll_ctl");
}

static void turn(Load *load)
{
        struct epoll_event events[EVENTS_MAX];
        int count = program_check(epoll_wait(load->set, events, EVENTS_MAX, STALL_S * 1000),
                                  "epoll_wait");

        if (count == 0)
                program_fail("nothing came back for %d s", STALL_S);
        for (int i = 0; i < count; i++) {
                LoadConnection *connection = &load->connections[events[i].data.u32];

                if (!load_connection_receive(connection, &load->messages) && connection->count == 0)
                        program_fail("a connection was closed without an answer");
                if (connection->count == 0)
                        continue;
                load_connection_close(connection);
                open_next(load, events[i].data.u32);
        }
}

/* And until something came back. */
static void run_for(Load *load, int64_t ns)
{
        int64_t end_ns = now_ns() + ns;

        load->messages.count = 0;
        load->messages.latency = (Latency){.count = 0};
        do {
                turn(load);
        } while (now_ns() < end_ns || load->messages.count == 0);
}

static void report(const Load *load)
{
        const Latency *latency = &load->messages.latency;
        json_t *line = json_pack("{s:I, s:f, s:f}", "connections", (json_int_t)load->messages.count,
                                 "p50_us", (double)latency_percentile(latency, 0.5) / 1e3, "p99_us",
                                 (double)latency_percentile(latency, 0.99) / 1e3);

        measure_report(&load->measure, line);
        json_dumpf(line, stdout, JSON_COMPACT);
        puts("");
        json_decref(line);
}

int main(int argc, char **argv)
{
        static Load load = {
                .messages = {.size = 64, .depth = 1},
                .at_once = 64,
                .warm_up_ns = 200 * 1000 * 1000,
                .time_ns = 1000 * 1000 * 1000,
        };

        program_begin("load_accepts");
        measure_init(&load.measure);
        parse(&load, argc, argv);
        load_make_bytes();
        load.set = program_check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
        for (unsigned i = 0; i < load.at_once; i++)
                open_next(&load, i);
        run_for(&load, load.warm_up_ns);
        measure_begin(&load.measure);
        run_for(&load, load.time_ns);
        measure_end(&load.measure);
        report(&load);
        return 0;
}
