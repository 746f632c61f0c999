/* The clock that nobody sets, in milliseconds. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ms(void)
{
        struct timespec now;

        /* Cannot fail: every kernel has this clock. */
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
