/*
 * Group: the workers of a shared listener and the connections they serve, whoever listens.
 *
 * A worker or a connection that changes what can be placed says so (group_changed()); the listener
 * places, once the present callback is over.
 */
#pragma once

#include "core/address.h"
#include "daemon/closing/closer.h"
#include "daemon/config/config.h"
#include "daemon/loop/waker.h"
#include "daemon/session/outgoing.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct Connection Connection;
typedef struct Listeners Listeners;
typedef struct Worker Worker;

typedef TAILQ_HEAD(ConnectionList, Connection) ConnectionList;
typedef TAILQ_HEAD(WorkerList, Worker) WorkerList;

typedef struct Group {
        uint64_t number; /* the listener's; first: what it is found by */
        Listeners *listeners;
        /* The listener's. */
        const ListenerConfig *config;
        const Address *bound;
        CloserLane *lane; /* where it and its connections are closed */
        bool stored;      /* it outlives the daemon */
        Waker place;      /* what its workers have or can take has changed */
        /* A silent connection's first bytes have come: it is to be placed. */
        void (*heard)(Connection *connection);
        const OutgoingKind *outgoing; /* of its workers */
        /* Where what is kept for it is counted (kept.h): its user's, or its own. */
        uint64_t *keeper;
        uint64_t kept;

        WorkerList workers; /* in order of session and endpoint */
        void *by_number;    /* tsearch(3) tree of these */
        /* The balancer's (balancer.h): those that take connections, the next to be looked at first,
         * and those that would if they did not rest. */
        WorkerList willing;
        WorkerList resting;
        uint32_t willing_count;
        uint32_t keepers;       /* of the willing: what they are given is kept on death */
        uint64_t credit;        /* of the willing */
        uint64_t look;          /* counts looks */
        uint32_t unready_looks; /* at workers that were not ready, since it is parked */
        ConnectionList silent;
        ConnectionList queue;
        /* Whose worker has ended before it was known whether they may be kept (keep_look.h). */
        ConnectionList looked_at;
        uint32_t serving; /* workers and takers that have not left */
        uint32_t silent_count;
        uint32_t queued_count;
        uint32_t not_taken; /* of all its workers */
        bool parked;        /* nobody is ready: nothing is accepted until somebody is */
        bool somebody_left; /* since the listener looked */
        uint64_t passed;
        uint64_t passed_again;
        uint64_t timed_out;
} Group;

/* Has the listener place what waits, and see whom it has left, once the present callback is over.
 */
void group_changed(Group *group);
