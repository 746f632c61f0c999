/*
 * Closer: closes the clients' descriptors on a thread of its own.
 *
 * The last close() of a file can block for as long as its owner likes (SO_LINGER, a FUSE server
 * that does not answer), so the loop never closes a descriptor it was sent. It pushes whole
 * packets' worth here and stops reading requests while there is no room for another. wake_fd of
 * the driver is written when room was asked for and is there again.
 *
 * What lingers is interrupted after a millisecond by a timer's signal (SIGRTMIN), which only this
 * thread takes: the descriptor is closed all the same, and the kernel goes on alone. So nobody's
 * descriptors wait behind a lingering one. The timer runs only while there is work.
 *
 * Threads: push and room from the loop; the thread touches only the queue, under its lock.
 */
#pragma once

#include "core/fd_list.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

enum {
        CLOSER_QUEUE_MAX = 512,
        /* How long stopping may take. */
        CLOSER_STOP_SECONDS = 2,
};

typedef struct Closer {
        pthread_t thread;
        timer_t interrupter;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int queue[CLOSER_QUEUE_MAX]; /* a ring */
        size_t head;
        size_t count;
        bool room_wanted;
        bool stopping;
        int borrow_wake_fd;
} Closer;

/* Starts the thread, and blocks SIGRTMIN in the calling one. 0 or -errno. */
int closer_start(Closer *closer, int borrow_wake_fd);
/* Closes what is queued and joins the thread. false: a close() does not return; the thread goes on
 * using *closer and ends with the process. */
bool closer_stop(Closer *closer);

/* How many full packets' descriptors fit; if none, the driver is woken once one does. */
size_t closer_room(Closer *closer);
/* Takes what is left in the list and empties it; the caller has asked for room. */
void closer_push(Closer *closer, FdList *list);
