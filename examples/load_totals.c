/* Adding up and printing what came of a load. See load.h. */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>

const char *const load_protocol_names[LOAD_PROTOCOLS] = {"tcp", "udp", "unix"};

static void add(LoadCount *count, const LoadCount *more)
{
        count->connections += more->connections;
        count->round_trips += more->round_trips;
        count->bytes += more->bytes;
        count->resends += more->resends;
        count->cancels += more->cancels;
        count->errors += more->errors;
        if (count->seconds < more->seconds)
                count->seconds = more->seconds;
}

void load_totals_add(LoadTotals *totals, const LoadTotals *more)
{
        for (int i = 0; i < LOAD_PROTOCOLS; i++)
                add(&totals->of[i], &more->of[i]);
}

uint64_t load_totals_errors(const LoadTotals *totals)
{
        uint64_t errors = 0;

        for (int i = 0; i < LOAD_PROTOCOLS; i++)
                errors += totals->of[i].errors;
        return errors;
}

static void print_row(const char *name, const LoadCount *count)
{
        printf("%-8s %7" PRIu64 " %11" PRIu64 " %11" PRIu64 " %7" PRIu64 " %7" PRIu64 " %6" PRIu64
               " %7.2f %8.0f\n",
               name, count->connections, count->round_trips, count->bytes, count->resends,
               count->cancels, count->errors, count->seconds,
               count->seconds > 0 ? (double)count->round_trips / count->seconds : 0.0);
}

void load_totals_print(const LoadTotals *totals)
{
        LoadCount all = {.connections = 0};

        printf("%-8s %7s %11s %11s %7s %7s %6s %7s %8s\n", "PROTOCOL", "CONNS", "ROUND-TRIPS",
               "BYTES", "RESENDS", "CANCELS", "ERRORS", "SECONDS", "RATE/S");
        for (int i = 0; i < LOAD_PROTOCOLS; i++) {
                if (totals->of[i].connections > 0)
                        print_row(load_protocol_names[i], &totals->of[i]);
                add(&all, &totals->of[i]);
        }
        print_row("total", &all);
        fflush(stdout);
}
