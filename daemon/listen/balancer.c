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

/* ---- Those who take connections ------------------------------------------------------------ */

static void unlist(Worker *worker)
{
        Group *group = worker->group;

        if (!worker->listed)
                return;
        if (worker->listed == &group->willing) {
                group->willing_count--;
                group->keepers -= worker->keep_on_death;
        }
        TAILQ_REMOVE(worker->listed, worker, willing_link);
        worker->listed = NULL;
}

void balancer_update(Worker *worker)
{
        Group *group = worker->group;
        WorkerList *list = !is_willing(worker) ? NULL
                           : worker->resting   ? &group->resting
                                               : &group->willing;
        uint32_t credit = list == &group->willing ? worker->credit : 0;

        group->credit += (uint64_t)credit - worker->listed_credit;
        worker->listed_credit = credit;
        if (worker->listed == list)
                return;
        unlist(worker);
        if (!list)
                return;
        TAILQ_INSERT_TAIL(list, worker, willing_link);
        worker->listed = list;
        if (list == &group->willing) {
                group->willing_count++;
                group->keepers += worker->keep_on_death;
        }
}

void balancer_look_first(Worker *worker)
{
        Group *group = worker->group;

        if (worker->listed != &group->willing || group->willing_count <= BALANCER_LOOKS)
                return;
        TAILQ_REMOVE(&group->willing, worker, willing_link);
        TAILQ_INSERT_HEAD(&group->willing, worker, willing_link);
}

static void move_to_end(Worker *worker)
{
        Group *group = worker->group;

        if (group->willing_count <= BALANCER_LOOKS)
                return;
        TAILQ_REMOVE(&group->willing, worker, willing_link);
        TAILQ_INSERT_TAIL(&group->willing, worker, willing_link);
}

uint64_t balancer_credit(const Group *group)
{
        return group->credit;
}

bool balancer_is_short(const Group *group)
{
        return !TAILQ_EMPTY(&group->resting) || (group->parked && group->keepers > 0);
}

void balancer_end_rests(Group *group)
{
        Worker *worker;

        for (int i = 0; i < BALANCER_RESTS && (worker = TAILQ_FIRST(&group->resting)); i++) {
                worker->resting = false;
                balancer_update(worker);
        }
}

/* ---- Who is ready -------------------------------------------------------------------------- */

bool balancer_takes_more(const Worker *worker)
{
        /* Better later than without what it was promised. */
        return is_willing(worker) && !worker->resting &&
               (!worker->keep_on_death || quota_has_room(worker->session->user, QUOTA_HOLDS, 1));
}

/* As of the last look, and what it was assigned since: no more than one packet. */
static bool is_ready(const Worker *worker)
{
        return worker->ready && worker->looked == worker->group->look &&
               balancer_takes_more(worker) && worker->assigned_count < PASSING_PACKET_MAX;
}

/* The next of those that are looked at, after *i of them; NULL at the end. */
static Worker *next_in_view(const Group *group, Worker *worker, int *i)
{
        if (*i == BALANCER_LOOKS)
                return NULL;
        return (*i)++ == 0 ? TAILQ_FIRST(&group->willing) : TAILQ_NEXT(worker, willing_link);
}

bool balancer_look(Group *group)
{
        Worker *worker = TAILQ_FIRST(&group->willing), *next;
        uint32_t looks;
        bool any = false;

        group->look++;
        for (looks = 0; worker && looks < BALANCER_LOOKS; looks++, worker = next) {
                next = TAILQ_NEXT(worker, willing_link);
                worker->looked = group->look;
                worker->ready = balancer_takes_more(worker) && worker->not_taken == 0 &&
                                delivery_can_send(worker->session);
                if (is_ready(worker))
                        any = true;
                else
                        move_to_end(worker);
        }
        if (any || !group->parked)
                group->unready_looks = 0;
        if (!any)
                group->unready_looks += looks;
        return any;
}

bool balancer_has_ready(const Group *group)
{
        Worker *worker = NULL;

        for (int i = 0; (worker = next_in_view(group, worker, &i));) {
                if (is_ready(worker))
                        return true;
        }
        return false;
}

static void await(Worker *worker)
{
        /* One that has yet to take its packet says so itself. */
        if (worker->outgoing.awaits_reading || worker->not_taken > 0 ||
            !balancer_takes_more(worker))
                return;
        worker->outgoing.awaits_reading = true;
        session_deliver_soon(worker->session);
}

/* They are at the end, where more take connections than are looked at. */
void balancer_await(Group *group)
{
        Worker *worker = TAILQ_LAST(&group->willing, WorkerList);

        for (int i = 0; worker && i < BALANCER_LOOKS; i++) {
                await(worker);
                worker = TAILQ_PREV(worker, WorkerList, willing_link);
        }
}

bool balancer_goes_on(const Group *group)
{
        return group->parked && group->willing_count > BALANCER_LOOKS &&
               group->unready_looks < group->willing_count;
}

/* ---- Whose turn it is ---------------------------------------------------------------------- */

/* Below 0: a has fewer in hand for its weight. */
static int compare_loads(const Worker *a, const Worker *b)
{
        uint64_t load_a = (uint64_t)a->in_hand_count * b->weight;
        uint64_t load_b = (uint64_t)b->in_hand_count * a->weight;

        return (load_a > load_b) - (load_a < load_b);
}

static const Worker *find_least_loaded(const Group *group)
{
        Worker *worker = NULL;
        const Worker *least = NULL;

        for (int i = 0; (worker = next_in_view(group, worker, &i));) {
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
        Worker *worker = NULL, *best = NULL;
        int64_t total = 0;

        if (!balancer_has_ready(group))
                return NULL;
        for (int i = 0; (worker = next_in_view(group, worker, &i));) {
                if (!takes_turns(worker) || (least && compare_loads(worker, least) > 0))
                        continue;
                worker->turn += worker->weight;
                total += worker->weight;
                if (is_ready(worker) && (!best || worker->turn > best->turn))
                        best = worker;
        }
        if (best) {
                best->turn -= total;
                move_to_end(best);
        }
        return best;
}
