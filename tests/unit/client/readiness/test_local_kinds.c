/*
 * What can be waited for does not depend on who serves: each kind of descriptor with a daemon,
 * without one, and over the change from one to the other.
 */
#include "client/handle/io_driver_handle.h"
#include "client/readiness/bridged_fd.h"
#include "tests/support/client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

/* Opens one; the other end, or what it is made ready by, in *other. -1: there is none here. */
static int open_terminal(int *other)
{
        int fd;

        *other = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (*other < 0 || grantpt(*other) < 0 || unlockpt(*other) < 0)
                return -1;
        fd = open(ptsname(*other), O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0) {
                struct termios settings;

                tcgetattr(fd, &settings);
                cfmakeraw(&settings);
                tcsetattr(fd, TCSANOW, &settings);
        }
        return fd;
}

static int open_signalfd(int *other)
{
        sigset_t set;

        *other = -1;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_epoll(int *other)
{
        struct epoll_event interest = {.events = EPOLLIN};
        int set = epoll_create1(EPOLL_CLOEXEC);

        *other = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        epoll_ctl(set, EPOLL_CTL_ADD, *other, &interest);
        return set;
}

static int open_pipe(int *other)
{
        int ends[2];

        pipe_pair(ends);
        *other = ends[1];
        return ends[0];
}

static void write_byte(int other)
{
        put_byte(other);
}

static void raise_signal(int other)
{
        (void)other;
        kill(getpid(), SIGUSR1);
}

static void write_event(int other)
{
        eventfd_write(other, 1);
}

static void take(int fd, int other)
{
        (void)other;
        drain(fd);
}

static void take_event(int fd, int other)
{
        (void)fd;
        drain(other);
}

static const struct Kind {
        const char *name;
        int (*open)(int *other);
        void (*make_ready)(int other);
        void (*take)(int fd, int other); /* takes that back */
} kinds[] = {
        {"a terminal", open_terminal, write_byte, take},
        {"a signalfd", open_signalfd, raise_signal, take},
        {"an epoll set", open_epoll, write_event, take_event},
        {"a pipe", open_pipe, write_byte, take},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronBridgedFd *bridged_fd;
static int other;
static TestCall call;

static bool open_kind(const struct Kind *kind)
{
        int fd = kind->open(&other);

        if (fd < 0)
                return false;
        ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, fd), 0);
        return true;
}

/* Waits for it, without IO: then it is the same of all kinds. */
static void start_waiting(void)
{
        KyronReadyEvent seen;

        ck_assert(async_registration_is_ready(&bridged_fd->registration, KYRON_READABLE, &seen));
        kyron_async_registration_clear_readiness(&bridged_fd->registration, &seen, KYRON_READABLE);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_ready(bridged_fd, &call.operation, KYRON_READABLE),
                         KYRON_PENDING);
}

static void check_served(const struct Kind *kind)
{
        kind->make_ready(other);
        ck_assert_msg(PROCESS_UNTIL(handle, call.completions == 1), "%s", kind->name);
        ck_assert_msg(call.result & KYRON_READABLE, "%s: %zd %s", kind->name, call.result,
                      call.text);
        kind->take(kyron_bridged_fd_fd(bridged_fd), other);
}

static void close_kind(void)
{
        kyron_bridged_fd_close(bridged_fd);
        if (other >= 0)
                close(other);
        process(handle, 0);
}

static void open_with(bool local_fallback)
{
        const KyronOptions options = {
                .socket_path = kyron_iod.socket_path,
                .local_fallback = local_fallback,
        };

        ck_assert_int_eq(kyron_io_driver_handle_open(&handle, &options), 0);
}

START_TEST(it_is_served_where_there_is_a_daemon)
{
        const struct Kind *kind = &kinds[_i];
        size_t before;

        test_daemon_start(&kyron_iod, NULL);
        open_with(false);
        before = count_descriptors();
        if (!open_kind(kind))
                SKIP_TEST("there is no %s here", kind->name);
        start_waiting();
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        check_served(kind);
        /* Again: what comes first after a wait. */
        start_waiting();
        process_all(handle);
        check_served(kind);
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
        close_kind();
        ck_assert_uint_eq(count_descriptors(), before);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}
END_TEST

