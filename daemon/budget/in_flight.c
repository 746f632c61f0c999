/* Descriptors on their way to clients. See in_flight.h. */
#include "daemon/budget/in_flight.h"

#include "daemon/server/server.h"

#include <assert.h>

enum {
        /* Asking thousands takes a millisecond; who waits looks again after some twenty. */
        ASK_AGAIN_NS = 10000000,
};

void in_flight_init(InFlight *in_flight)
{
        *in_flight = (InFlight){.max = UINT32_MAX};
        TAILQ_INIT(&in_flight->sessions);
}

static bool fits(const InFlight *in_flight, const QuotaUser *user, uint32_t n)
{
        uint32_t free = in_flight->count < in_flight->max ? in_flight->max - in_flight->count : 0;

        return n <= free && (user->in_flight == 0 || user->in_flight + n <= free);
}

static void ask_all(InFlight *in_flight)
{
        Session *session, *next;
        uint64_t now = clock_now_ns();

        if (in_flight->asked_ns != 0 && now - in_flight->asked_ns < ASK_AGAIN_NS)
                return;
        in_flight->asked_ns = now;
        for (session = TAILQ_FIRST(&in_flight->sessions); session; session = next) {
                next = TAILQ_NEXT(session, in_flight_link);
                if (!delivery_has_unread(session))
                        in_flight_discharge(in_flight, session);
        }
}

bool in_flight_has_room(InFlight *in_flight, Session *session, uint32_t n)
{
        in_flight_discharge(in_flight, session);
        if (fits(in_flight, session->user, n))
                return true;
        ask_all(in_flight);
        return fits(in_flight, session->user, n);
}

void in_flight_charge(InFlight *in_flight, Session *session, uint32_t n)
{
        if (n == 0)
                return;
        assert(session->in_flight == 0);
        TAILQ_INSERT_TAIL(&in_flight->sessions, session, in_flight_link);
        session->in_flight = n;
        session->user->in_flight += n;
        in_flight->count += n;
}

void in_flight_discharge(InFlight *in_flight, Session *session)
{
        if (session->in_flight == 0)
                return;
        TAILQ_REMOVE(&in_flight->sessions, session, in_flight_link);
        session->user->in_flight -= session->in_flight;
        in_flight->count -= session->in_flight;
        session->in_flight = 0;
}
