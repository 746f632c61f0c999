/* The threads that close descriptors. See closer_worker.h. */
#include "daemon/closing/closer_worker.h"

#include "core/clock.h"
#include "daemon/closing/closer.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
        /* How long a close() may linger before it is interrupted, and before it is written off. */
        INTERRUPT_NS = 1000000,
        WRITE_OFF_NS = 10000000,
        /* There may be one for each user, and it calls close() and no more. */
        STACK_BYTES = 256 * 1024,
};

static CloserWorker *find(CloserLane *lane, CloserWorkerState state)
{
        for (size_t i = 0; i < CLOSER_LANE_THREADS; i++) {
                if (lane->workers[i].state == state)
                        return &lane->workers[i];
        }
        return NULL;
}

/* ---- the thread ---- */

/* Wakes the loop, which would have to wait for the lock at once: so the lock, under which this is
 * called, is given up meanwhile. */
static void wake_loop(Closer *closer)
{
        pthread_mutex_unlock(&closer->lock);
        eventfd_write(closer->borrow_wake_fd, 1);
        pthread_mutex_lock(&closer->lock);
}

/* That the lane has to be tended. Who stops the closer does so unasked. */
static void tell_loop(Closer *closer)
{
        if (!closer->stopping)
                wake_loop(closer);
}

/* Only the active worker comes here. A condition variable would do as well, with twice the system
 * calls. false: there will be no more. Called under the lock. */
static bool wait_for_work(Closer *closer, CloserLane *lane)
{
        while (lane->queued == 0 && lane->references > 0 && !closer->stopping) {
                lane->idle = true;
                pthread_mutex_unlock(&closer->lock);
                while (sem_wait(&lane->work) < 0)
                        ; /* interrupted: too late, its close() has returned */
                pthread_mutex_lock(&closer->lock);
        }
        return lane->queued > 0;
}

/* Closes the next one, unlocked meanwhile. */
static void close_one(Closer *closer, CloserLane *lane, CloserWorker *worker)
{
        int fd = lane->ring[lane->head];

        lane->head = (lane->head + 1) % lane->capacity;
        lane->queued--;
        lane->begun++;
        worker->since = clock_now_ns();
        pthread_mutex_unlock(&closer->lock);

        close(fd);

        pthread_mutex_lock(&closer->lock);
        worker->since = 0;
        worker->interrupted = false;
        /* Only now does the place count as free: the bound is on open descriptors. */
        lane->open--;
        closer->open--;
        if (closer_grants_room(closer, lane))
                wake_loop(closer);
}

/* Whether it goes on: as the active one. Called under the lock, after each close(). */
static bool is_needed(Closer *closer, CloserLane *lane, CloserWorker *worker)
{
        if (worker->state == CLOSER_WORKER_ACTIVE)
                return true;
        if (find(lane, CLOSER_WORKER_ACTIVE))
                return false;
        worker->state = CLOSER_WORKER_ACTIVE;
        tell_loop(closer);
        return true;
}

static void *run(void *data)
{
        CloserWorker *worker = data;
        CloserLane *lane = worker->lane;
        Closer *closer = lane->closer;
        sigset_t interruption;

        sigemptyset(&interruption);
        sigaddset(&interruption, SIGRTMIN);
        pthread_sigmask(SIG_UNBLOCK, &interruption, NULL);
        pthread_mutex_lock(&closer->lock);
        while (wait_for_work(closer, lane)) {
                close_one(closer, lane, worker);
                if (!is_needed(closer, lane, worker))
                        break;
        }
        worker->state = CLOSER_WORKER_ENDED;
        pthread_cond_signal(&closer->ended);
        tell_loop(closer);
        pthread_mutex_unlock(&closer->lock);
        return NULL;
}

/* ---- the loop's side ---- */

static void be_interrupted(int signal_number)
{
        (void)signal_number;
}

int closer_workers_prepare(void)
{
        const struct sigaction action = {.sa_handler = be_interrupted}; /* no SA_RESTART */
        sigset_t interruption;

        if (sigaction(SIGRTMIN, &action, NULL) < 0)
                return -errno;
        sigemptyset(&interruption);
        sigaddset(&interruption, SIGRTMIN);
        return -pthread_sigmask(SIG_BLOCK, &interruption, NULL);
}

