/* The closer's lanes. See closer_lane.h. */
#include "daemon/closing/closer_lane.h"

#include "core/error.h"
#include "daemon/closing/closer_places.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

void closer_lane_init(Closer *closer, CloserLane *lane, uid_t uid)
{
        *lane = (CloserLane){.closer = closer, .uid = uid};
        TAILQ_INIT(&lane->waiting);
        TAILQ_INIT(&lane->receipts);
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
        r = closer_places_reserve(closer, lane, CLOSER_SESSION_PLACES);
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
        bool is_over = false;

        if (lane == &closer->strangers)
                return;
        pthread_mutex_lock(&closer->lock);
        assert(lane->references > 0);
        if (--lane->references == 0) {
                closer_workers_wake(lane);
                /* Without a thread, nobody would say that the lane is over. */
                is_over = closer_workers_are_gone(lane);
        }
        pthread_mutex_unlock(&closer->lock);
        if (is_over)
                eventfd_write(closer->borrow_wake_fd, 1);
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
