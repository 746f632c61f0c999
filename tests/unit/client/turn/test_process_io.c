/* The client's end of a session: turns, waking, foreign loops, fork, and the daemon's end. */
#include "client/turn/process_io.h"

#include "client/handle/io_driver_handle.h"
#include "tests/support/client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronBridgedFd *bridged_fd;
static int peer;
static char byte;

static void set_up(void)
{
        int ends[2];

        signal(SIGPIPE, SIG_IGN);
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        peer = ends[1];
        ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, ends[0]), 0);
}

static void close_client(void)
{
        kyron_bridged_fd_close(bridged_fd);
        close(peer);
        kyron_io_driver_handle_close(handle);
}

static void tear_down(void)
{
        close_client();
        test_daemon_stop(&kyron_iod);
}

static int start_read(TestCall *call)
{
        test_call_init(call);
        return kyron_bridged_fd_read(bridged_fd, &call->operation, &byte, 1);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

START_TEST(a_handle_knows_its_session)
{
        KyronIoDriverHandle *other = open_handle(&kyron_iod);

        ck_assert_uint_ne(kyron_io_driver_handle_session(handle), 0);
        ck_assert_uint_ne(kyron_io_driver_handle_session(other),
                          kyron_io_driver_handle_session(handle));
        kyron_io_driver_handle_close(other);
}
END_TEST

START_TEST(the_library_knows_its_version)
{
        ck_assert_str_eq(kyron_version(), KYRON_VERSION);
        ck_assert_str_eq(kyron_version(), PACKAGE_VERSION);
}
END_TEST

START_TEST(the_environment_names_the_socket)
{
        KyronIoDriverHandle *other;

        setenv("KYRON_SOCKET", kyron_iod.socket_path, 1);
        ck_assert_int_eq(kyron_io_driver_handle_open(&other, NULL), 0);
        kyron_io_driver_handle_close(other);
        unsetenv("KYRON_SOCKET");
}
END_TEST

START_TEST(closing_a_handle_calls_what_is_pending)
{
        KyronIoDriverHandle *other = open_handle(&kyron_iod);
        KyronBridgedFd *reader;
        TestCall call;
        int pipe[2];

        pipe_pair(pipe);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, other, pipe[0]), 0);
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1), KYRON_PENDING);
        kyron_bridged_fd_close(reader);
        ck_assert_int_eq(call.completions, 0);
        kyron_io_driver_handle_close(other);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -ECANCELED);
        close(pipe[1]);
}
END_TEST

START_TEST(a_handle_leaves_no_descriptor)
{
        size_t before = count_descriptors();

        for (int i = 0; i < 20; i++)
                kyron_io_driver_handle_close(open_handle(&kyron_iod));
        ck_assert_uint_eq(count_descriptors(), before);
        kyron_io_driver_handle_close(NULL);
}
END_TEST

START_TEST(a_handle_without_descriptors_says_so)
{
        const KyronOptions options = {.socket_path = kyron_iod.socket_path};
        KyronIoDriverHandle *other;
        size_t open = count_descriptors();

        /* Room for the socket, for the socket and the unparker, and for all three. */
        for (int room = 0; room < 3; room++) {
                int lowest = dup(0), r;

                close(lowest);
                if (!limit_descriptors(lowest + room))
                        SKIP_TEST("the limit of descriptors is not the kernel's here");
                r = kyron_io_driver_handle_open(&other, &options);
                unlimit_descriptors();
                ck_assert_int_eq(r, -EMFILE);
                ck_assert_str_ne(kyron_error_text(), "");
        }
        ck_assert_uint_eq(count_descriptors(), open);
}
END_TEST

/* ---- Turns --------------------------------------------------------------------------------- */

START_TEST(a_turn_counts_what_it_ran)
{
        TestCall calls[3];

        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(start_read(&calls[i]), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(write(peer, "xyz", 3), 3);
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), DEADLINE_MS));
        ck_assert_int_eq(process(handle, DEADLINE_MS), 3);
}
END_TEST

START_TEST(a_turn_ends_when_its_time_is_up)
{
        Deadline later = deadline_in(20);

        process(handle, 0);
        ck_assert_int_eq(process(handle, 30), 0);
        ck_assert_int_eq(deadline_left(later), 0);
}
END_TEST

static bool is_parked(void)
{
        bool parked;

        pthread_mutex_lock(&handle->lock);
        parked = handle->parked;
        pthread_mutex_unlock(&handle->lock);
        return parked;
}

static atomic_bool has_returned;

static void *take_turn_and_say(void *timeout_ms)
{
        int r = kyron_io_driver_handle_process_io(handle, *(int *)timeout_ms);

        has_returned = true;
        return (void *)(intptr_t)r;
}

