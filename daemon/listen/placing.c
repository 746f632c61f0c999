/* Giving connections to workers. See placing.h. */
#include "daemon/listen/placing.h"

#include "daemon/listen/balancer.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/in_hand.h"
#include "daemon/listen/listeners.h"
#include "daemon/session/session.h"

void placing_await(Group *group)
{
        group->parked = true;
        balancer_await(group);
}

void placing_place(Connection *connection)
{
        Group *group = connection->group;
        /* Who was accepted before is served before. */
        Worker *worker = TAILQ_EMPTY(&group->queue) ? balancer_choose(group) : NULL;

        connection->placed_ns = group->listeners->loop->turn.began_ns;
        if (worker) {
                worker_assign(worker, connection);
                return;
        }
        connection->state = CONNECTION_QUEUED;
        TAILQ_INSERT_TAIL(&group->queue, connection, link);
        group->queued_count++;
        connection_store_begin(connection);
        placing_await(group);
}

static void place_queued(Group *group)
{
        Connection *connection;
        Worker *worker;

        group->parked = false;
        while ((connection = TAILQ_FIRST(&group->queue)) && (worker = balancer_choose(group))) {
                TAILQ_REMOVE(&group->queue, connection, link);
                group->queued_count--;
                worker_assign(worker, connection);
        }
        if (!TAILQ_EMPTY(&group->queue))
                placing_await(group);
}

void placing_place_queue(Group *group)
{
        if (group->parked || !TAILQ_EMPTY(&group->queue)) {
                if (balancer_look(group))
                        place_queued(group);
                else
                        placing_await(group);
        }
}
