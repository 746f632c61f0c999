/*
 * daemon/session/: one client from accept to end; knows no service.
 *
 * Session: one connected client.
 *
 * States: greeting (connected, Hello not seen, ends after SESSION_GREETING_SECONDS), open, closed
 * by its client (session_closed.h), ended. What the loop serves of it, and when, is in
 * session_events.h.
 *
 * What is done for it is done by its SessionService (service.h), and comes back as answers
 * (answer.h) and as packets of others (outgoing.h), which are delivered once the callback that
 * caused them is over (delivery.h). How it begins and ends is in session_life.h. It is relayed, or
 * direct (session_direct.h).
 *
 * Whatever goes wrong here ends this session and no other. Owned by Sessions, single-threaded.
 */
#pragma once

#include "daemon/budget/in_flight.h"
#include "daemon/budget/quota.h"
#include "daemon/closing/closer.h"
#include "daemon/driver/notifier.h"
#include "daemon/driver/reconciler.h"
#include "daemon/driver/registration_set.h"
#include "daemon/driver/set_watch.h"
#include "daemon/loop/loop_event.h"
#include "daemon/loop/waker.h"
#include "daemon/process/peer.h"
#include "daemon/session/delivery.h"
#include "daemon/session/not_done.h"
#include "daemon/session/outgoing.h"
#include "daemon/session/programs.h"
#include "daemon/session/session_pulse.h"

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

typedef struct Sessions Sessions;
typedef struct Subscription Subscription;

enum { SESSION_GREETING_SECONDS = 5 };

/* On the way to being direct: see session_direct.h. */
typedef struct SessionMove {
        bool under_way;
        uint32_t sequence;
        uint32_t slot;         /* from which on there are registrations to forget */
        uint64_t watches;      /* of sets that are being closed */
        CloserReceipt receipt; /* for these */
} SessionMove;

typedef struct Session {
        uint64_t id;               /* first: what it is found by */
        TAILQ_ENTRY(Session) link; /* in order of id */
        bool listed;
        Sessions *sessions;
        int socket_fd;

        Peer peer;
        bool sees_all;  /* root or the admin group */
        uint64_t since; /* CLOCK_REALTIME nanoseconds */

        bool open;
        bool takes_answers; /* many in a packet */
        bool ended;   /* it is not served any more, and given back once the callback has returned */
        bool stopped; /* what is under way for it was cancelled: it is being given back */
        bool closed;  /* by its client: it is sent nothing more */
        bool process_gone;
        bool pauses; /* its requests are not read, for it has not read their answers */
        QuotaUser *user;
        CloserLane *lane; /* its user's, or the strangers' */
        uint32_t charged_registrations;
        uint64_t charged_watches;
        RegistrationSet registrations;
        Reconciled reconciled;      /* these with the kernel's list of them */
        bool is_direct;             /* its client waits itself */
        struct SessionBatch *batch; /* a request under way; or NULL */
        SessionMove move;           /* another that may be */
        Notifier notifier;
        SessionPulse pulse;

        Delivery delivery;
        OutgoingList outgoing;      /* what others have for it */
        Subscription *subscription; /* NULL: it hears of nothing */
        InFlightEntry in_flight;    /* descriptors that it was sent and may not have read */
        Waker end;                  /* frees it */
        Waker deliver;              /* sends what is to be delivered */
        Waker serve;                /* it has its user's share of the loop's time again */
        Waker room;                 /* there is room in its lane of the closer again */

        LoopEvent *readable;
        LoopEvent *writable;
        SetWatch set_watch; /* open from the first registration on */
        LoopEvent *process_ended;
        LoopEvent *unread; /* a timer; NULL until it was needed */

        /* Of those who serve it, and theirs alone. */
        TAILQ_HEAD(, Worker) workers; /* its memberships in groups, takers' first */
        uint32_t worker_count;
        uint32_t endpoints;                     /* given out so far */
        uint32_t in_hand;                       /* connections of all its workers */
        bool draining;                          /* its workers, those to come too */
        TAILQ_HEAD(, DrainWait) drains_asked;   /* drains that it waits for */
        TAILQ_HEAD(, DrainWait) drains_awaited; /* those who wait for its drain */
        uint32_t drains_count;                  /* that it waits for */
        TAILQ_HEAD(, Connect) connects;         /* under way */
        TAILQ_HEAD(, LateRequest) late_requests;
        size_t n_late_requests;
        bool replies_late; /* one of them is being answered */

        ProgramCounts *program; /* where it is counted */
        uint64_t events;
        uint64_t frames;
        NotDone not_done;
        uint64_t heard_ms; /* when something came from its client; CLOCK_MONOTONIC */
} Session;

/* Whether a request of its is under way, which is served some more in each of its turns: nothing
 * else is read. */
static inline bool session_has_request(const Session *session)
{
        return session->batch || session->move.under_way;
}

/* Sends what is to be delivered once the present callback is over. */
void session_deliver_soon(Session *session);

/* Marks its end: it is not served any more, and freed once the present callback has returned. */
void session_end(Session *session);
/* Says goodbye and ends it: error, a negative errno, and error_text() say why. */
void session_fail(Session *session, uint32_t sequence, int error);
/* The same for another reason than what its client did: it counts as no refusal. */
void session_end_for(Session *session, int error);

/* Sends a Refused that ends the session; the caller frees it. error is a negative errno. */
void session_say_goodbye(Session *session, uint32_t sequence, int error, const char *text);

/* Sends an answer, if the client is there to get it: 0 or -errno, which ends the session. That of a
 * late request waits with what else is sent late: the client may have left unread what was before,
 * and may not be looked after by who sends it. */
int session_reply(Session *session, uint32_t sequence, Iod__Frame *frame);
/* The answer that says no more than that it was done. */
int session_reply_done(Session *session, uint32_t sequence);
