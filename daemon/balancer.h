/*
 * Balancer: chooses the worker that a shared listener's next connection goes to.
 *
 * It is the one whose turn it is (smooth weighted round-robin), or the one with fewest connections
 * in hand for its weight; never one that has no credit or is draining. A worker is given no more
 * than WORKER_WAITING_MAX that have not reached its program: one that does not read keeps no more
 * waiting than that, whatever it offered.
 */
#pragma once

#include "daemon/worker.h"

/* Connections there is credit for now. */
uint64_t balancer_credit(const Listener *listener);
/* Whether there would be more credit if a worker's user had more room: nobody tells when it has. */
bool balancer_is_short(const Listener *listener);
/* Gives a connection that is in no list to a worker, or queues it. */
void balancer_place(Connection *connection);
/* Places what is queued, as far as there is credit; and lets the listener accept, or not. */
void balancer_place_queue(Listener *listener);
/* The same after a moment: those who rested are tried again. */
void balancer_look_again(Listener *listener);
