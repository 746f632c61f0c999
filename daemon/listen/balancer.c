/* Choosing a worker. See balancer.h. */
#include "daemon/listen/balancer.h"

#include "daemon/listen/group.h"
#include "daemon/listen/passing.h"
#include "daemon/session/delivery.h"
#include "daemon/session/session.h"

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

bool balancer_takes_more(const Worker *worker)
{
        return is_willing(worker) && !is_short(worker);
}

/* As of the last look, and what it was assigned since: no more than one packet. */
static bool is_ready(const Worker *worker)
{
        return worker->ready && balancer_takes_more(worker) &&
               worker->assigned_count < PASSING_PACKET_MAX;
}

bool balancer_has_ready(const Group *group)
{
        const Worker *worker;

        TAILQ_FOREACH(worker, &group->workers, link)
        {
                if (is_ready(worker))
                        return true;
        }
        return false;
}

uint64_t balancer_credit(const Group *group)
{
        const Worker *worker;
        uint64_t credit = 0;

        TAILQ_FOREACH(worker, &group->workers, link)
        {
                if (balancer_takes_more(worker))
                        credit += worker->credit;
        }
        return credit;
}

bool balancer_is_short(const Group *group)
{
        const Worker *worker;

        TAILQ_FOREACH(worker, &group->workers, link)
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

static const Worker *find_least_loaded(const Group *group)
{
        const Worker *worker, *least = NULL;

        TAILQ_FOREACH(worker, &group->workers, link)
        {
                if (is_ready(worker) && (!least || compare_loads(worker, least) < 0))
                        least = worker;
        }
        return least;
}

/* Whether it takes part in the round; who is not ready, as long as it can make up for it. */
static bool takes_turns(const Worker *worker)
{
        return balancer_takes_more(worker) &&
               (is_ready(worker) || worker->turn < (int64_t)worker->weight * PASSING_PACKET_MAX);
}

/*
 * Each worker's turn grows by its weight; of those that are ready, whose has grown most has it, and
 * pays for all. So in the long run each has its weight's share, evenly spread. Where the load
 * decides, only those with the least take turns: whoever was busy for long has no turns to catch up
 * on.
 */
Worker *balancer_choose(Group *group)
{
        const Worker *least = group->config->least_loaded ? find_least_loaded(group) : NULL;
        Worker *worker, *best = NULL;
        int64_t total = 0;

        if (!balancer_has_ready(group))
                return NULL;
        TAILQ_FOREACH(worker, &group->workers, link)
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

bool balancer_look(Group *group)
{
        Worker *worker;

        TAILQ_FOREACH(worker, &group->workers, link)
        worker->ready = balancer_takes_more(worker) && worker->not_taken == 0 &&
                        delivery_can_send(worker->session);
        return balancer_has_ready(group);
}
