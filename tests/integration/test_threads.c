/*
 * Any thread may start, cancel and close while one runs process_io: many of them on shared
 * BridgedFds, so that a sanitizer sees every pair of calls meet.
 *
 * Each thread has operations of its own on descriptors that all share, and a descriptor of its own
 * now and then. Every byte written is read exactly once; every operation that was started ends
 * exactly once: at once, by its completion or by being cancelled.
 */
#include "tests/support/client.h"
#include "tests/support/scale.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum {
        THREADS = 6,
        SHARED = 16,
        OPERATIONS = 24, /* of each thread */
};

typedef enum TaskState { TASK_IDLE, TASK_STARTED, TASK_COMPLETED } TaskState;

/* An operation of one thread. The completion, in the worker, hands it back by its state. */
typedef struct Task {
        KyronOperation operation;
        atomic_int state;
        atomic_int completions;
        char byte;
} Task;

typedef struct Thread {
        pthread_t id;
        int number;
        uint32_t random_state;
        Task tasks[OPERATIONS];
        unsigned long read, cancelled, lost, opened;
} Thread;

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronBridgedFd *shared[SHARED];
static int writers[SHARED];
static atomic_ulong written;
static atomic_int running;
static int steps;

static void require(bool condition, const char *what)
{
        if (condition)
                return;
        fprintf(stderr, "%s: %s\n", what, kyron_error_text());
        abort();
}

static uint32_t random_below(Thread *thread, uint32_t limit)
{
        thread->random_state ^= thread->random_state << 13;
        thread->random_state ^= thread->random_state >> 17;
        thread->random_state ^= thread->random_state << 5;
        return thread->random_state % limit;
}

static void on_completion(KyronOperation *operation)
{
        Task *task = operation->user;

        atomic_fetch_add(&task->completions, 1);
        atomic_store(&task->state, TASK_COMPLETED);
}

/* Takes in a result, of a task that is the thread's again. */
static void collect(Thread *thread, Task *task)
{
        if (task->operation.result == -ECANCELED)
                thread->cancelled++;
        else if (task->operation.result == 1)
                thread->read++;
        else
                require(false, "an operation failed");
        atomic_store(&task->state, TASK_IDLE);
}

static void start(Thread *thread, Task *task)
{
        KyronBridgedFd *bridged_fd = shared[random_below(thread, SHARED)];
        int r;

        /* Before it is started: its completion may come before the call has returned. */
        atomic_store(&task->state, TASK_STARTED);
        r = kyron_bridged_fd_read(bridged_fd, &task->operation, &task->byte, 1);
        require(r >= 0, "read");
        if (r == 0)
                collect(thread, task);
}

static void cancel(Thread *thread, Task *task)
{
        int r = kyron_operation_cancel(&task->operation);

        if (r == 0) {
                thread->cancelled++;
                atomic_store(&task->state, TASK_IDLE);
        } else {
                require(r == -EALREADY, "cancel");
                thread->lost++;
        }
}

static void write_somewhere(Thread *thread)
{
        if (write(writers[random_below(thread, SHARED)], "x", 1) == 1)
                atomic_fetch_add(&written, 1);
}

/* A descriptor of the thread's own, closed with an operation that waits. */
static void open_and_close(Thread *thread)
{
        KyronBridgedFd *bridged_fd;
        Task task = {.byte = 0};
        int ends[2];

        require(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "pipe");
        require(kyron_bridged_fd_new(&bridged_fd, handle, ends[0]) == 0, "new");
        kyron_operation_init(&task.operation, on_completion, &task);
        require(kyron_bridged_fd_read(bridged_fd, &task.operation, &task.byte, 1) == KYRON_PENDING,
                "read");
        if (random_below(thread, 2) == 0) {
                require(write(ends[1], "x", 1) == 1, "write");
                require(WAIT_UNTIL(atomic_load(&task.state) == TASK_COMPLETED, DEADLINE_MS),
                        "a wakeup");
                require(task.operation.result == 1, "the byte");
                kyron_bridged_fd_close(bridged_fd);
        } else {
                kyron_bridged_fd_close(bridged_fd);
                require(WAIT_UNTIL(atomic_load(&task.state) == TASK_COMPLETED, DEADLINE_MS),
                        "the end");
                require(task.operation.result == -ECANCELED, "its result");
        }
        close(ends[1]);
        thread->opened++;
}

