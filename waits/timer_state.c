/* Timers of other processes. See timer_state.h. */
#include "waits/timer_state.h"

#include "waits/process_directory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FDINFO_BYTES_MAX = 1024 };

int timer_state_read(int borrow_directory, int number, TimerState *out)
{
        char path[32], text[FDINFO_BYTES_MAX];
        const char *ticks, *interval;
        uint64_t seconds, nanoseconds;
        ssize_t n;

        snprintf(path, sizeof(path), "fdinfo/%d", number);
        n = process_directory_read(borrow_directory, path, text, sizeof(text));
        if (n < 0)
                return (int)n;
        ticks = strstr(text, "\nticks:");
        interval = strstr(text, "\nit_interval:");
        *out = (TimerState){.number = number};
        if (!ticks || !interval || sscanf(ticks, "\nticks: %" SCNu64, &out->ticks) != 1 ||
            sscanf(interval, "\nit_interval: (%" SCNu64 ", %" SCNu64 ")", &seconds, &nanoseconds) !=
                    2)
                return -EIO;
        out->interval_ms = seconds * 1000 + (nanoseconds + 999999) / 1000000;
        return 0;
}
