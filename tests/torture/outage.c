/*
 * The daemon is killed under load and started again at once, again and again: by us, who here are
 * its service manager. Or it is stopped, and goes on after a while. Ten clients and the server they
 * talk to wait by way of it; to them an outage may cost time, and nothing else.
 */
#include "tests/support/deadline.h"
#include "tests/support/random.h"
#include "tests/torture/torture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
        CLIENTS = 10,
        KILLS = 1000,
        QUICK_KILLS = 20,
        STOPS = 100,
        QUICK_STOPS = 3,
        STOPPED_MS = 500,
        /* Between two kills, at random. */
        PAUSE_MS_MAX = 100,
        BACK_MS = 20000,
        QUIET_MS = 5000,
        QUICK_QUIET_MS = 500,
        LINE_MS = 30000,
};

/* After which silence a daemon that is stopped is lost. */
#define ALIVE_MS "100"

#define FALLBACK_TARGET_MS 20.0
#define RESTART_TARGET_MS  100.0
#define STOPPED_TARGET_MS  200.0

typedef struct Outage {
        World world;
        Process clients[CLIENTS];
        double restarts_ms[KILLS];
        uint64_t registrations;
        int kills;
        double round_trips, failed, lost, longest_ms;
        double quiet_longest_ms; /* before the first kill */
} Outage;

static int compare(const void *a, const void *b)
{
        double difference = *(const double *)a - *(const double *)b;

        return difference < 0 ? -1 : difference > 0;
}

/* With all that they waited for before the first kill. */
static bool all_are_back(const Outage *outage)
{
        Baseline now = world_baseline(&outage->world);

        return now.sessions == CLIENTS + 1 && now.registrations >= outage->registrations;
}

/* With the local driver at any moment, also while they are coming back. Without it two outages in
 * one would be a longer one, so that they are back before the next. */
static void kill_daemon(Outage *outage, int kills, bool fallback, Result *result)
{
        uint64_t random = 1;

        for (int i = 0; i < kills; i++) {
                uint32_t ms = random_below(&random, PAUSE_MS_MAX);

                if (!fallback && !WAIT_UNTIL(all_are_back(outage), BACK_MS))
                        result_break(result, "the clients have not come back");
                nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
                outage->restarts_ms[outage->kills++] = world_replace_daemon(&outage->world);
        }
        qsort(outage->restarts_ms, (size_t)kills, sizeof(outage->restarts_ms[0]), compare);
}

static void stop_daemon(Outage *outage, int stops, Result *result)
{
        uint64_t random = 1;

        for (int i = 0; i < stops; i++) {
                uint32_t ms = random_below(&random, PAUSE_MS_MAX);

                nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
                kill(outage->world.daemon.pid, SIGSTOP);
                nanosleep(&(struct timespec){.tv_nsec = STOPPED_MS * 1000000L}, NULL);
                kill(outage->world.daemon.pid, SIGCONT);
                if (!WAIT_UNTIL(all_are_back(outage), BACK_MS))
                        result_break(result, "the clients have not come back");
        }
}

/* What stalls there are without any of this: what is measured from here on counts. */
static void measure_quiet(Outage *outage, int ms, Result *result)
{
        nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
        for (int i = 0; i < CLIENTS; i++) {
                json_t *line;
                double longest;

                kill(outage->clients[i].pid, SIGUSR1);
                line = process_read_json(&outage->clients[i], LINE_MS);
                if (!line)
                        result_break(result, "a client has ended early");
                longest = json_number_value(json_object_get(line, "longest_ns")) / 1e6;
                if (outage->quiet_longest_ms < longest)
                        outage->quiet_longest_ms = longest;
                json_decref(line);
        }
        outage->registrations = world_baseline(&outage->world).registrations;
}

static void end_client(Outage *outage, Process *client, Result *result)
{
        json_t *line;
        double longest;

        kill(client->pid, SIGTERM);
        line = process_read_json(client, LINE_MS);
        if (!line)
                result_break(result, "a client has ended early");
        longest = json_number_value(json_object_get(line, "longest_ns")) / 1e6;
        outage->round_trips += json_number_value(json_object_get(line, "round_trips"));
        outage->failed += json_number_value(json_object_get(line, "failed"));
        outage->lost += json_number_value(json_object_get(line, "lost"));
        if (outage->longest_ms < longest)
                outage->longest_ms = longest;
        json_decref(line);
        if (process_wait(client, LINE_MS) != 0)
                result_break(result, "a client did not end well");
}

