/* Calls that may wait, on threads. See blocking_pool.h. */
#include "daemon/blocking/blocking_pool.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
        /* A name service's module may want some. */
        STACK_BYTES = 1024 * 1024,
        NICENESS = 10,
        /* Given back in a turn of the loop. */
        COLLECT_MAX = 64,
};

typedef TAILQ_HEAD(TaskList, BlockingTask) TaskList;

typedef struct BlockingUser {
        TAILQ_ENTRY(BlockingUser) link; /* in BlockingPool.users, those served longest ago first */
        uid_t uid;
        TaskList waiting;
        size_t n_waiting;
        size_t n_running;
} BlockingUser;

typedef struct PoolThread {
        pthread_t thread;
        bool started;
        bool ended; /* to be joined */
} PoolThread;

/* All of it is under the lock but for borrow_wake_fd. */
struct BlockingPool {
        pthread_mutex_t lock;
        pthread_cond_t work; /* for an idle thread, or the pool closes */
        pthread_cond_t rest; /* a thread has ended, or a call has returned */
        TAILQ_HEAD(, BlockingUser) users;
        TaskList run; /* to be collected */
        PoolThread threads[BLOCKING_THREADS_MAX];
        size_t n_threads;
        size_t n_idle;
        size_t n_waiting;
        size_t n_running;
        bool closing;
        bool paused;
        int borrow_wake_fd;
};

/* ---- Under the lock ------------------------------------------------------------------------ */

static bool may_run(const BlockingPool *pool, const BlockingUser *user)
{
        size_t free_threads = BLOCKING_THREADS_MAX - pool->n_running;

        return user->n_waiting > 0 && user->n_running + 1 <= free_threads;
}

static BlockingUser *next_user(const BlockingPool *pool)
{
        BlockingUser *user;

        TAILQ_FOREACH(user, &pool->users, link)
        {
                if (may_run(pool, user))
                        return user;
        }
        return NULL;
}

static void put_waiting(BlockingPool *pool, BlockingUser *user, BlockingTask *task)
{
        task->user = user;
        task->error = 0;
        task->waits = true;
        TAILQ_INSERT_TAIL(&user->waiting, task, link);
        user->n_waiting++;
        pool->n_waiting++;
}

static void take_waiting(BlockingPool *pool, BlockingTask *task)
{
        task->waits = false;
        TAILQ_REMOVE(&task->user->waiting, task, link);
        task->user->n_waiting--;
        pool->n_waiting--;
}

static BlockingTask *take_task(BlockingPool *pool)
{
        BlockingUser *user = pool->closing || pool->paused ? NULL : next_user(pool);
        BlockingTask *task;

        if (!user)
                return NULL;
        task = TAILQ_FIRST(&user->waiting);
        take_waiting(pool, task);
        user->n_running++;
        pool->n_running++;
        TAILQ_REMOVE(&pool->users, user, link);
        TAILQ_INSERT_TAIL(&pool->users, user, link);
        return task;
}

static void forget_user(BlockingPool *pool, BlockingUser *user)
{
        if (user->n_waiting > 0 || user->n_running > 0)
                return;
        TAILQ_REMOVE(&pool->users, user, link);
        free(user);
}

static BlockingUser *find_user(BlockingPool *pool, uid_t uid)
{
        BlockingUser *user;

        TAILQ_FOREACH(user, &pool->users, link)
        {
                if (user->uid == uid)
                        return user;
        }
        user = calloc(1, sizeof(*user));
        if (!user)
                return NULL;
        user->uid = uid;
        TAILQ_INIT(&user->waiting);
        TAILQ_INSERT_HEAD(&pool->users, user, link);
        return user;
}

static void put_run(BlockingPool *pool, BlockingTask *task)
{
        bool is_first = TAILQ_EMPTY(&pool->run);

        task->user->n_running--;
        pool->n_running--;
        pthread_cond_signal(&pool->rest);
        forget_user(pool, STEAL_PTR(task->user));
        TAILQ_INSERT_TAIL(&pool->run, task, link);
        if (is_first && !pool->closing)
                eventfd_write(pool->borrow_wake_fd, 1);
}

/* ---- The threads --------------------------------------------------------------------------- */

