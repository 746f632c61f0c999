/* The workers of a group. See worker.h. */
#include "daemon/listen/worker.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/tree.h"
#include "daemon/listen/balancer.h"
#include "daemon/listen/drain.h"
#include "daemon/listen/in_hand.h"
#include "daemon/listen/listeners.h"
#include "daemon/session/sessions.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

/* ---- Joining and offering ------------------------------------------------------------------ */

/* By session, and those of one session by endpoint. */
static int compare_numbers(const void *a, const void *b)
{
        const Worker *worker_a = a, *worker_b = b;

        if (worker_a->session_id != worker_b->session_id)
                return worker_a->session_id > worker_b->session_id ? 1 : -1;
        return (worker_a->endpoint > worker_b->endpoint) -
               (worker_a->endpoint < worker_b->endpoint);
}

/* 0 or -ENOMEM. */
static int insert_in_order(Group *group, Worker *worker)
{
        Worker *before = tree_before(&group->by_number, worker, compare_numbers);

        if (!tsearch(worker, &group->by_number, compare_numbers))
                return -ENOMEM;
        if (before)
                TAILQ_INSERT_AFTER(&group->workers, before, worker, link);
        else
                TAILQ_INSERT_HEAD(&group->workers, worker, link);
        return 0;
}

Worker *worker_after(const Group *group, uint64_t session, uint32_t endpoint)
{
        const Worker key = {.session_id = session, .endpoint = endpoint};

        return tree_after(&group->by_number, &key, compare_numbers);
}

void worker_tell(const Worker *worker, Iod__What what, uint32_t count, const char *text)
{
        const Group *group = worker->group;
        Happening happening;

        if (!teller_is_heard(group->listeners->teller))
                return;
        happening = happening_of(what, &worker->session->peer);
        happening.listener = group->number;
        happening.name = group->config->name;
        happening.count = count;
        happening.text = text;
        teller_tell(group->listeners->teller, &happening);
}

int worker_join(Group *group, Session *session, bool is_taker, Worker **out)
{
        Worker *worker;

        if (session->worker_count >= WORKER_PER_SESSION_MAX)
                return error_set(EDQUOT, "a session may have %d endpoints: leave some first",
                                 WORKER_PER_SESSION_MAX);
        worker = calloc(1, sizeof(*worker));
        if (worker) {
                worker->session_id = session->id;
                worker->endpoint = session->endpoints + 1;
        }
        if (!worker || insert_in_order(group, worker) < 0) {
                free(worker);
                return error_set(ENOMEM, "no memory for another worker");
        }
        session->endpoints++;
        session->worker_count++;
        worker->group = group;
        worker->session = session;
        worker->is_taker = is_taker;
        worker->weight = 1;
        worker->spent_ms = clock_coarse_ms();
        TAILQ_INIT(&worker->assigned);
        TAILQ_INIT(&worker->sent);
        TAILQ_INIT(&worker->taken);
        if (is_taker)
                TAILQ_INSERT_HEAD(&session->workers, worker, session_link);
        else
                TAILQ_INSERT_TAIL(&session->workers, worker, session_link);
        worker->outgoing.kind = group->outgoing;
        TAILQ_INSERT_TAIL(&session->outgoing, &worker->outgoing, link);
        group->serving++;
        group->listeners->workers += !is_taker;
        worker_tell(worker, IOD__WHAT__WORKER_JOINED, 0, is_taker ? "it accepts itself" : NULL);
        group_changed(group);
        *out = worker;
        return 0;
}

Worker *worker_find(const Session *session, uint32_t endpoint)
{
        Worker *worker;

        TAILQ_FOREACH(worker, &session->workers, session_link)
        {
                if (worker->endpoint == endpoint && !worker->is_taker && !worker->left)
                        return worker;
        }
        return NULL;
}

void worker_settle_offers(Worker *worker)
{
        Share *share = &worker->group->listeners->offered;
        QuotaUser *user = worker->session->user;
        uint32_t offered = worker->credit + worker->assigned_count;

        share_give_back(share, &user->offered, worker->charged_offers);
        share_take(share, &user->offered, offered);
        worker->charged_offers = offered;
        balancer_update(worker);
        offers_settle(&worker->offers, worker->assigned_count);
}

static void free_worker(Worker *worker)
{
        Group *group = worker->group;

        tdelete(worker, &group->by_number, compare_numbers);
        TAILQ_REMOVE(&group->workers, worker, link);
        TAILQ_REMOVE(&worker->session->workers, worker, session_link);
        TAILQ_REMOVE(&worker->session->outgoing, &worker->outgoing, link);
        worker->session->worker_count--;
        worker_settle_offers(worker);
        offers_deinit(&worker->offers);
        free(worker);
}

void worker_look_whether_done(Worker *worker)
{
        if (worker->in_hand_count > 0)
                return;
        drain_check(&worker->group->listeners->drains, worker->session);
        if (worker->left)
                free_worker(worker);
}