static bool is_waiting_again(unsigned before)
{
        bool waits;

        pthread_mutex_lock(&handle->lock);
        waits = handle->parked && atomic_load(&handle->turns) != before;
        pthread_mutex_unlock(&handle->lock);
        return waits;
}

/* Whatever the handle hears of that nobody waits for, and what another thread leaves it. */
START_TEST(a_turn_in_which_nothing_was_run_goes_on)
{
        int timeout_ms = _i ? -1 : DEADLINE_MS;
        pthread_t thread;
        TestCall call;
        void *result;

        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        has_returned = false;
        ck_assert_int_eq(pthread_create(&thread, NULL, take_turn_and_say, &timeout_ms), 0);
        for (int i = 0; i < 3; i++) {
                unsigned before;

                ck_assert(WAIT_UNTIL(is_parked(), DEADLINE_MS));
                before = atomic_load(&handle->turns);
                if (i < 2) {
                        drain(kyron_bridged_fd_fd(bridged_fd));
                        put_byte(peer);
                } else {
                        pthread_mutex_lock(&handle->lock);
                        io_driver_handle_unpark(handle);
                        pthread_mutex_unlock(&handle->lock);
                }
                ck_assert(WAIT_UNTIL(is_waiting_again(before) || has_returned, DEADLINE_MS));
                ck_assert(!has_returned);
        }
        kyron_io_driver_handle_wake(handle);
        pthread_join(thread, &result);
        ck_assert_int_eq((intptr_t)result, 0);
}
END_TEST

static int result_of_reentry;

static void reenter(KyronOperation *operation)
{
        TestCall *call = operation->user;

        call->completions++;
        result_of_reentry = kyron_io_driver_handle_process_io(handle, 0);
}

START_TEST(a_completion_cannot_take_a_turn)
{
        TestCall call;

        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        call.operation.completion = reenter;
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(result_of_reentry, -EBUSY);
}
END_TEST

static void *take_turn(void *unused)
{
        (void)unused;
        return (void *)(intptr_t)kyron_io_driver_handle_process_io(handle, -1);
}

START_TEST(one_thread_at_a_time_takes_turns)
{
        pthread_t thread;
        void *result;

        process(handle, 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, take_turn, NULL), 0);
        ck_assert(WAIT_UNTIL(is_parked(), DEADLINE_MS));
        ck_assert_int_eq(kyron_io_driver_handle_process_io(handle, 0), -EBUSY);
        kyron_io_driver_handle_wake(handle);
        pthread_join(thread, &result);
        ck_assert_int_eq((intptr_t)result, 0);
}
END_TEST

START_TEST(waking_ends_the_next_turn_too)
{
        kyron_io_driver_handle_wake(handle);
        ck_assert_int_eq(process(handle, -1), 0);
}
END_TEST

static void wake_it(int signal_number)
{
        (void)signal_number;
        kyron_io_driver_handle_wake(handle);
}

static void do_nothing(int signal_number)
{
        (void)signal_number;
}

static atomic_bool turn_is_over;

/* Again and again, because the first may come between parking and the wait itself. */
static void *signal_until_the_turn_is_over(void *data)
{
        while (!turn_is_over) {
                if (WAIT_UNTIL(is_parked() || turn_is_over, DEADLINE_MS) && !turn_is_over)
                        pthread_kill(*(pthread_t *)data, SIGUSR1);
                WAIT_UNTIL(turn_is_over, 1);
        }
        return NULL;
}

/* Takes a turn that only the signal ends. */
static int take_turn_with_signal(void (*handler)(int))
{
        struct sigaction action = {.sa_handler = handler};
        pthread_t self = pthread_self(), thread;
        int r;

        process(handle, 0);
        sigaction(SIGUSR1, &action, NULL);
        turn_is_over = false;
        ck_assert_int_eq(pthread_create(&thread, NULL, signal_until_the_turn_is_over, &self), 0);
        r = kyron_io_driver_handle_process_io(handle, DEADLINE_MS);
        turn_is_over = true;
        pthread_join(thread, NULL);
        return r;
}

START_TEST(a_signal_ends_a_turn)
{
        ck_assert_int_eq(take_turn_with_signal(do_nothing), -EINTR);
}
END_TEST

START_TEST(a_signal_handler_may_wake)
{
        int r = take_turn_with_signal(wake_it);

        /* The signal itself, or the wake, whichever the kernel shows first. */
        ck_assert(r == 0 || r == -EINTR);
        if (r == -EINTR)
                ck_assert_int_eq(process(handle, -1), 0);
}
END_TEST

