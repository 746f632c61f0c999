/*
 * daemon/closing/: closes off the loop; knows no owner.
 *
 * Closer: closes the clients' descriptors on threads of its own.
 *
 * The last close() of a file can block for as long as its owner likes (SO_LINGER, a FUSE server
 * that does not answer), so the loop never closes a descriptor it was sent. It pushes whole
 * packets' worth here, and stops reading a session's requests while there is no room for another.
 *
 * Each user (the uid that the kernel names) has a lane of its own, with a queue and threads
 * (closer_worker.h): whose files do not close is waited for by nobody else. A lane is made with the
 * user's first session and goes when the last one has ended and all is closed. It has
 * CLOSER_LANE_MAX places for packets' descriptors, or fewer where the daemon may open few files,
 * and all lanes together CLOSER_PLACES_MAX, of which none has more than are free: a few users who
 * fill their lanes with what does not close leave the next one a packet, and many users do hold up
 * registering. Connections that are turned away have a lane of their own.
 *
 * What the daemon opened itself for a session (its socket, its epoll set) is closed here too:
 * unread packets in a socket may hold a client's last reference, and a large epoll set takes
 * milliseconds to take apart. Places for these are reserved beforehand, so there is always room.
 *
 * While something is being closed, a timer of the loop ("patience") tends the lanes each
 * millisecond, or ten times a second where only what is written off is left; it does not run when
 * nothing is. wake_fd of the loop is written when a lane has room again that was asked for, and
 * when the lanes need tending.
 *
 * Threads: everything is the loop's but for what closer_worker.c does, under the lock. Only the
 * loop changes the list of lanes.
 */
#pragma once

#include "core/fd_list.h"
#include "daemon/closing/closer_worker.h"
#include "daemon/loop/loop_event.h"
#include "daemon/loop/waker.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

enum {
        /* Descriptors being closed, of one user and of all. */
        CLOSER_LANE_MAX = 512,
        CLOSER_PLACES_MAX = 4096,
        /* As few as there can be: one user's lane is half of it and has to take a packet. */
        CLOSER_PLACES_MIN = 512,
        /* Connections that were turned away. */
        CLOSER_STRANGERS_MAX = 64,
        /* And of those that come later, for they were kept until they were read. */
        CLOSER_STRANGERS_KEPT_MAX = 32,
        /* Threads of a lane, and of all beyond which a lane has only one. */
        CLOSER_LANE_THREADS = 8,
        CLOSER_THREADS_MAX = 128,
        /* Places reserved for each session: its socket and its epoll set. */
        CLOSER_SESSION_PLACES = 2,
        /* How long stopping may take; and where no close() is under way, that threads end: a busy
         * machine may let them wait. */
        CLOSER_STOP_SECONDS = 2,
        CLOSER_END_SECONDS = 10,
};

struct CloserLane {
        LIST_ENTRY(CloserLane) link;
        Closer *closer;
        uid_t uid;
        size_t references;  /* of sessions */
        WakerList waiting;  /* for room here, longest first */
        WakerList receipts; /* for what is before them to be closed, in that order */

        sem_t work; /* posted when there is something for the idle worker */
        bool idle;  /* the active worker waits for that */
        CloserWorker workers[CLOSER_LANE_THREADS];
        int *ring;
        size_t capacity; /* at least the packets' places and the reserved ones */
        size_t head;
        size_t queued;
        size_t open; /* queued, or in a close(), or expected */
        size_t reserved;
        uint64_t begun; /* close()s, ever */
        uint64_t over;  /* of these, when it was tended last */
        uint64_t begun_then;
        bool waited; /* both: at the last question whether the closer goes on */
        bool room_wanted;
        bool lacks_thread;
};

/* Waits until what was pushed before is closed, or left to a thread that was written off. */
typedef struct CloserReceipt {
        Waker waker;   /* first */
        uint64_t last; /* of the close()s that it waits for */
} CloserReceipt;

