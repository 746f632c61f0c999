/* Closing descriptors off the loop. See closer.h. */
#include "daemon/closer.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How long a close() may linger before it is interrupted, which leaves the rest to the kernel. */
static const struct itimerspec patience = {
        .it_value.tv_nsec = 1000000,
        .it_interval.tv_nsec = 1000000,
};

static const struct itimerspec no_more;

static void be_interrupted(int signal_number)
{
        (void)signal_number;
}

static sigset_t interruption(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN);
        return set;
}

/* Waits for work, while nothing is to be interrupted. false: there will be no more. Called under
 * the lock. */
static bool wait_for_work(Closer *closer)
{
        if (closer->count == 0 && !closer->stopping) {
                timer_settime(closer->interrupter, 0, &no_more, NULL);
                while (closer->count == 0 && !closer->stopping)
                        pthread_cond_wait(&closer->changed, &closer->lock);
                timer_settime(closer->interrupter, 0, &patience, NULL);
        }
        return closer->count > 0;
}

/* Places for packets' descriptors. Called under the lock. */
static size_t free_places(const Closer *closer)
{
        return closer->count < CLOSER_QUEUE_MAX ? CLOSER_QUEUE_MAX - closer->count : 0;
}

static void *run(void *data)
{
        Closer *closer = data;
        sigset_t interrupted = interruption();

        pthread_sigmask(SIG_UNBLOCK, &interrupted, NULL);
        /* There may be work before this thread has run. */
        timer_settime(closer->interrupter, 0, &patience, NULL);
        pthread_mutex_lock(&closer->lock);
        while (wait_for_work(closer)) {
                int fd = closer->queue[closer->head];

                pthread_mutex_unlock(&closer->lock);

                close(fd);

                /* Only now does the place count as free: the bound is on open descriptors. */
                pthread_mutex_lock(&closer->lock);
                closer->head = (closer->head + 1) % closer->capacity;
                closer->count--;
                if (closer->room_wanted && free_places(closer) >= FD_LIST_MAX) {
                        closer->room_wanted = false;
                        eventfd_write(closer->borrow_wake_fd, 1);
                }
        }
        pthread_mutex_unlock(&closer->lock);
        return NULL;
}

static int make_interrupter(timer_t *interrupter)
{
        const struct sigaction action = {.sa_handler = be_interrupted}; /* no SA_RESTART */
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};

        if (sigaction(event.sigev_signo, &action, NULL) < 0 ||
            timer_create(CLOCK_MONOTONIC, &event, interrupter) < 0)
                return -errno;
        return 0;
}

int closer_start(Closer *closer, int borrow_wake_fd, size_t sessions)
{
        sigset_t all, loops, interrupted = interruption();
        int r;

        *closer = (Closer){
                .borrow_wake_fd = borrow_wake_fd,
                .capacity = 2 * CLOSER_QUEUE_MAX + 2 * sessions,
        };
        closer->queue = calloc(closer->capacity, sizeof(*closer->queue));
        if (!closer->queue)
                return -ENOMEM;
        r = make_interrupter(&closer->interrupter);
        if (r < 0)
                return r;
        pthread_mutex_init(&closer->lock, NULL);
        pthread_cond_init(&closer->changed, NULL);

        /* Signals are the loop's, but for the interrupter's, which is the closer's alone. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &loops);
        r = pthread_create(&closer->thread, NULL, run, closer);
        pthread_sigmask(SIG_SETMASK, &loops, NULL);
        pthread_sigmask(SIG_BLOCK, &interrupted, NULL);
        return -r;
}

bool closer_stop(Closer *closer)
{
        struct timespec deadline;

        pthread_mutex_lock(&closer->lock);
        closer->stopping = true;
        pthread_cond_signal(&closer->changed);
        pthread_mutex_unlock(&closer->lock);
        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += CLOSER_STOP_SECONDS;
        if (pthread_timedjoin_np(closer->thread, NULL, &deadline) != 0)
                return false;
        timer_delete(closer->interrupter);
        free(closer->queue);
        pthread_cond_destroy(&closer->changed);
        pthread_mutex_destroy(&closer->lock);
        return true;
}

size_t closer_room(Closer *closer)
{
        size_t packets;

        pthread_mutex_lock(&closer->lock);
        packets = free_places(closer) / FD_LIST_MAX;
        if (packets == 0)
                closer->room_wanted = true;
        pthread_mutex_unlock(&closer->lock);
        return packets;
}

/* Called under the lock. */
static void push(Closer *closer, int take_fd)
{
        assert(closer->count < closer->capacity);
        closer->queue[(closer->head + closer->count++) % closer->capacity] = take_fd;
        pthread_cond_signal(&closer->changed);
}

void closer_push(Closer *closer, FdList *list)
{
        if (list->count == 0)
                return;
        pthread_mutex_lock(&closer->lock);
        for (size_t i = 0; i < list->count; i++) {
                int fd = fd_list_steal(list, i);

                if (fd >= 0)
                        push(closer, fd);
        }
        pthread_mutex_unlock(&closer->lock);
        list->count = 0;
}

void closer_push_own(Closer *closer, int take_fd)
{
        pthread_mutex_lock(&closer->lock);
        push(closer, take_fd);
        pthread_mutex_unlock(&closer->lock);
}

bool closer_is_behind(Closer *closer)
{
        bool is_behind;

        pthread_mutex_lock(&closer->lock);
        is_behind = closer->count > CLOSER_QUEUE_MAX;
        pthread_mutex_unlock(&closer->lock);
        return is_behind;
}
