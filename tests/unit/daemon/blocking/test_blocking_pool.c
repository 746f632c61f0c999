/*
 * daemon/blocking/blocking_pool: what waits holds up nobody: neither the loop, nor another user,
 * nor the end of the daemon. Calls wait here until the test lets them go on.
 */
#include "client/kyron.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/blocking/blocking_pool.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/scale.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ALICE = 1000, BOB, CAROL, TASKS_MAX = BLOCKING_WAITING_MAX + BLOCKING_THREADS_MAX };

typedef struct TestTask {
        BlockingTask task; /* first */
        uid_t uid;
        int result; /* -errno of done, or 1: not yet */
        int nice;
        bool saw_signals; /* some were not blocked */
} TestTask;

static BlockingPool *pool;
static int wake_fd;
static TestTask tasks[TASKS_MAX];
static size_t n_tasks;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static size_t begun[3], ended; /* by user; of all */
static size_t may_end;         /* as many calls as may return */

static _Atomic(pthread_t) thread_of_task;
static atomic_bool was_held_up;

/* Whether the loop's thread is in a function of the pool, and the locks it takes there. */
static _Thread_local bool loop_is_in_pool;
static _Thread_local unsigned locks_of_loop;

/* The thread sanitizer has one of its own, from the first that is started on. */
#ifdef __SANITIZE_THREAD__
enum { THREADS_OF_SANITIZER = 1 };
#else
enum { THREADS_OF_SANITIZER = 0 };
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LOCKS_ARE_SEEN = false };
#else
enum { LOCKS_ARE_SEEN = true };

KYRON_PUBLIC int pthread_mutex_lock(pthread_mutex_t *mutex)
{
        static int (*real)(pthread_mutex_t *);

        if (!real)
                real = (__typeof__(real))dlsym(RTLD_NEXT, "pthread_mutex_lock");
        locks_of_loop += loop_is_in_pool;
        return real(mutex);
}
#endif

static void run(BlockingTask *task)
{
        TestTask *own = (TestTask *)task;
        sigset_t blocked;

        pthread_sigmask(SIG_SETMASK, NULL, &blocked);
        own->saw_signals = !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGHUP);
        own->nice = getpriority(PRIO_PROCESS, 0);
        pthread_mutex_lock(&lock);
        begun[own->uid - ALICE]++;
        pthread_cond_broadcast(&changed);
        while (ended >= may_end)
                pthread_cond_wait(&changed, &lock);
        ended++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
}

static void done(BlockingTask *task, int error)
{
        ((TestTask *)task)->result = error;
}

static int spawn(uid_t uid)
{
        TestTask *task = &tasks[n_tasks++];

        *task = (TestTask){.task = {.run = run, .done = done}, .uid = uid, .result = 1};
        return blocking_pool_spawn(pool, uid, &task->task);
}

static void spawn_many(uid_t uid, size_t n)
{
        for (size_t i = 0; i < n; i++)
                ck_assert_int_eq(spawn(uid), 0);
}

/* Lets so many calls return. */
static void release(size_t n)
{
        pthread_mutex_lock(&lock);
        may_end += n;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
}

static size_t begun_of(uid_t uid)
{
        size_t n;

        pthread_mutex_lock(&lock);
        n = begun[uid - ALICE];
        pthread_mutex_unlock(&lock);
        return n;
}

static void await_begun(uid_t uid, size_t n)
{
        pthread_mutex_lock(&lock);
        while (begun[uid - ALICE] < n)
                pthread_cond_wait(&changed, &lock);
        ck_assert_uint_eq(begun[uid - ALICE], n);
        pthread_mutex_unlock(&lock);
}

static size_t count_done(int result)
{
        size_t n = 0;

        for (size_t i = 0; i < n_tasks; i++)
                n += tasks[i].result == result;
        return n;
}

