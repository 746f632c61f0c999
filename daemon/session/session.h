/*
 * Session: one connected client.
 *
 * States: greeting (connected, Hello not seen, ends after SESSION_GREETING_SECONDS), open, closed
 * by its client (session_closed.h), ended. What the loop serves of it, and when, is in
 * session_events.h.
 *
 * Beside its requests and readiness, the daemon opens sockets for it and passes connections to it
 * (opening.h, sharing.h, delivery.h). Frames caused by others' doings are sent from the server's
 * own event, so that nothing else ends a session but its own events and that one.
 *
 * Whatever goes wrong here ends this session and no other. Owned by the server, single-threaded.
 */
#pragma once

#include "daemon/budget/quota.h"
#include "daemon/closing/closer.h"
#include "daemon/driver/notifier.h"
#include "daemon/driver/registration_set.h"
#include "daemon/driver/set_watch.h"
#include "daemon/listen/balancer.h"
#include "daemon/loop/loop_event.h"
#include "daemon/loop/waker.h"
#include "daemon/process/peer.h"
#include "daemon/session/delivery.h"

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

typedef struct Server Server;

enum { SESSION_GREETING_SECONDS = 5 };

typedef struct Session {
        TAILQ_ENTRY(Session) link;      /* in order of id */
        TAILQ_ENTRY(Session) held_link; /* in order of holding */
        TAILQ_ENTRY(Session) in_flight_link;
        Server *server;
        uint64_t id;
        int socket_fd;

        Peer peer;
        bool sees_all;  /* root or the admin group */
        uint64_t since; /* CLOCK_REALTIME nanoseconds */

        bool open;
        bool closed; /* by its client: it is sent nothing more */
        bool held;
        bool pauses; /* its requests are not read, for it has not read their answers */
        QuotaUser *user;
        CloserLane *lane; /* its user's, or the strangers' */
        uint32_t charged_registrations;
        uint64_t charged_watches;
        RegistrationSet registrations;
        struct Reconciliation *reconciliation; /* of these with the kernel; NULL: none under way */
        struct SessionBatch *batch;            /* a request under way; or NULL */
        Notifier notifier;

        Delivery delivery;
        uint32_t in_flight;             /* descriptors that it was sent and may not have read */
        Waker deliver;                  /* sends what is to be delivered */
        Waker serve;                    /* it has its user's share of the loop's time again */
        int failed;                     /* -errno: to be ended by its next delivery */
        bool draining;                  /* its workers, those to come too */
        WorkerList workers;             /* its memberships in groups */
        uint32_t endpoints;             /* given out so far */
        TAILQ_HEAD(, Connect) connects; /* under way */

        LoopEvent *readable;
        LoopEvent *writable;
        SetWatch set_watch; /* open from the first registration on */
        LoopEvent *process_ended;
        LoopEvent *unread; /* a timer; NULL until it was needed */

        uint64_t events;
        uint64_t frames;
        uint64_t refusals;
} Session;

/*
 * Starts serving take_socket_fd, which is closed on failure. 0, or -errno with error_text():
 * -EDQUOT the user has too many sessions, -ENOMEM.
 */
int session_new(Server *server, int take_socket_fd, uint64_t id, Session **out);
/* Ends it at once, with all it holds; returns NULL. */
Session *session_free(Session *session);

/* Ends it once the present callback is over. error is a negative errno. */
void session_end(Session *session, int error);

/* Sends a Refused that ends the session; the caller frees it. error is a negative errno. */
void session_say_goodbye(Session *session, uint32_t sequence, int error, const char *text);

/* Says goodbye and frees it: error, a negative errno, and error_text() say why. */
void session_fail(Session *session, uint32_t sequence, int error);

/* Sends an answer, if the client is there to get it: 0 or -errno, which ends the session. */
int session_reply(Session *session, uint32_t sequence, Iod__Frame *frame);
/* The answer that says no more than that it was done. */
int session_reply_done(Session *session, uint32_t sequence);
