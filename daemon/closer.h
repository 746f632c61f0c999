/*
 * Closer: closes the clients' descriptors on a thread of its own.
 *
 * The last close() of a file can block for as long as its owner likes (SO_LINGER, a FUSE server
 * that does not answer), so the loop never closes a descriptor it was sent. It pushes whole
 * packets' worth here and stops reading requests while there is no room for another. wake_fd of
 * the driver is written when room was asked for and is there again.
 *
 * A session's own descriptors are closed here too, at its end: unread packets in its socket may
 * hold a client's last reference, and a large epoll set takes milliseconds to take apart. There is
 * always room for these: the queue holds two for each session beside the packets.
 *
 * What lingers is interrupted after a millisecond by a timer's signal (SIGRTMIN), which only this
 * thread takes: the descriptor is closed all the same, and the kernel goes on alone. So nobody's
 * descriptors wait behind a lingering one. The timer runs only while there is work. What cannot be
 * interrupted is a file whose FUSE server does not answer: behind one, registering waits.
 *
 * Threads: push and room from the loop; the thread touches only the queue, under its lock.
 */
#pragma once

#include "core/fd_list.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

enum {
        /* Descriptors from packets. */
        CLOSER_QUEUE_MAX = 512,
        /* How long stopping may take. */
        CLOSER_STOP_SECONDS = 2,
};

typedef struct Closer {
        pthread_t thread;
        timer_t interrupter;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int *queue; /* a ring */
        size_t capacity;
        size_t head;
        size_t count;
        bool room_wanted;
        bool stopping;
        int borrow_wake_fd;
} Closer;

/* Starts the thread, with room for so many sessions' descriptors beside the packets', and blocks
 * SIGRTMIN in the calling one. 0 or -errno. */
int closer_start(Closer *closer, int borrow_wake_fd, size_t sessions);
/* Closes what is queued and joins the thread. false: a close() does not return; the thread goes on
 * using *closer and ends with the process. */
bool closer_stop(Closer *closer);

/* How many full packets' descriptors fit; if none, the driver is woken once one does. */
size_t closer_room(Closer *closer);
/* Takes what is left in the list and empties it; the caller has asked for room. */
void closer_push(Closer *closer, FdList *list);
/* Takes one of a session's own descriptors. */
void closer_push_own(Closer *closer, int take_fd);
/* Whether sessions that have ended fill the packets' places: time to open no more of them, so that
 * there is a place for what each leaves. */
bool closer_is_behind(Closer *closer);
