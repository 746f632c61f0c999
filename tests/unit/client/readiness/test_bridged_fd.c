/* Descriptors with their registrations: IO in call form on every kind, closing and releasing. */
#include "client/readiness/bridged_fd.h"

#include "tests/support/client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static char byte;

static void set_up(void)
{
        signal(SIGPIPE, SIG_IGN);
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
}

static void tear_down(void)
{
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

static KyronBridgedFd *bridge(int take_fd)
{
        KyronBridgedFd *bridged_fd;
        int r = kyron_bridged_fd_new(&bridged_fd, handle, take_fd);

        ck_assert_msg(r == 0, "%s", kyron_error_text());
        return bridged_fd;
}

/* Starts to read where there is nothing yet. */
static void wait_to_read(KyronBridgedFd *bridged_fd, TestCall *call, void *buffer, size_t size)
{
        test_call_init(call);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, &call->operation, buffer, size),
                         KYRON_PENDING);
}

/* ---- New ----------------------------------------------------------------------------------- */

START_TEST(it_is_made_non_blocking_and_owns_its_descriptor)
{
        KyronBridgedFd *bridged_fd;
        int pipe[2];

        ck_assert_int_eq(pipe2(pipe, O_CLOEXEC), 0);
        bridged_fd = bridge(pipe[0]);
        ck_assert_int_eq(kyron_bridged_fd_fd(bridged_fd), pipe[0]);
        ck_assert_int_ne(fcntl(pipe[0], F_GETFL) & O_NONBLOCK, 0);
        kyron_bridged_fd_close(bridged_fd);
        ck_assert_int_lt(fcntl(pipe[0], F_GETFL), 0);
        close(pipe[1]);
}
END_TEST

START_TEST(what_is_not_open_is_refused)
{
        KyronBridgedFd *bridged_fd;
        int fd = dup(0);

        close(fd);
        ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, fd), -EBADF);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "not an open descriptor"));
        ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, -1), -EBADF);
}
END_TEST

START_TEST(what_never_waits_is_never_registered)
{
        int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        KyronBridgedFd *bridged_fd = bridge(file);
        TestCall call;
        char bytes[4];

        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, &call.operation, bytes, 4), 0);
        ck_assert_int_eq(call.operation.result, 4);
        ck_assert_uint_eq(kyron_bridged_fd_registration(bridged_fd)->id, IO_ID_NONE);
        kyron_bridged_fd_close(bridged_fd);
}
END_TEST

/* ---- Kinds --------------------------------------------------------------------------------- */

