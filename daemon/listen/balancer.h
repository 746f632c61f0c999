/*
 * Balancer: chooses the worker that a shared listener's next connection goes to.
 *
 * Of those that are ready, which can be sent to at once, it is the one whose turn it is (smooth
 * weighted round-robin), or the one with fewest connections in hand for its weight; never one that
 * has no credit or is draining. Who is not ready keeps its turns, as many as one packet can make up
 * for. Where nobody is ready nothing is accepted: what waits in the kernel's backlog is nobody's
 * yet, and lost by nobody's death.
 */
#pragma once

#include "daemon/listen/worker.h"

/* Connections there is credit for now. */
uint64_t balancer_credit(const Listener *listener);
/* Whether there would be more credit if a worker's user had more room: nobody tells when it has. */
bool balancer_is_short(const Listener *listener);
/* Looks which workers are ready: for those about to be placed now. Whether any is. */
bool balancer_look(Listener *listener);
/* Whether one is still, after some were placed. */
bool balancer_has_ready(const Listener *listener);
/* Parks the listener: it accepts again once somebody is ready. */
void balancer_await(Listener *listener);
/* Gives a connection that is in no list to a worker that is ready, or queues it. */
void balancer_place(Connection *connection);
/* Places what is queued, as far as there is credit; and lets the listener accept, or not. */
void balancer_place_queue(Listener *listener);
/* The same after a moment: those who rested are tried again. */
void balancer_look_again(Listener *listener);
