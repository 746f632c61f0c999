/*
 * Balancer: chooses the worker that a shared listener's next connection goes to.
 *
 * Of those that are ready, which can be sent to at once, it is the one whose turn it is (smooth
 * weighted round-robin), or the one with fewest connections in hand for its weight; never one that
 * has no credit or is draining. Who is not ready keeps its turns, as many as one packet can make up
 * for. Where nobody is ready nothing is accepted: what waits in the kernel's backlog is nobody's
 * yet, and lost by nobody's death.
 *
 * No more than BALANCER_LOOKS workers are looked at for whatever is done, those first that have
 * waited longest for it. Where more take connections, who was given one goes to the end, and so
 * does who is not ready; and while nobody is, the others are looked at in the turns that follow. So
 * with more of them the turns are those of who is looked at.
 */
#pragma once

#include "daemon/listen/worker.h"

enum {
        BALANCER_LOOKS = 64,
        /* Workers whose rest ends at once. */
        BALANCER_RESTS = 256,
};

/* To be called after its credit, draining, resting or having left has changed. */
void balancer_update(Worker *worker);
/* It may be ready now: it is looked at next. */
void balancer_look_first(Worker *worker);

/* Connections there is credit for now; of workers that rest, none. */
uint64_t balancer_credit(const Group *group);
/* Whether there would be more if a worker's user had more room: nobody tells when it has. */
bool balancer_is_short(const Group *group);
/* Those who rested are tried again, some of them. */
void balancer_end_rests(Group *group);
/* Whether the worker has credit, and room for what it was promised. */
bool balancer_takes_more(const Worker *worker);
/* Looks which workers are ready: for those about to be placed now. Whether any is. */
bool balancer_look(Group *group);
/* Nobody was ready: those that were looked at tell when they have read. */
void balancer_await(Group *group);
/* Whether there are others to be looked at, in the next turn. */
bool balancer_goes_on(const Group *group);
/* Whether one is still, after some were placed. */
bool balancer_has_ready(const Group *group);
/* Whose turn it is of those that are ready; NULL: none is. */
Worker *balancer_choose(Group *group);
