/*
 * What an attack costs others: a healthy client's round trips without and with it, in turns, since
 * a machine is not the same from one second to the next. The ratio is that of the medians of the
 * turns' 99th percentiles.
 */
#include "tests/torture/torture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
        TURNS = 5,
        TURN_MS = 2000,
        QUICK_TURN_MS = 300,
        LINE_MS = 30000,
        ENDS_MS = 30000,
        /* What as many sessions as a user may have took at one time or other. */
        KEPT_KIB = 8192,
};

#define RATIO_TARGET 1.5

typedef struct Turn {
        double p50_ms, p99_ms, p999_ms, longest_ms;
} Turn;

typedef struct Beside {
        World world;
        Process client;
        Turn quiet[TURNS], attacked[TURNS];
        double done, seconds;
        char things[64];
} Beside;

/* Lets the client go on for so long, and reads how it went. */
static bool measure(Process *client, int ms, Turn *turn, Result *result)
{
        json_t *line;

        /* What was before does not count. */
        kill(client->pid, SIGUSR1);
        json_decref(process_read_json(client, LINE_MS));
        nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
        kill(client->pid, SIGUSR1);
        line = process_read_json(client, LINE_MS);
        if (!line) {
                result_break(result, "a healthy client has ended early");
                return false;
        }
        *turn = (Turn){
                .p50_ms = json_number_value(json_object_get(line, "p50_ns")) / 1e6,
                .p99_ms = json_number_value(json_object_get(line, "p99_ns")) / 1e6,
                .p999_ms = json_number_value(json_object_get(line, "p999_ns")) / 1e6,
                .longest_ms = json_number_value(json_object_get(line, "longest_ns")) / 1e6,
        };
        json_decref(line);
        return true;
}

static void take_done(Beside *beside, Process *attack, double seconds)
{
        json_t *line;

        kill(attack->pid, SIGTERM);
        line = process_read_json(attack, ENDS_MS);
        beside->done += json_number_value(json_object_get(line, "done"));
        beside->seconds += seconds;
        if (line)
                snprintf(beside->things, sizeof(beside->things), "%s",
                         json_string_value(json_object_get(line, "things")));
        json_decref(line);
        process_wait(attack, ENDS_MS);
}

static bool take_turn(Beside *beside, const Torture *torture, const TortureCase *case_, int number,
                      Result *result)
{
        int ms = torture->quick ? QUICK_TURN_MS : TURN_MS;
        struct timespec from, to;
        Process attack;
        bool good;

        if (!measure(&beside->client, ms, &beside->quiet[number], result))
                return false;
        clock_gettime(CLOCK_MONOTONIC, &from);
        if (!torture_start_attack(&beside->world, case_, 0, &attack, result))
                return false;
        good = measure(&beside->client, ms, &beside->attacked[number], result);
        clock_gettime(CLOCK_MONOTONIC, &to);
        take_done(beside, &attack,
                  (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
        return good;
}

static int compare(const void *a, const void *b)
{
        double difference = *(const double *)a - *(const double *)b;

        return difference < 0 ? -1 : difference > 0;
}

/* The median of one of a turn's times, which is at this offset. */
static double median(const Turn *turns, int n, size_t offset)
{
        double values[TURNS];

        for (int i = 0; i < n; i++)
                memcpy(&values[i], (const char *)&turns[i] + offset, sizeof(values[i]));
        qsort(values, (size_t)n, sizeof(values[0]), compare);
        return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double longest(const Turn *turns, int n)
{
        double most = 0;

        for (int i = 0; i < n; i++) {
                if (most < turns[i].longest_ms)
                        most = turns[i].longest_ms;
        }
        return most;
}

static void tell(const Beside *beside, int n, double turn_ms, Result *result)
{
        double quiet = median(beside->quiet, n, offsetof(Turn, p99_ms));
        double attacked = median(beside->attacked, n, offsetof(Turn, p99_ms));
        double ratio = quiet > 0 ? attacked / quiet : 0;

        result->missed = ratio > RATIO_TARGET;
        result_say(result,
                   "ratio %.2f: p99 %.2f → %.2f ms; median %.2f → %.2f ms; longest %.1f → %.1f ms; "
                   "%.0f %s a second; ",
                   ratio, quiet, attacked, median(beside->quiet, n, offsetof(Turn, p50_ms)),
                   median(beside->attacked, n, offsetof(Turn, p50_ms)), longest(beside->quiet, n),
                   longest(beside->attacked, n), beside->done / beside->seconds, beside->things);
        if (turn_ms >= 0)
                result_say(result, "longest turn of the loop %.1f ms; ", turn_ms);
        json_object_update_new(result->figures,
                               json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "ratio", ratio,
                                         "quiet_p99_ms", quiet, "attacked_p99_ms", attacked,
                                         "quiet_longest_ms", longest(beside->quiet, n),
                                         "attacked_longest_ms", longest(beside->attacked, n),
                                         "longest_turn_ms", turn_ms));
}

void torture_beside(const Torture *torture, const TortureCase *case_, Result *result)
{
        static Beside beside;
        int turns = torture->quick ? 1 : TURNS, n = 0;
        Baseline before;

        beside = (Beside){0};
        world_start(&beside.world, torture->build, case_->wrong);
        world_start_echo(&beside.world);
        torture_start_client(&beside.world, "16", "1000", &beside.client);
        before = world_baseline_at_rest(&beside.world);
        /* One turn before it counts: what is allocated once is there then. */
        if (take_turn(&beside, torture, case_, 0, result)) {
                before.memory_kib = world_settle(&beside.world, &before).memory_kib;
                beside.done = beside.seconds = 0;
                while (n < turns && take_turn(&beside, torture, case_, n, result))
                        n++;
        }
        if (n > 0) {
                tell(&beside, n, world_baseline(&beside.world).longest_turn_ms, result);
                torture_check_baseline(&beside.world, &before,
                                       case_->kept_kib ? case_->kept_kib : KEPT_KIB, result);
        }
        torture_end_client(&beside.client, result);
        torture_end_world(&beside.world, result);
}
