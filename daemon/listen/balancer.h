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
uint64_t balancer_credit(const Group *group);
/* Whether there would be more credit if a worker's user had more room: nobody tells when it has. */
bool balancer_is_short(const Group *group);
/* Whether the worker has credit, and room for what it was promised. */
bool balancer_takes_more(const Worker *worker);
/* Looks which workers are ready: for those about to be placed now. Whether any is. */
bool balancer_look(Group *group);
/* Whether one is still, after some were placed. */
bool balancer_has_ready(const Group *group);
/* Whose turn it is of those that are ready; NULL: none is. */
Worker *balancer_choose(Group *group);
