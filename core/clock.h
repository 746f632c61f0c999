/* The clock that nobody sets, and the same as of the kernel's last tick. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns(void)
{
        struct timespec now;

        /* Cannot fail: every kernel has this clock. */
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_now_ms(void)
{
        return clock_now_ns() / 1000000;
}

/* Some milliseconds ago, at a tenth of the price. */
static inline uint64_t clock_coarse_ms(void)
{
        struct timespec tick;

        clock_gettime(CLOCK_MONOTONIC_COARSE, &tick);
        return (uint64_t)tick.tv_sec * 1000 + (uint64_t)tick.tv_nsec / 1000000;
}
