/* What waits for a session is sent. See delivery.h. */
#include "daemon/session/delivery.h"

#include "core/error.h"
#include "daemon/session/answer_packet.h"
#include "daemon/session/session_source.h"
#include "daemon/session/sessions.h"
#include "proto/frame_socket.h"

#include <string.h>

void delivery_init(Delivery *delivery)
{
        *delivery = (Delivery){.watches_socket = false};
        TAILQ_INIT(&delivery->answers);
}

void delivery_deinit(Session *session)
{
        Answer *answer;

        answer_take_back(session);
        while ((answer = TAILQ_FIRST(&session->delivery.answers))) {
                TAILQ_REMOVE(&session->delivery.answers, answer, link);
                answer_free(session, answer);
        }
}

bool delivery_is_full(const Session *session)
{
        return session->delivery.count >= DELIVERY_ANSWERS_MAX;
}

bool delivery_is_due(const Session *session)
{
        const Outgoing *outgoing;

        if (!TAILQ_EMPTY(&session->delivery.answers))
                return true;
        TAILQ_FOREACH(outgoing, &session->outgoing, link)
        {
                if (outgoing->kind->is_due(outgoing))
                        return true;
        }
        return false;
}

/* Has the loop come back when the client has read something. 0 or -errno. */
static int await_reading(Session *session)
{
        Delivery *delivery = &session->delivery;
        Selector *selector = &session->registrations.selector;
        int r;

        if (delivery->awaits_reading)
                return 0;
        r = session_open_set(session);
        if (r < 0)
                return r;
        if (delivery->watches_socket)
                r = selector_modify(selector, session->socket_fd, IO_ID_DAEMON, READINESS_WRITABLE);
        else
                r = selector_add(selector, session->socket_fd, IO_ID_DAEMON, READINESS_WRITABLE);
        if (r < 0)
                return error_set(-r, "cannot wait for the client: %s", strerror(-r));
        delivery->watches_socket = delivery->awaits_reading = true;
        return 0;
}

static void await_no_more(Session *session)
{
        Delivery *delivery = &session->delivery;

        if (!delivery->awaits_reading)
                return;
        selector_modify(&session->registrations.selector, session->socket_fd, IO_ID_DAEMON, 0);
        delivery->awaits_reading = false;
}

void delivery_lose_set(Session *session)
{
        session->delivery.watches_socket = session->delivery.awaits_reading = false;
        session_deliver_soon(session);
}

bool delivery_has_unread(const Session *session)
{
        return frame_socket_has_unread(session->socket_fd);
}

bool delivery_can_send(const Session *session)
{
        return !session->ended && !session->reconciled.reconciliation &&
               TAILQ_EMPTY(&session->delivery.answers) &&
               !notifier_is_waiting(&session->notifier) && !delivery_has_unread(session);
}

bool delivery_has_room(Session *session, uint32_t n)
{
        return in_flight_has_room(session->sessions->in_flight, &session->in_flight, n);
}

/* Whether so many descriptors may be sent now. */
static bool may_send(Session *session, uint32_t n)
{
        return !delivery_has_unread(session) && (n == 0 || delivery_has_room(session, n));
}

int delivery_send_descriptors(Session *session, Iod__Frame *frame, const int *borrow_fds,
                              uint32_t n)
{
        InFlight *in_flight = session->sessions->in_flight;
        int r = notifier_send_descriptors(&session->notifier, frame, borrow_fds, n);

        if (r == 0)
                in_flight_charge(in_flight, &session->in_flight, n);
        else if (r == NOTIFIER_WAITING)
                in_flight_look(in_flight);
        return r;
}

static int send_answers(Session *session)
{
        int r = 0;

        while (r == 0 && !TAILQ_EMPTY(&session->delivery.answers))
                r = answer_packet_send(session);
        return r;
}

static int send_outgoing(Session *session)
{
        Outgoing *outgoing;
        int r = 0;

        TAILQ_FOREACH(outgoing, &session->outgoing, link)
        {
                const OutgoingKind *kind = outgoing->kind;

                while (r == 0 && kind->is_due(outgoing))
                        r = may_send(session, kind->descriptors_max) ? kind->send(outgoing)
                                                                     : NOTIFIER_WAITING;
        }
        return r;
}

/* Tells those who await this, now that it has read: after more readiness, which a busy client
 * always has, it could be sent nothing. */
static int send_awaited(Session *session)
{
        Outgoing *outgoing;
        int r = 0;

        TAILQ_FOREACH(outgoing, &session->outgoing, link)
        {
                if (!outgoing->awaits_reading)
                        continue;
                if (delivery_has_unread(session))
                        return NOTIFIER_WAITING;
                outgoing->awaits_reading = false;
                outgoing->kind->has_read(outgoing);
                r = send_outgoing(session);
                if (r != 0)
                        break;
        }
        return r;
}

int delivery_flush(Session *session)
{
        int r;

        /* Then the notifier has the socket; whoever empties it comes back here. */
        if (notifier_is_waiting(&session->notifier))
                return 0;
        r = send_answers(session);
        if (r == 0)
                r = send_outgoing(session);
        if (r == 0)
                r = send_awaited(session);
        if (r == NOTIFIER_WAITING) {
                /* Nothing to be read: then it is the kernel that is short of something. */
                if (!delivery_has_unread(session))
                        later_wake_in_a_moment(&session->sessions->loop->later, &session->deliver);
                return await_reading(session);
        }
        await_no_more(session);
        return r;
}
