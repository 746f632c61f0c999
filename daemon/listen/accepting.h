/*
 * When a shared listener accepts, and what becomes of that.
 *
 * A shared one accepts only what a worker can be sent within the same callback: otherwise
 * connections wait in the kernel's backlog, where nobody is refused, and which outlives the daemon.
 * Of a connection whose bytes have to come first, the credit may be used up by the time they do;
 * then it is queued here.
 *
 * Where nobody tells when there is more of what has run out (descriptors, a user's limit), the
 * listener looks again after a moment.
 */
#pragma once

#include "daemon/listen/listener.h"

enum {
        /* Connections accepted in one turn of the loop. */
        LISTENER_ACCEPTS_PER_TURN = 64,
};

/* Of its workers: what they are assigned goes out (outgoing.h). */
extern const OutgoingKind listener_worker_kind;

/* Makes its timers, and has the loop know its socket. 0 or -ENOMEM; for the socket with
 * error_text(). */
int listener_make_looks(Listener *listener);
int listener_watch_socket(Listener *listener);

/* Accepts from now on, or no more, as its state says. To be called after whatever changes that. */
void listener_update(Listener *listener);
/* The same for all. */
void listener_update_all(Listeners *listeners);
/* There may be more of what had run out: those who rested are tried again. */
void listener_look_again(Listener *listener);

/* Finds a worker for a connection that is there, or has it wait for its first bytes. */
void listener_admit(Connection *connection);
