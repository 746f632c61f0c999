/* The workers of a group, and what they have in hand. See worker.h. */
#include "daemon/listen/worker.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "core/tree.h"
#include "daemon/listen/balancer.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/drain.h"
#include "daemon/listen/listeners.h"
#include "daemon/listen/socket_open.h"
#include "daemon/process/log.h"
#include "daemon/session/session_source.h"
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

/* Makes the charge what is offered, after some was used or given up. */
static void settle_offers(Worker *worker)
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
        settle_offers(worker);
        offers_deinit(&worker->offers);
        free(worker);
}

/* After something left its hands. */
static void look_whether_done(Worker *worker)
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
        settle_offers(worker);
        group_changed(worker->group);
        return 0;
}

/* ---- What becomes of those in hand --------------------------------------------------------- */

/* Charges the worker's user for keeping it. */
static int charge(Connection *connection)
{
        Session *session = connection->worker->session;
        int r = 0;

        if (!connection->charged)
                r = quota_charge(session->user, QUOTA_HOLDS, 1);
        connection->charged = r == 0;
        return r;
}

static void uncharge(Connection *connection)
{
        if (connection->charged)
                quota_discharge(connection->worker->session->user, QUOTA_HOLDS, 1);
        connection->charged = false;
}

void worker_assign(Worker *worker, Connection *connection)
{
        connection->state = CONNECTION_ASSIGNED;
        connection->worker = worker;
        connection->source = offers_take(&worker->offers);
        worker->credit--;
        TAILQ_INSERT_TAIL(&worker->assigned, connection, link);
        worker->assigned_count++;
        worker->in_hand_count++;
        worker->session->in_hand++;
        balancer_update(worker);
        /* One that was kept stays so, whoever has it. */
        connection->keep = (connection->keep || worker->keep_on_death) && charge(connection) == 0;
        session_deliver_soon(worker->session);
}

/* That of its worker in which it is, as its state says. */
static ConnectionList *list_of(const Connection *connection)
{
        Worker *worker = connection->worker;

        if (connection->state == CONNECTION_ASSIGNED)
                return &worker->assigned;
        return connection->state == CONNECTION_PASSED ? &worker->sent : &worker->taken;
}

/* Out of its worker's hands, and in no list. */
static void take_from_worker(Connection *connection)
{
        Worker *worker = connection->worker;

        TAILQ_REMOVE(list_of(connection), connection, link);
        worker->in_hand_count--;
        worker->session->in_hand--;
        if (connection->state == CONNECTION_ASSIGNED)
                worker->assigned_count--;
        if (connection->state == CONNECTION_PASSED)
                worker->not_taken--;
        uncharge(connection);
        connection->worker = NULL;
}

/* Out of its worker's hands and to the queue's head. */
static void queue_again(Connection *connection)
{
        Group *group = connection->group;

        take_from_worker(connection);
        connection->state = CONNECTION_QUEUED;
        TAILQ_INSERT_HEAD(&group->queue, connection, link);
        group->queued_count++;
        connection_store_begin(connection);
}

/* The id that was meant for one that was not sent. It is the next one's. */
static void offer_again(Worker *worker, uint64_t source)
{
        offers_give_back(&worker->offers, source);
        worker->credit++;
}

/* What waits to be sent goes to the queue, in order. */
static void queue_assigned_again(Worker *worker)
{
        Connection *connection;

        while ((connection = TAILQ_LAST(&worker->assigned, ConnectionList))) {
                offer_again(worker, connection->source);
                queue_again(connection);
        }
}

/* The worker's session has closed it. */
static void on_forgotten(RegistrationOwner *owner)
{
        Connection *connection = (Connection *)owner;
        Group *group = connection->group;
        Worker *worker = connection->worker;

        take_from_worker(connection);
        connection_free(connection);
        look_whether_done(worker);
        group_changed(group);
}

Connection *worker_connection(const RegistrationInfo *info)
{
        return info->owner && info->owner->forgotten == on_forgotten ? (Connection *)info->owner
                                                                     : NULL;
}

/* Its registration; NULL: it is gone, or has become another's. */
static RegistrationInfo *registration_of(const Connection *connection)
{
        RegistrationInfo *info = registration_set_recreate(
                &connection->worker->session->registrations, io_id_unpack(connection->source));

        return info && info->owner == &connection->owner ? info : NULL;
}

void worker_passed(Connection *connection)
{
        Worker *worker = connection->worker;
        RegistrationInfo *info = registration_set_recreate(&worker->session->registrations,
                                                           io_id_unpack(connection->source));

        connection->owner.forgotten = on_forgotten;
        if (info)
                info->owner = &connection->owner;
        connection->state = CONNECTION_PASSED;
        worker->ready = false;
        TAILQ_REMOVE(&worker->assigned, connection, link);
        worker->assigned_count--;
        TAILQ_INSERT_TAIL(&worker->sent, connection, link);
        worker->not_taken++;
        worker->passed++;
        connection->group->passed++;
        settle_offers(worker);
}

void worker_unassign(Connection *connection)
{
        Worker *worker = connection->worker;

        queue_again(connection);
        settle_offers(worker);
        look_whether_done(worker);
}

void worker_rest(Worker *worker)
{
        worker->resting = true;
        queue_assigned_again(worker);
        balancer_update(worker);
        look_whether_done(worker);
}

