/* An attack done so many times, and what the daemon has before and after. */
#include "tests/torture/torture.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum {
        /* In the short form; and beforehand, so that what is allocated once is there. */
        QUICK_SHARE = 50,
        WARM_SHARE = 50,
        ENDS_MS = 900000,
};

static bool attack_so_often(const World *world, const TortureCase *case_, uint64_t count,
                            double *seconds, Result *result)
{
        struct timespec from, to;
        Process attack;
        json_t *line;
        bool good;

        clock_gettime(CLOCK_MONOTONIC, &from);
        if (!torture_start_attack(world, case_, count, &attack, result))
                return false;
        line = process_read_json(&attack, ENDS_MS);
        clock_gettime(CLOCK_MONOTONIC, &to);
        *seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        good = line && json_number_value(json_object_get(line, "done")) >= (double)count;
        json_decref(line);
        process_wait(&attack, ENDS_MS);
        if (!good)
                result_break(result, "the attack did not come to its end");
        return good;
}

void torture_many(const Torture *torture, const TortureCase *case_, Result *result)
{
        uint64_t count = torture->quick ? case_->count / QUICK_SHARE : case_->count;
        const HealthyClient how = {.waits = WAITS_RELAYED, .connections = 16, .rate = 100};
        Process client;
        Baseline before;
        World world;
        double seconds;

        world_start(&world, torture->build, case_->wrong);
        world_start_echo(&world, WAITS_RELAYED);
        torture_start_client(&world, &how, &client);
        before = world_baseline_at_rest(&world);
        if (attack_so_often(&world, case_, count / WARM_SHARE, &seconds, result)) {
                before.memory_kib = world_settle(&world, &before).memory_kib;
                if (attack_so_often(&world, case_, count, &seconds, result)) {
                        result_say(result, "%" PRIu64 " in %.1f s; ", count, seconds);
                        json_object_update_new(result->figures,
                                               json_pack("{s:I, s:f}", "count", (json_int_t)count,
                                                         "seconds", seconds));
                        torture_check_baseline(&world, &before, case_->kept_kib, result);
                }
        }
        json_decref(torture_end_client(&client, result));
        torture_end_world(&world, result);
}
