/* Closing descriptors off the loop. See closer.h. */
#include "daemon/closer.h"

#include <assert.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *run(void *data)
{
        Closer *closer = data;

        pthread_mutex_lock(&closer->lock);
        for (;;) {
                int fd;

                while (closer->count == 0 && !closer->stopping)
                        pthread_cond_wait(&closer->changed, &closer->lock);
                if (closer->count == 0)
                        break;
                fd = closer->queue[closer->head];
                pthread_mutex_unlock(&closer->lock);

                close(fd);

                /* Only now does the place count as free: the bound is on open descriptors. */
                pthread_mutex_lock(&closer->lock);
                closer->head = (closer->head + 1) % CLOSER_QUEUE_MAX;
                closer->count--;
                if (closer->room_wanted && CLOSER_QUEUE_MAX - closer->count >= FD_LIST_MAX) {
                        closer->room_wanted = false;
                        eventfd_write(closer->borrow_wake_fd, 1);
                }
        }
        pthread_mutex_unlock(&closer->lock);
        return NULL;
}

int closer_start(Closer *closer, int borrow_wake_fd)
{
        sigset_t all, before;
        int r;

        *closer = (Closer){.borrow_wake_fd = borrow_wake_fd};
        pthread_mutex_init(&closer->lock, NULL);
        pthread_cond_init(&closer->changed, NULL);

        /* Signals are the loop's. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&closer->thread, NULL, run, closer);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

void closer_stop(Closer *closer)
{
        pthread_mutex_lock(&closer->lock);
        closer->stopping = true;
        pthread_cond_signal(&closer->changed);
        pthread_mutex_unlock(&closer->lock);
        pthread_join(closer->thread, NULL);
        pthread_cond_destroy(&closer->changed);
        pthread_mutex_destroy(&closer->lock);
}

bool closer_has_room(Closer *closer)
{
        bool room;

        pthread_mutex_lock(&closer->lock);
        room = CLOSER_QUEUE_MAX - closer->count >= FD_LIST_MAX;
        if (!room)
                closer->room_wanted = true;
        pthread_mutex_unlock(&closer->lock);
        return room;
}

void closer_push(Closer *closer, FdList *list)
{
        size_t pushed = 0;

        pthread_mutex_lock(&closer->lock);
        for (size_t i = 0; i < list->count; i++) {
                int fd = fd_list_steal(list, i);

                if (fd < 0)
                        continue;
                assert(closer->count < CLOSER_QUEUE_MAX);
                closer->queue[(closer->head + closer->count++) % CLOSER_QUEUE_MAX] = fd;
                pushed++;
        }
        if (pushed > 0)
                pthread_cond_signal(&closer->changed);
        pthread_mutex_unlock(&closer->lock);
        list->count = 0;
}