struct Closer {
        pthread_mutex_t lock;
        pthread_cond_t ended; /* a worker */
        LIST_HEAD(, CloserLane) lanes;
        CloserLane strangers;
        LoopEvent *patience;
        bool patience_is_long; /* if it is pending */
        size_t lane_max;
        size_t places_max;
        size_t open;
        size_t threads;
        bool room_wanted; /* by a lane that has room itself */
        bool stopping;
        int borrow_wake_fd;
};

/* Makes the timer and blocks SIGRTMIN in the calling thread; threads start with the first push.
 * places: CLOSER_PLACES_MIN to CLOSER_PLACES_MAX. 0 or -errno. */
int closer_start(Closer *closer, Loop *loop, int borrow_wake_fd, size_t places);
/* Waits until all is closed, up to so long; the threads stay. false: something does not close. */
bool closer_settle(Closer *closer, int ms);
/* Whether a close() does not return: the thread of one is written off. */
bool closer_is_stuck(Closer *closer);
/* Closes what is queued and joins the threads. false: a close() does not return; its thread goes on
 * using *closer and ends with the process. */
bool closer_stop(Closer *closer);

/*
 * The user's lane for another session, with CLOSER_SESSION_PLACES reserved. 0, or with
 * error_text(): -EDQUOT it is behind: what ended sessions left fills the packets' places; -ENOMEM.
 */
int closer_lane_join(Closer *closer, uid_t uid, CloserLane **out);
/* A lane of its own for a listener and what it accepts, with a place for its socket. 0, or -ENOMEM
 * with error_text(). */
int closer_lane_open(Closer *closer, CloserLane **out);
/* The user's lane: there is one while the user has a session, or a place in it. Else NULL. */
CloserLane *closer_find_lane(Closer *closer, uid_t uid);
/* Gives it back, after the session's own descriptors were pushed. Does nothing for strangers. */
void closer_lane_leave(Closer *closer, CloserLane *lane);

/* Reserves places for so many descriptors of the daemon's own; while one is, the lane is there. 0
 * or -ENOMEM. */
int closer_reserve(Closer *closer, CloserLane *lane, size_t places);
/* Whether so many of the lane's wait to be closed that no more should be opened or kept for it. */
bool closer_is_behind(Closer *closer, CloserLane *lane);
/* Takes one of these, which has its place; -1 gives back the place. A connection that is turned
 * away goes to the strangers' lane, where closer_is_full() has said that there is one. */
void closer_push_own(Closer *closer, CloserLane *lane, int take_fd);

/* After a push: the receipt's waker is called, by the loop, when all that is in the lane by now is
 * closed. One that waits already waits for all of it, too. The lane has to stay meanwhile. */
void closer_await(Closer *closer, CloserLane *lane, CloserReceipt *receipt);

/* How many full packets' descriptors fit; if none, the driver is woken once one does. */
size_t closer_room(Closer *closer, CloserLane *lane);
/* When woken: wakes as many of those who wait for room in their lanes as there is room for, so that
 * they take turns. Whether there are more. */
bool closer_wake_waiting(Closer *closer);
/* Takes what is left in the list and empties it; the caller has asked for room. */
void closer_push(Closer *closer, CloserLane *lane, FdList *list);

/* A packet's descriptors that are still to be used for a while take their places meanwhile; and are
 * pushed into them. */
void closer_expect(Closer *closer, CloserLane *lane, const FdList *list);
void closer_push_expected(Closer *closer, CloserLane *lane, FdList *list);

/* Whether there is no place for a connection that is turned away, or all places are taken: time to
 * accept no more. */
bool closer_is_full(Closer *closer);

/* Looks after the threads, frees lanes that are over, and tells who waits for what is: when woken.
 */
void closer_tend(Closer *closer);

/* Whether every lane has begun to close something since this was last asked, has nothing to close,
 * or is in a close() of its user's, which is not the daemon's fault. */
bool closer_goes_on(Closer *closer);

/* For a worker, under the lock: whether room that was asked for is there again. */
bool closer_grants_room(Closer *closer, CloserLane *lane);