static int check_sources(const Listeners *listeners, const Session *session,
                         const uint64_t *sources, size_t n, uint32_t unused)
{
        int r;

        if (n > FRAME_OFFERED_MAX - unused)
                return error_set(EDQUOT, "a worker may have %d unused ids offered",
                                 FRAME_OFFERED_MAX);
        r = n == 0 ? 0
                   : share_check(&listeners->offered, session->user->offered, n, "unused ids",
                                 "use some first");
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                if (io_id_generation(io_id_unpack(sources[i])) == 0 ||
                    !(io_id_unpack_readiness(sources[i]) & READINESS_INTERESTS))
                        return error_set(EINVAL, "an offered id has a generation and an interest");
        }
        return 0;
}

int worker_check_sources(const Listeners *listeners, const Session *session,
                         const uint64_t *sources, size_t n)
{
        return check_sources(listeners, session, sources, n, 0);
}

int worker_offer(Worker *worker, const uint64_t *sources, size_t n)
{
        /* What waits to be sent may not need its id after all. */
        int r = check_sources(worker->group->listeners, worker->session, sources, n,
                              worker->credit + worker->assigned_count);

        if (r < 0)
                return r;
        if (offers_add(&worker->offers, sources, n, worker->assigned_count) < 0)
                return error_set(ENOMEM, "no memory for so many ids");
        worker->credit += (uint32_t)n;
        worker_settle_offers(worker);
        group_changed(worker->group);
        return 0;
}

void worker_set_draining(Worker *worker, bool draining)
{
        worker->draining = draining;
        if (draining)
                in_hand_offer_again(worker);
        balancer_update(worker);
        group_changed(worker->group);
}

/* ---- Leaving ------------------------------------------------------------------------------- */

/* It gets no more, and what it has offered is nobody's. */
static void begin_to_leave(Worker *worker, const char *why)
{
        if (worker->left)
                return;
        worker_tell(worker, IOD__WHAT__WORKER_LEFT, 0, why);
        worker->left = true;
        worker->outgoing.awaits_reading = false;
        worker->offers.count = worker->credit = 0;
        worker_settle_offers(worker);
        worker->group->serving--;
        worker->group->listeners->workers -= !worker->is_taker;
}

void worker_leave(Worker *worker)
{
        Group *group = worker->group;
        Connection *connection;

        begin_to_leave(worker, NULL);
        while ((connection = TAILQ_LAST(&worker->assigned, ConnectionList)))
                in_hand_queue_for_others(connection);
        worker_settle_offers(worker);
        while ((connection = TAILQ_LAST(&worker->sent, ConnectionList))) {
                in_hand_deregister(connection);
                in_hand_queue_for_others(connection);
        }
        group->somebody_left = true;
        worker_look_whether_done(worker);
        group_changed(group);
}

void worker_stop(Worker *worker)
{
        begin_to_leave(worker, "its session has ended");
        group_changed(worker->group);
}

/* One of what the worker had, which has ended: it is for others, unless its program alone had it.
 */
static void lose(Connection *connection)
{
        if (connection->look)
                in_hand_await_look(connection);
        else if (connection->state == CONNECTION_TAKEN && !connection->keep)
                in_hand_let_go(connection);
        else
                in_hand_queue_for_others(connection);
}

/* What came to it last, in the order of its lists. */
static Connection *last_in_hand(const Worker *worker)
{
        Connection *connection = TAILQ_LAST(&worker->assigned, ConnectionList);

        if (!connection)
                connection = TAILQ_LAST(&worker->sent, ConnectionList);
        return connection ? connection : TAILQ_LAST(&worker->taken, ConnectionList);
}

/* Last first, so that the first is at the queue's head in the end. */
bool worker_lose(Worker *worker, uint32_t *connections)
{
        Group *group = worker->group;
        Connection *connection;
        bool all;

        begin_to_leave(worker, "its session has ended");
        for (; *connections > 0 && (connection = last_in_hand(worker)); --*connections)
                lose(connection);
        all = worker->in_hand_count == 0;
        group->somebody_left = true;
        worker_look_whether_done(worker);
        group_changed(group);
        return all;
}

bool worker_let_go(Worker *worker, uint32_t *connections)
{
        Connection *connection;

        begin_to_leave(worker, "the listener is closed");
        for (; *connections > 0 && (connection = last_in_hand(worker)); --*connections)
                in_hand_let_go(connection);
        if (worker->in_hand_count > 0)
                return false;
        worker_look_whether_done(worker);
        return true;
}

bool worker_dissolve(Group *group, uint32_t connections)
{
        Worker *worker;

        while ((worker = TAILQ_FIRST(&group->workers))) {
                if (!worker_let_go(worker, &connections))
                        return false;
        }
        return true;
}
