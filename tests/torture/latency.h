/*
 * Times, counted in a histogram of fixed size: every time falls into a class that is at most 1/64
 * wider than the time itself, so a percentile is told to 1.6 %. The longest is kept as it was.
 */
#pragma once

#include <stdint.h>

enum {
        LATENCY_STEPS = 64, /* classes for each power of two */
        LATENCY_CLASSES = LATENCY_STEPS * 59,
};

typedef struct Latency {
        uint64_t count;
        uint64_t longest_ns;
        uint64_t of_class[LATENCY_CLASSES];
} Latency;

void latency_add(Latency *latency, uint64_t ns);

/* The time within which this share (0 to 1) of all were; 0 when there were none. */
uint64_t latency_percentile(const Latency *latency, double share);
