/*
 * A ring of processes: each connects to its neighbour and echoes for its other neighbour, so it has
 * both ends of echo connections, on one handle. Its worker runs process_io; its meddler cancels
 * operations wherever they are and starts them again itself. An end's lock keeps the two from
 * starting or cancelling the same operation at once, as the library asks of its users.
 *
 * Where it moves, the meddlers also move the registrations to the daemon or to the process every
 * few milliseconds, and the daemon is killed and started again all the while; every other process
 * has the local fallback.
 */
#pragma once

#include <stdbool.h>

enum { RING_PROCESSES_MAX = 16 };

typedef struct Ring {
        int processes, connections, rounds, runs;
        bool moves;
} Ring;

/* Ends the test unless every round trip of every connection of every process completes. */
void ring_run(const Ring *ring);
