/* The places in the closer's lanes. See closer_places.h. */
#include "daemon/closing/closer_places.h"

#include <errno.h>
#include <stdlib.h>

enum {
        /* Places a ring gets beyond what is needed, so that not every session makes it grow. */
        RING_SLACK = 64,
};

static size_t left_of(size_t max, size_t used)
{
        return used < max ? max - used : 0;
}

/* Places for packets' descriptors: of all there are, a share (core/share.h). Called under the lock.
 */
static size_t free_places(const Closer *closer, const CloserLane *lane)
{
        size_t here = left_of(closer->lane_max, lane->open);
        size_t share = left_of(left_of(closer->places_max, closer->open), lane->open);

        return here < share ? here : share;
}

bool closer_grants_room(Closer *closer, CloserLane *lane)
{
        bool granted = false;

        if (lane->room_wanted && free_places(closer, lane) >= FD_LIST_MAX) {
                lane->room_wanted = false;
                granted = true;
        }
        if (closer->room_wanted && left_of(closer->places_max, closer->open) >= FD_LIST_MAX) {
                closer->room_wanted = false;
                granted = true;
        }
        return granted;
}

size_t closer_room(Closer *closer, CloserLane *lane)
{
        size_t packets;

        pthread_mutex_lock(&closer->lock);
        packets = free_places(closer, lane) / FD_LIST_MAX;
        if (packets == 0) {
                if (left_of(closer->lane_max, lane->open) < FD_LIST_MAX)
                        lane->room_wanted = true;
                else
                        closer->room_wanted = true;
        }
        pthread_mutex_unlock(&closer->lock);
        return packets;
}

bool closer_is_full(Closer *closer)
{
        bool full;

        pthread_mutex_lock(&closer->lock);
        full = closer->strangers.queued >= CLOSER_STRANGERS_MAX ||
               closer->open > closer->places_max;
        pthread_mutex_unlock(&closer->lock);
        return full;
}

bool closer_is_behind(Closer *closer, CloserLane *lane)
{
        bool behind;

        pthread_mutex_lock(&closer->lock);
        behind = lane->open > closer->lane_max || closer->open > closer->places_max;
        pthread_mutex_unlock(&closer->lock);
        return behind;
}

int closer_places_grow(CloserLane *lane, size_t capacity)
{
        int *ring = calloc(capacity, sizeof(*ring));

        if (!ring)
                return -ENOMEM;
        for (size_t i = 0; i < lane->queued; i++)
                ring[i] = lane->ring[(lane->head + i) % lane->capacity];
        free(lane->ring);
        lane->ring = ring;
        lane->capacity = capacity;
        lane->head = 0;
        return 0;
}

int closer_places_reserve(const Closer *closer, CloserLane *lane, size_t places)
{
        size_t taken = lane->open > closer->lane_max ? lane->open : closer->lane_max;
        size_t needed = taken + lane->reserved + places;
        int r = 0;

        if (needed > lane->capacity)
                r = closer_places_grow(lane, needed + RING_SLACK);
        if (r == 0)
                lane->reserved += places;
        return r;
}

int closer_reserve(Closer *closer, CloserLane *lane, size_t places)
{
        int r;

        pthread_mutex_lock(&closer->lock);
        r = closer_places_reserve(closer, lane, places);
        pthread_mutex_unlock(&closer->lock);
        return r;
}
