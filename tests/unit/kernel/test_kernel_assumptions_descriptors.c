/*
 * What the code relies on about descriptors it did not open, proven against the kernel it runs on:
 * how to tell what one is without asking the file itself, what is shared between duplicates, what
 * can block, and what accept() does at the limit. The files that really block (FUSE) are not here:
 * a failed test of those would hang for ever.
 */
#include "tests/support/deadline.h"
#include "tests/support/epoll_set.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- what a descriptor is ---- */

static int open_unix(void)
{
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int open_udp(void)
{
        return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int open_pipe(void)
{
        int ends[2];

        pipe_pair(ends);
        return ends[0];
}

static int open_fifo(void)
{
        char *directory = make_temp_dir();
        char path[256];
        int fd;

        snprintf(path, sizeof(path), "%s/fifo", directory);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        remove_temp_dir(directory);
        return fd;
}

static int open_eventfd(void)
{
        return eventfd(0, EFD_CLOEXEC);
}

static int open_timerfd(void)
{
        return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
}

static int open_inotify(void)
{
        return inotify_init1(IN_CLOEXEC);
}

static int open_signalfd(void)
{
        sigset_t none;

        sigemptyset(&none);
        return signalfd(-1, &none, SFD_CLOEXEC);
}

static int open_pidfd(void)
{
        return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static int open_userfaultfd(void)
{
        enum { USER_MODE_ONLY = 1 };

        return (int)syscall(SYS_userfaultfd, O_CLOEXEC | USER_MODE_ONLY);
}

static int open_fanotify(void)
{
        return fanotify_init(FAN_CLOEXEC | FAN_REPORT_FID, O_RDONLY);
}

static int open_null(void)
{
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int open_regular(void)
{
        return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int open_directory(void)
{
        return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

enum { NO_TYPE = 0 };

static const struct Kind {
        int (*open)(void);
        mode_t type;      /* S_IFMT part of the mode */
        const char *name; /* what the link in /proc/self/fd begins with */
} kinds[] = {
        {open_unix, S_IFSOCK, "socket:["},
        {open_udp, S_IFSOCK, "socket:["},
        {open_pipe, S_IFIFO, "pipe:["},
        {open_fifo, S_IFIFO, "/"},
        {open_eventfd, NO_TYPE, "anon_inode:[eventfd]"},
        {open_timerfd, NO_TYPE, "anon_inode:[timerfd]"},
        {open_inotify, NO_TYPE, "anon_inode:inotify"}, /* the only one without brackets */
        {open_signalfd, NO_TYPE, "anon_inode:[signalfd]"},
        {open_pidfd, NO_TYPE, "anon_inode:[pidfd]"},
        {epoll_set_open, NO_TYPE, "anon_inode:[eventpoll]"},
        {open_userfaultfd, NO_TYPE, "anon_inode:[userfaultfd]"},
        {open_fanotify, NO_TYPE, "anon_inode:[fanotify]"},
        {open_null, S_IFCHR, "/dev/null"},
        {open_regular, S_IFREG, "/"},
        {open_directory, S_IFDIR, "/"},
};

START_TEST(statx_and_the_proc_link_tell_what_a_descriptor_is)
{
        const struct Kind *kind = &kinds[_i];
        char path[64];
        char name[256];
        struct statx status;
        ssize_t length;
        int fd = kind->open();
        mode_t type;

        if (fd < 0)
                SKIP_TEST("no descriptor for %s: %s", kind->name, strerror(errno));
        ck_assert_int_eq(statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status), 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        length = readlink(path, name, sizeof(name) - 1);
        ck_assert_int_gt(length, 0);
        name[length] = '\0';

        type = status.stx_mode & S_IFMT;
        ck_assert_msg(type == kind->type, "%s: type %o", name, type);
        ck_assert_msg(strncmp(name, kind->name, strlen(kind->name)) == 0, "%s", name);
}
END_TEST

START_TEST(a_numbers_link_tells_what_is_on_it_now)
{
        const struct Kind *kind = &kinds[_i];
        int fd = kind->open(), number = eventfd(0, EFD_CLOEXEC), link_fd;
        char path[64], name[256];
        ssize_t length;

        if (fd < 0)
                SKIP_TEST("no descriptor for %s: %s", kind->name, strerror(errno));
        snprintf(path, sizeof(path), "/proc/self/fd/%d", number);
        link_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        ck_assert_int_ge(link_fd, 0);
        ck_assert_int_eq(dup3(fd, number, O_CLOEXEC), number);
        length = readlinkat(link_fd, "", name, sizeof(name) - 1);
        ck_assert_int_gt(length, 0);
        name[length] = '\0';
        ck_assert_msg(strncmp(name, kind->name, strlen(kind->name)) == 0, "%s", name);
}
END_TEST

START_TEST(epoll_takes_no_o_path_descriptor)
{
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", open_eventfd());
        fd = open(path, O_PATH | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(epoll_set_add(epoll_set_open(), fd, EPOLLIN, 1), -EBADF);
}
END_TEST

START_TEST(f_getfl_shows_an_o_path_descriptor)
{
        int named = open("/dev/null", O_PATH | O_CLOEXEC);

        ck_assert_int_ne(fcntl(named, F_GETFL) & O_PATH, 0);
        ck_assert_int_eq(fcntl(open_null(), F_GETFL) & O_PATH, 0);
}
END_TEST

START_TEST(epoll_takes_kinds_that_are_ours_to_refuse)
{
        int (*const opens[])(void) = {open_userfaultfd, open_fanotify, open_signalfd};
        int fd = opens[_i]();

        if (fd < 0)
                SKIP_TEST("kind %d: %s", _i, strerror(errno));
        ck_assert_int_eq(epoll_set_add(epoll_set_open(), fd, EPOLLIN, 1), 0);
}
END_TEST

START_TEST(a_signalfd_tells_the_signals_of_who_put_it_into_the_set)
{
        sigset_t usr1;
        int set;
        int fd;
        pid_t child;
        int status;

        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        sigprocmask(SIG_BLOCK, &usr1, NULL);
        fd = signalfd(-1, &usr1, SFD_CLOEXEC | SFD_NONBLOCK);
        set = epoll_set_open();
        ck_assert_int_eq(epoll_set_add(set, fd, EPOLLIN | EPOLLET, 1), 0);

        child = fork();
        if (child == 0) {
                struct epoll_event event;

                raise(SIGUSR1);
                /* The set is the parent's: this child's own signal does not come out of it. */
                _exit(epoll_wait(set, &event, 1, 0));
        }
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        raise(SIGUSR1);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLLIN);
}
END_TEST

/* ---- what belongs to the open file, and what to the number ---- */

START_TEST(o_nonblock_is_shared_by_duplicates_and_close_on_exec_is_not)
{
        int ends[2];
        int carrier[2];
        FdMessage message;
        char byte;

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        unix_pair(SOCK_SEQPACKET, carrier);
        ck_assert_int_eq(fd_message_send(carrier[0], "x", 1, &ends[0], 1), 1);
        ck_assert_int_eq(fd_message_receive(carrier[1], &byte, 1, 1, &message), 1);
        ck_assert_uint_eq(message.count, 1);

        ck_assert_int_eq(fcntl(ends[0], F_SETFL, 0), 0);
        ck_assert_int_eq(fcntl(message.fds[0], F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_eq(fcntl(ends[0], F_SETFD, 0), 0);
        ck_assert_int_eq(fcntl(message.fds[0], F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(msg_dontwait_does_not_wait_on_a_blocking_socket)
{
        int ends[2];
        char byte;

        unix_pair(SOCK_SEQPACKET, ends);
        ck_assert_int_eq(recv(ends[0], &byte, 1, MSG_DONTWAIT), -1);
        ck_assert_int_eq(errno, EAGAIN);
        while (send(ends[0], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
                ;
        ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(the_last_close_of_a_lingering_tcp_socket_blocks)
{
        struct linger linger = {.l_onoff = 1, .l_linger = 1};
        enum { MOST_OF_IT_MS = 800 };
        Deadline before;
        int ends[2];

        /* Although the socket is non-blocking: so what clients send is closed off the loop. */
        tcp_pair(ends);
        fill(ends[0]);
        ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
        before = deadline_in(MOST_OF_IT_MS);
        close(ends[0]);
        ck_assert_int_eq(deadline_left(before), 0);
}
END_TEST

/* ---- accept ---- */

START_TEST(at_the_descriptor_limit_accept_fails_and_the_listener_stays_readable)
{
        TestListener listener = listen_unix(8);
        int client = connect_unix(&listener);
        int spare = open_null();

        ck_assert_int_ge(client, 0);
        if (!limit_descriptors(spare + 1))
                SKIP_TEST("the kernel does not see the limit (valgrind keeps its own)");
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC), -1);
                ck_assert_int_eq(errno, EMFILE);
                ck_assert(wait_readable(listener.fd, 0));
        }
        /* Nothing was lost: with a spare descriptor the connection can be taken, and refused. */
        close(spare);
        ck_assert_int_ge(accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC), 0);
        unlimit_descriptors();
}
END_TEST

START_TEST(a_full_backlog_is_eagain_and_takes_one_more_than_it_says)
{
        TestListener listener = listen_unix(2);

        for (int i = 0; i < 3; i++)
                ck_assert_int_ge(connect_unix(&listener), 0);
        ck_assert_int_eq(connect_unix(&listener), -EAGAIN);
        ck_assert_int_ge(accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC), 0);
        ck_assert_int_ge(connect_unix(&listener), 0);
}
END_TEST

START_TEST(a_connection_that_was_dropped_before_accept_is_still_accepted)
{
        TestListener listener = listen_unix(2);
        char byte;
        int fd;

        close(connect_unix(&listener));
        fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
}
END_TEST

TEST_SUITE(test_kernel_assumptions_descriptors)
{
        TCase *classify = tcase_create("classify");
        TCase *shared = tcase_create("shared");
        TCase *accepting = tcase_create("accept");

        tcase_add_loop_test(classify, statx_and_the_proc_link_tell_what_a_descriptor_is, 0,
                            (int)(sizeof(kinds) / sizeof(kinds[0])));
        tcase_add_loop_test(classify, a_numbers_link_tells_what_is_on_it_now, 0,
                            (int)(sizeof(kinds) / sizeof(kinds[0])));
        tcase_add_test(classify, epoll_takes_no_o_path_descriptor);
        tcase_add_test(classify, f_getfl_shows_an_o_path_descriptor);
        tcase_add_loop_test(classify, epoll_takes_kinds_that_are_ours_to_refuse, 0, 3);
        tcase_add_test(classify, a_signalfd_tells_the_signals_of_who_put_it_into_the_set);
        tcase_set_timeout(classify, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, classify);

        tcase_add_test(shared, o_nonblock_is_shared_by_duplicates_and_close_on_exec_is_not);
        tcase_add_test(shared, msg_dontwait_does_not_wait_on_a_blocking_socket);
        tcase_add_test(shared, the_last_close_of_a_lingering_tcp_socket_blocks);
        tcase_set_timeout(shared, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, shared);

        tcase_add_test(accepting,
                       at_the_descriptor_limit_accept_fails_and_the_listener_stays_readable);
        tcase_add_test(accepting, a_full_backlog_is_eagain_and_takes_one_more_than_it_says);
        tcase_add_test(accepting, a_connection_that_was_dropped_before_accept_is_still_accepted);
        tcase_set_timeout(accepting, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, accepting);
}
