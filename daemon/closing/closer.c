/* Closing descriptors off the loop. See closer.h. */
#include "core/clock.h"
#include "daemon/closing/closer_lane.h"
#include "daemon/closing/closer_places.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

enum {
        PATIENCE_USEC = 1000,
        LONG_PATIENCE_USEC = 100000,
};

/* ---- patience ---- */

static void be_patient(Closer *closer, CloserTending tending)
{
        const bool is_long = tending == CLOSER_TEND_SOMETIME;
        const struct timeval patience = {.tv_usec = is_long ? LONG_PATIENCE_USEC : PATIENCE_USEC};

        if (tending == CLOSER_TENDED)
                return;
        if (loop_event_is_added(closer->patience) && (is_long || !closer->patience_is_long))
                return;
        /* Without memory for it, the loop's next turn tends them. */
        if (loop_event_add(closer->patience, &patience) < 0)
                eventfd_write(closer->borrow_wake_fd, 1);
        else
                closer->patience_is_long = is_long;
}

/* Called under the lock. */
static CloserTending tend(Closer *closer)
{
        CloserLane *lane = LIST_FIRST(&closer->lanes);
        CloserTending soonest = CLOSER_TENDED;

        while (lane) {
                CloserLane *next = LIST_NEXT(lane, link);
                CloserTending tending = closer_workers_tend(closer, lane);

                lane->over = lane->begun - closer_workers_are_at_it(lane);
                if (tending > soonest)
                        soonest = tending;
                if (closer_lane_is_over(lane) && lane != &closer->strangers) {
                        LIST_REMOVE(lane, link);
                        closer_lane_deinit(lane);
                        free(lane);
                }
                lane = next;
        }
        return soonest;
}

/* Not under the lock: who is told may push. */
static void tell_receipts(const Closer *closer)
{
        CloserLane *lane;
        const CloserReceipt *first;

        LIST_FOREACH(lane, &closer->lanes, link)
        {
                while ((first = (CloserReceipt *)TAILQ_FIRST(&lane->receipts)) &&
                       first->last <= lane->over)
                        waker_list_wake_first(&lane->receipts);
        }
}

void closer_tend(Closer *closer)
{
        CloserTending tending;

        pthread_mutex_lock(&closer->lock);
        tending = tend(closer);
        pthread_mutex_unlock(&closer->lock);
        be_patient(closer, tending);
        tell_receipts(closer);
}

static void on_patience(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        closer_tend(data);
}

/* Called under the lock. */
static bool lane_goes_on(CloserLane *lane)
{
        bool waits = lane->queued > 0 && !lane->lacks_thread && !closer_workers_are_closing(lane);
        bool goes_on = !waits || !lane->waited || lane->begun != lane->begun_then;

        lane->waited = waits;
        lane->begun_then = lane->begun;
        return goes_on;
}

bool closer_goes_on(Closer *closer)
{
        bool all = true;
        CloserLane *lane;

        pthread_mutex_lock(&closer->lock);
        LIST_FOREACH(lane, &closer->lanes, link)
        all = lane_goes_on(lane) && all;
        pthread_mutex_unlock(&closer->lock);
        return all;
}

/* ---- starting and stopping ---- */

int closer_start(Closer *closer, Loop *loop, int borrow_wake_fd, size_t places)
{
        int r;

        assert(places >= CLOSER_PLACES_MIN);
        *closer = (Closer){
                .borrow_wake_fd = borrow_wake_fd,
                .places_max = places,
                .lane_max = places / 2 < CLOSER_LANE_MAX ? places / 2 : CLOSER_LANE_MAX,
        };
        LIST_INIT(&closer->lanes);
        r = closer_workers_prepare();
        if (r < 0)
                return r;
        closer->patience = loop_timer_new(loop, on_patience, closer);
        if (!closer->patience)
                return -ENOMEM;
        closer_lane_init(closer, &closer->strangers, CLOSER_NOBODYS);
        r = closer_places_grow(&closer->strangers,
                               CLOSER_STRANGERS_MAX + CLOSER_STRANGERS_KEPT_MAX);
        if (r < 0) {
                loop_event_free(closer->patience);
                return r;
        }
        closer->strangers.references = 1;
        LIST_INSERT_HEAD(&closer->lanes, &closer->strangers, link);
        pthread_mutex_init(&closer->lock, NULL);
        pthread_cond_init(&closer->ended, NULL);
        return 0;
}

/* Whether there is something that may never come: the end of a close(), or a thread. */
static bool is_held_up(const Closer *closer)
{
        const CloserLane *lane;

        LIST_FOREACH(lane, &closer->lanes, link)
        {
                if (lane->lacks_thread || closer_workers_are_closing(lane))
                        return true;
        }
        return false;
}

static bool has_waited(const Closer *closer, uint64_t since_ms)
{
        uint64_t seconds = is_held_up(closer) ? CLOSER_STOP_SECONDS : CLOSER_END_SECONDS;

        return clock_now_ms() - since_ms >= seconds * 1000;
}

