/*
 * The load of the echo cases, the same for every server. Each connection has so many messages under
 * way; once each has got one back and the warm-up is over, it measures, and writes one line of
 * JSON:
 *
 *   round_trips, seconds, and p50_us, p99_us, p999_us, longest_us of each round trip;
 *   by_target      round trips of each server
 *   cpu_seconds    of all processes, cpu_of of each, and wakeups_of if asked for: see measure.h
 */
#include "bench/load_connection.h"
#include "bench/measure.h"
#include "bench/program.h"
#include "examples/address.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

enum {
        EVENTS_MAX = 256,
        TARGETS_MAX = 64,
        CONNECTIONS_MAX = 1000000,
        STALL_S = 20,
        PAUSE_MAX_US = 10 * 1000 * 1000,
};

#define SECOND_NS INT64_C(1000000000)

static const char usage[] =
        "Usage: load TARGET... [OPTION]...\n"
        "Measure round trips to echo servers, over connections that take turns among\n"
        "the targets.\n"
        "\n"
        "      --tcp ADDRESS:PORT, --udp ADDRESS:PORT\n"
        "                        a target; all of one kind\n"
        "      --connections N   (1)\n"
        "      --active N        of them, the others are idle (all)\n"
        "      --size BYTES      of each message (64)\n"
        "      --depth N         messages under way on each connection (1)\n"
        "      --pause US        before each message; of one connection only (0)\n"
        "      --warm-up MS      not measured (200)\n"
        "      --time MS         measured (1000)\n"
        "      --watch PID       whose processor time counts, besides this one's\n"
        "      --wakeups         of them, too\n"
        "      --help\n";

typedef struct Load {
        LoadMessages messages;
        Measure measure;
        Address targets[TARGETS_MAX];
        unsigned target_count;
        unsigned connection_count;
        unsigned active;
        unsigned pause_us;
        int64_t warm_up_ns;
        int64_t time_ns;
        LoadConnection *connections;
        int set;
} Load;

static void add_target(Load *load, const char *text, bool is_datagram)
{
        if (load->target_count == TARGETS_MAX ||
            !address_parse(text, &load->targets[load->target_count]))
                program_fail("\"%s\" is no address", text);
        load->target_count++;
        load->messages.is_datagram = is_datagram;
}

static void take_option(Load *load, int option, const char *text)
{
        switch (option) {
        case 't':
        case 'u':
                add_target(load, text, option == 'u');
                break;
        case 'c':
                load->connection_count = (unsigned)program_number(text, 1, CONNECTIONS_MAX);
                break;
        case 'a':
                load->active = (unsigned)program_number(text, 1, CONNECTIONS_MAX);
                break;
        case 'z':
                load->messages.size = program_number(text, 1, LOAD_SIZE_MAX);
                break;
        case 'd':
                load->messages.depth = (unsigned)program_number(text, 1, LOAD_DEPTH_MAX);
                break;
        case 'p':
                load->pause_us = (unsigned)program_number(text, 0, PAUSE_MAX_US);
                break;
        case 'w':
                load->warm_up_ns = (int64_t)program_number(text, 0, INT32_MAX) * 1000000;
                break;
        case 'm':
                load->time_ns = (int64_t)program_number(text, 1, INT32_MAX) * 1000000;
                break;
        case 'o':
                measure_watch(&load->measure, (pid_t)program_number(text, 1, INT32_MAX));
                break;
        case 'k':
                load->measure.counts_wakeups = true;
                break;
        case 'h':
                fputs(usage, stdout);
                exit(EXIT_SUCCESS);
        default:
                program_fail("see --help");
        }
}

static void parse(Load *load, int argc, char **argv)
{
        static const struct option names[] = {
                {"tcp", required_argument, NULL, 't'},
                {"udp", required_argument, NULL, 'u'},
                {"connections", required_argument, NULL, 'c'},
                {"active", required_argument, NULL, 'a'},
                {"size", required_argument, NULL, 'z'},
                {"depth", required_argument, NULL, 'd'},
                {"pause", required_argument, NULL, 'p'},
                {"warm-up", required_argument, NULL, 'w'},
                {"time", required_argument, NULL, 'm'},
                {"watch", required_argument, NULL, 'o'},
                {"wakeups", no_argument, NULL, 'k'},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0)
                take_option(load, option, optarg);
        if (optind < argc || load->target_count == 0)
                program_fail("see --help");
        if (load->active == 0 || load->active > load->connection_count)
                load->active = load->connection_count;
        if (load->pause_us > 0 && (load->active > 1 || load->messages.depth > 1))
                program_fail("--pause takes one connection and one message at a time");
}

/* ---- The loop ------------------------------------------------------------------------------ */

