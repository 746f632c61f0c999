/*
 * Pulse: what the handle's loop does, written where the daemon shows it to operators
 * (proto/pulse.h).
 *
 * A page comes with each Welcome, if the daemon has one to give, and goes with the session. It is
 * trusted only to stay as large as it is: who cuts a mapped file short ends whoever writes there.
 *
 * A few stores a turn, and a clock that is as exact as the kernel's tick: no system call. A child
 * of fork() takes no turns, so it never writes.
 *
 * Guarded by the handle's lock.
 */
#pragma once

#include "proto/pulse.h"

#include <time.h>

typedef struct Pulse {
        PulsePage *page; /* NULL: there is none */
        uint64_t turns;  /* of the handle so far */
        uint64_t events;
        uint64_t set; /* the descriptor it waits in */
} Pulse;

/* Writes to this file from now on, if it is one that can be. take_fd is closed; -1: there is none.
 */
void pulse_map(Pulse *pulse, int take_fd);
void pulse_unmap(Pulse *pulse);
/* Says in which epoll set the loop waits. */
void pulse_tell_set(Pulse *pulse, int borrow_epoll_fd);

static inline void pulse_store(_Atomic uint64_t *word, uint64_t value)
{
        atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline uint64_t pulse_now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The loop begins to wait. */
static inline void pulse_wait(Pulse *pulse, uint64_t registrations)
{
        PulsePage *page = pulse->page;

        if (!page)
                return;
        pulse_store(&page->turns, pulse->turns);
        pulse_store(&page->events, pulse->events);
        pulse_store(&page->registrations, registrations);
        pulse_store(&page->state, pulse_state(pulse_now_ns(), 0));
}

/* It runs again: another turn. */
static inline void pulse_run(Pulse *pulse)
{
        pulse->turns++;
        if (pulse->page)
                pulse_store(&pulse->page->state, pulse_state(pulse_now_ns(), PULSE_RUNS));
}
