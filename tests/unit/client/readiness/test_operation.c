/* Operations: a function run until it does not say EAGAIN; completions; and cancelling them. */
#include "client/handle/io_driver_handle.h"
#include "client/readiness/bridged_fd.h"
#include "tests/support/client.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronBridgedFd *bridged_fd;
static int peer;
static char byte;

static void set_up(void)
{
        int ends[2];

        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        peer = ends[1];
        ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, ends[0]), 0);
}

static void tear_down(void)
{
        kyron_bridged_fd_close(bridged_fd);
        close(peer);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

static int start_read(TestCall *call)
{
        return kyron_bridged_fd_read(bridged_fd, &call->operation, &byte, 1);
}

/* ---- Running ------------------------------------------------------------------------------- */

START_TEST(what_need_not_wait_is_done_at_once_without_a_completion)
{
        TestCall call;

        test_call_init(&call);
        put_byte(peer);
        ck_assert_int_eq(start_read(&call), 0);
        ck_assert_int_eq(call.operation.result, 1);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
}
END_TEST

START_TEST(what_has_to_wait_is_done_once_and_completed)
{
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        put_byte(peer);
        process_all(handle);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, 1);
}
END_TEST

static ssize_t fail_at_once(int borrow_fd, KyronOperation *operation)
{
        (void)borrow_fd;
        (void)operation;
        return -ENOTTY;
}

START_TEST(a_function_that_fails_at_once_is_no_completion)
{
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, &call.operation, KYRON_READABLE,
                                                     fail_at_once),
                         -ENOTTY);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
}
END_TEST

static int function_calls;

static ssize_t wait_once(int borrow_fd, KyronOperation *operation)
{
        (void)borrow_fd;
        (void)operation;
        return function_calls++ == 0 ? -EAGAIN : -ENOTTY;
}

START_TEST(a_function_that_fails_after_a_wait_is_a_completion)
{
        TestCall call;

        function_calls = 0;
        test_call_init(&call);
        ck_assert_int_eq(
                kyron_bridged_fd_async_call(bridged_fd, &call.operation, KYRON_READABLE, wait_once),
                KYRON_PENDING);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ENOTTY);
        ck_assert_int_eq(function_calls, 2);
}
END_TEST

START_TEST(an_interest_that_cannot_be_asked_for_is_refused)
{
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, &call.operation, 0, fail_at_once),
                         -EINVAL);
        ck_assert_int_eq(
                kyron_bridged_fd_async_call(bridged_fd, &call.operation, KYRON_ERROR, fail_at_once),
                -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "READABLE"));
}
END_TEST

START_TEST(an_operation_in_use_cannot_be_started_again)
{
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        ck_assert_int_eq(start_read(&call), -EBUSY);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(an_operation_in_use_keeps_what_it_was_started_with)
{
        char mine = 0, others[2] = {0};
        const struct iovec part = {others, 1};
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, &call.operation, &mine, 1),
                         KYRON_PENDING);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, &call.operation, others, 2), -EBUSY);
        ck_assert_int_eq(kyron_bridged_fd_write(bridged_fd, &call.operation, others, 2), -EBUSY);
        ck_assert_int_eq(kyron_bridged_fd_readv(bridged_fd, &call.operation, &part, 1), -EBUSY);
        ck_assert_int_eq(kyron_bridged_fd_ready(bridged_fd, &call.operation, KYRON_WRITABLE),
                         -EBUSY);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        ck_assert_int_ne(mine, 0);
        ck_assert_int_eq(others[0], 0);
}
END_TEST

