/* The bounds of histograms. See histogram.h. */
#include "core/histogram.h"

enum { US = 1000, MS = 1000 * US };

const uint64_t histogram_bounds_ns[HISTOGRAM_BOUNDS] = {
        10 * US, 20 * US, 50 * US, 100 * US, 200 * US, 500 * US,     1 * MS,        2 * MS,
        5 * MS,  10 * MS, 20 * MS, 50 * MS,  100 * MS, 1000ull * MS, 10000ull * MS,
};
