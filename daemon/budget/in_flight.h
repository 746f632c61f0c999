/*
 * InFlight: descriptors that were sent to clients and may not have been read.
 *
 * The kernel counts them for the daemon's user, all clients' together, and refuses more than the
 * limit of open files (ETOOMANYREFS; not to root). So that those who do not read leave something
 * for the others, no more than half of that limit are sent, and of these a user has a share
 * (core/share.h). What would exceed that waits, and is sent when somebody has read.
 *
 * A session has one packet with descriptors unread (delivery.h). The kernel does not tell when it
 * was read: all who may have are asked when there is no room, but not again and again.
 *
 * Single-threaded. An ended session's are not counted any more.
 */
#pragma once

#include "core/share.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct QuotaUser QuotaUser;

/* Those of a session. Part of it; data is its own. */
typedef struct InFlightEntry {
        TAILQ_ENTRY(InFlightEntry) link;
        QuotaUser *user;
        uint32_t count;
        void *data;
} InFlightEntry;

typedef struct InFlight {
        TAILQ_HEAD(, InFlightEntry) entries; /* that have some, longest first */
        Share share;
        uint64_t asked_ns; /* CLOCK_MONOTONIC: when all were asked */
        /* Whether the client has left something unread. */
        bool (*has_unread)(const void *data);
} InFlight;

void in_flight_init(InFlight *in_flight, bool (*has_unread)(const void *data));

/* Whether so many more may be sent to the session, whose client has read all that was sent before;
 * so those are given back. */
bool in_flight_has_room(InFlight *in_flight, InFlightEntry *entry, uint32_t n);
/* So many were sent. */
void in_flight_charge(InFlight *in_flight, InFlightEntry *entry, uint32_t n);
/* They were read, or the session ends. */
void in_flight_discharge(InFlight *in_flight, InFlightEntry *entry);
