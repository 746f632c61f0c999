/* Descriptors on their way to clients. See in_flight.h. */
#include "daemon/budget/in_flight.h"

#include "core/clock.h"
#include "daemon/budget/quota.h"

#include <assert.h>

enum {
        /* Asking thousands takes a millisecond; who waits looks again after some twenty. */
        ASK_AGAIN_NS = 10000000,
};

void in_flight_init(InFlight *in_flight, bool (*has_unread)(const void *data))
{
        *in_flight = (InFlight){.share.max = UINT64_MAX, .has_unread = has_unread};
        TAILQ_INIT(&in_flight->entries);
}

static void ask_all(InFlight *in_flight)
{
        InFlightEntry *entry, *next;
        uint64_t now = clock_now_ns();

        if (in_flight->asked_ns != 0 && now - in_flight->asked_ns < ASK_AGAIN_NS)
                return;
        in_flight->asked_ns = now;
        for (entry = TAILQ_FIRST(&in_flight->entries); entry; entry = next) {
                next = TAILQ_NEXT(entry, link);
                if (!in_flight->has_unread(entry->data))
                        in_flight_discharge(in_flight, entry);
        }
}

bool in_flight_has_room(InFlight *in_flight, InFlightEntry *entry, uint32_t n)
{
        in_flight_discharge(in_flight, entry);
        if (share_has_room(&in_flight->share, entry->user->in_flight, n))
                return true;
        ask_all(in_flight);
        return share_has_room(&in_flight->share, entry->user->in_flight, n);
}

void in_flight_charge(InFlight *in_flight, InFlightEntry *entry, uint32_t n)
{
        if (n == 0)
                return;
        assert(entry->count == 0);
        TAILQ_INSERT_TAIL(&in_flight->entries, entry, link);
        entry->count = n;
        share_take(&in_flight->share, &entry->user->in_flight, n);
}

void in_flight_discharge(InFlight *in_flight, InFlightEntry *entry)
{
        if (entry->count == 0)
                return;
        TAILQ_REMOVE(&in_flight->entries, entry, link);
        share_give_back(&in_flight->share, &entry->user->in_flight, entry->count);
        entry->count = 0;
}
