/* The closer's lanes, and the places in them. See closer_lane.h. */
#include "daemon/closing/closer_lane.h"

#include "core/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

enum {
        /* Places a ring gets beyond what is needed, so that not every session makes it grow. */
        RING_SLACK = 64,
};

/* ---- places ---- */

static size_t left_of(size_t max, size_t used)
{
        return used < max ? max - used : 0;
}

/* Places for packets' descriptors. Called under the lock. */
static size_t free_places(const Closer *closer, const CloserLane *lane)
{
        size_t here = left_of(closer->lane_max, lane->open);
        size_t everywhere = left_of(closer->places_max, closer->open);

        return here < everywhere ? here : everywhere;
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
        full = closer->strangers.queued >= closer->strangers.capacity ||
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

int closer_lane_grow(CloserLane *lane, size_t capacity)
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

/* Called under the lock. 0 or -ENOMEM. */
static int reserve(const Closer *closer, CloserLane *lane, size_t places)
{
        size_t taken = lane->open > closer->lane_max ? lane->open : closer->lane_max;
        size_t needed = taken + lane->reserved + places;
        int r = 0;

        if (needed > lane->capacity)
                r = closer_lane_grow(lane, needed + RING_SLACK);
        if (r == 0)
                lane->reserved += places;
        return r;
}

int closer_reserve(Closer *closer, CloserLane *lane, size_t places)
{
        int r;

        pthread_mutex_lock(&closer->lock);
        r = reserve(closer, lane, places);
        pthread_mutex_unlock(&closer->lock);
        return r;
}

/* ---- lanes ---- */

void closer_lane_init(Closer *closer, CloserLane *lane, uid_t uid)
{
        *lane = (CloserLane){.closer = closer, .uid = uid};
        TAILQ_INIT(&lane->waiting);
        sem_init(&lane->work, 0, 0);
}

void closer_lane_deinit(CloserLane *lane)
{
        free(lane->ring);
        sem_destroy(&lane->work);
}

bool closer_lane_is_over(const CloserLane *lane)
{
        return lane->references == 0 && lane->reserved == 0 && lane->open == 0 &&
               closer_workers_are_gone(lane);
}

CloserLane *closer_find_lane(Closer *closer, uid_t uid)
{
        CloserLane *lane;

        LIST_FOREACH(lane, &closer->lanes, link)
        {
                if (lane->uid == uid)
                        break;
        }
        return lane;
}

/* Called under the lock. */
static int join(Closer *closer, CloserLane *lane)
{
        int r;

        if (lane->open > closer->lane_max)
                return -EDQUOT;
        r = reserve(closer, lane, CLOSER_SESSION_PLACES);
        if (r == 0)
                lane->references++;
        return r;
}

int closer_lane_join(Closer *closer, uid_t uid, CloserLane **out)
{
        CloserLane *lane = closer_find_lane(closer, uid);
        bool is_new = !lane;
        int r;

        if (is_new) {
                lane = malloc(sizeof(*lane));
                if (!lane)
                        return error_set(ENOMEM, "no memory for another session");
                closer_lane_init(closer, lane, uid);
        }
        pthread_mutex_lock(&closer->lock);
        r = join(closer, lane);
        if (is_new && r == 0)
                LIST_INSERT_HEAD(&closer->lanes, lane, link);
        pthread_mutex_unlock(&closer->lock);
        if (is_new && r < 0) {
                closer_lane_deinit(lane);
                free(lane);
        }
        if (r == -EDQUOT)
                return error_set(
                        EDQUOT, "user %u sent descriptors that take long to close: try again later",
                        (unsigned)uid);
        if (r < 0)
                return error_set(ENOMEM, "no memory for another session");
        *out = lane;
        return 0;
}

int closer_lane_open(Closer *closer, CloserLane **out)
{
        CloserLane *lane = malloc(sizeof(*lane));
        int r;

        if (!lane)
                return error_set(ENOMEM, "no memory for another listener");
        closer_lane_init(closer, lane, CLOSER_NOBODYS);
        r = closer_reserve(closer, lane, 1);
        if (r < 0) {
                closer_lane_deinit(lane);
                free(lane);
                return error_set(ENOMEM, "no memory for another listener");
        }
        lane->references = 1;
        pthread_mutex_lock(&closer->lock);
        LIST_INSERT_HEAD(&closer->lanes, lane, link);
        pthread_mutex_unlock(&closer->lock);
        *out = lane;
        return 0;
}

void closer_lane_leave(Closer *closer, CloserLane *lane)
{
        if (lane == &closer->strangers)
                return;
        pthread_mutex_lock(&closer->lock);
        assert(lane->references > 0);
        if (--lane->references == 0) {
                closer_workers_wake(lane);
                /* Without a thread, nobody would say that the lane is over. */
                if (closer_workers_are_gone(lane))
                        eventfd_write(closer->borrow_wake_fd, 1);
        }
        pthread_mutex_unlock(&closer->lock);
}

static bool wake_some(Closer *closer, CloserLane *lane)
{
        size_t room;

        if (TAILQ_EMPTY(&lane->waiting))
                return false;
        room = closer_room(closer, lane);
        if (room == 0)
                return false; /* the closer wakes us when there is some */
        while (room-- > 0 && waker_list_wake_first(&lane->waiting)) {
        }
        return !TAILQ_EMPTY(&lane->waiting);
}

bool closer_wake_waiting(Closer *closer)
{
        CloserLane *lane;
        bool more = false;

        LIST_FOREACH(lane, &closer->lanes, link)
        more |= wake_some(closer, lane);
        return more;
}
