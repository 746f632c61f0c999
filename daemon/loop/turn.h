/*
 * Turn: how long the loop's turns last. A turn is what the loop does between two waits; while one
 * lasts, nobody else is served, so the longest is the longest that any client has waited for
 * another.
 *
 * libevent does not say when its wait is over. So each of the loop's callbacks that serves somebody
 * calls turn_begin(), of which the first in a turn counts, and who runs the loop calls turn_end()
 * after each. Two looks at the clock in a turn, however many callbacks it has.
 */
#pragma once

#include "core/clock.h"
#include "core/histogram.h"

typedef struct Turn {
        uint64_t count;
        uint64_t began_ns; /* CLOCK_MONOTONIC; 0: it has not begun */
        uint64_t longest_ns;
        Histogram times; /* of all */
} Turn;

static inline void turn_begin(Turn *turn)
{
        if (turn->began_ns == 0)
                turn->began_ns = clock_now_ns();
}

/* When that was, CLOCK_MONOTONIC; 0: there was none. */
static inline uint64_t turn_end(Turn *turn)
{
        uint64_t now, lasted;

        if (turn->began_ns == 0)
                return 0;
        now = clock_now_ns();
        lasted = now - turn->began_ns;
        if (lasted > turn->longest_ns)
                turn->longest_ns = lasted;
        histogram_add(&turn->times, lasted);
        turn->began_ns = 0;
        turn->count++;
        return now;
}