START_TEST(it_is_served_where_there_is_none_and_when_there_is_one)
{
        const struct Kind *kind = &kinds[_i];

        test_daemon_start(&kyron_iod, NULL);
        test_daemon_crash(&kyron_iod);
        open_with(true);
        if (!open_kind(kind))
                SKIP_TEST("there is no %s here", kind->name);
        start_waiting();
        process(handle, 0);
        check_served(kind);
        start_waiting();
        test_daemon_start_again(&kyron_iod, NULL);
        ck_assert(PROCESS_UNTIL(handle, kyron_io_driver_handle_served_by(handle) ==
                                                KYRON_SERVED_BY_DAEMON));
        process_all(handle);
        ck_assert_int_eq(call.completions, 0);
        check_served(kind);
        close_kind();
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}
END_TEST

START_TEST(it_is_served_over_an_outage_where_nothing_else_is)
{
        const struct Kind *kind = &kinds[_i];

        test_daemon_start(&kyron_iod, NULL);
        open_with(false);
        if (!open_kind(kind))
                SKIP_TEST("there is no %s here", kind->name);
        start_waiting();
        process_all(handle);
        test_daemon_crash(&kyron_iod);
        ck_assert(PROCESS_UNTIL(handle,
                                kyron_io_driver_handle_served_by(handle) == KYRON_SERVED_LATER));
        if (kind->open != open_pipe) {
                check_served(kind);
                start_waiting();
        }
        test_daemon_start_again(&kyron_iod, NULL);
        check_served(kind);
        close_kind();
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}
END_TEST

START_TEST(what_is_always_ready_is_refused_alike)
{
        static const char *const paths[] = {"/dev/null", "/", "/proc/self/exe"};
        int fd;

        test_daemon_start(&kyron_iod, NULL);
        if (_i)
                test_daemon_crash(&kyron_iod);
        open_with(true);
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                ssize_t r;

                fd = open(paths[i], O_RDONLY | O_CLOEXEC);
                ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, fd), 0);
                bridged_fd->registration.word = 0;
                test_call_init(&call);
                r = kyron_bridged_fd_ready(bridged_fd, &call.operation, KYRON_READABLE);
                if (r == KYRON_PENDING) {
                        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                        r = call.result;
                } else {
                        strcpy(call.text, kyron_error_text());
                }
                ck_assert_int_eq(r, -EPERM);
                ck_assert_ptr_nonnull(strstr(call.text, "always ready"));
                kyron_bridged_fd_close(bridged_fd);
        }
        kyron_io_driver_handle_close(handle);
        if (_i)
                test_daemon_start_again(&kyron_iod, NULL);
        test_daemon_stop(&kyron_iod);
}
END_TEST

/* One that the kernel does not pass on. */
START_TEST(what_cannot_be_sent_is_served_here)
{
#ifdef SYS_io_uring_setup
        uint32_t parameters[30] = {0};
        int fd = (int)syscall(SYS_io_uring_setup, 1, parameters);
        int ends[2];
        KyronBridgedFd *beside;
        TestCall beside_call;
        char byte;

        if (fd < 0)
                SKIP_TEST("there is no io_uring here: %s", strerror(errno));
        test_daemon_start(&kyron_iod, NULL);
        open_with(false);
        ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, fd), 0);
        pipe_pair(ends);
        ck_assert_int_eq(kyron_bridged_fd_new(&beside, handle, ends[0]), 0);
        start_waiting();
        test_call_init(&beside_call);
        ck_assert_int_eq(kyron_bridged_fd_read(beside, &beside_call.operation, &byte, 1),
                         KYRON_PENDING);
        process_all(handle);
        /* There is nothing in its ring, and nobody says that it cannot be waited for. */
        ck_assert_int_eq(call.completions, 0);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, beside_call.completions == 1));
        kyron_bridged_fd_close(beside);
        kyron_bridged_fd_close(bridged_fd);
        process(handle, 0);
        ck_assert_int_eq(call.result, -ECANCELED);
        close(ends[1]);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
#else
        SKIP_TEST("the headers know no io_uring");
#endif
}
END_TEST

TEST_SUITE(test_local_kinds)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_loop_test(all, it_is_served_where_there_is_a_daemon, 0, KINDS);
        tcase_add_loop_test(all, it_is_served_where_there_is_none_and_when_there_is_one, 0, KINDS);
        tcase_add_loop_test(all, it_is_served_over_an_outage_where_nothing_else_is, 0, KINDS);
        tcase_add_loop_test(all, what_is_always_ready_is_refused_alike, 0, 2);
        tcase_add_test(all, what_cannot_be_sent_is_served_here);
        suite_add_tcase(suite, all);
}