/* ---- In another loop ----------------------------------------------------------------------- */

START_TEST(its_descriptor_is_readable_when_there_is_something_to_do)
{
        int fd = kyron_io_driver_handle_fd(handle);
        TestCall call;

        process(handle, 0);
        ck_assert(!wait_readable(fd, 0));
        /* Something to send. */
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        ck_assert(wait_readable(fd, 0));
        process(handle, 0);
        process(handle, 0);
        ck_assert(!wait_readable(fd, 0));
        /* Something to run. */
        put_byte(peer);
        ck_assert(wait_readable(fd, DEADLINE_MS));
        ck_assert_int_eq(process(handle, 0), 1);
        ck_assert_int_eq(call.completions, 1);
        ck_assert(!wait_readable(fd, 0));
        /* Asked for. */
        kyron_io_driver_handle_wake(handle);
        ck_assert(wait_readable(fd, 0));
        process(handle, 0);
        ck_assert(!wait_readable(fd, 0));
}
END_TEST

START_TEST(nothing_is_written_for_a_descriptor_nobody_has)
{
        eventfd_t value;
        TestCall call;

        process(handle, 0);
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        ck_assert_int_eq(eventfd_read(handle->wake_fd, &value), -1);
        ck_assert_int_eq(errno, EAGAIN);
        /* Whoever asks for it now learns what was left before. */
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), 0));
        process(handle, 0);
        ck_assert(!wait_readable(kyron_io_driver_handle_fd(handle), 0));
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(a_foreign_epoll_loop_hosts_it)
{
        struct epoll_event interest = {.events = EPOLLIN}, event;
        int loop = epoll_create1(EPOLL_CLOEXEC);
        TestCall call;

        ck_assert_int_eq(
                epoll_ctl(loop, EPOLL_CTL_ADD, kyron_io_driver_handle_fd(handle), &interest), 0);
        for (int i = 0; i < 50; i++) {
                ck_assert_int_eq(start_read(&call), KYRON_PENDING);
                put_byte(peer);
                while (call.completions == 0) {
                        ck_assert_int_eq(epoll_wait(loop, &event, 1, DEADLINE_MS), 1);
                        process(handle, 0);
                }
        }
        close(loop);
}
END_TEST

static void *start_in_thread(void *call)
{
        return (void *)(intptr_t)start_read(call);
}

START_TEST(another_threads_operation_makes_its_descriptor_readable)
{
        int fd = kyron_io_driver_handle_fd(handle);
        pthread_t thread;
        TestCall call;
        void *result;

        process(handle, 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, start_in_thread, &call), 0);
        ck_assert(wait_readable(fd, DEADLINE_MS));
        pthread_join(thread, &result);
        ck_assert_int_eq((intptr_t)result, KYRON_PENDING);
        process(handle, 0);
        put_byte(peer);
        ck_assert(wait_readable(fd, DEADLINE_MS));
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

static void ignore(KyronWaker *waker)
{
        (void)waker;
}

/* ---- fork ---------------------------------------------------------------------------------- */

/* What a child may and may not do with its parent's handle; its exit status is the line that was
 * wrong, or 0. */
static int use_in_child(TestCall *call)
{
        KyronAsyncRegistration *registration = kyron_bridged_fd_registration(bridged_fd);
        KyronOptions options = {.socket_path = kyron_iod.socket_path};
        KyronWaker waker = {.wake = ignore};
        KyronReadyEvent event;
        KyronIoDriverHandle *own;
        KyronBridgedFd *other;
        KyronTimer *timer;
        TestCall late;
        int pipe[2];

#define REQUIRE(condition)                                                                         \
        if (!(condition))                                                                          \
        return __LINE__ % 256

        REQUIRE(pipe2(pipe, O_CLOEXEC | O_NONBLOCK) == 0);
        test_call_init(&late);
        REQUIRE(kyron_io_driver_handle_process_io(handle, 0) == -EOWNERDEAD);
        REQUIRE(strstr(kyron_error_text(), "fork"));
        REQUIRE(kyron_io_driver_handle_fd(handle) == -EOWNERDEAD);
        REQUIRE(kyron_operation_cancel(&call->operation) == -EOWNERDEAD);
        REQUIRE(kyron_bridged_fd_read(bridged_fd, &late.operation, &byte, 1) == -EOWNERDEAD);
        REQUIRE(kyron_bridged_fd_ready(bridged_fd, &late.operation, KYRON_READABLE) == -EOWNERDEAD);
        REQUIRE(kyron_async_registration_request_readiness(registration, KYRON_READABLE, &waker,
                                                           &event) == -EOWNERDEAD);
        REQUIRE(kyron_async_registration_cancel(registration, &waker) == -EOWNERDEAD);
        REQUIRE(kyron_bridged_fd_new(&other, handle, pipe[0]) == -EOWNERDEAD);
        REQUIRE(fcntl(pipe[0], F_GETFD) < 0); /* taken, and closed */
        REQUIRE(kyron_async_registration_new(&registration, handle, pipe[1]) == -EOWNERDEAD);
        REQUIRE(kyron_timer_new(&timer, handle) == -EOWNERDEAD);

        /* It may close what it inherited and begin anew. */
        kyron_bridged_fd_close(bridged_fd);
        kyron_io_driver_handle_close(handle);
        REQUIRE(kyron_io_driver_handle_open(&own, &options) == 0);
        REQUIRE(pipe2(pipe, O_CLOEXEC | O_NONBLOCK) == 0);
        REQUIRE(kyron_bridged_fd_new(&other, own, pipe[0]) == 0);
        REQUIRE(kyron_bridged_fd_read(other, &late.operation, &byte, 1) == KYRON_PENDING);
        REQUIRE(write(pipe[1], "x", 1) == 1);
        while (late.completions == 0)
                REQUIRE(kyron_io_driver_handle_process_io(own, DEADLINE_MS) >= 0);
        kyron_bridged_fd_close(other);
        kyron_io_driver_handle_close(own);
        return 0;
}

