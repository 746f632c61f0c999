/* Calls that may wait, on threads. See blocking_pool.h. */
#include "daemon/blocking/blocking_pool.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "daemon/blocking/pool_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

enum {
        /* Given back in a turn of the loop. */
        COLLECT_MAX = 64,
        /* Places for memory, of which the loop's thread keeps one to itself: a thread that yields
         * could have it wait for the lock of a shared one. */
        ARENAS_MAX = 2 * BLOCKING_THREADS_MAX,
};

typedef TAILQ_HEAD(TaskList, BlockingTask) TaskList;

typedef struct BlockingUser {
        TAILQ_ENTRY(BlockingUser) link; /* in BlockingPool.users, those served longest ago first */
        uid_t uid;
        TaskList waiting;
        size_t n_waiting;
        size_t n_running;
} BlockingUser;

struct BlockingPool {
        PoolReturns returns; /* what the threads have run */
        TAILQ_HEAD(, BlockingUser) users;
        TaskList run; /* to be given back */
        /* Those there are, and as many that are about to end. */
        PoolThread threads[2 * BLOCKING_THREADS_MAX];
        PoolThreadList idle; /* the last that was busy first */
        size_t n_threads;
        size_t n_ending;
        size_t n_running;
        bool closing;
        bool paused;
};

/* ---- Users --------------------------------------------------------------------------------- */

static bool may_run(const BlockingPool *pool, const BlockingUser *user)
{
        size_t free_threads = BLOCKING_THREADS_MAX - pool->n_running;

        return user->n_waiting > 0 && user->n_running + 1 <= free_threads;
}

static BlockingUser *next_user(const BlockingPool *pool)
{
        BlockingUser *user;

        if (pool->closing || pool->paused)
                return NULL;
        TAILQ_FOREACH(user, &pool->users, link)
        {
                if (may_run(pool, user))
                        return user;
        }
        return NULL;
}

static void put_waiting(BlockingUser *user, BlockingTask *task)
{
        task->user = user;
        task->error = 0;
        task->waits = true;
        TAILQ_INSERT_TAIL(&user->waiting, task, link);
        user->n_waiting++;
}