/* As the loop does, until so many have been run and given back. */
static void collect(size_t n)
{
        while (count_done(0) < n) {
                struct pollfd woken = {.fd = wake_fd, .events = POLLIN};
                eventfd_t value;

                ck_assert_int_eq(poll(&woken, 1, DEADLINE_MS), 1);
                eventfd_read(wake_fd, &value);
                blocking_pool_collect(pool);
        }
        ck_assert_uint_eq(count_done(0), n);
}

/* On a busy machine what was released may take longer to return than it waits for that. */
static bool has_closed(void)
{
        pool = blocking_pool_close(pool);
        return !pool;
}

static void set_up(void)
{
        n_tasks = ended = may_end = 0;
        begun[0] = begun[1] = begun[2] = 0;
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_ge(wake_fd, 0);
        ck_assert_int_eq(blocking_pool_open(&pool, wake_fd), 0);
}

static void tear_down(void)
{
        release(TASKS_MAX);
        ck_assert(WAIT_UNTIL(has_closed(), DEADLINE_MS));
        close(wake_fd);
}

START_TEST(what_was_run_is_given_back_on_the_loop)
{
        spawn_many(ALICE, 3);
        await_begun(ALICE, 3);
        ck_assert_uint_eq(count_done(1), 3);
        release(3);
        collect(3);
}
END_TEST

START_TEST(threads_yield_and_take_no_signals)
{
        int nice = getpriority(PRIO_PROCESS, 0);

        release(1);
        spawn_many(ALICE, 1);
        collect(1);
        ck_assert_int_eq(tasks[0].nice, nice + 10 < 19 ? nice + 10 : 19);
        ck_assert(!tasks[0].saw_signals);
}
END_TEST

START_TEST(a_thread_that_is_free_takes_the_next)
{
        release(1000);
        for (size_t i = 1; i <= 1000; i++) {
                spawn_many(ALICE, 1);
                collect(i);
        }
}
END_TEST

START_TEST(one_user_has_half_of_the_threads_and_the_next_finds_some)
{
        size_t half = BLOCKING_THREADS_MAX / 2;

        spawn_many(ALICE, 200);
        await_begun(ALICE, half);
        spawn_many(BOB, 200);
        await_begun(BOB, half / 2);
        spawn_many(CAROL, 200);
        await_begun(CAROL, half / 4);
        /* And nobody has begun more meanwhile. */
        ck_assert_uint_eq(begun_of(ALICE), half);
        ck_assert_uint_eq(begun_of(BOB), half / 2);
}
END_TEST

START_TEST(the_loop_takes_no_lock_that_a_thread_may_have)
{
        bool taken_back;
        int r = 0;

        if (!LOCKS_ARE_SEEN)
                SKIP_TEST("a sanitizer has its own locks");
        /* Without a word of the test's own, which takes one. */
        loop_is_in_pool = true;
        for (size_t i = 0; i < 100; i++)
                r |= spawn(ALICE);
        taken_back = blocking_pool_withdraw(pool, &tasks[99].task);
        loop_is_in_pool = false;
        ck_assert_int_eq(r, 0);
        ck_assert(taken_back);
        release(100);
        while (count_done(0) < 99) {
                struct pollfd woken = {.fd = wake_fd, .events = POLLIN};
                eventfd_t value;

                ck_assert_int_eq(poll(&woken, 1, DEADLINE_MS), 1);
                eventfd_read(wake_fd, &value);
                loop_is_in_pool = true;
                blocking_pool_collect(pool);
                loop_is_in_pool = false;
        }
        ck_assert_uint_eq(locks_of_loop, 0);
}
END_TEST

static size_t count_threads(void)
{
        DIR *directory = opendir("/proc/self/task");
        size_t n = 0;

        ck_assert_ptr_nonnull(directory);
        while (readdir(directory))
                n++;
        closedir(directory);
        return n;
}

