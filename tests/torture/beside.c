/* What an attack costs others: healthy clients' round trips without and with it, in turns. */
#include "tests/torture/neighbours.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

enum {
        SPELL_MS = 1500,
        QUICK_SPELL_MS = 150,
        ENDS_MS = 30000,
        /* What as many sessions as a user may have took at one time or other. */
        KEPT_KIB = 8192,
};

#define RATIO_TARGET 1.5

typedef struct Beside {
        World world;
        Neighbours neighbours;
        double done, seconds;
        char things[64];
} Beside;

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
        int ms = torture->quick ? QUICK_SPELL_MS : SPELL_MS;
        struct timespec from, to;
        Process attack;
        bool good;

        if (!neighbours_measure(&beside->neighbours, ms, number, true, result))
                return false;
        clock_gettime(CLOCK_MONOTONIC, &from);
        if (!torture_start_attack(&beside->world, case_, 0, &attack, result))
                return false;
        good = neighbours_measure(&beside->neighbours, ms, number, false, result);
        clock_gettime(CLOCK_MONOTONIC, &to);
        take_done(beside, &attack,
                  (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
        return good;
}

static void tell(const Beside *beside, int n, const TortureCase *case_, Result *result)
{
        double turn_ms = world_baseline(&beside->world).longest_turn_ms;
        bool too_long = case_->turn_max_ms > 0 && turn_ms > case_->turn_max_ms;

        neighbours_tell(&beside->neighbours, n, RATIO_TARGET, false, result);
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
        int turns = torture->quick ? 1 : NEIGHBOURS_TURNS, n = 0;
        Baseline before;

        beside = (Beside){0};
        world_start(&beside.world, torture->build, case_->wrong);
        neighbours_start(&beside.neighbours, &beside.world);
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
        neighbours_end(&beside.neighbours, result);
        torture_end_world(&beside.world, result);
}
