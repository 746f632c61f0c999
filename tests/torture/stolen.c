/* What the hypervisor takes. See stolen.h. */
#include "tests/torture/stolen.h"

#include "core/cleanup.h"

#include <inttypes.h>
#include <stdio.h>

enum { STEAL = 7, TIMES = 8 };

StolenTime stolen_time(void)
{
        CLEANUP(cleanup_fclose) FILE *file = fopen("/proc/stat", "re");
        StolenTime time = {0};
        uint64_t ticks;

        if (!file || fscanf(file, "cpu") != 0)
                return time;
        for (int i = 0; i < TIMES && fscanf(file, "%" SCNu64, &ticks) == 1; i++) {
                time.all += ticks;
                if (i == STEAL)
                        time.stolen = ticks;
        }
        return time;
}

double stolen_share(StolenTime since)
{
        StolenTime now = stolen_time();

        return now.all > since.all
                       ? (double)(now.stolen - since.stolen) / (double)(now.all - since.all)
                       : 0;
}
