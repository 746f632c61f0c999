/* What workers have in hand. See in_hand.h. */
#include "daemon/listen/in_hand.h"

#include "core/clock.h"
#include "core/error.h"
#include "daemon/listen/balancer.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/listeners.h"
#include "daemon/session/session_source.h"
#include "daemon/session/sessions.h"

#include <errno.h>

/* ---- Lists and charges --------------------------------------------------------------------- */

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

/* Of its worker's, one more or one less. */
static void count_not_taken(Worker *worker, int by)
{
        worker->not_taken += (uint32_t)by;
        worker->group->not_taken += (uint32_t)by;
        worker->group->listeners->not_taken += (uint32_t)by;
}

/* Once: what it does after that, if it is passed again, is another worker's time. */
static void time_take(Connection *connection)
{
        Listeners *listeners = connection->group->listeners;
        uint64_t now = listeners->loop->turn.began_ns;

        if (connection->placed_ns != 0 && now >= connection->placed_ns)
                histogram_add(&listeners->takes, now - connection->placed_ns);
        connection->placed_ns = 0;
}

void worker_assign(Worker *worker, Connection *connection)
{
        connection->state = CONNECTION_ASSIGNED;
        connection->worker = worker;
        connection->source = offers_take(&worker->offers);
        connection->given_ms = clock_coarse_ms();
        worker->credit--;
        if (worker->credit == 0)
                worker->spent_ms = connection->given_ms;
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
                count_not_taken(worker, -1);
        uncharge(connection);
        connection->worker = NULL;
}

static void queue_first(Connection *connection)
{
        Group *group = connection->group;

        connection->state = CONNECTION_QUEUED;
        TAILQ_INSERT_HEAD(&group->queue, connection, link);
        group->queued_count++;
        connection_store_begin(connection);
}

/* Out of its worker's hands and to the queue's head. */
static void queue_again(Connection *connection)
{
        take_from_worker(connection);
        queue_first(connection);
}

/* The id that was meant for one that was not sent. It is the next one's. */
static void offer_again(Worker *worker, uint64_t source)
{
        offers_give_back(&worker->offers, source);
        worker->credit++;
}

void in_hand_offer_again(Worker *worker)
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
        worker_look_whether_done(worker);
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
        connection->given_ms = clock_coarse_ms();
        worker->ready = false;
        TAILQ_REMOVE(&worker->assigned, connection, link);
        worker->assigned_count--;
        TAILQ_INSERT_TAIL(&worker->sent, connection, link);
        count_not_taken(worker, 1);
        worker->passed++;
        connection->group->passed++;
        connection->group->listeners->counts.passed++;
        worker_settle_offers(worker);
}

void worker_unassign(Connection *connection)
{
        Worker *worker = connection->worker;

        queue_again(connection);
        worker_settle_offers(worker);
        worker_look_whether_done(worker);
}

void worker_rest(Worker *worker)
{
        worker->resting = true;
        in_hand_offer_again(worker);
        balancer_update(worker);
        worker_look_whether_done(worker);
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
        count_not_taken(worker, -1);
        time_take(connection);
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
        connection->keep = !connection->look;
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
        connection->source = id;
        connection->state = CONNECTION_TAKEN;
        connection->given_ms = clock_coarse_ms();
        connection->owner.forgotten = on_forgotten;
        info->owner = &connection->owner;
        TAILQ_INSERT_TAIL(&worker->taken, connection, link);
        worker->in_hand_count++;
        worker->session->in_hand++;
        return 0;
}

/* ---- A worker leaves ----------------------------------------------------------------------- */

/* What is registered for it is not its any more. */
static void leave_registration(const Connection *connection)
{
        RegistrationInfo *info = registration_of(connection);

        if (info)
                info->owner = NULL;
}

void in_hand_deregister(const Connection *connection)
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

/* A worker had it, and has it no more. */
static void pass_again(Connection *connection)
{
        connection->again = true;
        connection->group->passed_again++;
        connection->group->listeners->counts.passed_again++;
        queue_first(connection);
}

void in_hand_queue_for_others(Connection *connection)
{
        if (connection->state == CONNECTION_ASSIGNED) {
                queue_again(connection);
                return;
        }
        leave_registration(connection);
        take_from_worker(connection);
        pass_again(connection);
}

void in_hand_let_go(Connection *connection)
{
        if (connection->state != CONNECTION_ASSIGNED)
                leave_registration(connection);
        take_from_worker(connection);
        connection_free(connection);
}

/* ---- What is to be kept, once it is known whether it may be ---------------------------------- */

void in_hand_await_look(Connection *connection)
{
        leave_registration(connection);
        take_from_worker(connection);
        TAILQ_INSERT_TAIL(&connection->group->looked_at, connection, link);
}

/* Nobody but the daemon has it. */
static void settle_lost(Connection *connection, bool is_the_listeners)
{
        TAILQ_REMOVE(&connection->group->looked_at, connection, link);
        if (!is_the_listeners) {
                connection_free(connection);
                return;
        }
        connection->keep = true;
        pass_again(connection);
}

void in_hand_settle_kept(Connection *connection, bool is_the_listeners)
{
        Group *group = connection->group;
        Worker *worker = connection->worker;

        if (!worker) {
                settle_lost(connection, is_the_listeners);
        } else if (is_the_listeners) {
                connection->keep = true;
        } else {
                in_hand_let_go(connection);
                worker_look_whether_done(worker);
        }
        group_changed(group);
}

/* ---- For how long -------------------------------------------------------------------------- */

/* Each list is in order of time. */
static uint64_t first_age_ms(const ConnectionList *list, uint64_t now_ms)
{
        const Connection *first = TAILQ_FIRST(list);

        if (!first)
                return 0;
        return now_ms > first->given_ms ? now_ms - first->given_ms : 1;
}

uint64_t in_hand_oldest_ms(const Worker *worker)
{
        const ConnectionList *const lists[] = {&worker->assigned, &worker->sent, &worker->taken};
        const uint64_t now_ms = clock_coarse_ms();
        uint64_t oldest = 0;

        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
                uint64_t age = first_age_ms(lists[i], now_ms);

                oldest = age > oldest ? age : oldest;
        }
        return oldest;
}

uint64_t in_hand_not_taken_ms(const Worker *worker)
{
        return first_age_ms(&worker->sent, clock_coarse_ms());
}
