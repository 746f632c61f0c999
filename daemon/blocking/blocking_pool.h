/*
 * daemon/blocking/: calls that may wait, off the loop; knows no asker.
 *
 * BlockingPool: threads for what may wait for somebody else: name services, paths on a file system
 * that does not answer. The loop spawns a task, a thread runs it, the loop is given it back.
 *
 * Each user (uid) has a share: as many of its tasks run at a time as threads are free, so that one
 * user alone has half of them and the next one always finds some. What has to wait for a thread is
 * taken in turn by user, and a user may have BLOCKING_WAITING_MAX waiting.
 *
 * A call cannot be taken back, only what was not begun. Who does not want the answer any more says
 * so in the task's own memory, and frees it in done; so a task's memory refers to nothing that its
 * asker has to give back. A task that was not begun when the pool closes is given back at once; one
 * whose call does not return is left to its thread, and both end with the process.
 *
 * The loop never waits for a thread: no lock is between them (pool_thread.h). All else is the
 * loop's. Threads are started as they are needed, yield to the rest of the daemon (a niceness of 10
 * more), and end when there was nothing to do for BLOCKING_IDLE_SECONDS.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

enum {
        BLOCKING_THREADS_MAX = 64,
        /* Of one user's. */
        BLOCKING_WAITING_MAX = 4096,
        BLOCKING_IDLE_SECONDS = 10,
        /* How long closing waits for calls to return, and, when none is under way, for threads to
         * end: these yield to all else, and a busy machine may let them wait. */
        BLOCKING_CLOSE_MS = 200,
        BLOCKING_END_MS = 10000,
};

typedef struct BlockingPool BlockingPool;
typedef struct BlockingTask BlockingTask;

/* Part of what is to be done, which stays where it is until done was called. */
struct BlockingTask {
        TAILQ_ENTRY(BlockingTask) link;
        /* The pool's. */
        struct BlockingUser *user;
        struct PoolThread *thread;
        BlockingTask *next; /* of what was run */
        bool waits;         /* for a thread */
        int error;
        /* On a thread. May wait; uses nothing that the loop uses meanwhile. */
        void (*run)(BlockingTask *task);
        /* On the loop, once. error: 0, and it was run; -ECANCELED: the pool closes, and it was not.
         * The task is the caller's again. */
        void (*done)(BlockingTask *task, int error);
};

/* borrow_wake_fd, an eventfd, is written when there is something to collect. 0, or -ENOMEM with
 * error_text(). */
int blocking_pool_open(BlockingPool **out, int borrow_wake_fd);
/* Gives back what was not begun, and what has been run. NULL; or the pool, of which calls have not
 * returned in time: it is left to them, and may be closed again. */
BlockingPool *blocking_pool_close(BlockingPool *pool);

/* Runs it as soon as the user's share has room. done is not called from within. 0, or with
 * error_text() and nothing comes of it: -EAGAIN the user has too many waiting, or there is no
 * thread; -ENOMEM. */
int blocking_pool_spawn(BlockingPool *pool, uid_t uid, BlockingTask *task);

/* Takes back a task that was not begun, if so: then done is not called, and it is the caller's. */
bool blocking_pool_withdraw(BlockingPool *pool, BlockingTask *task);

/* Begins nothing more, and waits until no call is under way, for so long: executing another program
 * would wait for those. Whether none is. Until blocking_pool_resume(). */
bool blocking_pool_pause(BlockingPool *pool, int ms);
void blocking_pool_resume(BlockingPool *pool);

/* On the loop, when it was woken: gives back what has been run. */
void blocking_pool_collect(BlockingPool *pool);