/* Until the threads have ended. Those written off have the same time: they may be slow, no more. */
static void await_threads(Closer *closer)
{
        uint64_t since = clock_now_ms();
        struct timespec until;
        CloserLane *lane;

        pthread_mutex_lock(&closer->lock);
        closer->stopping = true;
        LIST_FOREACH(lane, &closer->lanes, link)
        closer_workers_wake(lane);
        while ((tend(closer) != CLOSER_TENDED || closer->threads > 0) &&
               !has_waited(closer, since)) {
                clock_gettime(CLOCK_REALTIME, &until);
                until.tv_nsec += PATIENCE_USEC * 1000;
                if (until.tv_nsec >= 1000000000) {
                        until.tv_sec++;
                        until.tv_nsec -= 1000000000;
                }
                pthread_cond_timedwait(&closer->ended, &closer->lock, &until);
        }
        pthread_mutex_unlock(&closer->lock);
}

bool closer_settle(Closer *closer, int ms)
{
        const struct timespec nap = {.tv_nsec = PATIENCE_USEC * 1000};
        bool settled = false;

        for (int waited = 0; waited < ms && !settled; waited++) {
                if (waited > 0)
                        nanosleep(&nap, NULL);
                pthread_mutex_lock(&closer->lock);
                tend(closer);
                settled = closer->open == 0;
                pthread_mutex_unlock(&closer->lock);
        }
        return settled;
}

bool closer_is_stuck(Closer *closer)
{
        CloserLane *lane;
        bool stuck = false;

        pthread_mutex_lock(&closer->lock);
        LIST_FOREACH(lane, &closer->lanes, link)
        stuck |= closer_workers_are_written_off(lane);
        pthread_mutex_unlock(&closer->lock);
        return stuck;
}

bool closer_stop(Closer *closer)
{
        CloserLane *lane;

        loop_event_free(closer->patience);
        closer->patience = NULL;
        await_threads(closer);
        if (closer->threads > 0)
                return false;
        while ((lane = LIST_FIRST(&closer->lanes))) {
                LIST_REMOVE(lane, link);
                closer_lane_deinit(lane);
                if (lane != &closer->strangers)
                        free(lane);
        }
        pthread_cond_destroy(&closer->ended);
        pthread_mutex_destroy(&closer->lock);
        return true;
}

/* ---- pushing ---- */

/* Called under the lock. */
static void push(Closer *closer, CloserLane *lane, int take_fd)
{
        assert(lane->queued < lane->capacity);
        lane->ring[(lane->head + lane->queued++) % lane->capacity] = take_fd;
        lane->open++;
        closer->open++;
}

/* Called under the lock, which it gives up. */
static void set_to_work(Closer *closer, CloserLane *lane)
{
        const bool has_work = lane->queued > 0;
        const bool wakes = has_work && lane->idle;

        if (has_work)
                closer_workers_provide(closer, lane);
        if (wakes)
                lane->idle = false;
        pthread_mutex_unlock(&closer->lock);
        /* Unlocked, or it would have to wait once more. */
        if (wakes)
                sem_post(&lane->work);
        if (has_work)
                be_patient(closer, CLOSER_TEND_SOON);
}

/* Called under the lock, which it gives up. */
static void push_list(Closer *closer, CloserLane *lane, FdList *list)
{
        for (size_t i = 0; i < list->count; i++) {
                int fd = fd_list_steal(list, i);

                if (fd >= 0)
                        push(closer, lane, fd);
        }
        list->count = 0;
        set_to_work(closer, lane);
}

void closer_push(Closer *closer, CloserLane *lane, FdList *list)
{
        if (list->count == 0)
                return;
        pthread_mutex_lock(&closer->lock);
        push_list(closer, lane, list);
}

void closer_await(Closer *closer, CloserLane *lane, CloserReceipt *receipt)
{
        waker_cancel(&receipt->waker);
        pthread_mutex_lock(&closer->lock);
        receipt->last = lane->begun + lane->queued;
        pthread_mutex_unlock(&closer->lock);
        waker_wait(&receipt->waker, &lane->receipts);
}

void closer_expect(Closer *closer, CloserLane *lane, const FdList *list)
{
        pthread_mutex_lock(&closer->lock);
        lane->open += list->count;
        closer->open += list->count;
        pthread_mutex_unlock(&closer->lock);
}

void closer_push_expected(Closer *closer, CloserLane *lane, FdList *list)
{
        pthread_mutex_lock(&closer->lock);
        assert(lane->open - lane->queued >= list->count);
        lane->open -= list->count;
        closer->open -= list->count;
        push_list(closer, lane, list);
}

void closer_push_own(Closer *closer, CloserLane *lane, int take_fd)
{
        bool is_over;

        pthread_mutex_lock(&closer->lock);
        if (lane != &closer->strangers) {
                assert(lane->reserved > 0);
                lane->reserved--;
        }
        if (take_fd >= 0) {
                push(closer, lane, take_fd);
                set_to_work(closer, lane);
                return;
        }
        /* Perhaps it was the last that this lane was there for. */
        is_over = closer_lane_is_over(lane);
        pthread_mutex_unlock(&closer->lock);
        if (is_over)
                eventfd_write(closer->borrow_wake_fd, 1);
}
