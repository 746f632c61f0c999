/*
 * A session with many registrations is moved to its process and back, again and again: what that
 * costs its own round trips, whose echo server waits itself, and others of the same user. It goes
 * on with its round trips all the time; in turns it stays and moves.
 */
#include "tests/torture/neighbours.h"

#include <signal.h>
#include <sys/resource.h>

enum {
        SPELL_MS = 1500,
        QUICK_SPELL_MS = 300,
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
        Neighbours neighbours;
        Process mover;
        unsigned connections;
        Spell stays[NEIGHBOURS_TURNS], moves[NEIGHBOURS_TURNS];
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

        world_start(&moving->world, torture->build, 0);
        neighbours_start(&moving->neighbours, &moving->world);
        torture_start_client(&moving->world, &mover, &moving->mover);
}

static bool measure(Moving *moving, const Torture *torture, int turn, bool stays, Result *result)
{
        int ms = torture->quick ? QUICK_SPELL_MS : SPELL_MS;

        spell_begin(&moving->mover, result);
        return neighbours_measure(&moving->neighbours, ms, turn, stays, result) &&
               spell_end(&moving->mover, stays ? &moving->stays[turn] : &moving->moves[turn],
                         result);
}

static bool take_turn(Moving *moving, const Torture *torture, int number, Result *result)
{
        bool good = measure(moving, torture, number, true, result);

        kill(moving->mover.pid, SIGUSR2);
        good = good && measure(moving, torture, number, false, result);
        kill(moving->mover.pid, SIGUSR2);
        return good;
}

static void tell(const Moving *moving, int n, Result *result)
{
        double stays_ms = spell_median(moving->stays, n).longest_ms;
        double moves_ms = spell_median(moving->moves, n).longest_ms;

        result->missed |= moves_ms > OWN_TARGET_MS;
        result_say(result,
                   "%u registrations: of its own events the longest took %.1f ms%s, %.1f without a "
                   "move; others: ",
                   moving->connections, moves_ms,
                   moves_ms > OWN_TARGET_MS ? ", more than promised" : "", stays_ms);
        neighbours_tell(&moving->neighbours, n, OTHERS_TARGET, true, result);
        json_object_update_new(result->figures,
                               json_pack("{s:i, s:f, s:f}", "registrations",
                                         (int)moving->connections, "moving_longest_ms", moves_ms,
                                         "staying_longest_ms", stays_ms));
}

/* It was told to move, and has. */
static void end_mover(Process *mover, Result *result)
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
        int turns = torture->quick ? 1 : NEIGHBOURS_TURNS, n = 0;
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
        end_mover(&moving.mover, result);
        neighbours_end(&moving.neighbours, result);
        torture_end_world(&moving.world, result);
}