static void *run_thread(void *data)
{
        Thread *thread = data;

        for (int i = 0; i < steps; i++) {
                Task *task = &thread->tasks[random_below(thread, OPERATIONS)];

                switch (atomic_load(&task->state)) {
                case TASK_IDLE:
                        start(thread, task);
                        break;
                case TASK_STARTED:
                        if (random_below(thread, 2) == 0)
                                cancel(thread, task);
                        break;
                default:
                        collect(thread, task);
                        break;
                }
                if (random_below(thread, 4) == 0)
                        write_somewhere(thread);
                if (random_below(thread, 64) == 0)
                        kyron_io_driver_handle_wake(handle);
                if (random_below(thread, 256) == 0)
                        open_and_close(thread);
        }
        for (int i = 0; i < OPERATIONS; i++) {
                Task *task = &thread->tasks[i];

                if (atomic_load(&task->state) == TASK_STARTED)
                        cancel(thread, task);
                require(WAIT_UNTIL(atomic_load(&task->state) != TASK_STARTED, DEADLINE_MS),
                        "the completion of a cancel that lost");
                if (atomic_load(&task->state) == TASK_COMPLETED)
                        collect(thread, task);
        }
        atomic_fetch_sub(&running, 1);
        kyron_io_driver_handle_wake(handle);
        return NULL;
}

static unsigned long count_unread(void)
{
        unsigned long unread = 0;

        for (int i = 0; i < SHARED; i++)
                unread += drain(kyron_bridged_fd_fd(shared[i]));
        return unread;
}

START_TEST(threads_share_descriptors_while_one_runs_process_io)
{
        Thread *threads = calloc(THREADS, sizeof(*threads));
        unsigned long read_in_all = 0, cancelled = 0, lost = 0, opened = 0;
        int ends[2];

        steps = scaled(20000, 100000, 1000000);
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        for (int i = 0; i < SHARED; i++) {
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
                writers[i] = ends[1];
                ck_assert_int_eq(kyron_bridged_fd_new(&shared[i], handle, ends[0]), 0);
        }
        atomic_store(&running, THREADS);
        for (int i = 0; i < THREADS; i++) {
                threads[i].number = i;
                threads[i].random_state = 2654435761u * (uint32_t)(i + 1);
                for (int k = 0; k < OPERATIONS; k++)
                        kyron_operation_init(&threads[i].tasks[k].operation, on_completion,
                                             &threads[i].tasks[k]);
                ck_assert_int_eq(pthread_create(&threads[i].id, NULL, run_thread, &threads[i]), 0);
        }
        while (atomic_load(&running) > 0)
                require(kyron_io_driver_handle_process_io(handle, DEADLINE_MS) >= 0, "process_io");
        for (int i = 0; i < THREADS; i++) {
                pthread_join(threads[i].id, NULL);
                read_in_all += threads[i].read;
                cancelled += threads[i].cancelled;
                lost += threads[i].lost;
                opened += threads[i].opened;
        }
        printf("%lu bytes written, %lu read; cancels: %lu won, %lu lost; %lu opened and closed\n",
               atomic_load(&written), read_in_all, cancelled, lost, opened);
        ck_assert_uint_eq(read_in_all + count_unread(), atomic_load(&written));
        for (int i = 0; i < SHARED; i++) {
                kyron_bridged_fd_close(shared[i]);
                close(writers[i]);
        }
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
        free(threads);
}
END_TEST

/* ---- The worker waits; somebody else has something for it ---------------------------------- */

typedef struct Starter {
        KyronBridgedFd *bridged_fd;
        KyronOperation *operation;
        char *byte;
        int writer;
} Starter;

/* Registers while the worker waits for ever, and only then makes it ready. */
static void *start_and_write(void *data)
{
        const Starter *starter = data;

        require(kyron_bridged_fd_read(starter->bridged_fd, starter->operation, starter->byte, 1) ==
                        KYRON_PENDING,
                "read");
        require(write(starter->writer, "x", 1) == 1, "write");
        return NULL;
}

START_TEST(an_operation_started_by_another_thread_ends_the_workers_wait)
{
        Task task = {.byte = 0};
        KyronBridgedFd *bridged_fd;
        int ends[2];

        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        for (int i = 0; i < scaled(100, 500, 5000); i++) {
                Deadline deadline = deadline_in(DEADLINE_MS);
                pthread_t thread;
                Starter starter;

                pipe_pair(ends);
                ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, ends[0]), 0);
                atomic_store(&task.completions, 0);
                kyron_operation_init(&task.operation, on_completion, &task);
                starter = (Starter){bridged_fd, &task.operation, &task.byte, ends[1]};
                ck_assert_int_eq(pthread_create(&thread, NULL, start_and_write, &starter), 0);
                while (atomic_load(&task.completions) == 0) {
                        int r = kyron_io_driver_handle_process_io(handle, DEADLINE_MS);

                        /* 0: only woken, to send the registration. */
                        ck_assert_int_ge(r, 0);
                }
                ck_assert_int_gt(deadline_left(deadline), 0);
                pthread_join(thread, NULL);
                ck_assert_int_eq(task.operation.result, 1);
                kyron_bridged_fd_close(bridged_fd);
                close(ends[1]);
        }
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}
END_TEST

TEST_SUITE(test_threads)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, 3 * TEST_TIMEOUT_SECONDS);
        tcase_add_test(all, threads_share_descriptors_while_one_runs_process_io);
        tcase_add_test(all, an_operation_started_by_another_thread_ends_the_workers_wait);
        suite_add_tcase(suite, all);
}