START_TEST(what_has_to_wait_and_could_not_tell_is_refused_and_takes_nothing)
{
        const uint16_t interest = KYRON_READABLE;
        KyronOperation silent;
        TestCall call;

        kyron_operation_init(&silent, NULL, NULL);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, &silent, &byte, 1), -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "no completion"));
        /* What need not wait needs no completion. */
        put_byte(peer);
        process_all(handle);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, &silent, &byte, 1), 0);
        ck_assert_int_eq(silent.result, 1);

        put_byte(peer);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, NULL, &byte, 1), -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "no operation"));
        ck_assert_int_eq(kyron_bridged_fd_write(bridged_fd, NULL, &byte, 1), -EINVAL);
        ck_assert_int_eq(kyron_bridged_fd_ready(bridged_fd, NULL, interest), -EINVAL);
        ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, NULL, interest, fail_at_once),
                         -EINVAL);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, &call.operation, interest, NULL),
                         -EINVAL);
        ck_assert_int_eq(kyron_operation_cancel(NULL), -EALREADY);
        /* The byte is still there. */
        ck_assert_int_eq(start_read(&call), 0);
}
END_TEST

static ssize_t count_and_read(int borrow_fd, KyronOperation *operation)
{
        char unused[16];
        ssize_t n = read(borrow_fd, unused, sizeof(unused));

        ++*(int *)operation->arguments.object;
        return n < 0 ? -errno : n;
}

START_TEST(many_operations_wait_on_one_descriptor)
{
        TestCall calls[20];
        int completed;

        for (int i = 0; i < 20; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_eq(start_read(&calls[i]), KYRON_PENDING);
        }
        /* A byte ends one of them; the others wait on. */
        for (int bytes = 1; bytes <= 20; bytes++) {
                put_byte(peer);
                process_all(handle);
                completed = 0;
                for (int i = 0; i < 20; i++)
                        completed += calls[i].completions;
                ck_assert_int_eq(completed, bytes);
        }
}
END_TEST

START_TEST(a_function_is_not_called_before_there_is_readiness)
{
        TestCall call;
        int runs = 0;

        test_call_init(&call);
        call.operation.arguments.object = &runs;
        ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, &call.operation, KYRON_READABLE,
                                                     count_and_read),
                         KYRON_PENDING);
        ck_assert_int_eq(runs, 1);
        for (int i = 0; i < 5; i++)
                process_all(handle);
        ck_assert_int_eq(runs, 1);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(runs, 2);
        ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, &call.operation, KYRON_READABLE,
                                                     count_and_read),
                         KYRON_PENDING);
        /* Readiness was still marked: tried once more, and then it waits. */
        ck_assert_int_eq(runs, 3);
        for (int i = 0; i < 5; i++)
                process_all(handle);
        ck_assert_int_eq(runs, 3);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
}
END_TEST

static void start_again(KyronOperation *operation)
{
        TestCall *call = operation->user;

        call->completions++;
        ck_assert_int_eq(operation->result, 1);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, operation, &byte, 1), KYRON_PENDING);
}

START_TEST(a_completion_may_start_its_operation_again)
{
        TestCall call;

        test_call_init(&call);
        call.operation.completion = start_again;
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        for (int i = 1; i <= 20; i++) {
                put_byte(peer);
                ck_assert(PROCESS_UNTIL(handle, call.completions == i));
        }
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
}
END_TEST

static void free_all(KyronOperation *operation)
{
        ++*(int *)operation->user;
        kyron_bridged_fd_close(bridged_fd);
        bridged_fd = NULL;
        free(operation);
}

START_TEST(a_completion_may_free_its_operation_and_close_its_object)
{
        KyronOperation *operation = malloc(sizeof(*operation));
        int completions = 0;

        kyron_operation_init(operation, free_all, &completions);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, operation, &byte, 1), KYRON_PENDING);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, completions == 1));
        /* The daemon's copy may be on its way to being closed. */
        ck_assert(wait_readable(peer, DEADLINE_MS));
        ck_assert_int_eq(read(peer, &byte, 1), 0);
}
END_TEST

static ssize_t succeed_the_second_time(int borrow_fd, KyronOperation *operation)
{
        (void)borrow_fd;
        (void)operation;
        return function_calls++ == 0 ? -EAGAIN : 1;
}