static void tell_restarts(const Outage *outage, Result *result)
{
        double restart_ms = outage->restarts_ms[outage->kills / 2];
        double longest_restart_ms = outage->restarts_ms[outage->kills - 1];

        result_say(result, "; the daemon serves again after %.1f ms, at the longest %.1f ms",
                   restart_ms, longest_restart_ms);
        json_object_update_new(result->figures,
                               json_pack("{s:i, s:f, s:f}", "kills", outage->kills, "restart_ms",
                                         restart_ms, "longest_restart_ms", longest_restart_ms));
}

static void tell(const Outage *outage, const char *times, double target_ms, Result *result)
{
        result->missed = outage->longest_ms > target_ms;
        result_say(result,
                   "%s: %.0f round trips, %.0f failed, %.0f lost; longest stall %.1f ms (target "
                   "%.1f; without any outage %.1f)",
                   times, outage->round_trips, outage->failed, outage->lost, outage->longest_ms,
                   target_ms, outage->quiet_longest_ms);
        json_object_update_new(result->figures,
                               json_pack("{s:f, s:f, s:f, s:f, s:f}", "round_trips",
                                         outage->round_trips, "failed", outage->failed, "lost",
                                         outage->lost, "longest_stall_ms", outage->longest_ms,
                                         "quiet_longest_ms", outage->quiet_longest_ms));
        if (outage->failed > 0 || outage->lost > 0)
                result_break(result, "%.0f round trips failed, %.0f were lost", outage->failed,
                             outage->lost);
}

static void begin(Outage *outage, const Torture *torture, bool fallback, Result *result)
{
        const HealthyClient how = {.waits = WAITS_RELAYED, .connections = 100, .rate = 100};

        *outage = (Outage){0};
        setenv("KYRON_LOCAL_FALLBACK", fallback ? "1" : "0", 1);
        world_start(&outage->world, torture->build, 0);
        world_start_echo(&outage->world, WAITS_RELAYED);
        for (int i = 0; i < CLIENTS; i++)
                torture_start_client(&outage->world, &how, &outage->clients[i]);
        measure_quiet(outage, torture->quick ? QUICK_QUIET_MS : QUIET_MS, result);
}

static void end_clients(Outage *outage, Result *result)
{
        if (!WAIT_UNTIL(all_are_back(outage), BACK_MS))
                result_break(result, "the clients have not come back");
        for (int i = 0; i < CLIENTS; i++)
                end_client(outage, &outage->clients[i], result);
}

static void run(const Torture *torture, bool fallback, Result *result)
{
        static Outage outage;
        char times[64];

        begin(&outage, torture, fallback, result);
        kill_daemon(&outage, torture->quick ? QUICK_KILLS : KILLS, fallback, result);
        end_clients(&outage, result);
        snprintf(times, sizeof(times), "%d times killed", outage.kills);
        tell(&outage, times,
             fallback ? FALLBACK_TARGET_MS
                      : outage.restarts_ms[outage.kills - 1] + RESTART_TARGET_MS,
             result);
        tell_restarts(&outage, result);
        torture_end_world(&outage.world, result);
        unsetenv("KYRON_LOCAL_FALLBACK");
}

void torture_outage(const Torture *torture, const TortureCase *case_, Result *result)
{
        (void)case_;
        run(torture, false, result);
}

void torture_outage_with_fallback(const Torture *torture, const TortureCase *case_, Result *result)
{
        (void)case_;
        run(torture, true, result);
}

void torture_stopped_daemon(const Torture *torture, const TortureCase *case_, Result *result)
{
        static Outage outage;
        int stops = torture->quick ? QUICK_STOPS : STOPS;
        char times[64];

        (void)case_;
        setenv("KYRON_ALIVE_MS", ALIVE_MS, 1);
        begin(&outage, torture, true, result);
        stop_daemon(&outage, stops, result);
        end_clients(&outage, result);
        snprintf(times, sizeof(times), "%d times stopped for %d ms", stops, STOPPED_MS);
        tell(&outage, times, STOPPED_TARGET_MS, result);
        torture_end_world(&outage.world, result);
        unsetenv("KYRON_ALIVE_MS");
        unsetenv("KYRON_LOCAL_FALLBACK");
}