/* false: nothing has come for long. */
static bool wait_for_work(BlockingPool *pool)
{
        struct timespec until;
        int r;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += BLOCKING_IDLE_SECONDS;
        pool->n_idle++;
        r = pthread_cond_timedwait(&pool->work, &pool->lock, &until);
        pool->n_idle--;
        return r != ETIMEDOUT;
}

static void run_tasks(BlockingPool *pool)
{
        BlockingTask *task;

        do {
                while ((task = take_task(pool))) {
                        pthread_mutex_unlock(&pool->lock);
                        task->run(task);
                        pthread_mutex_lock(&pool->lock);
                        put_run(pool, task);
                }
                /* Something may have come in the very moment in which this one gives up waiting. */
        } while (!pool->closing && (wait_for_work(pool) || next_user(pool)));
}

static void *run(void *data)
{
        BlockingPool *pool = data;
        pthread_t self = pthread_self();

        pthread_setname_np(self, "blocking");
        /* Where it may not, it runs as the rest does. */
        setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + NICENESS);
        pthread_mutex_lock(&pool->lock);
        run_tasks(pool);
        for (size_t i = 0; i < BLOCKING_THREADS_MAX; i++) {
                if (pool->threads[i].started && pthread_equal(pool->threads[i].thread, self))
                        pool->threads[i].ended = true;
        }
        pool->n_threads--;
        pthread_cond_signal(&pool->rest);
        pthread_mutex_unlock(&pool->lock);
        return NULL;
}

/* ---- The loop's side ----------------------------------------------------------------------- */

/* With all signals blocked: they are the loop's. Called under the lock, which the thread wants
 * first of all. */
static int start_thread(BlockingPool *pool)
{
        PoolThread *thread = pool->threads;
        pthread_attr_t attributes;
        sigset_t all, before;
        int r;

        while (thread->started && !thread->ended)
                thread++;
        if (thread->started)
                pthread_join(thread->thread, NULL);
        *thread = (PoolThread){.started = false};
        r = pthread_attr_init(&attributes);
        if (r != 0)
                return -r;
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread->thread, &attributes, run, pool);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        if (r != 0)
                return -r;
        thread->started = true;
        pool->n_threads++;
        return 0;
}

/* For one more task that may run. An idle thread may have been woken for another. */
static int provide_thread(BlockingPool *pool)
{
        int r;

        if (pool->n_waiting <= pool->n_idle) {
                pthread_cond_signal(&pool->work);
                return 0;
        }
        if (pool->n_threads == BLOCKING_THREADS_MAX)
                return 0;
        r = start_thread(pool);
        return pool->n_threads > 0 ? 0 : r;
}

static int spawn(BlockingPool *pool, uid_t uid, BlockingTask *task)
{
        BlockingUser *user = find_user(pool, uid);
        int r;

        if (!user)
                return error_set(ENOMEM, "no memory for what has to wait");
        if (user->n_waiting >= BLOCKING_WAITING_MAX)
                return error_set(EAGAIN, "%d names and paths of user %u wait already: try later",
                                 BLOCKING_WAITING_MAX, (unsigned)uid);
        put_waiting(pool, user, task);
        r = may_run(pool, user) ? provide_thread(pool) : 0;
        if (r == 0)
                return 0;
        take_waiting(pool, task);
        forget_user(pool, user);
        return error_set(EAGAIN, "no thread for what has to wait: %s: try later", strerror(-r));
}

int blocking_pool_spawn(BlockingPool *pool, uid_t uid, BlockingTask *task)
{
        int r;

        pthread_mutex_lock(&pool->lock);
        r = spawn(pool, uid, task);
        pthread_mutex_unlock(&pool->lock);
        return r;
}

bool blocking_pool_withdraw(BlockingPool *pool, BlockingTask *task)
{
        bool waits;

        pthread_mutex_lock(&pool->lock);
        waits = task->waits;
        if (waits) {
                take_waiting(pool, task);
                forget_user(pool, STEAL_PTR(task->user));
        }
        pthread_mutex_unlock(&pool->lock);
        return waits;
}