typedef struct Starter {
        KyronOperation *operation;
        _Atomic pid_t id;
} Starter;

static void *start_it(void *data)
{
        Starter *starter = data;

        atomic_store(&starter->id, (pid_t)syscall(SYS_gettid));
        return (void *)(intptr_t)kyron_bridged_fd_async_call(
                bridged_fd, starter->operation, KYRON_READABLE, succeed_the_second_time);
}

/* Whether a thread of ours waits in the kernel. */
static bool sleeps(pid_t thread)
{
        char path[64], state = '?';
        FILE *file;

        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
        file = fopen(path, "re");
        if (!file)
                return false;
        if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
                state = '?';
        fclose(file);
        return state == 'S';
}

/* It has met EAGAIN and said so, and waits for the lock to wait for readiness: then it comes. */
START_TEST(an_event_between_the_look_and_the_wait_is_seen)
{
        KyronAsyncRegistration *registration = kyron_bridged_fd_registration(bridged_fd);
        TestCall call;
        Starter starter = {.operation = &call.operation};
        pthread_t thread;
        void *result;

        function_calls = 0;
        test_call_init(&call);
        pthread_mutex_lock(&handle->lock);
        ck_assert_int_eq(pthread_create(&thread, NULL, start_it, &starter), 0);
        ck_assert(WAIT_UNTIL(
                !(readiness_word_bits(atomic_load(&registration->word)) & KYRON_READABLE) &&
                        sleeps(atomic_load(&starter.id)),
                DEADLINE_MS));
        async_registration_wake(registration, KYRON_READABLE);
        pthread_mutex_unlock(&handle->lock);
        pthread_join(thread, &result);
        ck_assert_int_eq((intptr_t)result, 0);
        ck_assert_int_eq(function_calls, 2);
        ck_assert_int_eq(call.completions, 0);
}
END_TEST

/* ---- Cancelling ---------------------------------------------------------------------------- */

START_TEST(a_cancelled_operation_is_not_completed)
{
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        put_byte(peer);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        /* What it would have read is there for the next. */
        ck_assert_int_eq(start_read(&call), 0);
}
END_TEST

START_TEST(cancelling_what_does_not_wait_says_so)
{
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), -EALREADY);
        put_byte(peer);
        ck_assert_int_eq(start_read(&call), 0);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), -EALREADY);
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), -EALREADY);
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), -EALREADY);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "not waiting"));
}
END_TEST

static TestCall first, second;

/* Both were woken by the same event; the first to run takes the other back. */
static void cancel_the_other(KyronOperation *operation)
{
        TestCall *call = operation->user;
        TestCall *other = call == &first ? &second : &first;

        call->completions++;
        ck_assert_int_eq(kyron_operation_cancel(operation), -EALREADY);
        ck_assert_int_eq(kyron_operation_cancel(&other->operation), 0);
}

START_TEST(a_woken_operation_can_still_be_cancelled)
{
        test_call_init(&first);
        test_call_init(&second);
        first.operation.completion = second.operation.completion = cancel_the_other;
        ck_assert_int_eq(start_read(&first), KYRON_PENDING);
        ck_assert_int_eq(start_read(&second), KYRON_PENDING);
        process(handle, 0);
        ck_assert_int_eq(write(peer, "xy", 2), 2);
        process_all(handle);
        ck_assert_int_eq(first.completions + second.completions, 1);
        /* The byte of the one that was cancelled was not read. */
        ck_assert_uint_eq(drain(kyron_bridged_fd_fd(bridged_fd)), 1);
}
END_TEST

static ssize_t cancel_itself(int borrow_fd, KyronOperation *operation)
{
        (void)borrow_fd;
        if (function_calls++ > 0)
                ck_assert_int_eq(kyron_operation_cancel(operation), -EALREADY);
        return -EAGAIN;
}