static int start(Closer *closer, CloserLane *lane, CloserWorker *worker)
{
        pthread_attr_t attributes;
        sigset_t all, loops;
        int r;

        r = pthread_attr_init(&attributes);
        if (r != 0)
                return -r;
        /* Where it is not enough for a thread, the default is. */
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        *worker = (CloserWorker){.lane = lane, .state = CLOSER_WORKER_ACTIVE};
        /* Signals are the loop's, but for the interruption. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &loops);
        r = pthread_create(&worker->thread, &attributes, run, worker);
        pthread_sigmask(SIG_SETMASK, &loops, NULL);
        pthread_attr_destroy(&attributes);
        if (r != 0)
                worker->state = CLOSER_WORKER_NONE;
        else
                closer->threads++;
        return -r;
}

void closer_workers_wake(CloserLane *lane)
{
        if (!lane->idle)
                return;
        lane->idle = false;
        sem_post(&lane->work);
}

void closer_workers_provide(Closer *closer, CloserLane *lane)
{
        CloserWorker *unused;
        int r;

        if (lane->queued == 0 || find(lane, CLOSER_WORKER_ACTIVE))
                return;
        unused = find(lane, CLOSER_WORKER_NONE);
        /* Every lane has one thread; the others are shared out among those that are stuck. */
        if (!unused || (closer->threads >= CLOSER_THREADS_MAX && !closer_workers_are_gone(lane)))
                return;
        r = start(closer, lane, unused);
        if (r < 0 && !lane->lacks_thread)
                log_user(LOG_WARNING, lane->uid, "no thread to close what user %u sent, yet: %s",
                         (unsigned)lane->uid, strerror(-r));
        lane->lacks_thread = r < 0;
}

static void hurry(CloserLane *lane, CloserWorker *worker, uint64_t now)
{
        uint64_t lasted = now - worker->since;

        if (worker->since == 0 || lasted < INTERRUPT_NS)
                return;
        if (worker->state == CLOSER_WORKER_ACTIVE && worker->interrupted &&
            lasted >= WRITE_OFF_NS) {
                worker->state = CLOSER_WORKER_WRITTEN_OFF;
                log_user(LOG_NOTICE, lane->uid,
                         "a descriptor of user %u does not close: left to its thread",
                         (unsigned)lane->uid);
        }
        worker->interrupted = true;
        pthread_kill(worker->thread, SIGRTMIN);
}

static bool join_ended(Closer *closer, CloserLane *lane)
{
        bool all = true;

        for (size_t i = 0; i < CLOSER_LANE_THREADS; i++) {
                CloserWorker *worker = &lane->workers[i];

                if (worker->state != CLOSER_WORKER_ENDED)
                        continue;
                if (pthread_tryjoin_np(worker->thread, NULL) != 0) {
                        all = false; /* in its last instructions */
                        continue;
                }
                worker->state = CLOSER_WORKER_NONE;
                closer->threads--;
        }
        return all;
}

CloserTending closer_workers_tend(Closer *closer, CloserLane *lane)
{
        bool all_joined = join_ended(closer, lane);
        const CloserWorker *active;
        uint64_t now = clock_now_ns();

        for (size_t i = 0; i < CLOSER_LANE_THREADS; i++)
                hurry(lane, &lane->workers[i], now);
        closer_workers_provide(closer, lane);
        active = find(lane, CLOSER_WORKER_ACTIVE);
        if (active && (active->since != 0 || lane->queued > 0 || closer->stopping))
                return CLOSER_TEND_SOON;
        if (!all_joined || (!active && lane->lacks_thread))
                return CLOSER_TEND_SOON;
        return find(lane, CLOSER_WORKER_WRITTEN_OFF) ? CLOSER_TEND_SOMETIME : CLOSER_TENDED;
}

bool closer_workers_are_written_off(CloserLane *lane)
{
        return find(lane, CLOSER_WORKER_WRITTEN_OFF);
}

bool closer_workers_are_at_it(CloserLane *lane)
{
        const CloserWorker *active = find(lane, CLOSER_WORKER_ACTIVE);

        return active && active->since != 0;
}

bool closer_workers_are_closing(const CloserLane *lane)
{
        for (size_t i = 0; i < CLOSER_LANE_THREADS; i++) {
                if (lane->workers[i].since != 0)
                        return true;
        }
        return false;
}

bool closer_workers_are_gone(const CloserLane *lane)
{
        for (size_t i = 0; i < CLOSER_LANE_THREADS; i++) {
                if (lane->workers[i].state != CLOSER_WORKER_NONE)
                        return false;
        }
        return true;
}
