/*
 * What an attack costs others: healthy clients' round trips without and with it, in turns. There is
 * one of each kind: one that waits by way of the daemon, one that waits itself with the daemon
 * beside it (direct), and one that knows of no daemon, each with an echo server of its kind. They
 * take turns, too, and rest while it is another's: three at a time would wait for each other's
 * processors, and the attack be one among others.
 */
#include "tests/torture/spell.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

enum {
        TURNS = 5,
        SPELL_MS = 1500,
        QUICK_SPELL_MS = 150,
        ENDS_MS = 30000,
        /* What as many sessions as a user may have took at one time or other. */
        KEPT_KIB = 8192,
};

/* Of its quiet p99; where an in-process client has more, of what that one has. */
#define RATIO_TARGET      1.5
#define IN_PROCESS_TARGET 1.1

typedef struct Healthy {
        Process client;
        Spell quiet[TURNS], attacked[TURNS];
} Healthy;

typedef struct Beside {
        World world;
        Healthy healthy[WAITS_COUNT];
        double done, seconds;
        char things[64];
} Beside;

static void start_clients(Beside *beside)
{
        for (Waits waits = 0; waits < WAITS_COUNT; waits++) {
                const HealthyClient how = {
                        .waits = waits,
                        .connections = 16,
                        .rate = 1000,
                        .rests = true,
                };

                world_start_echo(&beside->world, waits);
                torture_start_client(&beside->world, &how, &beside->healthy[waits].client);
        }
}

static bool measure(Beside *beside, const Torture *torture, int number, bool attacked,
                    Result *result)
{
        for (int i = 0; i < WAITS_COUNT; i++) {
                /* Whoever was the first is the last next time. */
                Healthy *healthy = &beside->healthy[(number + i) % WAITS_COUNT];

                spell_begin(&healthy->client, result);
                spell_last(torture->quick ? QUICK_SPELL_MS : SPELL_MS);
                if (!spell_end(&healthy->client,
                               attacked ? &healthy->attacked[number] : &healthy->quiet[number],
                               result))
                        return false;
        }
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
        struct timespec from, to;
        Process attack;
        bool good;

        if (!measure(beside, torture, number, false, result))
                return false;
        clock_gettime(CLOCK_MONOTONIC, &from);
        if (!torture_start_attack(&beside->world, case_, 0, &attack, result))
                return false;
        good = measure(beside, torture, number, true, result);
        clock_gettime(CLOCK_MONOTONIC, &to);
        take_done(beside, &attack,
                  (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
        return good;
}

/* ---- What it came to ----------------------------------------------------------------------- */

/* The in-process client's own is promised by nobody. */
static double target_of(Waits waits, double in_process)
{
        if (waits == WAITS_IN_PROCESS)
                return INFINITY;
        if (waits == WAITS_DIRECT && in_process > RATIO_TARGET)
                return in_process * IN_PROCESS_TARGET;
        return RATIO_TARGET;
}

static json_t *tell_client(const Healthy *healthy, int n, double target, const char *name,
                           Result *result)
{
        Spell quiet = spell_median(healthy->quiet, n);
        Spell attacked = spell_median(healthy->attacked, n);
        double ratio = spell_ratio(quiet, attacked);

        result->missed |= ratio > target;
        result_say(result, "%s: median %.2f → %.2f ms, longest %.1f → %.1f ms; ", name,
                   quiet.p50_ms, attacked.p50_ms, quiet.longest_ms, attacked.longest_ms);
        return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "quiet_p50_ms", quiet.p50_ms,
                         "attacked_p50_ms", attacked.p50_ms, "quiet_p99_ms", quiet.p99_ms,
                         "attacked_p99_ms", attacked.p99_ms, "quiet_longest_ms", quiet.longest_ms,
                         "attacked_longest_ms", attacked.longest_ms, "ratio", ratio, "missed",
                         ratio > target);
}

static void tell_clients(const Beside *beside, int n, Result *result)
{
        const Healthy *without = &beside->healthy[WAITS_IN_PROCESS];
        double in_process =
                spell_ratio(spell_median(without->quiet, n), spell_median(without->attacked, n));
        json_t *all = json_object();

        for (Waits waits = 0; waits < WAITS_COUNT; waits++) {
                const char *name = world_waits[waits].name;

                json_object_set_new(all, name,
                                    tell_client(&beside->healthy[waits], n,
                                                target_of(waits, in_process), name, result));
        }
        json_object_set_new(result->figures, "beside", all);
}

static void tell(const Beside *beside, int n, const TortureCase *case_, Result *result)
{
        double turn_ms = world_baseline(&beside->world).longest_turn_ms;
        bool too_long = case_->turn_max_ms > 0 && turn_ms > case_->turn_max_ms;

        tell_clients(beside, n, result);
        result->missed |= too_long;
        result_say(result, "%.0f %s a second; ", beside->done / beside->seconds, beside->things);
        if (turn_ms >= 0)
                result_say(result, "longest turn of the loop %.1f ms%s; ", turn_ms,
                           too_long ? ", more than promised" : "");
        json_object_set_new(result->figures, "longest_turn_ms", json_real(turn_ms));
}

void torture_beside(const Torture *torture, const TortureCase *case_, Result *result)
{
        static Beside beside;
        int turns = torture->quick ? 1 : TURNS, n = 0;
        Baseline before;

        beside = (Beside){0};
        world_start(&beside.world, torture->build, case_->wrong);
        start_clients(&beside);
        before = world_baseline_at_rest(&beside.world);
        /* One turn before it counts: what is allocated once is there then. */
        if (take_turn(&beside, torture, case_, 0, result)) {
                before.memory_kib = world_settle(&beside.world, &before).memory_kib;
                beside.done = beside.seconds = 0;
                while (n < turns && take_turn(&beside, torture, case_, n, result))
                        n++;
        }
        if (n > 0) {
                tell(&beside, n, case_, result);
                torture_check_baseline(&beside.world, &before,
                                       case_->kept_kib ? case_->kept_kib : KEPT_KIB, result);
        }
        for (Waits waits = 0; waits < WAITS_COUNT; waits++)
                json_decref(torture_end_client(&beside.healthy[waits].client, result));
        torture_end_world(&beside.world, result);
}
