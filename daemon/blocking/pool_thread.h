/*
 * PoolThread: one of the pool's threads, and how it and the loop hand each other tasks.
 *
 * No lock is between them. A thread yields to the rest of the daemon, and may be kept from running
 * while it holds one, by the loop above all, which it wakes; the loop would wait for it then. So
 * the loop decides who does what, and gives a thread one task at a time, with a semaphore; the
 * threads put what they have run on one list, with an atomic exchange, from which the loop takes
 * all.
 */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct BlockingTask BlockingTask;

/* What the threads have run, and that they have ended. */
typedef struct PoolReturns {
        _Atomic(BlockingTask *) last; /* of a list by BlockingTask.next, the newest first */
        sem_t some;                   /* posted each time */
        int wake_fd;
} PoolReturns;

typedef struct PoolThread {
        TAILQ_ENTRY(PoolThread) link; /* of those that are idle */
        pthread_t thread;
        bool is_started;
        uint64_t idle_ms; /* since when */
        atomic_bool ended;
        sem_t work;                   /* posted when there is */
        _Atomic(BlockingTask *) task; /* that; NULL: the end */
        PoolReturns *returns;
} PoolThread;

typedef TAILQ_HEAD(PoolThreadList, PoolThread) PoolThreadList;

/* 0 or -errno. The descriptor is duplicated. */
int pool_returns_open(PoolReturns *returns, int borrow_wake_fd);
void pool_returns_close(PoolReturns *returns);
/* All of them, the first that was run first; NULL: there are none. */
BlockingTask *pool_returns_take(PoolReturns *returns);
/* Until something has come since it was last taken, or this moment, of clock_now_ms(): then false.
 */
bool pool_returns_wait(PoolReturns *returns, uint64_t until_ms);

/* Starts it, idle. 0 or -errno. */
int pool_thread_start(PoolThread *thread, PoolReturns *returns);
/* To one that is idle; NULL: it is to end. */
void pool_thread_give(PoolThread *thread, BlockingTask *task);
/* Whether it has ended, and is over; waits: for its last instructions, if it has. */
bool pool_thread_reap(PoolThread *thread, bool waits);