START_TEST(a_child_cannot_use_its_parents_handle)
{
        TestCall call;
        int status;
        pid_t child;

        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        process_all(handle);
        fflush(NULL);
        child = fork();
        if (child == 0)
                _exit(use_in_child(&call));
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %#x",
                      status);
        /* The parent has noticed nothing. */
        ck_assert_int_eq(call.completions, 0);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
}
END_TEST

static pthread_barrier_t locked, forked;

static void *hold_the_lock(void *unused)
{
        (void)unused;
        pthread_mutex_lock(&handle->lock);
        pthread_barrier_wait(&locked);
        pthread_barrier_wait(&forked);
        pthread_mutex_unlock(&handle->lock);
        return NULL;
}

START_TEST(a_child_can_close_though_a_thread_held_the_lock)
{
        pthread_t thread;
        int status;
        pid_t child;

        fflush(NULL);
        pthread_barrier_init(&locked, NULL, 2);
        pthread_barrier_init(&forked, NULL, 2);
        ck_assert_int_eq(pthread_create(&thread, NULL, hold_the_lock, NULL), 0);
        pthread_barrier_wait(&locked);
        child = fork();
        if (child == 0) {
                /* Nobody here could ever unlock it. */
                kyron_bridged_fd_close(bridged_fd);
                kyron_io_driver_handle_close(handle);
                _exit(0);
        }
        pthread_barrier_wait(&forked);
        pthread_join(thread, NULL);
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        pthread_barrier_destroy(&locked);
        pthread_barrier_destroy(&forked);
}
END_TEST

/* ---- The daemon's end ---------------------------------------------------------------------- */

/* Every operation that waits ends, and every later one, with this sentence. */
static void check_host_down(TestCall *calls, int count, const char *sentence)
{
        KyronReadyEvent event;
        KyronWaker waker = {.wake = ignore};
        KyronBridgedFd *reader;
        int pipe[2], r;
        TestCall late;

        do
                r = kyron_io_driver_handle_process_io(handle, DEADLINE_MS);
        while (r >= 0);
        ck_assert_int_eq(r, -EHOSTDOWN);
        ck_assert_msg(strstr(kyron_error_text(), sentence) != NULL, "it says: %s",
                      kyron_error_text());
        for (int i = 0; i < count; i++) {
                ck_assert_int_eq(calls[i].completions, 1);
                ck_assert_int_eq(calls[i].result, -EHOSTDOWN);
                ck_assert_msg(strstr(calls[i].text, sentence) != NULL, "it says: %s",
                              calls[i].text);
        }
        /* What need not wait goes on. */
        pipe_pair(pipe);
        put_byte(pipe[1]);
        test_call_init(&late);
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, pipe[0]), 0);
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &late.operation, &byte, 1), 0);
        kyron_bridged_fd_close(reader);
        close(pipe[1]);
        /* What would have to does not. */
        ck_assert_int_eq(start_read(&late), -EHOSTDOWN);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), sentence));
        ck_assert_int_eq(
                kyron_async_registration_request_readiness(
                        kyron_bridged_fd_registration(bridged_fd), KYRON_READABLE, &waker, &event),
                -EHOSTDOWN);
        ck_assert_int_eq(kyron_io_driver_handle_process_io(handle, -1), -EHOSTDOWN);
}

