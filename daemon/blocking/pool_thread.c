/* One of the pool's threads. See pool_thread.h. */
#include "daemon/blocking/pool_thread.h"

#include "core/cleanup.h"
#include "daemon/blocking/blocking_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
        /* A name service's module may want some. */
        STACK_BYTES = 1024 * 1024,
        NICENESS = 10,
        WAKES_MAX = 1000,
};

/* ---- The thread ---------------------------------------------------------------------------- */

/* Nothing else would: a refusal passes, and this thread may wait for that. */
static void wake_loop(const PoolReturns *returns)
{
        const struct timespec moment = {.tv_nsec = 1000000};

        for (int i = 0; i < WAKES_MAX && eventfd_write(returns->wake_fd, 1) < 0; i++)
                nanosleep(&moment, NULL);
}

/* Wakes the loop when nothing has come for long: it has it end, unless something comes now. */
static void wait_for_work(PoolThread *thread)
{
        struct timespec until;
        int r;

        do {
                clock_gettime(CLOCK_MONOTONIC, &until);
                until.tv_sec += BLOCKING_IDLE_SECONDS;
                r = sem_clockwait(&thread->work, CLOCK_MONOTONIC, &until);
                if (r < 0 && errno == ETIMEDOUT)
                        wake_loop(thread->returns);
        } while (r < 0);
}

/* From here on it is the loop's. */
static void put(PoolReturns *returns, BlockingTask *task)
{
        BlockingTask *before = atomic_load(&returns->last);

        do
                task->next = before;
        while (!atomic_compare_exchange_weak(&returns->last, &before, task));
        sem_post(&returns->some);
        if (!before)
                wake_loop(returns);
}

static void *run(void *data)
{
        PoolThread *thread = data;
        PoolReturns *returns = thread->returns;

        pthread_setname_np(pthread_self(), "blocking");
        /* Where it may not, it runs as the rest does. */
        setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + NICENESS);
        for (;;) {
                BlockingTask *task;

                wait_for_work(thread);
                task = atomic_load(&thread->task);
                if (!task)
                        break;
                task->run(task);
                put(returns, task);
        }
        atomic_store(&thread->ended, true);
        sem_post(&returns->some);
        wake_loop(returns);
        return NULL;
}

/* ---- The loop's side ----------------------------------------------------------------------- */

int pool_returns_open(PoolReturns *returns, int borrow_wake_fd)
{
        returns->wake_fd = fcntl(borrow_wake_fd, F_DUPFD_CLOEXEC, 0);
        if (returns->wake_fd < 0)
                return -errno;
        atomic_init(&returns->last, NULL);
        sem_init(&returns->some, 0, 0);
        return 0;
}

void pool_returns_close(PoolReturns *returns)
{
        sem_destroy(&returns->some);
        cleanup_close(&returns->wake_fd);
}

BlockingTask *pool_returns_take(PoolReturns *returns)
{
        BlockingTask *task = atomic_exchange(&returns->last, NULL), *first = NULL, *next;

        for (; task; task = next) {
                next = task->next;
                task->next = first;
                first = task;
                sem_trywait(&returns->some);
        }
        return first;
}

bool pool_returns_wait(PoolReturns *returns, uint64_t until_ms)
{
        const struct timespec until = {
                .tv_sec = (time_t)(until_ms / 1000),
                .tv_nsec = (long)(until_ms % 1000 * 1000000),
        };
        int r;

        do
                r = sem_clockwait(&returns->some, CLOCK_MONOTONIC, &until);
        while (r < 0 && errno == EINTR);
        return r == 0;
}

/* With all signals blocked: they are the loop's. */
int pool_thread_start(PoolThread *thread, PoolReturns *returns)
{
        pthread_attr_t attributes;
        sigset_t all, before;
        int r;

        r = pthread_attr_init(&attributes);
        if (r != 0)
                return -r;
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        *thread = (PoolThread){.returns = returns};
        sem_init(&thread->work, 0, 0);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread->thread, &attributes, run, thread);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        if (r != 0)
                sem_destroy(&thread->work);
        thread->is_started = r == 0;
        return -r;
}

void pool_thread_give(PoolThread *thread, BlockingTask *task)
{
        if (task)
                task->thread = thread;
        atomic_store(&thread->task, task);
        sem_post(&thread->work);
}

bool pool_thread_reap(PoolThread *thread, bool waits)
{
        if (!thread->is_started || !atomic_load(&thread->ended))
                return false;
        if (waits)
                pthread_join(thread->thread, NULL);
        else if (pthread_tryjoin_np(thread->thread, NULL) != 0)
                return false;
        sem_destroy(&thread->work);
        thread->is_started = false;
        return true;
}
