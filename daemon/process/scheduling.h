/*
 * Scheduling: when the kernel lets the daemon run.
 *
 * Two wishes contradict each other. Who waits for the daemon wants it to run at once, even if
 * somebody else has to be interrupted. But where the daemon and its clients are all that runs, whom
 * it interrupts is the client it has just woken: each event then costs two switches and a frame of
 * its own, and nobody gains by it. So:
 *
 *  - At first it asks for a short time slice (Linux 6.12), with which the kernel lets it run soon
 *    among those who compute.
 *  - While many events come and nobody keeps it from telling them, it yields: it interrupts nobody
 *    (SCHED_BATCH) and asks for a long slice. What becomes ready meanwhile goes into one frame.
 *
 * Every 10 ms in which there was something to do two figures are looked at: how many events were
 * told, and how long the kernel let the daemon wait while it could have run. When that is long for
 * an event, others are in the way; then it is not tried again for a while, each time twice as long
 * unless it went well for that long.
 *
 * It is the calling thread's scheduling. Whoever has given the daemon a policy of its own
 * (CPUSchedulingPolicy=) has decided: nothing is changed then. Where the kernel does not say how
 * long it lets wait, the daemon never yields.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Scheduling {
        int statistics_fd; /* -1: the kernel does not say */
        bool yields;
        uint64_t began_ns;  /* the time that is looked at next; CLOCK_MONOTONIC, as all here */
        uint64_t events;    /* told until then */
        uint64_t waited_ns; /* until then */
        uint64_t since_ns;  /* it yields */
        uint64_t again_ns;  /* not to yield before */
        uint64_t pause_ns;  /* until it is tried again, the next time others are in the way */
} Scheduling;

enum {
        SCHEDULING_WINDOW_NS = 10 * 1000 * 1000,
        SCHEDULING_SHORT_SLICE_NS = 100 * 1000,
        SCHEDULING_LONG_SLICE_NS = 10 * 1000 * 1000,
        /* Events in a second from which on it yields, and below which it no longer does. */
        SCHEDULING_EVENTS_BUSY = 4000,
        SCHEDULING_EVENTS_IDLE = 1000,
        /* For an event; more is because of others. */
        SCHEDULING_WAIT_MAX_NS = 20 * 1000,
        SCHEDULING_PAUSE_MIN_NS = 100 * 1000 * 1000,
};
#define SCHEDULING_PAUSE_MAX_NS UINT64_C(10000000000)

void scheduling_open(Scheduling *scheduling);
void scheduling_close(Scheduling *scheduling);

/* After a turn that ended at now_ns (0: there was none), events told so far. */
void scheduling_adapt(Scheduling *scheduling, uint64_t now_ns, uint64_t events);

/* Whether to yield from now_ns on; while it yields, waited_ns is how long it had to wait so far.
 * Makes no system call. */
bool scheduling_decide(Scheduling *scheduling, uint64_t now_ns, uint64_t events,
                       uint64_t waited_ns);