START_TEST(an_eventfd_can_be_awaited)
{
        KyronBridgedFd *bridged_fd = bridge(eventfd(0, EFD_CLOEXEC));
        uint64_t value = 0;
        TestCall call;

        wait_to_read(bridged_fd, &call, &value, sizeof(value));
        ck_assert_int_eq(eventfd_write(kyron_bridged_fd_fd(bridged_fd), 7), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_uint_eq(value, 7);
        kyron_bridged_fd_close(bridged_fd);
}
END_TEST

START_TEST(an_inotify_can_be_awaited)
{
        char *directory = make_temp_dir();
        KyronBridgedFd *bridged_fd = bridge(inotify_init1(IN_CLOEXEC));
        char events[sizeof(struct inotify_event) + NAME_MAX + 1], path[PATH_MAX];
        TestCall call;
        int file;

        ck_assert_int_ge(inotify_add_watch(kyron_bridged_fd_fd(bridged_fd), directory, IN_CREATE),
                         0);
        wait_to_read(bridged_fd, &call, events, sizeof(events));
        snprintf(path, sizeof(path), "%s/new", directory);
        file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_gt(call.result, 0);
        close(file);
        kyron_bridged_fd_close(bridged_fd);
        remove_temp_dir(directory);
}
END_TEST

START_TEST(a_timerfd_can_be_awaited)
{
        const struct itimerspec soon = {.it_value.tv_nsec = 1000000};
        KyronBridgedFd *bridged_fd = bridge(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
        uint64_t value = 0;
        TestCall call;

        wait_to_read(bridged_fd, &call, &value, sizeof(value));
        timerfd_settime(kyron_bridged_fd_fd(bridged_fd), 0, &soon, NULL);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_uint_eq(value, 1);
        kyron_bridged_fd_close(bridged_fd);
}
END_TEST

static ssize_t wait_for_set(int borrow_fd, KyronOperation *operation)
{
        struct epoll_event events;
        int n = epoll_wait(borrow_fd, &events, 1, 0);

        (void)operation;
        return n == 0 ? -EAGAIN : n;
}

START_TEST(an_epoll_set_can_be_awaited)
{
        struct epoll_event interest = {.events = EPOLLIN};
        int set = epoll_create1(EPOLL_CLOEXEC);
        KyronBridgedFd *bridged_fd = bridge(set);
        TestCall call;
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(epoll_ctl(set, EPOLL_CTL_ADD, pipe[0], &interest), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, &call.operation, KYRON_READABLE,
                                                     wait_for_set),
                         KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        put_byte(pipe[1]);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        kyron_bridged_fd_close(bridged_fd);
        close(pipe[0]);
        close(pipe[1]);
}
END_TEST

/* ---- Reading and writing ------------------------------------------------------------------- */

START_TEST(a_write_waits_for_room)
{
        KyronBridgedFd *bridged_fd;
        TestCall call;
        int pipe[2];

        pipe_pair(pipe);
        fill(pipe[1]);
        bridged_fd = bridge(pipe[1]);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_write(bridged_fd, &call.operation, "x", 1),
                         KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        drain(pipe[0]);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        ck_assert_uint_eq(drain(pipe[0]), 1);
        kyron_bridged_fd_close(bridged_fd);
        close(pipe[0]);
}
END_TEST

START_TEST(parts_are_read_and_written_in_one)
{
        char ab[2], cde[3];
        const struct iovec in[] = {{ab, 2}, {cde, 3}};
        const struct iovec out[] = {{(void *)"ABC", 3}, {(void *)"DE", 2}};
        KyronBridgedFd *reader, *writer;
        TestCall reading, writing;
        int ends[2];

        unix_pair(SOCK_STREAM, ends);
        reader = bridge(ends[0]);
        writer = bridge(ends[1]);
        test_call_init(&reading);
        test_call_init(&writing);
        ck_assert_int_eq(kyron_bridged_fd_readv(reader, &reading.operation, in, 2), KYRON_PENDING);
        ck_assert_int_eq(kyron_bridged_fd_writev(writer, &writing.operation, out, 2), 0);
        ck_assert_int_eq(writing.operation.result, 5);
        ck_assert(PROCESS_UNTIL(handle, reading.completions == 1));
        ck_assert_int_eq(reading.result, 5);
        ck_assert_int_eq(memcmp(ab, "AB", 2), 0);
        ck_assert_int_eq(memcmp(cde, "CDE", 3), 0);
        /* And with a wait. */
        fill(ends[1]);
        ck_assert_int_eq(kyron_bridged_fd_writev(writer, &writing.operation, out, 2),
                         KYRON_PENDING);
        drain(ends[0]);
        ck_assert(PROCESS_UNTIL(handle, writing.completions == 1));
        ck_assert_int_eq(writing.result, 5);
        kyron_bridged_fd_close(reader);
        kyron_bridged_fd_close(writer);
}
END_TEST

START_TEST(a_blocked_write_widens_a_reads_registration)
{
        KyronBridgedFd *bridged_fd;
        TestCall reading, writing;
        int ends[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        bridged_fd = bridge(ends[0]);
        wait_to_read(bridged_fd, &reading, &byte, 1);
        process_all(handle);
        fill(ends[0]);
        test_call_init(&writing);
        ck_assert_int_eq(kyron_bridged_fd_write(bridged_fd, &writing.operation, "x", 1),
                         KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(writing.completions, 0);
        drain(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, writing.completions == 1));
        ck_assert_int_eq(reading.completions, 0);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, reading.completions == 1));
        kyron_bridged_fd_close(bridged_fd);
        close(ends[1]);
}
END_TEST

/* An edge between the last read and the wait for more would be lost if it were not looked for. */
START_TEST(a_long_stream_is_read_to_its_end)
{
        enum { BYTES = 1 << 20 };
        KyronBridgedFd *bridged_fd;
        char block[1000];
        size_t sent = 0, received = 0;
        TestCall call;
        int pipe[2];

        pipe_pair(pipe);
        bridged_fd = bridge(pipe[0]);
        test_call_init(&call);
        memset(block, 'x', sizeof(block));
        while (received < BYTES) {
                int r = kyron_bridged_fd_read(bridged_fd, &call.operation, block, sizeof(block));

                call.completions = 0;
                /* Between the read and the turn, and in pieces of all sizes. */
                for (size_t i = 0; i < sent % 7 && sent < BYTES; i++) {
                        size_t size = 1 + sent * 31 % 997;
                        ssize_t n =
                                write(pipe[1], block, size > BYTES - sent ? BYTES - sent : size);

                        sent += n > 0 ? (size_t)n : 0;
                }
                if (sent < BYTES && sent % 7 == 0)
                        sent += (size_t)write(pipe[1], block, 1);
                if (r == KYRON_PENDING) {
                        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                        received += (size_t)call.result;
                } else {
                        ck_assert_int_eq(r, 0);
                        received += (size_t)call.operation.result;
                }
        }
        ck_assert_uint_eq(sent, received);
        kyron_bridged_fd_close(bridged_fd);
        close(pipe[1]);
}
END_TEST

static void ignore(KyronWaker *waker)
{
        (void)waker;
}

START_TEST(readiness_is_awaited_without_io)
{
        KyronBridgedFd *bridged_fd;
        KyronReadyEvent event;
        KyronWaker unused = {.wake = ignore};
        TestCall call;
        int pipe[2];

        pipe_pair(pipe);
        bridged_fd = bridge(pipe[0]);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_ready(bridged_fd, &call.operation, KYRON_READABLE), 0);
        ck_assert_int_eq(call.operation.result, KYRON_READABLE);
        ck_assert_int_lt(read(pipe[0], &byte, 1), 0);
        ck_assert_int_eq(
                kyron_async_registration_request_readiness(
                        kyron_bridged_fd_registration(bridged_fd), KYRON_READABLE, &unused, &event),
                0);
        kyron_async_registration_clear_readiness(kyron_bridged_fd_registration(bridged_fd), &event,
                                                 KYRON_READABLE);
        ck_assert_int_eq(kyron_bridged_fd_ready(bridged_fd, &call.operation, KYRON_READABLE),
                         KYRON_PENDING);
        put_byte(pipe[1]);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, KYRON_READABLE);
        ck_assert_int_eq(read(pipe[0], &byte, 1), 1);
        kyron_bridged_fd_close(bridged_fd);
        close(pipe[1]);
}
END_TEST

