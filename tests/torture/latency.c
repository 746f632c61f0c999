/* A histogram of times. See latency.h. */
#include "tests/torture/latency.h"

/* Up to LATENCY_STEPS each time is a class of its own; from there on each power of two has as many
 * classes. */
static unsigned class_of(uint64_t ns)
{
        unsigned shift = 0;

        while (ns >> shift >= 2 * LATENCY_STEPS)
                shift++;
        return shift * LATENCY_STEPS + (unsigned)(ns >> shift);
}

/* The longest time of a class. */
static uint64_t end_of(unsigned index)
{
        unsigned shift = index < 2 * LATENCY_STEPS ? 0 : index / LATENCY_STEPS - 1;
        uint64_t step = index - shift * LATENCY_STEPS;

        return ((step + 1) << shift) - 1;
}

void latency_add(Latency *latency, uint64_t ns)
{
        latency->count++;
        latency->of_class[class_of(ns)]++;
        if (latency->longest_ns < ns)
                latency->longest_ns = ns;
}

uint64_t latency_percentile(const Latency *latency, double share)
{
        uint64_t wanted = (uint64_t)((double)latency->count * share), seen = 0;

        for (unsigned i = 0; i < LATENCY_CLASSES; i++) {
                seen += latency->of_class[i];
                if (latency->of_class[i] > 0 && (seen >= wanted || seen == latency->count))
                        return end_of(i) < latency->longest_ns ? end_of(i) : latency->longest_ns;
        }
        return 0;
}
