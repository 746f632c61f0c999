/*
 * InFlight: descriptors that were sent to clients and may not have been read.
 *
 * The kernel counts them for the daemon's user, all clients' together, and refuses more than the
 * limit of open files (ETOOMANYREFS; not to root). So that those who do not read leave something
 * for the others, no more than half of that limit are sent, and of these a user has a share
 * (core/share.h). What would exceed that waits, and is sent when somebody has read.
 *
 * What the kernel counts beside them, nobody here knows: what an earlier run of the daemon sent and
 * its clients have not read, or another process of the same user. How much that is, is measured at
 * the start and when there is too little room (in_flight_room.h); it is nobody's, and taken from
 * what there is to share.
 *
 * A session has one packet with descriptors unread (delivery.h). The kernel does not tell when it
 * was read: all who may have are asked when there is no room, but not again and again.
 *
 * An ended session's count until they are read, too (session_remains.h).
 *
 * Single-threaded.
 */
#pragma once

#include "core/share.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct QuotaUser QuotaUser;

/* Those of a session, or of one that has ended. Part of it. */
typedef struct InFlightEntry {
        TAILQ_ENTRY(InFlightEntry) link;
        QuotaUser *user;
        uint32_t count;
        int borrow_socket_fd; /* that they were sent over */
} InFlightEntry;

typedef struct InFlight {
        TAILQ_HEAD(, InFlightEntry) entries; /* that have some, longest first */
        Share share;
        uint64_t others;    /* of it, that are not ours */
        uint64_t asked_ns;  /* CLOCK_MONOTONIC: when all were asked */
        uint64_t looked_ns; /* and when those of others were measured */
        /* Whether the other side has left something unread. */
        bool (*has_unread)(int socket_fd);
} InFlight;

void in_flight_init(InFlight *in_flight, bool (*has_unread)(int socket_fd));

/* Measures what the kernel counts beside ours, unless that was just done; says so in the log when
 * it begins or ends to be in the way. */
void in_flight_look(InFlight *in_flight);

/* Whether so many more may be sent to the session, whose client has read all that was sent before;
 * so those are given back. */
bool in_flight_has_room(InFlight *in_flight, InFlightEntry *entry, uint32_t n);
/* So many were sent. */
void in_flight_charge(InFlight *in_flight, InFlightEntry *entry, uint32_t n);
/* They were read, or the session ends. */
void in_flight_discharge(InFlight *in_flight, InFlightEntry *entry);