START_TEST(a_daemon_that_stops_ends_every_wait_with_its_words)
{
        TestCall calls[3];

        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(start_read(&calls[i]), KYRON_PENDING);
        process_all(handle);
        test_daemon_stop(&kyron_iod);
        check_host_down(calls, 3, "kyron-iod is stopping");
}
END_TEST

START_TEST(a_daemon_that_is_killed_ends_every_wait)
{
        TestCall calls[3];

        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(start_read(&calls[i]), KYRON_PENDING);
        process_all(handle);
        test_daemon_kill(&kyron_iod);
        check_host_down(calls, 3, "gone");
}
END_TEST

START_TEST(a_daemon_that_stops_before_it_has_read_a_registration_ends_the_wait)
{
        TestCall call;

        process(handle, 0);
        test_daemon_stop(&kyron_iod);
        ck_assert_int_eq(start_read(&call), KYRON_PENDING);
        check_host_down(&call, 1, "kyron-iod is stopping");
}
END_TEST

START_TEST(after_the_daemon_has_gone_closing_still_cancels)
{
        KyronBridgedFd *reader;
        TestCall call;
        int pipe[2];

        test_daemon_kill(&kyron_iod);
        while (kyron_io_driver_handle_process_io(handle, DEADLINE_MS) >= 0)
                ;
        pipe_pair(pipe);
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, pipe[0]), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1), -EHOSTDOWN);
        kyron_bridged_fd_close(reader);
        ck_assert_int_lt(write(pipe[1], "x", 1), 0);
        close(pipe[1]);
}
END_TEST

START_TEST(a_foreign_loop_learns_that_the_daemon_has_gone)
{
        process(handle, 0);
        ck_assert(!wait_readable(kyron_io_driver_handle_fd(handle), 0));
        test_daemon_kill(&kyron_iod);
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), DEADLINE_MS));
        ck_assert_int_eq(kyron_io_driver_handle_process_io(handle, 0), -EHOSTDOWN);
        /* Told once; a loop that goes on does not spin. */
        ck_assert(!wait_readable(kyron_io_driver_handle_fd(handle), 0));
}
END_TEST

TEST_SUITE(test_process_io)
{
        TCase *turns = tcase_create("turns");
        TCase *ends = tcase_create("ends");

        tcase_set_timeout(turns, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(turns, set_up, tear_down);
        tcase_add_test(turns, a_handle_knows_its_session);
        tcase_add_test(turns, the_library_knows_its_version);
        tcase_add_test(turns, the_environment_names_the_socket);
        tcase_add_test(turns, closing_a_handle_calls_what_is_pending);
        tcase_add_test(turns, a_handle_leaves_no_descriptor);
        tcase_add_test(turns, a_handle_without_descriptors_says_so);
        tcase_add_test(turns, a_turn_counts_what_it_ran);
        tcase_add_test(turns, a_turn_ends_when_its_time_is_up);
        tcase_add_loop_test(turns, a_turn_in_which_nothing_was_run_goes_on, 0, 2);
        tcase_add_test(turns, a_completion_cannot_take_a_turn);
        tcase_add_test(turns, one_thread_at_a_time_takes_turns);
        tcase_add_test(turns, waking_ends_the_next_turn_too);
        tcase_add_test(turns, a_signal_ends_a_turn);
        tcase_add_test(turns, a_signal_handler_may_wake);
        tcase_add_test(turns, its_descriptor_is_readable_when_there_is_something_to_do);
        tcase_add_test(turns, nothing_is_written_for_a_descriptor_nobody_has);
        tcase_add_test(turns, a_foreign_epoll_loop_hosts_it);
        tcase_add_test(turns, another_threads_operation_makes_its_descriptor_readable);
        tcase_add_test(turns, a_child_cannot_use_its_parents_handle);
        tcase_add_test(turns, a_child_can_close_though_a_thread_held_the_lock);
        suite_add_tcase(suite, turns);
        tcase_set_timeout(ends, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(ends, set_up, close_client);
        tcase_add_test(ends, a_daemon_that_stops_ends_every_wait_with_its_words);
        tcase_add_test(ends, a_daemon_that_is_killed_ends_every_wait);
        tcase_add_test(ends, a_daemon_that_stops_before_it_has_read_a_registration_ends_the_wait);
        tcase_add_test(ends, after_the_daemon_has_gone_closing_still_cancels);
        tcase_add_test(ends, a_foreign_loop_learns_that_the_daemon_has_gone);
        suite_add_tcase(suite, ends);
}