static void take_waiting(BlockingTask *task)
{
        task->waits = false;
        TAILQ_REMOVE(&task->user->waiting, task, link);
        task->user->n_waiting--;
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

/* ---- Threads ------------------------------------------------------------------------------- */

static void reap(BlockingPool *pool)
{
        for (size_t i = 0; i < 2 * BLOCKING_THREADS_MAX && pool->n_ending > 0; i++)
                pool->n_ending -= pool_thread_reap(&pool->threads[i], pool->closing);
}

/* One that has nothing to do, or a new one; NULL: there is none. */
static PoolThread *obtain_thread(BlockingPool *pool, int *error)
{
        PoolThread *thread = TAILQ_FIRST(&pool->idle);

        if (thread) {
                TAILQ_REMOVE(&pool->idle, thread, link);
                return thread;
        }
        if (pool->n_threads == BLOCKING_THREADS_MAX)
                return NULL;
        thread = pool->threads;
        while (thread->is_started)
                thread++;
        *error = pool_thread_start(thread, &pool->returns);
        if (*error < 0)
                return NULL;
        pool->n_threads++;
        return thread;
}

/* Begins as much as there is room for. 0, or -errno for want of a thread. */
static int begin(BlockingPool *pool)
{
        PoolThread *thread;
        BlockingUser *user;
        BlockingTask *task;
        int r = 0;

        while ((user = next_user(pool)) && (thread = obtain_thread(pool, &r))) {
                task = TAILQ_FIRST(&user->waiting);
                take_waiting(task);
                user->n_running++;
                pool->n_running++;
                TAILQ_REMOVE(&pool->users, user, link);
                TAILQ_INSERT_TAIL(&pool->users, user, link);
                pool_thread_give(thread, task);
        }
        return r;
}

/* Takes in what the threads have run, and begins nothing. */
static void take_in(BlockingPool *pool)
{
        BlockingTask *task = pool_returns_take(&pool->returns), *next;

        for (; task; task = next) {
                next = task->next;
                task->user->n_running--;
                pool->n_running--;
                forget_user(pool, STEAL_PTR(task->user));
                task->thread->idle_ms = clock_now_ms();
                TAILQ_INSERT_HEAD(&pool->idle, task->thread, link);
                TAILQ_INSERT_TAIL(&pool->run, task, link);
        }
}

/* Those that have had nothing to do for so long. */
static void end_idle(BlockingPool *pool, uint64_t ms)
{
        uint64_t now = clock_now_ms();
        PoolThread *thread;

        reap(pool);
        while (pool->n_ending < BLOCKING_THREADS_MAX &&
               (thread = TAILQ_LAST(&pool->idle, PoolThreadList)) && now - thread->idle_ms >= ms) {
                TAILQ_REMOVE(&pool->idle, thread, link);
                pool_thread_give(thread, NULL);
                pool->n_threads--;
                pool->n_ending++;
        }
}

/* ---- Tasks --------------------------------------------------------------------------------- */

int blocking_pool_spawn(BlockingPool *pool, uid_t uid, BlockingTask *task)
{
        BlockingUser *user = find_user(pool, uid);
        int r;

        if (!user)
                return error_set(ENOMEM, "no memory for what has to wait");
        if (user->n_waiting >= BLOCKING_WAITING_MAX)
                return error_set(EAGAIN, "%d names and paths of user %u wait already: try later",
                                 BLOCKING_WAITING_MAX, (unsigned)uid);
        put_waiting(user, task);
        r = begin(pool);
        /* Where there is one thread, it comes to it. */
        if (r == 0 || !task->waits || pool->n_threads > 0)
                return 0;
        take_waiting(task);
        forget_user(pool, user);
        return error_set(EAGAIN, "no thread for what has to wait: %s: try later", strerror(-r));
}

bool blocking_pool_withdraw(BlockingPool *pool, BlockingTask *task)
{
        if (!task->waits)
                return false;
        take_waiting(task);
        forget_user(pool, STEAL_PTR(task->user));
        return true;
}

/* At most so many. */
static void give_back(BlockingPool *pool, size_t max)
{
        BlockingTask *task;

        while (max-- > 0 && (task = TAILQ_FIRST(&pool->run))) {
                TAILQ_REMOVE(&pool->run, task, link);
                task->done(task, task->error);
        }
}

void blocking_pool_collect(BlockingPool *pool)
{
        take_in(pool);
        begin(pool);
        give_back(pool, COLLECT_MAX);
        if (!TAILQ_EMPTY(&pool->run))
                eventfd_write(pool->returns.wake_fd, 1);
        end_idle(pool, BLOCKING_IDLE_SECONDS * 1000);
}

/* ---- Pausing ------------------------------------------------------------------------------- */

bool blocking_pool_pause(BlockingPool *pool, int ms)
{
        uint64_t until = clock_now_ms() + (uint64_t)ms;

        pool->paused = true;
        do
                take_in(pool);
        while (pool->n_running > 0 && pool_returns_wait(&pool->returns, until));
        /* They are given back when the loop is woken. */
        if (!TAILQ_EMPTY(&pool->run))
                eventfd_write(pool->returns.wake_fd, 1);
        return pool->n_running == 0;
}

void blocking_pool_resume(BlockingPool *pool)
{
        pool->paused = false;
        /* Where there is no thread now, the next task brings one. */
        begin(pool);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

int blocking_pool_open(BlockingPool **out, int borrow_wake_fd)
{
        BlockingPool *pool = calloc(1, sizeof(*pool));
        int r;

        if (!pool)
                return error_set(ENOMEM, "no memory for what has to wait");
        /* One of its own, since a call may return after everything else has ended. */
        r = pool_returns_open(&pool->returns, borrow_wake_fd);
        if (r < 0) {
                free(pool);
                return error_set(-r, "no descriptor for what has to wait: %s", strerror(-r));
        }
        TAILQ_INIT(&pool->users);
        TAILQ_INIT(&pool->run);
        TAILQ_INIT(&pool->idle);
        mallopt(M_ARENA_MAX, ARENAS_MAX);
        *out = pool;
        return 0;
}

/* The last pool that was left to its threads. */
static BlockingPool *left;

/* As if they had been run, with an error. */
static void cancel_waiting(BlockingPool *pool)
{
        BlockingUser *user, *next;
        BlockingTask *task;

        for (user = TAILQ_FIRST(&pool->users); user; user = next) {
                next = TAILQ_NEXT(user, link);
                while ((task = TAILQ_FIRST(&user->waiting))) {
                        take_waiting(task);
                        task->user = NULL;
                        task->error = -ECANCELED;
                        TAILQ_INSERT_TAIL(&pool->run, task, link);
                }
                forget_user(pool, user);
        }
}

/* A call may not return; a thread without one ends as soon as it has a processor. */
static bool await_threads(BlockingPool *pool, uint64_t since)
{
        uint64_t ms = pool->n_running > 0 ? BLOCKING_CLOSE_MS : BLOCKING_END_MS;

        return pool_returns_wait(&pool->returns, since + ms);
}

BlockingPool *blocking_pool_close(BlockingPool *pool)
{
        uint64_t since = clock_now_ms();

        if (!pool)
                return NULL;
        pool->closing = true;
        cancel_waiting(pool);
        do {
                take_in(pool);
                end_idle(pool, 0);
        } while (pool->n_threads + pool->n_ending > 0 && await_threads(pool, since));
        give_back(pool, SIZE_MAX);
        if (pool->n_threads + pool->n_ending > 0) {
                /* Its threads use it: it is no leak, to who looks for them. */
                left = pool;
                return pool;
        }
        pool_returns_close(&pool->returns);
        free(pool);
        return NULL;
}