/* ---- What closed and broken descriptors say ------------------------------------------------ */

START_TEST(writing_where_nobody_reads_raises_no_signal)
{
        const struct iovec part = {&byte, 1};
        KyronBridgedFd *bridged_fd;
        TestCall call;
        int ends[2];

        signal(SIGPIPE, SIG_DFL);
        if (_i)
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        else
                pipe_pair(ends);
        close(ends[0]);
        bridged_fd = bridge(ends[1]);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_write(bridged_fd, &call.operation, &byte, 1), -EPIPE);
        ck_assert_int_eq(kyron_bridged_fd_writev(bridged_fd, &call.operation, &part, 1), -EPIPE);
        kyron_bridged_fd_close(bridged_fd);
}
END_TEST

START_TEST(a_readers_end_breaks_a_waiting_write)
{
        KyronBridgedFd *bridged_fd;
        TestCall call;
        int pipe[2];

        pipe_pair(pipe);
        fill(pipe[1]);
        bridged_fd = bridge(pipe[1]);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_write(bridged_fd, &call.operation, "x", 1),
                         KYRON_PENDING);
        process_all(handle);
        close(pipe[0]);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -EPIPE);
        kyron_bridged_fd_close(bridged_fd);
}
END_TEST

static ssize_t count_and_read(int borrow_fd, KyronOperation *operation)
{
        ssize_t n = read(borrow_fd, &byte, 1);

        ++*(int *)operation->arguments.object;
        /* Without a writer a FIFO is at its end; this reader waits for the next one. */
        return n > 0 ? n : -EAGAIN;
}

