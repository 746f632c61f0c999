/*
 * Placing: giving a group's connections to its workers.
 *
 * A connection goes to a worker that is ready, which the balancer chooses, or waits in the group's
 * queue. Where nobody is ready the group is parked, and told when somebody has read.
 */
#pragma once

#include "daemon/listen/group.h"

/* Gives a connection that is in no list to a worker that is ready, or queues it. */
void placing_place(Connection *connection);
/* Places what is queued, as far as there is credit. */
void placing_place_queue(Group *group);
/* Parks the group: it goes on once somebody is ready. */
void placing_await(Group *group);
