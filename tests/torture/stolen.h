/*
 * How much of the processors' time the hypervisor gives to others: where it is much, what waited
 * did not wait for the daemon.
 */
#pragma once

#include <stdint.h>

/* The kernel's ticks since it started: see proc(5), "steal". 0 where it cannot be read. */
typedef struct StolenTime {
        uint64_t all, stolen;
} StolenTime;

StolenTime stolen_time(void);
/* Of the time since then, 0 to 1. */
double stolen_share(StolenTime since);
