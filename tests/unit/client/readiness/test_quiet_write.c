/* Writing where nobody reads any more: an error and no signal, and the program's own signals stay.
 */
#include "client/readiness/quiet_write.h"

#include "tests/support/fixture.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct iovec parts[] = {{(char *)"ab", 2}, {(char *)"c", 1}};
static atomic_int signals;

static void count_signal(int number)
{
        (void)number;
        signals++;
}

/* A pipe, or a socket, whose other end is closed. */
static int make_broken(bool is_socket)
{
        int ends[2];

        if (is_socket) {
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
                close(ends[0]);
        } else {
                pipe_pair(ends);
                close(ends[0]);
        }
        return ends[1];
}

static void check_broken(int fd)
{
        for (int i = 0; i < 3; i++) {
                errno = 0;
                ck_assert_int_eq(quiet_writev(fd, parts, 2), -1);
                ck_assert_int_eq(errno, EPIPE);
        }
}

static bool is_pending(void)
{
        sigset_t pending;

        sigpending(&pending);
        return sigismember(&pending, SIGPIPE);
}

static void block(int how)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        pthread_sigmask(how, &set, NULL);
}

START_TEST(where_nobody_reads_there_is_an_error_and_no_signal)
{
        int fd = make_broken(_i);

        signal(SIGPIPE, count_signal);
        check_broken(fd);
        ck_assert_int_eq(signals, 0);
        ck_assert(!is_pending());
        /* With nothing done about it, too, which would end the program. */
        signal(SIGPIPE, SIG_DFL);
        check_broken(fd);
        close(fd);
}
END_TEST

START_TEST(a_program_that_blocks_the_signal_finds_none)
{
        int fd = make_broken(_i);

        block(SIG_BLOCK);
        check_broken(fd);
        ck_assert(!is_pending());
        close(fd);
}
END_TEST

START_TEST(a_signal_of_the_programs_own_is_not_taken_from_it)
{
        int fd = make_broken(_i);

        signal(SIGPIPE, count_signal);
        block(SIG_BLOCK);
        raise(SIGPIPE);
        check_broken(fd);
        ck_assert(is_pending());
        ck_assert_int_eq(signals, 0);
        block(SIG_UNBLOCK);
        ck_assert_int_eq(signals, 1);
        close(fd);
}
END_TEST

START_TEST(what_is_read_is_written)
{
        char text[4] = "";
        int ends[2];

        if (_i)
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        else
                pipe_pair(ends);
        ck_assert_int_eq(quiet_writev(ends[1], parts, 2), 3);
        ck_assert_int_eq(read(ends[0], text, sizeof(text)), 3);
        ck_assert_str_eq(text, "abc");
        ck_assert_int_eq(quiet_writev(ends[1], parts, IOV_MAX + 1), -1);
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_int_eq(quiet_writev(ends[1], parts, -1), -1);
        ck_assert_int_eq(errno, EINVAL);
        close(ends[0]);
        close(ends[1]);
}
END_TEST

START_TEST(what_is_no_pipe_is_written_too)
{
        uint64_t value = 7, got = 0;
        const struct iovec part = {&value, sizeof(value)};
        int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

        ck_assert_int_eq(quiet_writev(fd, &part, 1), sizeof(value));
        ck_assert_int_eq(read(fd, &got, sizeof(got)), sizeof(got));
        ck_assert_uint_eq(got, 7);
        value = UINT64_MAX - 1;
        ck_assert_int_eq(quiet_writev(fd, &part, 1), sizeof(value));
        ck_assert_int_eq(quiet_writev(fd, &part, 1), -1);
        ck_assert_int_eq(errno, EAGAIN);
        close(fd);
}
END_TEST

TEST_SUITE(test_quiet_write)
{
        TCase *tcase = tcase_create("quiet write");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_loop_test(tcase, where_nobody_reads_there_is_an_error_and_no_signal, 0, 2);
        tcase_add_loop_test(tcase, a_program_that_blocks_the_signal_finds_none, 0, 2);
        tcase_add_loop_test(tcase, a_signal_of_the_programs_own_is_not_taken_from_it, 0, 2);
        tcase_add_loop_test(tcase, what_is_read_is_written, 0, 2);
        tcase_add_test(tcase, what_is_no_pipe_is_written_too);
        suite_add_tcase(suite, tcase);
}
