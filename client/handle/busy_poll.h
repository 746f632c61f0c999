/*
 * BusyPoll: process_io's wait, which may ask again and again before it sleeps.
 *
 * To sleep and be woken takes tens of microseconds where the processor goes idle meanwhile, on a
 * virtual machine more. Whoever answers one message after the other waits less than that for the
 * next, and is faster, at less processor time for each, if it does not sleep. Everybody else would
 * only be in the way. So a wait polls, for a limited time, only while
 *
 *  - the waits are short: they end before that time;
 *  - the thread waits more than it works: else all processors may be busy, and the daemon, or
 *    whoever sends, needs this one;
 *  - whoever else wants the processor gives it back soon. It is yielded each time before it asks:
 *    to the daemon or another client, which have little to do, that is no loss. To who computes it
 *    is; the first time it takes long is the last for a while.
 *
 * Looked at are some waits together. What did not prove right is not tried again for a while, each
 * time twice as long unless it went well in between. Never on a machine with one processor.
 *
 * Owner: the handle; used by the thread that is in process_io only.
 */
#pragma once

#include "core/selector.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        BUSY_POLL_DEFAULT_US = 100,
        BUSY_POLL_MAX_US = 1000,
        /* Waits that are looked at together. */
        BUSY_POLL_WAITS = 64,
        /* Of these have to end while it polls, at least. */
        BUSY_POLL_CAUGHT_MIN = 48,
        /* Beyond its limit: then somebody computes on the processor. */
        BUSY_POLL_LONG_NS = 1000 * 1000,
        BUSY_POLL_PAUSE_MIN_NS = 100 * 1000 * 1000,
};
#define BUSY_POLL_PAUSE_MAX_NS UINT64_C(10000000000)

/* What some waits were like. */
typedef struct BusyPollWaits {
        unsigned count;
        unsigned caught; /* that ended while it polled */
        uint64_t waited_ns;
        uint64_t worked_ns; /* between the waits */
} BusyPollWaits;

typedef struct BusyPoll {
        uint64_t limit_ns; /* for one wait; 0: it never polls */
        bool polls;
        BusyPollWaits waits;
        uint64_t ended_ns; /* the last wait, CLOCK_MONOTONIC as all here */
        uint64_t since_ns; /* it polls */
        uint64_t again_ns; /* not to poll before */
        uint64_t pause_ns; /* the next one */
} BusyPoll;

/* us: as KyronOptions.busy_poll_us; the environment's KYRON_BUSY_POLL_US counts instead. */
void busy_poll_init(BusyPoll *poll, int us);

/* As selector_wait(). */
int busy_poll_wait(BusyPoll *poll, Selector *selector, SelectorEvent *events, int max,
                   int timeout_ms);

/* Whether to poll from now_ns on, after waits like these. Makes no system call. */
bool busy_poll_decide(BusyPoll *poll, uint64_t now_ns, const BusyPollWaits *waits);
