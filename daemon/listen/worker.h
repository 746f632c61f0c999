/*
 * Worker: one session's membership in one listener's group, and what it has in hand.
 *
 * Its credit is the ids it has offered and that are not used yet: each is for one connection. A
 * connection is in hand from its assignment until the worker's session has said that it is closed
 * (AddIoSource.gone), or ended. When a worker leaves or ends, what it had not taken is queued for
 * others, and if it has ended what was kept on death too: at the head of the queue, so that those
 * who waited longest are served first. What waits to be sent goes to others also when the worker
 * begins to drain; and the id that was meant for it is offered again.
 *
 * It is ready when what it is given can be sent at once: it has read everything, and taken its last
 * packet. What was sent cannot be called back, or two would serve it: it waits for this worker, or
 * its end.
 *
 * One whose session has no room for another registration rests until the listener looks again.
 *
 * A taker is a worker that takes no connections: it has the listening socket itself.
 *
 * Owned by its session and in its listener's list; single-threaded.
 */
#pragma once

#include "daemon/listen/connection.h"
#include "daemon/listen/offers.h"
#include "daemon/tell/happening.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Session Session;

enum {
        WORKER_WEIGHT_MAX = 100,
        /* Workers of one session, the takers among them. */
        WORKER_PER_SESSION_MAX = 256,
        /* Unused ids of all workers; of these a user has a share. */
        WORKER_OFFERED_MAX = 4194304,
};

struct Worker {
        Outgoing outgoing;                /* first: what is assigned */
        TAILQ_ENTRY(Worker) link;         /* the group's */
        TAILQ_ENTRY(Worker) session_link; /* the session's */
        TAILQ_ENTRY(Worker) willing_link; /* the group's willing or resting ones */
        WorkerList *listed;               /* which of these; NULL: neither */
        uint32_t listed_credit;           /* as it counts there */
        Group *group;
        Session *session;
        uint64_t session_id; /* its number in the group: this and the endpoint */
        uint32_t endpoint;
        bool is_taker;
        bool keep_on_death;
        bool draining;
        bool resting; /* there was no room for a registration */
        bool ready;   /* when the balancer looked at it last */
        uint64_t looked;
        bool left; /* gone once it has nothing in hand */
        uint32_t weight;
        int64_t turn; /* of the round-robin */
        Offers offers;
        uint32_t credit;         /* how many these are */
        uint64_t spent_ms;       /* when there were none any more; CLOCK_MONOTONIC */
        uint32_t charged_offers; /* to its user: these, and those of what is assigned */
        ConnectionList assigned;
        ConnectionList sent;
        ConnectionList taken;
        uint32_t assigned_count;
        uint32_t in_hand_count; /* of these lists */
        uint32_t not_taken;     /* sent, and no more */
        uint64_t passed;
        /* Of the watch: see worker_watch.h. */
        uint64_t watched_passed;
        uint64_t untaken_since_ms;
        bool silent;
};

/* Makes the session a worker or taker. 0, or with error_text(): -EDQUOT it has too many, -ENOMEM.
 */
int worker_join(Group *group, Session *session, bool is_taker, Worker **out);
/* It leaves: what it has not taken goes to others. It is a worker until what it has taken is
 * closed, but gets no more. */
void worker_leave(Worker *worker);
/* Its session ends: it gets no more. */
void worker_stop(Worker *worker);
/* And then, some at a time, since they may be many: what it has in hand goes to others if they have
 * not taken it, or it is kept on death. Of *connections, as many as that were are used. true: that
 * was all, and it is no worker any more. */
bool worker_lose(Worker *worker, uint32_t *connections);
/* It leaves, and keeps what it has taken, on its own from now on; and what it was sent. Of
 * *connections, as many as that were are used. true: that was all, and it is no worker any more. */
bool worker_let_go(Worker *worker, uint32_t *connections);
/* The listener is closed: its workers keep what they have taken, on their own from now on. Up to so
 * many; whether that was all. */
bool worker_dissolve(Group *group, uint32_t connections);

/* The session's worker with that endpoint; NULL. A taker has none that a client could name. */
Worker *worker_find(const Session *session, uint32_t endpoint);

/* The first worker or taker of the group after that number; NULL. */
Worker *worker_after(const Group *group, uint64_t session, uint32_t endpoint);

/* Whether these may be offered to begin with. 0, or as worker_offer(), but for -ENOMEM. */
int worker_check_sources(const Listeners *listeners, const Session *session,
                         const uint64_t *sources, size_t n);
/* Adds credit. 0, or with error_text(): -EDQUOT too many unused ids, of it or of its user, -EINVAL
 * an id without generation or interest, -ENOMEM. */
int worker_offer(Worker *worker, const uint64_t *sources, size_t n);
void worker_set_draining(Worker *worker, bool draining);

/* For worker_watch.c, too. Tells who hears it (daemon/tell/); of so many connections, or 0. */
void worker_tell(const Worker *worker, Iod__What what, uint32_t count, const char *text);
/* For in_hand.c. Makes the charge what is offered, after some was used or given up. */
void worker_settle_offers(Worker *worker);
/* Something has left its hands: it may have been the last. */
void worker_look_whether_done(Worker *worker);
