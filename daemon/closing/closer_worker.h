/*
 * CloserWorker: a thread that closes the descriptors of one lane of the closer.
 *
 * A lane has at most one active worker, started when there is something to close. A close() of its
 * that lasts is interrupted by SIGRTMIN, which only these threads take: what lingered is closed all
 * the same, and the kernel goes on alone. What cannot be interrupted, a file whose FUSE server does
 * not answer, is written off: the worker is left to its close() and the lane goes on with another
 * one, up to CLOSER_LANE_THREADS. Once its close() has returned, a worker that was written off
 * ends, or is the active one again where there is no other.
 *
 * All functions are the loop's, and called under the closer's lock.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Closer Closer;
typedef struct CloserLane CloserLane;

typedef enum CloserWorkerState {
        CLOSER_WORKER_NONE,
        CLOSER_WORKER_ACTIVE,
        CLOSER_WORKER_WRITTEN_OFF,
        CLOSER_WORKER_ENDED, /* to be joined */
} CloserWorkerState;

typedef struct CloserWorker {
        CloserLane *lane;
        pthread_t thread;
        CloserWorkerState state;
        bool interrupted; /* its close() has been */
        uint64_t since;   /* when its close() began, CLOCK_MONOTONIC nanoseconds; 0: in none */
} CloserWorker;

/* Lets the workers be interrupted, and nobody else: SIGRTMIN. 0 or -errno. */
int closer_workers_prepare(void);

/* Starts the lane's active worker if there is something to close and none. */
void closer_workers_provide(Closer *closer, CloserLane *lane);

/* Has the active worker look again, if it waits for something to do. */
void closer_workers_wake(CloserLane *lane);

/* When lanes have to be tended again. */
typedef enum CloserTending {
        CLOSER_TENDED,        /* not before there is work */
        CLOSER_TEND_SOMETIME, /* what is written off: its end wakes the loop, but it may only have
                                 missed its interruption, before its close() had begun */
        CLOSER_TEND_SOON,
} CloserTending;

/* Interrupts and writes off what lasts, joins what has ended and starts what is needed. */
CloserTending closer_workers_tend(Closer *closer, CloserLane *lane);

/* Whether one of them is written off. */
bool closer_workers_are_written_off(CloserLane *lane);
/* Whether the one that is not written off is in a close(). */
bool closer_workers_are_at_it(CloserLane *lane);
/* Whether one of them is in a close(). */
bool closer_workers_are_closing(const CloserLane *lane);
/* Whether the lane has no thread. */
bool closer_workers_are_gone(const CloserLane *lane);
