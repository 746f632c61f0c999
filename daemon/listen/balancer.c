/* Giving connections to workers. See balancer.h. */
#include "daemon/listen/balancer.h"

#include "daemon/listen/connection_store.h"
#include "daemon/listen/listener.h"
#include "daemon/listen/passing.h"
#include "daemon/server/server.h"
#include "daemon/session/delivery.h"

/* ---- Choosing ------------------------------------------------------------------------------ */

/* It takes connections, as far as it goes. */
static bool is_willing(const Worker *worker)
{
        return worker->credit > 0 && !worker->draining && !worker->left;
}

/* What it lacks may be there in a moment. */
static bool is_short(const Worker *worker)
{
        const QuotaUser *user = worker->session->user;

        /* Better later than without what it was promised. */
        return worker->resting || (worker->keep_on_death && !quota_has_room(user, QUOTA_HOLDS, 1));
}

static bool is_available(const Worker *worker)
{
        return is_willing(worker) && !is_short(worker);
}

/* As of the last look, and what it was assigned since: no more than one packet. */
static bool is_ready(const Worker *worker)
{
        return worker->ready && is_available(worker) && worker->assigned_count < PASSING_PACKET_MAX;
}

bool balancer_has_ready(const Listener *listener)
{
        const Worker *worker;

        TAILQ_FOREACH(worker, &listener->workers, link)
        {
                if (is_ready(worker))
                        return true;
        }
        return false;
}

uint64_t balancer_credit(const Listener *listener)
{
        const Worker *worker;
        uint64_t credit = 0;

        TAILQ_FOREACH(worker, &listener->workers, link)
        {
                if (is_available(worker))
                        credit += worker->credit;
        }
        return credit;
}

bool balancer_is_short(const Listener *listener)
{
        const Worker *worker;

        TAILQ_FOREACH(worker, &listener->workers, link)
        {
                if (is_willing(worker) && is_short(worker))
                        return true;
        }
        return false;
}

/* Below 0: a has fewer in hand for its weight. */
static int compare_loads(const Worker *a, const Worker *b)
{
        uint64_t load_a = (uint64_t)a->in_hand_count * b->weight;
        uint64_t load_b = (uint64_t)b->in_hand_count * a->weight;

        return (load_a > load_b) - (load_a < load_b);
}

static const Worker *find_least_loaded(const Listener *listener)
{
        const Worker *worker, *least = NULL;

        TAILQ_FOREACH(worker, &listener->workers, link)
        {
                if (is_ready(worker) && (!least || compare_loads(worker, least) < 0))
                        least = worker;
        }
        return least;
}

/* Whether it takes part in the round; who is not ready, as long as it can make up for it. */
static bool takes_turns(const Worker *worker)
{
        return is_available(worker) &&
               (is_ready(worker) || worker->turn < (int64_t)worker->weight * PASSING_PACKET_MAX);
}

/*
 * Each worker's turn grows by its weight; of those that are ready, whose has grown most has it, and
 * pays for all. So in the long run each has its weight's share, evenly spread. Where the load
 * decides, only those with the least take turns: whoever was busy for long has no turns to catch up
 * on.
 */
static Worker *choose(Listener *listener)
{
        const Worker *least = listener->config.least_loaded ? find_least_loaded(listener) : NULL;
        Worker *worker, *best = NULL;
        int64_t total = 0;

        if (!balancer_has_ready(listener))
                return NULL;
        TAILQ_FOREACH(worker, &listener->workers, link)
        {
                if (!takes_turns(worker) || (least && compare_loads(worker, least) > 0))
                        continue;
                worker->turn += worker->weight;
                total += worker->weight;
                if (is_ready(worker) && (!best || worker->turn > best->turn))
                        best = worker;
        }
        if (best)
                best->turn -= total;
        return best;
}

/* ---- Placing ------------------------------------------------------------------------------- */

bool balancer_look(Listener *listener)
{
        Worker *worker;

        TAILQ_FOREACH(worker, &listener->workers, link)
        worker->ready = is_available(worker) && worker->not_taken == 0 &&
                        delivery_can_send(worker->session);
        return balancer_has_ready(listener);
}

void balancer_await(Listener *listener)
{
        Worker *worker;

        listener->parked = true;
        TAILQ_FOREACH(worker, &listener->workers, link)
        {
                /* One that has yet to take its packet says so itself. */
                if (worker->awaited || worker->not_taken > 0 || !is_available(worker))
                        continue;
                worker->awaited = true;
                later_wake(&worker->session->server->loop.later, &worker->session->deliver);
        }
}

void balancer_place(Connection *connection)
{
        Listener *listener = connection->listener;
        /* Who was accepted before is served before. */
        Worker *worker = TAILQ_EMPTY(&listener->queue) ? choose(listener) : NULL;

        if (worker) {
                worker_assign(worker, connection);
                return;
        }
        connection->state = CONNECTION_QUEUED;
        TAILQ_INSERT_TAIL(&listener->queue, connection, link);
        listener->queued_count++;
        waiting_begin(connection);
        balancer_await(listener);
}

static void place_queued(Listener *listener)
{
        Connection *connection;
        Worker *worker;

        listener->parked = false;
        while ((connection = TAILQ_FIRST(&listener->queue)) && (worker = choose(listener))) {
                TAILQ_REMOVE(&listener->queue, connection, link);
                listener->queued_count--;
                worker_assign(worker, connection);
        }
        if (!TAILQ_EMPTY(&listener->queue))
                balancer_await(listener);
}

void balancer_place_queue(Listener *listener)
{
        if (listener->parked || !TAILQ_EMPTY(&listener->queue)) {
                if (balancer_look(listener))
                        place_queued(listener);
                else
                        balancer_await(listener);
        }
        listener_update(listener);
}

void balancer_look_again(Listener *listener)
{
        Worker *worker;

        TAILQ_FOREACH(worker, &listener->workers, link)
        worker->resting = false;
        balancer_place_queue(listener);
}
