/*
 * Pulse: a page that a session's client writes and the daemon reads, so that an operator sees what
 * the client's own loop does. iod.proto says how a client gets it, and what is in it.
 *
 * The words do not belong together: each is written and read for itself, relaxed, without a lock,
 * so neither side can hold up the other. To the daemon they are a stranger's claim.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { PULSE_BYTES = 4096 };

/* "pulse", and the layout's version. */
#define PULSE_MAGIC UINT64_C(0x70756c7365000001)
/* Of the state: it runs; else it waits. The other bits are since when. */
#define PULSE_RUNS UINT64_C(1)

/* Of this machine's byte order, from the first byte of the page on. */
typedef struct PulsePage {
        _Atomic uint64_t magic; /* 0: the client has not begun */
        _Atomic uint64_t turns;
        _Atomic uint64_t events;
        _Atomic uint64_t registrations;
        _Atomic uint64_t state;
        _Atomic uint64_t set; /* the descriptor it waits in; 0: it does not say */
} PulsePage;

/* since_ns: CLOCK_MONOTONIC. */
static inline uint64_t pulse_state(uint64_t since_ns, uint64_t runs)
{
        return since_ns << 1 | runs;
}
