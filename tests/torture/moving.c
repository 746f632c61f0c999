/*
 * A session with many registrations is moved to its process and back, again and again: what that
 * costs its own round trips, whose echo server waits itself, and those of another session of the
 * same user, by way of the daemon. Both go on all the time; in turns it moves and stays.
 */
#include "tests/torture/spell.h"

#include <signal.h>
#include <sys/resource.h>

enum {
        TURNS = 5,
        SPELL_MS = 2000,
        QUICK_SPELL_MS = 600,
        MOVES_MS = 250,
        CONNECTIONS = 10000,
        QUICK_CONNECTIONS = 1000,
        /* Of a process, beside its connections. */
        FILES_BESIDE = 64,
        KEPT_KIB = 8192,
};

#define OWN_TARGET_MS 20.0
#define OTHERS_TARGET 1.1

typedef struct Moving {
        World world;
        Process mover, other;
        unsigned connections;
        Spell mover_stays[TURNS], mover_moves[TURNS];
        Spell other_quiet[TURNS], other_beside[TURNS];
} Moving;

static unsigned choose_connections(const Torture *torture)
{
        rlim_t wanted = torture->quick ? QUICK_CONNECTIONS : CONNECTIONS;
        struct rlimit files;

        if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < wanted + FILES_BESIDE)
                wanted = files.rlim_cur - FILES_BESIDE;
        return (unsigned)wanted;
}

static void start(Moving *moving, const Torture *torture)
{
        HealthyClient mover = {
                .waits = WAITS_DIRECT,
                .connections = moving->connections = choose_connections(torture),
                .rate = 1000,
                .moves_ms = MOVES_MS,
        };
        HealthyClient other = {.waits = WAITS_RELAYED, .connections = 16, .rate = 1000};

        world_start(&moving->world, torture->build, 0);
        world_start_echo(&moving->world, WAITS_RELAYED);
        world_start_echo(&moving->world, WAITS_DIRECT);
        torture_start_client(&moving->world, &mover, &moving->mover);
        torture_start_client(&moving->world, &other, &moving->other);
}

static bool measure(Moving *moving, int ms, Spell *mover, Spell *other, Result *result)
{
        spell_begin(&moving->mover, result);
        spell_begin(&moving->other, result);
        spell_last(ms);
        return spell_end(&moving->other, other, result) && spell_end(&moving->mover, mover, result);
}

static bool take_turn(Moving *moving, const Torture *torture, int number, Result *result)
{
        int ms = torture->quick ? QUICK_SPELL_MS : SPELL_MS;
        bool good = measure(moving, ms, &moving->mover_stays[number], &moving->other_quiet[number],
                            result);

        kill(moving->mover.pid, SIGUSR2);
        good = good && measure(moving, ms, &moving->mover_moves[number],
                               &moving->other_beside[number], result);
        kill(moving->mover.pid, SIGUSR2);
        return good;
}

static void tell(const Moving *moving, int n, Result *result)
{
        Spell stays = spell_median(moving->mover_stays, n);
        Spell moves = spell_median(moving->mover_moves, n);
        Spell quiet = spell_median(moving->other_quiet, n);
        Spell beside = spell_median(moving->other_beside, n);
        double ratio = spell_ratio(quiet, beside);

        result->missed = moves.longest_ms > OWN_TARGET_MS || ratio > OTHERS_TARGET;
        result_say(result,
                   "%u registrations: its own events took %.1f ms at the longest, %.1f without a "
                   "move; another session's p99 %.2f → %.2f ms (%.2f), longest %.1f → %.1f ms; ",
                   moving->connections, moves.longest_ms, stays.longest_ms, quiet.p99_ms,
                   beside.p99_ms, ratio, quiet.longest_ms, beside.longest_ms);
        json_object_update_new(result->figures,
                               json_pack("{s:i, s:f, s:f, s:f, s:f, s:f}", "registrations",
                                         (int)moving->connections, "moving_longest_ms",
                                         moves.longest_ms, "staying_longest_ms", stays.longest_ms,
                                         "other_quiet_p99_ms", quiet.p99_ms, "other_beside_p99_ms",
                                         beside.p99_ms, "ratio", ratio));
}

/* It was told to move, and has. */
static void tell_moves(Process *mover, Result *result)
{
        json_t *line = torture_end_client(mover, result);
        json_int_t moves = json_integer_value(json_object_get(line, "moves"));
        json_int_t arrivals = json_integer_value(json_object_get(line, "arrivals"));

        result_say(result,
                   "; %" JSON_INTEGER_FORMAT " times told to move, %" JSON_INTEGER_FORMAT
                   " times it came to be direct",
                   moves, arrivals);
        if (line && arrivals == 0)
                result_break(result, "it has not moved");
        json_decref(line);
}

void torture_moving(const Torture *torture, const TortureCase *case_, Result *result)
{
        static Moving moving;
        int turns = torture->quick ? 1 : TURNS, n = 0;
        Baseline before;

        (void)case_;
        moving = (Moving){0};
        start(&moving, torture);
        before = world_baseline_at_rest(&moving.world);
        /* One turn before it counts, as beside an attack. */
        if (take_turn(&moving, torture, 0, result)) {
                before.memory_kib = world_settle(&moving.world, &before).memory_kib;
                while (n < turns && take_turn(&moving, torture, n, result))
                        n++;
        }
        if (n > 0) {
                tell(&moving, n, result);
                torture_check_baseline(&moving.world, &before, KEPT_KIB, result);
        }
        tell_moves(&moving.mover, result);
        json_decref(torture_end_client(&moving.other, result));
        torture_end_world(&moving.world, result);
}