/* At most so many. Whether there are more. */
static bool give_back(BlockingPool *pool, size_t max)
{
        BlockingTask *task;
        bool more;

        pthread_mutex_lock(&pool->lock);
        while (max-- > 0 && (task = TAILQ_FIRST(&pool->run))) {
                TAILQ_REMOVE(&pool->run, task, link);
                pthread_mutex_unlock(&pool->lock);
                task->done(task, task->error);
                pthread_mutex_lock(&pool->lock);
        }
        more = !TAILQ_EMPTY(&pool->run);
        pthread_mutex_unlock(&pool->lock);
        return more;
}

void blocking_pool_collect(BlockingPool *pool)
{
        if (give_back(pool, COLLECT_MAX))
                eventfd_write(pool->borrow_wake_fd, 1);
}

/* ---- Pausing ------------------------------------------------------------------------------- */

static struct timespec moment_in(int ms)
{
        struct timespec moment;

        clock_gettime(CLOCK_MONOTONIC, &moment);
        moment.tv_nsec += ms * 1000000l;
        moment.tv_sec += moment.tv_nsec / 1000000000;
        moment.tv_nsec %= 1000000000;
        return moment;
}

bool blocking_pool_pause(BlockingPool *pool, int ms)
{
        const struct timespec until = moment_in(ms);
        bool rests;

        pthread_mutex_lock(&pool->lock);
        pool->paused = true;
        while (pool->n_running > 0 &&
               pthread_cond_timedwait(&pool->rest, &pool->lock, &until) != ETIMEDOUT) {
        }
        rests = pool->n_running == 0;
        pthread_mutex_unlock(&pool->lock);
        return rests;
}

void blocking_pool_resume(BlockingPool *pool)
{
        pthread_mutex_lock(&pool->lock);
        pool->paused = false;
        /* Where there is no thread now, the next task brings one. */
        if (next_user(pool))
                provide_thread(pool);
        pthread_cond_broadcast(&pool->work);
        pthread_mutex_unlock(&pool->lock);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

int blocking_pool_open(BlockingPool **out, int borrow_wake_fd)
{
        BlockingPool *pool = calloc(1, sizeof(*pool));
        pthread_condattr_t attributes;

        if (!pool)
                return error_set(ENOMEM, "no memory for what has to wait");
        pthread_mutex_init(&pool->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&pool->work, &attributes);
        pthread_cond_init(&pool->rest, &attributes);
        pthread_condattr_destroy(&attributes);
        TAILQ_INIT(&pool->users);
        TAILQ_INIT(&pool->run);
        pool->borrow_wake_fd = borrow_wake_fd;
        *out = pool;
        return 0;
}

/* As if they had been run, with an error. Called under the lock. */
static void cancel_waiting(BlockingPool *pool)
{
        BlockingUser *user, *next;
        BlockingTask *task;

        for (user = TAILQ_FIRST(&pool->users); user; user = next) {
                next = TAILQ_NEXT(user, link);
                while ((task = TAILQ_FIRST(&user->waiting))) {
                        take_waiting(pool, task);
                        task->user = NULL;
                        task->error = -ECANCELED;
                        TAILQ_INSERT_TAIL(&pool->run, task, link);
                }
                forget_user(pool, user);
        }
}

/* Called under the lock. */
static void await_threads(BlockingPool *pool)
{
        const struct timespec until = moment_in(BLOCKING_CLOSE_MS);

        pthread_cond_broadcast(&pool->work);
        while (pool->n_threads > 0 &&
               pthread_cond_timedwait(&pool->rest, &pool->lock, &until) != ETIMEDOUT) {
        }
}

BlockingPool *blocking_pool_close(BlockingPool *pool)
{
        bool is_over;

        if (!pool)
                return NULL;
        pthread_mutex_lock(&pool->lock);
        pool->closing = true;
        cancel_waiting(pool);
        await_threads(pool);
        is_over = pool->n_threads == 0;
        pthread_mutex_unlock(&pool->lock);
        give_back(pool, SIZE_MAX);
        if (!is_over)
                return pool;
        for (size_t i = 0; i < BLOCKING_THREADS_MAX; i++) {
                if (pool->threads[i].started)
                        pthread_join(pool->threads[i].thread, NULL);
        }
        pthread_cond_destroy(&pool->work);
        pthread_cond_destroy(&pool->rest);
        pthread_mutex_destroy(&pool->lock);
        free(pool);
        return NULL;
}
