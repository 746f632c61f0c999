/* Healthy clients beside what is done to a daemon. See neighbours.h. */
#include "tests/torture/neighbours.h"

#include <math.h>

/* Of what a client without a daemon has. */
#define IN_PROCESS_TARGET 1.1

void neighbours_start(Neighbours *neighbours, World *world)
{
        for (Waits waits = 0; waits < WAITS_COUNT; waits++) {
                const HealthyClient how = {
                        .waits = waits,
                        .connections = 16,
                        .rate = 1000,
                        .rests = true,
                };

                world_start_echo(world, waits);
                torture_start_client(world, &how, &neighbours->of[waits].client);
        }
}

bool neighbours_measure(Neighbours *neighbours, int ms, int turn, bool in_quiet, Result *result)
{
        for (int i = 0; i < WAITS_COUNT; i++) {
                /* Whoever was the first is the last next time. */
                Neighbour *neighbour = &neighbours->of[(turn + i) % WAITS_COUNT];

                spell_begin(&neighbour->client, result);
                spell_last(ms);
                if (!spell_end(&neighbour->client,
                               in_quiet ? &neighbour->quiet[turn] : &neighbour->beside[turn],
                               result))
                        return false;
        }
        return true;
}

static json_t *tell_one(const Neighbour *neighbour, int n, double target, const char *name,
                        Result *result)
{
        Spell quiet = spell_median(neighbour->quiet, n);
        Spell beside = spell_median(neighbour->beside, n);
        double ratio = spell_ratio(quiet, beside);

        result->missed |= ratio > target;
        result_say(result, "%s: median %.2f → %.2f ms, longest %.1f → %.1f ms; ", name,
                   quiet.p50_ms, beside.p50_ms, quiet.longest_ms, beside.longest_ms);
        return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "quiet_p50_ms", quiet.p50_ms,
                         "beside_p50_ms", beside.p50_ms, "quiet_p99_ms", quiet.p99_ms,
                         "beside_p99_ms", beside.p99_ms, "quiet_longest_ms", quiet.longest_ms,
                         "beside_longest_ms", beside.longest_ms, "ratio", ratio, "missed",
                         ratio > target);
}

void neighbours_tell(const Neighbours *neighbours, int n, double target, bool relayed_is_allowed,
                     Result *result)
{
        const Neighbour *without = &neighbours->of[WAITS_IN_PROCESS];
        double in_process =
                spell_ratio(spell_median(without->quiet, n), spell_median(without->beside, n));
        double allowed = in_process > target ? in_process * IN_PROCESS_TARGET : target;
        const double targets[WAITS_COUNT] = {
                [WAITS_RELAYED] = relayed_is_allowed ? allowed : target,
                [WAITS_DIRECT] = allowed,
                [WAITS_IN_PROCESS] = INFINITY, /* nobody promises it anything */
        };
        json_t *all = json_object();

        for (Waits waits = 0; waits < WAITS_COUNT; waits++) {
                const char *name = world_waits[waits].name;

                json_object_set_new(
                        all, name,
                        tell_one(&neighbours->of[waits], n, targets[waits], name, result));
        }
        json_object_set_new(result->figures, "neighbours", all);
}

void neighbours_end(Neighbours *neighbours, Result *result)
{
        for (Waits waits = 0; waits < WAITS_COUNT; waits++)
                json_decref(torture_end_client(&neighbours->of[waits].client, result));
}