START_TEST(a_fifo_without_writers_does_not_spin)
{
        char *directory = make_temp_dir(), path[PATH_MAX];
        KyronBridgedFd *bridged_fd;
        int writer, runs = 0;
        TestCall call;

        snprintf(path, sizeof(path), "%s/fifo", directory);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        bridged_fd = bridge(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        test_call_init(&call);
        call.operation.arguments.object = &runs;
        ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, &call.operation, KYRON_READABLE,
                                                     count_and_read),
                         KYRON_PENDING);
        process_all(handle);
        for (int i = 1; i <= 5; i++) {
                writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
                ck_assert_int_ge(writer, 0);
                close(writer);
                for (int k = 0; k < 10; k++)
                        process_all(handle);
                /* At most once for each event: readable or hung up. */
                ck_assert_int_le(runs, 1 + 3 * i);
                ck_assert_int_eq(call.completions, 0);
        }
        writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        put_byte(writer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        close(writer);
        kyron_bridged_fd_close(bridged_fd);
        remove_temp_dir(directory);
}
END_TEST

/* ---- Closing ------------------------------------------------------------------------------- */

START_TEST(closing_cancels_what_waits_at_the_next_turn)
{
        KyronBridgedFd *bridged_fd;
        TestCall calls[3];
        int pipe[2];

        pipe_pair(pipe);
        bridged_fd = bridge(pipe[0]);
        for (int i = 0; i < 3; i++)
                wait_to_read(bridged_fd, &calls[i], &byte, 1);
        process_all(handle);
        kyron_bridged_fd_close(bridged_fd);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(calls[i].completions, 0);
        /* The peer knows before that; the daemon's copy may be on its way to being closed. */
        ck_assert(WAIT_UNTIL(wait_for_events(pipe[1], 0, 0) & POLLERR, DEADLINE_MS));
        ck_assert_int_eq(process(handle, 0), 3);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(calls[i].completions, 1);
                ck_assert_int_eq(calls[i].result, -ECANCELED);
        }
        close(pipe[1]);
}
END_TEST

START_TEST(closing_wakes_a_worker_that_waits_in_another_loop)
{
        KyronBridgedFd *bridged_fd;
        TestCall call;
        int pipe[2];

        pipe_pair(pipe);
        bridged_fd = bridge(pipe[0]);
        wait_to_read(bridged_fd, &call, &byte, 1);
        process_all(handle);
        process(handle, 0);
        ck_assert(!wait_readable(kyron_io_driver_handle_fd(handle), 0));
        kyron_bridged_fd_close(bridged_fd);
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), 0));
        process(handle, 0);
        ck_assert_int_eq(call.result, -ECANCELED);
        close(pipe[1]);
}
END_TEST

START_TEST(what_a_close_cancels_may_have_been_woken_before)
{
        KyronBridgedFd *bridged_fd;
        TestCall call;
        int pipe[2];

        pipe_pair(pipe);
        bridged_fd = bridge(pipe[0]);
        wait_to_read(bridged_fd, &call, &byte, 1);
        process_all(handle);
        put_byte(pipe[1]);
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), DEADLINE_MS));
        kyron_bridged_fd_close(bridged_fd);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ECANCELED);
        close(pipe[1]);
}
END_TEST

static KyronBridgedFd *to_be_closed;

static void close_it(KyronOperation *operation)
{
        TestCall *call = operation->user;

        call->completions++;
        call->result = operation->result;
        kyron_bridged_fd_close(to_be_closed);
        to_be_closed = NULL;
}