START_TEST(an_operation_cancelled_while_its_function_runs_does_not_wait_again)
{
        TestCall call;

        function_calls = 0;
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, &call.operation, KYRON_READABLE,
                                                     cancel_itself),
                         KYRON_PENDING);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ECANCELED);
        ck_assert_int_eq(function_calls, 2);
}
END_TEST

typedef struct Race {
        TestCall call;
        pthread_barrier_t start;
        int result;
} Race;

static void *cancel_in_a_thread(void *data)
{
        Race *race = data;

        pthread_barrier_wait(&race->start);
        race->result = kyron_operation_cancel(&race->call.operation);
        return NULL;
}

/* Whoever wins: it is either cancelled or completed, never both, never neither. */
START_TEST(a_cancel_from_another_thread_wins_or_loses)
{
        Race race;
        int won = 0, lost = 0;

        pthread_barrier_init(&race.start, NULL, 2);
        for (int i = 0; i < 500; i++) {
                pthread_t thread;

                test_call_init(&race.call);
                ck_assert_int_eq(start_read(&race.call), KYRON_PENDING);
                process(handle, 0);
                put_byte(peer);
                ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), DEADLINE_MS));
                ck_assert_int_eq(pthread_create(&thread, NULL, cancel_in_a_thread, &race), 0);
                pthread_barrier_wait(&race.start);
                process(handle, 0);
                pthread_join(thread, NULL);
                process(handle, 0);
                if (race.result == 0) {
                        won++;
                        ck_assert_int_eq(race.call.completions, 0);
                        ck_assert_uint_eq(drain(kyron_bridged_fd_fd(bridged_fd)), 1);
                } else {
                        lost++;
                        ck_assert_int_eq(race.result, -EALREADY);
                        ck_assert(PROCESS_UNTIL(handle, race.call.completions == 1));
                        if (race.call.result == -ECANCELED)
                                drain(kyron_bridged_fd_fd(bridged_fd));
                        else
                                ck_assert_int_eq(race.call.result, 1);
                }
        }
        pthread_barrier_destroy(&race.start);
        ck_assert_int_eq(won + lost, 500);
}
END_TEST

TEST_SUITE(test_operation)
{
        TCase *running = tcase_create("running");
        TCase *cancelling = tcase_create("cancelling");

        tcase_set_timeout(running, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(running, set_up, tear_down);
        tcase_add_test(running, what_need_not_wait_is_done_at_once_without_a_completion);
        tcase_add_test(running, what_has_to_wait_is_done_once_and_completed);
        tcase_add_test(running, a_function_that_fails_at_once_is_no_completion);
        tcase_add_test(running, a_function_that_fails_after_a_wait_is_a_completion);
        tcase_add_test(running, an_interest_that_cannot_be_asked_for_is_refused);
        tcase_add_test(running, an_operation_in_use_cannot_be_started_again);
        tcase_add_test(running, an_operation_in_use_keeps_what_it_was_started_with);
        tcase_add_test(running, what_has_to_wait_and_could_not_tell_is_refused_and_takes_nothing);
        tcase_add_test(running, many_operations_wait_on_one_descriptor);
        tcase_add_test(running, a_function_is_not_called_before_there_is_readiness);
        tcase_add_test(running, an_event_between_the_look_and_the_wait_is_seen);
        tcase_add_test(running, a_completion_may_start_its_operation_again);
        tcase_add_test(running, a_completion_may_free_its_operation_and_close_its_object);
        suite_add_tcase(suite, running);
        tcase_set_timeout(cancelling, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(cancelling, set_up, tear_down);
        tcase_add_test(cancelling, a_cancelled_operation_is_not_completed);
        tcase_add_test(cancelling, cancelling_what_does_not_wait_says_so);
        tcase_add_test(cancelling, a_woken_operation_can_still_be_cancelled);
        tcase_add_test(cancelling,
                       an_operation_cancelled_while_its_function_runs_does_not_wait_again);
        tcase_add_test(cancelling, a_cancel_from_another_thread_wins_or_loses);
        suite_add_tcase(suite, cancelling);
}