/* As the loop does when it is woken. */
static bool have_threads_ended(size_t before)
{
        blocking_pool_collect(pool);
        return count_threads() == before;
}

START_TEST(threads_with_nothing_to_do_end_and_others_come)
{
        size_t before = count_threads() + THREADS_OF_SANITIZER;

        release(2 * BLOCKING_THREADS_MAX);
        spawn_many(ALICE, BLOCKING_THREADS_MAX);
        collect(BLOCKING_THREADS_MAX);
        ck_assert_uint_gt(count_threads(), before);
        ck_assert(
                WAIT_UNTIL(have_threads_ended(before), BLOCKING_IDLE_SECONDS * 1000 + DEADLINE_MS));
        spawn_many(ALICE, BLOCKING_THREADS_MAX);
        collect(2 * BLOCKING_THREADS_MAX);
}
END_TEST

START_TEST(what_waits_is_run_once_others_have_returned)
{
        spawn_many(ALICE, 100);
        await_begun(ALICE, BLOCKING_THREADS_MAX / 2);
        release(100);
        collect(100);
}
END_TEST

START_TEST(a_user_has_so_many_waiting_and_others_go_on)
{
        spawn_many(ALICE, BLOCKING_THREADS_MAX / 2);
        await_begun(ALICE, BLOCKING_THREADS_MAX / 2);
        spawn_many(ALICE, BLOCKING_WAITING_MAX);
        ck_assert_int_eq(spawn(ALICE), -EAGAIN);
        ck_assert_str_eq(error_text(), "4096 names and paths of user 1000 wait already: try later");
        n_tasks--;
        ck_assert_int_eq(spawn(BOB), 0);
        await_begun(BOB, 1);
}
END_TEST

START_TEST(what_was_not_begun_can_be_taken_back)
{
        size_t half = BLOCKING_THREADS_MAX / 2;

        spawn_many(ALICE, half + 2);
        await_begun(ALICE, half);
        ck_assert(blocking_pool_withdraw(pool, &tasks[half].task));
        ck_assert(!blocking_pool_withdraw(pool, &tasks[half].task));
        ck_assert(!blocking_pool_withdraw(pool, &tasks[0].task));
        release(half + 1);
        collect(half + 1);
        ck_assert_int_eq(tasks[half].result, 1);
        /* Its memory is the caller's. */
        ck_assert_int_eq(blocking_pool_spawn(pool, ALICE, &tasks[half].task), 0);
        release(1);
        collect(half + 2);
}
END_TEST

START_TEST(what_was_not_begun_is_given_back_when_the_pool_closes)
{
        spawn_many(ALICE, 40);
        await_begun(ALICE, BLOCKING_THREADS_MAX / 2);
        release(40);
        ck_assert(WAIT_UNTIL(has_closed(), DEADLINE_MS));
        ck_assert_uint_eq(count_done(0) + count_done(-ECANCELED), 40);
        ck_assert_uint_ge(count_done(0), BLOCKING_THREADS_MAX / 2);
        ck_assert_int_eq(blocking_pool_open(&pool, wake_fd), 0);
}
END_TEST

START_TEST(a_call_that_does_not_return_does_not_keep_the_pool_from_closing)
{
        BlockingPool *left;

        spawn_many(ALICE, 1);
        await_begun(ALICE, 1);
        spawn_many(BOB, 1);
        await_begun(BOB, 1);
        left = blocking_pool_close(pool);
        ck_assert_ptr_eq(left, pool);
        ck_assert_uint_eq(count_done(1), 2);
        /* Now they do, so that the test leaves nothing. */
        release(2);
        ck_assert(WAIT_UNTIL(has_closed(), DEADLINE_MS));
        ck_assert_uint_eq(count_done(0), 2);
        ck_assert_int_eq(blocking_pool_open(&pool, wake_fd), 0);
}
END_TEST