void worker_set_draining(Worker *worker, bool draining)
{
        worker->draining = draining;
        if (draining)
                queue_assigned_again(worker);
        balancer_update(worker);
        group_changed(worker->group);
}

void worker_taken(Connection *connection)
{
        Worker *worker = connection->worker;

        if (connection->state != CONNECTION_PASSED)
                return;
        TAILQ_REMOVE(&worker->sent, connection, link);
        TAILQ_INSERT_TAIL(&worker->taken, connection, link);
        connection->state = CONNECTION_TAKEN;
        if (!connection->keep)
                connection_close_copy(connection);
        worker->not_taken--;
        if (worker->not_taken == 0) {
                balancer_look_first(worker);
                group_changed(worker->group);
        }
}

int worker_keep(Connection *connection, int take_note_fd, uint32_t note_size)
{
        Group *group = connection->group;
        Kept *kept = group->listeners->kept;
        int r;

        if (connection->fd < 0)
                return error_set(ESTALE,
                                 "the daemon has no copy of it: keep it before it is taken");
        r = charge(connection);
        if (r < 0)
                return r;
        connection->keep = true;
        if (connection->note_fd >= 0)
                kept_close_note(kept, group->keeper, connection->note_fd);
        connection->note_fd = take_note_fd;
        connection->note_size = note_size;
        if (take_note_fd >= 0)
                kept_add(kept, group->keeper);
        return 0;
}

int worker_put_in_hand(Worker *worker, Connection *connection, RegistrationInfo *info, IoId id)
{
        int r = 0;

        connection->worker = worker;
        if (connection->fd >= 0)
                r = charge(connection);
        if (r < 0)
                return r;
        connection->keep = connection->fd >= 0;
        connection->source = id;
        connection->state = CONNECTION_TAKEN;
        connection->owner.forgotten = on_forgotten;
        info->owner = &connection->owner;
        TAILQ_INSERT_TAIL(&worker->taken, connection, link);
        worker->in_hand_count++;
        worker->session->in_hand++;
        return 0;
}

/* ---- Leaving ------------------------------------------------------------------------------- */

/* It gets no more, and what it has offered is nobody's. */
static void begin_to_leave(Worker *worker)
{
        if (worker->left)
                return;
        worker->left = true;
        worker->outgoing.awaits_reading = false;
        worker->offers.count = worker->credit = 0;
        settle_offers(worker);
        worker->group->serving--;
        worker->group->listeners->workers -= !worker->is_taker;
}

/* What is registered for it is not its any more. */
static void leave_registration(const Connection *connection)
{
        RegistrationInfo *info = registration_of(connection);

        if (info)
                info->owner = NULL;
}

/* Ends the registration of a connection whose session goes on. */
static void deregister(const Connection *connection)
{
        Session *session = connection->worker->session;

        if (!registration_of(connection))
                return;
        leave_registration(connection);
        io_driver_remove_io_source(session->sessions->driver, &session->registrations,
                                   connection->fd, io_id_unpack(connection->source));
        io_driver_end_batch(session->sessions->driver);
        session_settle_registrations(session);
}

/* One that was passed to a worker is for others. */
static void queue_for_others(Connection *connection)
{
        connection->again = true;
        connection->group->passed_again++;
        socket_prepare_again(connection->fd);
        queue_again(connection);
}

/* The worker's program has it alone from now on. */
static void let_go(Connection *connection)
{
        if (connection->state != CONNECTION_ASSIGNED)
                leave_registration(connection);
        take_from_worker(connection);
        connection_free(connection);
}

void worker_leave(Worker *worker)
{
        Group *group = worker->group;
        Connection *connection;

        begin_to_leave(worker);
        while ((connection = TAILQ_LAST(&worker->assigned, ConnectionList)))
                queue_again(connection);
        settle_offers(worker);
        while ((connection = TAILQ_LAST(&worker->sent, ConnectionList))) {
                deregister(connection);
                queue_for_others(connection);
        }
        group->somebody_left = true;
        look_whether_done(worker);
        group_changed(group);
}

void worker_stop(Worker *worker)
{
        begin_to_leave(worker);
        group_changed(worker->group);
}

/* One of what the worker had, which has ended: it is for others, unless its program alone had it.
 */
static void lose(Connection *connection)
{
        if (connection->state == CONNECTION_ASSIGNED) {
                queue_again(connection);
        } else if (connection->state == CONNECTION_TAKEN && !connection->keep) {
                let_go(connection);
        } else {
                leave_registration(connection);
                queue_for_others(connection);
        }
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

        begin_to_leave(worker);
        for (; *connections > 0 && (connection = last_in_hand(worker)); --*connections)
                lose(connection);
        all = worker->in_hand_count == 0;
        group->somebody_left = true;
        look_whether_done(worker);
        group_changed(group);
        return all;
}

bool worker_dissolve(Group *group, uint32_t connections)
{
        Worker *worker;

        while ((worker = TAILQ_FIRST(&group->workers))) {
                Connection *connection;

                begin_to_leave(worker);
                for (; connections > 0 && (connection = last_in_hand(worker)); connections--)
                        let_go(connection);
                if (worker->in_hand_count > 0)
                        return false;
                look_whether_done(worker);
        }
        return true;
}
