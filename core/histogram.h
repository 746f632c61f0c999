/*
 * Histogram: how long something took, each time: how many times up to each of some bounds, and how
 * long all together. Bounds and memory are fixed. Single-threaded.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
        HISTOGRAM_BOUNDS = 15,
        HISTOGRAM_COUNTS = HISTOGRAM_BOUNDS + 1, /* the last: longer than all bounds */
};

extern const uint64_t histogram_bounds_ns[HISTOGRAM_BOUNDS];

typedef struct Histogram {
        uint64_t sum_ns;
        uint64_t counts[HISTOGRAM_COUNTS]; /* each of what is in no count before it */
} Histogram;

/* Most are short: these are found at once. */
static inline void histogram_add(Histogram *histogram, uint64_t ns)
{
        size_t i = 0;

        while (i < HISTOGRAM_BOUNDS && ns > histogram_bounds_ns[i])
                i++;
        histogram->counts[i]++;
        histogram->sum_ns += ns;
}