/* As if others had the processors for so long. */
static void hold_thread_up(int signal_number)
{
        (void)signal_number;
        poll(NULL, 0, 2 * BLOCKING_CLOSE_MS);
        atomic_store(&was_held_up, true);
}

static void run_unblocked(BlockingTask *task)
{
        sigset_t held;

        sigemptyset(&held);
        sigaddset(&held, SIGUSR1);
        pthread_sigmask(SIG_UNBLOCK, &held, NULL);
        atomic_store(&thread_of_task, pthread_self());
        run(task);
}

START_TEST(closing_waits_for_threads_that_have_nothing_to_do)
{
        const struct sigaction action = {.sa_handler = hold_thread_up};

        ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
        tasks[0] = (TestTask){.task = {.run = run_unblocked, .done = done}, .uid = ALICE};
        tasks[0].result = 1;
        n_tasks = 1;
        ck_assert_int_eq(blocking_pool_spawn(pool, ALICE, &tasks[0].task), 0);
        await_begun(ALICE, 1);
        release(1);
        collect(1);
        ck_assert_int_eq(pthread_kill(thread_of_task, SIGUSR1), 0);
        pool = blocking_pool_close(pool);
        ck_assert_ptr_null(pool);
        ck_assert(atomic_load(&was_held_up));
        ck_assert_int_eq(blocking_pool_open(&pool, wake_fd), 0);
}
END_TEST

START_TEST(while_it_is_paused_nothing_is_begun)
{
        spawn_many(ALICE, 1);
        await_begun(ALICE, 1);
        /* One that is under way does not return in time. */
        ck_assert(!blocking_pool_pause(pool, 1));
        release(1);
        ck_assert(blocking_pool_pause(pool, DEADLINE_MS));
        spawn_many(ALICE, 2);
        spawn_many(BOB, 1);
        collect(1);
        ck_assert_uint_eq(begun_of(ALICE), 1);
        ck_assert_uint_eq(begun_of(BOB), 0);
        blocking_pool_resume(pool);
        release(3);
        collect(4);
}
END_TEST

START_TEST(without_a_thread_it_is_refused)
{
        const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};

        if (BUILT_WITH_SANITIZER)
                SKIP_TEST("a leak checker needs a thread of its own");
        if (geteuid() == 0) {
                /* The limit does not count for root. */
                ck_assert_int_eq(setgid(65534), 0);
                ck_assert_int_eq(setuid(65534), 0);
        }
        ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &none), 0);
        ck_assert_int_eq(spawn(ALICE), -EAGAIN);
        ck_assert_ptr_nonnull(strstr(error_text(), "no thread for what has to wait"));
}
END_TEST

TEST_SUITE(test_blocking_pool)
{
        TCase *tests = tcase_create("blocking_pool");

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, what_was_run_is_given_back_on_the_loop);
        tcase_add_test(tests, threads_yield_and_take_no_signals);
        tcase_add_test(tests, a_thread_that_is_free_takes_the_next);
        tcase_add_test(tests, one_user_has_half_of_the_threads_and_the_next_finds_some);
        tcase_add_test(tests, the_loop_takes_no_lock_that_a_thread_may_have);
        tcase_add_test(tests, threads_with_nothing_to_do_end_and_others_come);
        tcase_add_test(tests, what_waits_is_run_once_others_have_returned);
        tcase_add_test(tests, a_user_has_so_many_waiting_and_others_go_on);
        tcase_add_test(tests, what_was_not_begun_can_be_taken_back);
        tcase_add_test(tests, what_was_not_begun_is_given_back_when_the_pool_closes);
        tcase_add_test(tests, a_call_that_does_not_return_does_not_keep_the_pool_from_closing);
        tcase_add_test(tests, closing_waits_for_threads_that_have_nothing_to_do);
        tcase_add_test(tests, while_it_is_paused_nothing_is_begun);
        tcase_add_test(tests, without_a_thread_it_is_refused);
        tcase_set_timeout(tests, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tests);
}