START_TEST(a_completion_may_close_what_others_wait_for)
{
        TestCall closer, others[3];
        int pipe[2];

        pipe_pair(pipe);
        to_be_closed = bridge(pipe[0]);
        wait_to_read(to_be_closed, &closer, &byte, 1);
        closer.operation.completion = close_it;
        for (int i = 0; i < 3; i++)
                wait_to_read(to_be_closed, &others[i], &byte, 1);
        process_all(handle);
        put_byte(pipe[1]);
        ck_assert(PROCESS_UNTIL(handle, closer.completions == 1));
        for (int i = 0; i < 3; i++) {
                ck_assert(PROCESS_UNTIL(handle, others[i].completions == 1));
                ck_assert_int_eq(others[i].result, -ECANCELED);
        }
        close(pipe[1]);
}
END_TEST

START_TEST(a_number_used_again_is_another_registration)
{
        for (int i = 0; i < 200; i++) {
                KyronBridgedFd *bridged_fd;
                TestCall call;
                int pipe[2];

                pipe_pair(pipe);
                bridged_fd = bridge(pipe[0]);
                wait_to_read(bridged_fd, &call, &byte, 1);
                process(handle, 0);
                put_byte(pipe[1]);
                if (i % 3)
                        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                kyron_bridged_fd_close(bridged_fd);
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                close(pipe[1]);
        }
}
END_TEST

START_TEST(closing_nothing_is_allowed)
{
        kyron_bridged_fd_close(NULL);
}
END_TEST

/* ---- Releasing ----------------------------------------------------------------------------- */

START_TEST(a_released_descriptor_is_open_and_can_be_bridged_again)
{
        KyronBridgedFd *bridged_fd;
        TestCall call;
        int pipe[2];

        pipe_pair(pipe);
        for (int i = 0; i < 10; i++) {
                int fd = -1;

                bridged_fd = bridge(pipe[0]);
                wait_to_read(bridged_fd, &call, &byte, 1);
                process_all(handle);
                ck_assert(PROCESS_UNTIL(handle, kyron_bridged_fd_release(bridged_fd, &fd) == 0));
                ck_assert_int_eq(fd, pipe[0]);
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                ck_assert_int_eq(call.result, -ECANCELED);
        }
        put_byte(pipe[1]);
        ck_assert_int_eq(read(pipe[0], &byte, 1), 1);
        close(pipe[0]);
        close(pipe[1]);
}
END_TEST

START_TEST(releasing_what_was_never_registered_needs_no_daemon)
{
        KyronBridgedFd *bridged_fd;
        int pipe[2], fd;

        pipe_pair(pipe);
        bridged_fd = bridge(pipe[0]);
        ck_assert_int_eq(kyron_bridged_fd_release(bridged_fd, &fd), 0);
        ck_assert_int_eq(fd, pipe[0]);
        close(pipe[0]);
        close(pipe[1]);
}
END_TEST

/* ---- Refused ------------------------------------------------------------------------------- */

START_TEST(the_same_file_twice_ends_in_an_error_that_says_so)
{
        KyronBridgedFd *one, *two;
        TestCall first, second;
        int pipe[2];

        pipe_pair(pipe);
        one = bridge(pipe[0]);
        two = bridge(dup(pipe[0]));
        wait_to_read(one, &first, &byte, 1);
        wait_to_read(two, &second, &byte, 1);
        ck_assert(PROCESS_UNTIL(handle, second.completions == 1));
        ck_assert_int_eq(second.result, -EEXIST);
        ck_assert_msg(strstr(second.text, "registered in this session already") != NULL,
                      "it says: %s", second.text);
        test_call_init(&second);
        for (int i = 0; i < 3; i++) {
                error_set(EIO, "another sentence");
                ck_assert_int_eq(kyron_bridged_fd_read(two, &second.operation, &byte, 1), -EEXIST);
                ck_assert_ptr_nonnull(strstr(kyron_error_text(), "registered in this session"));
        }
        put_byte(pipe[1]);
        ck_assert(PROCESS_UNTIL(handle, first.completions == 1));
        ck_assert_int_eq(first.result, 1);
        kyron_bridged_fd_close(one);
        kyron_bridged_fd_close(two);
        close(pipe[1]);
}
END_TEST

static ssize_t never(int borrow_fd, KyronOperation *operation)
{
        (void)borrow_fd;
        (void)operation;
        return -EAGAIN;
}