static void open_all(Load *load)
{
        for (unsigned i = 0; i < load->connection_count; i++) {
                const Address *target = &load->targets[i % load->target_count];
                LoadConnection *connection = &load->connections[i];
                struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

                load_connection_open(connection, i, load->messages.is_datagram,
                                     (const struct sockaddr *)&target->storage, target->size);
                program_check(epoll_ctl(load->set, EPOLL_CTL_ADD, connection->fd, &event),
                              "epoll_ctl");
        }
}

static void send_more(Load *load, LoadConnection *connection)
{
        bool waited = connection->wants_room;

        if (load->pause_us > 0)
                nanosleep(&(struct timespec){.tv_sec = load->pause_us / 1000000,
                                             .tv_nsec = load->pause_us % 1000000 * 1000L},
                          NULL);
        load_connection_send(connection, &load->messages);
        if (connection->wants_room != waited) {
                struct epoll_event event = {
                        .events = connection->wants_room ? EPOLLIN | EPOLLOUT : EPOLLIN,
                        .data.u32 = connection->number,
                };

                program_check(epoll_ctl(load->set, EPOLL_CTL_MOD, connection->fd, &event),
                              "epoll_ctl");
        }
}

/* Each connection's first round trip is sent and awaited, and it sends again; idle ones rest then.
 */
static bool all_have_begun(Load *load)
{
        static unsigned begun;

        while (begun < load->connection_count && load->connections[begun].received > 0)
                begun++;
        return begun == load->connection_count;
}

/* Serves what is ready. */
static void turn(Load *load)
{
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(load->set, events, EVENTS_MAX, STALL_S * 1000);

        if (count == 0)
                program_fail("nothing came back for %d s", STALL_S);
        if (count < 0 && errno != EINTR)
                program_check(count, "epoll_wait");
        for (int i = 0; i < count; i++) {
                LoadConnection *connection = &load->connections[events[i].data.u32];

                if (events[i].events & ~(uint32_t)EPOLLOUT &&
                    !load_connection_receive(connection, &load->messages))
                        program_fail("the server has closed a connection");
                if (connection->number < load->active || connection->wants_room)
                        send_more(load, connection);
        }
}

/* And until something came back. */
static void run_for(Load *load, int64_t ns)
{
        int64_t end_ns = now_ns() + ns;

        load->messages.count = 0;
        do {
                turn(load);
        } while (now_ns() < end_ns || load->messages.count == 0);
}

static void run(Load *load)
{
        for (unsigned i = 0; i < load->connection_count; i++)
                send_more(load, &load->connections[i]);
        while (!all_have_begun(load))
                turn(load);
        run_for(load, load->warm_up_ns);
        load->messages.latency = (Latency){.count = 0};
        for (unsigned i = 0; i < load->connection_count; i++)
                load->connections[i].count = 0;
        measure_begin(&load->measure);
        run_for(load, load->time_ns);
        measure_end(&load->measure);
}

/* ---- The report ---------------------------------------------------------------------------- */

static json_t *count_by_target(const Load *load)
{
        uint64_t counts[TARGETS_MAX] = {0};
        json_t *all = json_array();

        for (unsigned i = 0; i < load->connection_count; i++)
                counts[i % load->target_count] += load->connections[i].count;
        for (unsigned i = 0; i < load->target_count; i++)
                json_array_append_new(all, json_integer((json_int_t)counts[i]));
        return all;
}

static void report(const Load *load)
{
        const Latency *latency = &load->messages.latency;
        json_t *line = json_pack(
                "{s:I, s:f, s:f, s:f, s:f, s:o}", "round_trips", (json_int_t)load->messages.count,
                "p50_us", (double)latency_percentile(latency, 0.5) / 1e3, "p99_us",
                (double)latency_percentile(latency, 0.99) / 1e3, "p999_us",
                (double)latency_percentile(latency, 0.999) / 1e3, "longest_us",
                (double)latency->longest_ns / 1e3, "by_target", count_by_target(load));

        measure_report(&load->measure, line);
        json_dumpf(line, stdout, JSON_COMPACT);
        puts("");
        json_decref(line);
}

int main(int argc, char **argv)
{
        static Load load = {
                .messages = {.size = 64, .depth = 1},
                .connection_count = 1,
                .warm_up_ns = 200 * 1000 * 1000,
                .time_ns = SECOND_NS,
        };

        program_begin("load");
        measure_init(&load.measure);
        parse(&load, argc, argv);
        load.connections = calloc(load.connection_count, sizeof(*load.connections));
        if (!load.connections)
                program_fail("no memory");
        load_make_bytes();
        load.set = program_check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
        open_all(&load);
        run(&load);
        report(&load);
        for (unsigned i = 0; i < load.connection_count; i++)
                load_connection_close(&load.connections[i]);
        free(load.connections);
        return 0;
}
