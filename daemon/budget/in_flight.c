/* Descriptors on their way to clients. See in_flight.h. */
#include "daemon/budget/in_flight.h"

#include "core/clock.h"
#include "daemon/budget/in_flight_room.h"
#include "daemon/budget/quota.h"
#include "daemon/process/log.h"

#include <assert.h>
#include <inttypes.h>

enum {
        /* Asking thousands takes a millisecond; who waits looks again after some twenty. */
        ASK_AGAIN_NS = 10000000,
        /* Measuring takes a millisecond or two. */
        LOOK_AGAIN_NS = 200000000,
};

void in_flight_init(InFlight *in_flight, bool (*has_unread)(int socket_fd))
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
                if (!in_flight->has_unread(entry->borrow_socket_fd))
                        in_flight_discharge(in_flight, entry);
        }
}

static void tell(const InFlight *in_flight, uint64_t before)
{
        if (in_flight->others > 0 && before == 0)
                log_daemon(LOG_WARNING,
                           "%" PRIu64 " of %" PRIu64 " descriptors in flight are others': sent by "
                           "this user before, and not read by those who have them",
                           in_flight->others, in_flight->share.max);
        else if (in_flight->others == 0 && before > 0)
                log_daemon(LOG_NOTICE, "all %" PRIu64 " descriptors in flight can be had again",
                           in_flight->share.max);
}

void in_flight_look(InFlight *in_flight)
{
        uint64_t now = clock_now_ns(), before = in_flight->others, wanted;

        if (in_flight->looked_ns != 0 && now - in_flight->looked_ns < LOOK_AGAIN_NS)
                return;
        in_flight->looked_ns = now;
        in_flight->share.used -= before;
        wanted = share_free(&in_flight->share);
        in_flight->others = wanted - in_flight_room(wanted);
        in_flight->share.used += in_flight->others;
        tell(in_flight, before);
}

bool in_flight_has_room(InFlight *in_flight, InFlightEntry *entry, uint32_t n)
{
        in_flight_discharge(in_flight, entry);
        if (share_has_room(&in_flight->share, entry->user->in_flight, n))
                return true;
        ask_all(in_flight);
        if (in_flight->others > 0)
                in_flight_look(in_flight);
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