START_TEST(every_operation_on_a_refused_descriptor_ends)
{
        KyronBridgedFd *bridged_fd = bridge(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        TestCall calls[3];

        for (int i = 0; i < 3; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_bridged_fd_async_call(bridged_fd, &calls[i].operation,
                                                             KYRON_READABLE, never),
                                 KYRON_PENDING);
        }
        for (int i = 0; i < 3; i++) {
                ck_assert(PROCESS_UNTIL(handle, calls[i].completions == 1));
                ck_assert_int_eq(calls[i].result, -EPERM);
                ck_assert_ptr_nonnull(strstr(calls[i].text, "directory"));
        }
        kyron_bridged_fd_close(bridged_fd);
}
END_TEST

START_TEST(past_the_users_limit_the_daemon_refuses)
{
        const char *const options[] = {"--max-registrations-per-user", "2", NULL};
        KyronBridgedFd *bridged_fds[3];
        TestDaemon limited;
        TestCall calls[3];
        int pipes[3][2];

        tear_down();
        test_daemon_start(&limited, options);
        handle = open_handle(&limited);
        for (int i = 0; i < 3; i++) {
                pipe_pair(pipes[i]);
                bridged_fds[i] = bridge(pipes[i][0]);
                wait_to_read(bridged_fds[i], &calls[i], &byte, 1);
        }
        ck_assert(PROCESS_UNTIL(handle, calls[2].completions == 1));
        ck_assert_int_eq(calls[2].result, -EDQUOT);
        ck_assert_ptr_nonnull(strstr(calls[2].text, "2"));
        for (int i = 0; i < 3; i++) {
                kyron_bridged_fd_close(bridged_fds[i]);
                close(pipes[i][1]);
        }
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&limited);
        set_up();
}
END_TEST

TEST_SUITE(test_bridged_fd)
{
        TCase *using = tcase_create("using");
        TCase *ending = tcase_create("ending");

        tcase_set_timeout(using, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(using, set_up, tear_down);
        tcase_add_test(using, it_is_made_non_blocking_and_owns_its_descriptor);
        tcase_add_test(using, what_is_not_open_is_refused);
        tcase_add_test(using, what_never_waits_is_never_registered);
        tcase_add_test(using, an_eventfd_can_be_awaited);
        tcase_add_test(using, an_inotify_can_be_awaited);
        tcase_add_test(using, a_timerfd_can_be_awaited);
        tcase_add_test(using, an_epoll_set_can_be_awaited);
        tcase_add_test(using, a_write_waits_for_room);
        tcase_add_test(using, parts_are_read_and_written_in_one);
        tcase_add_test(using, a_blocked_write_widens_a_reads_registration);
        tcase_add_test(using, a_long_stream_is_read_to_its_end);
        tcase_add_test(using, readiness_is_awaited_without_io);
        suite_add_tcase(suite, using);
        tcase_set_timeout(ending, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(ending, set_up, tear_down);
        tcase_add_loop_test(ending, writing_where_nobody_reads_raises_no_signal, 0, 2);
        tcase_add_test(ending, a_readers_end_breaks_a_waiting_write);
        tcase_add_test(ending, a_fifo_without_writers_does_not_spin);
        tcase_add_test(ending, closing_cancels_what_waits_at_the_next_turn);
        tcase_add_test(ending, closing_wakes_a_worker_that_waits_in_another_loop);
        tcase_add_test(ending, what_a_close_cancels_may_have_been_woken_before);
        tcase_add_test(ending, a_completion_may_close_what_others_wait_for);
        tcase_add_test(ending, a_number_used_again_is_another_registration);
        tcase_add_test(ending, closing_nothing_is_allowed);
        tcase_add_test(ending, a_released_descriptor_is_open_and_can_be_bridged_again);
        tcase_add_test(ending, releasing_what_was_never_registered_needs_no_daemon);
        tcase_add_test(ending, the_same_file_twice_ends_in_an_error_that_says_so);
        tcase_add_test(ending, every_operation_on_a_refused_descriptor_ends);
        tcase_add_test(ending, past_the_users_limit_the_daemon_refuses);
        suite_add_tcase(suite, ending);
}
