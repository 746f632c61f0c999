/*
 * daemon/descriptor_kind: every kind of descriptor is told, what may not be waited for is refused
 * with its reason, and a file system that does not answer is not asked.
 */
#include "core/error.h"
#include "daemon/driver/descriptor_kind.h"
#include "daemon/driver/eventfd_probe.h"
#include "tests/support/fixture.h"
#include "tests/support/silent_fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- what is waited for ---- */

static int make_tcp(void)
{
        return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int make_tcp6(void)
{
        return socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int make_tcp_connection(void)
{
        int pair[2];

        tcp_pair(pair);
        return pair[1];
}

static int make_udp(void)
{
        return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int make_udp6(void)
{
        return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int make_unix_stream(void)
{
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int make_unix_datagram(void)
{
        return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int make_unix_seqpacket(void)
{
        return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static int make_netlink(void)
{
        return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

static int make_udplite(void)
{
        return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE);
}

static int make_pipe_reader(void)
{
        int pipe[2];

        pipe_pair(pipe);
        return pipe[0];
}

static int make_pipe_writer(void)
{
        int pipe[2];

        pipe_pair(pipe);
        return pipe[1];
}

static int make_fifo(void)
{
        char *directory = make_temp_dir();
        char path[4096];
        int fd;

        snprintf(path, sizeof(path), "%s/fifo", directory);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        remove_temp_dir(directory);
        return fd;
}

static int make_eventfd(void)
{
        return eventfd(0, EFD_CLOEXEC);
}

static int make_timerfd(void)
{
        return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
}

static int make_inotify(void)
{
        return inotify_init1(IN_CLOEXEC);
}

static int make_pidfd(void)
{
        return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static int make_epoll(void)
{
        return epoll_create1(EPOLL_CLOEXEC);
}

static const struct Waitable {
        const char *what;
        int (*make)(void);
        DescriptorKind kind;
        const char *name;
        bool has_inode;
} waitables[] = {
        {"a TCP socket", make_tcp, DESCRIPTOR_KIND_TCP, "tcp", true},
        {"a TCP socket of IPv6", make_tcp6, DESCRIPTOR_KIND_TCP, "tcp", true},
        {"a TCP connection", make_tcp_connection, DESCRIPTOR_KIND_TCP, "tcp", true},
        {"a UDP socket", make_udp, DESCRIPTOR_KIND_UDP, "udp", true},
        {"a UDP socket of IPv6", make_udp6, DESCRIPTOR_KIND_UDP, "udp", true},
        {"a Unix stream", make_unix_stream, DESCRIPTOR_KIND_UNIX_STREAM, "unix-stream", true},
        {"a Unix datagram", make_unix_datagram, DESCRIPTOR_KIND_UNIX_DATAGRAM, "unix-datagram",
         true},
        {"a Unix seqpacket", make_unix_seqpacket, DESCRIPTOR_KIND_UNIX_SEQPACKET, "unix-seqpacket",
         true},
        {"a netlink socket", make_netlink, DESCRIPTOR_KIND_SOCKET, "socket", true},
        {"a UDP-Lite socket", make_udplite, DESCRIPTOR_KIND_SOCKET, "socket", true},
        {"a pipe's reader", make_pipe_reader, DESCRIPTOR_KIND_PIPE, "pipe", true},
        {"a pipe's writer", make_pipe_writer, DESCRIPTOR_KIND_PIPE, "pipe", true},
        {"a FIFO", make_fifo, DESCRIPTOR_KIND_PIPE, "pipe", true},
        {"an eventfd", make_eventfd, DESCRIPTOR_KIND_EVENTFD, "eventfd", false},
        {"a timerfd", make_timerfd, DESCRIPTOR_KIND_TIMERFD, "timerfd", false},
        {"an inotify", make_inotify, DESCRIPTOR_KIND_INOTIFY, "inotify", false},
        {"a pidfd", make_pidfd, DESCRIPTOR_KIND_PIDFD, "pidfd", false},
};

enum { WAITABLES = sizeof(waitables) / sizeof(waitables[0]) };

/* Twice: the second time as where no probe tells an eventfd. */
START_TEST(each_kind_is_told)
{
        const struct Waitable *waitable = &waitables[_i % WAITABLES];
        DescriptorKind kind = DESCRIPTOR_KIND_UNKNOWN;
        uint64_t inode = UINT64_MAX;
        struct stat file;
        int fd = waitable->make();

        if (fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT || errno == ENOSYS))
                SKIP_TEST("%s cannot be made here: %s", waitable->what, strerror(errno));
        ck_assert_msg(fd >= 0, "%s: %s", waitable->what, strerror(errno));
        if (_i >= WAITABLES)
                eventfd_probe_close();
        ck_assert_msg(descriptor_kind_classify(fd, &kind, &inode) == 0, "%s: %s", waitable->what,
                      error_text());
        ck_assert_msg(kind == waitable->kind, "%s is %s", waitable->what,
                      descriptor_kind_name(kind));
        ck_assert_str_eq(descriptor_kind_name(kind), waitable->name);
        ck_assert_int_eq(fstat(fd, &file), 0);
        ck_assert_uint_eq(inode, waitable->has_inode ? file.st_ino : 0);
}
END_TEST

/* As a daemon has it whose kernel, or whose filter of system calls, has none. */
static bool has_probe(void)
{
        return eventfd_probe(make_eventfd());
}

START_TEST(an_eventfd_is_told_without_its_link)
{
        const struct Waitable *waitable = &waitables[_i];
        int fd = waitable->make();

        if (!has_probe())
                SKIP_TEST("this kernel does not tell an eventfd by what it refuses");
        /* What has a type is not asked. */
        if (waitable->has_inode)
                return;
        ck_assert_int_eq(eventfd_probe(fd), waitable->kind == DESCRIPTOR_KIND_EVENTFD);
        eventfd_probe_close();
        ck_assert(!eventfd_probe(fd));
}
END_TEST

START_TEST(asking_does_nothing_to_an_eventfd)
{
        eventfd_t value;
        int fd = eventfd(7, EFD_CLOEXEC | EFD_NONBLOCK);

        for (int i = 0; i < 1000; i++)
                eventfd_probe(fd);
        ck_assert_int_eq(eventfd_read(fd, &value), 0);
        ck_assert_uint_eq(value, 7);
        ck_assert_int_lt(eventfd_read(fd, &value), 0);
        ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(names_differ_and_every_number_has_one)
{
        for (int i = 0; i < DESCRIPTOR_KIND_COUNT; i++) {
                ck_assert_ptr_nonnull(descriptor_kind_name(i));
                for (int j = 0; j < i; j++)
                        ck_assert_str_ne(descriptor_kind_name(i), descriptor_kind_name(j));
        }
        ck_assert_str_eq(descriptor_kind_name(DESCRIPTOR_KIND_COUNT), "unknown");
        ck_assert_str_eq(descriptor_kind_name(UINT8_MAX), "unknown");
}
END_TEST

/* ---- what is not ---- */

static int open_path_only(void)
{
        return open("/etc/passwd", O_PATH | O_CLOEXEC);
}

static int open_path_of(int take_fd)
{
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", take_fd);
        fd = open(path, O_PATH | O_CLOEXEC);
        close(take_fd);
        return fd;
}

static int open_path_of_socket(void)
{
        return open_path_of(make_unix_stream());
}

static int open_path_of_pipe(void)
{
        return open_path_of(make_pipe_reader());
}

static int open_path_of_eventfd(void)
{
        return open_path_of(make_eventfd());
}

static int open_regular(void)
{
        return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int open_pollable_regular(void)
{
        return open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
}

static int make_memfd(void)
{
        return memfd_create("test", MFD_CLOEXEC);
}

static int open_directory(void)
{
        return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_null(void)
{
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int open_terminal(void)
{
        return open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static int make_signalfd(void)
{
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGUSR1);
        return signalfd(-1, &mask, SFD_CLOEXEC);
}

static int make_fanotify(void)
{
        return fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);
}

static int make_userfaultfd(void)
{
        return (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
}

/* Two, as a kernel without the one may have the other. */
static int make_vsock(void)
{
        return socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int make_alg(void)
{
        return socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static int make_closed_number(void)
{
        int fd = make_eventfd();

        close(fd);
        return fd;
}

static const char always_ready_file[] = "a regular file is always ready: use it without waiting";
static const char device[] = "the daemon does not wait for devices: wait in the program itself";

static const struct Refused {
        const char *what;
        int (*make)(void);
        int error;
        const char *text;
} refused[] = {
        {"an O_PATH descriptor", open_path_only, EBADF,
         "an O_PATH descriptor cannot be waited for: open the file"},
        {"an O_PATH descriptor of a socket", open_path_of_socket, EBADF,
         "an O_PATH descriptor cannot be waited for: open the file"},
        {"an O_PATH descriptor of a pipe", open_path_of_pipe, EBADF,
         "an O_PATH descriptor cannot be waited for: open the file"},
        {"an O_PATH descriptor of an eventfd", open_path_of_eventfd, EBADF,
         "an O_PATH descriptor cannot be waited for: open the file"},
        {"a regular file", open_regular, EPERM, always_ready_file},
        {"a regular file that epoll takes", open_pollable_regular, EPERM, always_ready_file},
        {"a memfd", make_memfd, EPERM, always_ready_file},
        {"a directory", open_directory, EPERM,
         "a directory is always ready: use it without waiting"},
        {"/dev/null", open_null, EOPNOTSUPP, device},
        {"a terminal", open_terminal, EOPNOTSUPP, device},
        {"a signalfd", make_signalfd, EOPNOTSUPP,
         "the daemon does not wait for anon_inode:[signalfd]: wait in the program itself"},
        {"a fanotify", make_fanotify, EOPNOTSUPP,
         "the daemon does not wait for anon_inode:[fanotify]: wait in the program itself"},
        {"a userfaultfd", make_userfaultfd, EOPNOTSUPP,
         "the daemon does not wait for anon_inode:[userfaultfd]: wait in the program itself"},
        {"an epoll set", make_epoll, EOPNOTSUPP,
         "the daemon does not wait for anon_inode:[eventpoll]: wait in the program itself"},
        {"a vsock socket", make_vsock, EOPNOTSUPP,
         "the daemon does not wait for sockets of family 40: wait in the program itself"},
        {"an AF_ALG socket", make_alg, EOPNOTSUPP,
         "the daemon does not wait for sockets of family 38: wait in the program itself"},
        {"a number that is not open", make_closed_number, EBADF, "not an open descriptor"},
};

START_TEST(each_refusal_says_why)
{
        const struct Refused *row = &refused[_i];
        DescriptorKind kind;
        uint64_t inode;
        int fd = row->make();

        if (fd < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES || errno == ENOENT ||
                       errno == EAFNOSUPPORT))
                SKIP_TEST("%s cannot be made here: %s", row->what, strerror(errno));
        ck_assert_msg(fd >= 0, "%s: %s", row->what, strerror(errno));
        ck_assert_msg(descriptor_kind_classify(fd, &kind, &inode) == -row->error, "%s: %s",
                      row->what, error_text());
        ck_assert_str_eq(error_text(), row->text);
}
END_TEST

START_TEST(a_file_system_that_does_not_answer_is_not_asked)
{
        /* Invariant 8. If it were asked, this would hang and time out. */
        DescriptorKind kind = DESCRIPTOR_KIND_UNKNOWN;
        uint64_t inode;
        mode_t mode = _i == 0 ? S_IFREG : S_IFIFO;
        int fd = silent_fuse_open(mode);
        int r;

        if (fd < 0)
                SKIP_TEST("no FUSE file system can be mounted here: %s", strerror(errno));
        r = descriptor_kind_classify(fd, &kind, &inode);
        silent_fuse_end();
        if (mode == S_IFREG)
                ck_assert_int_eq(r, -EPERM);
        else
                ck_assert(r == 0 && kind == DESCRIPTOR_KIND_PIPE);
}
END_TEST

START_TEST(without_proc_anonymous_files_are_refused_and_sockets_are_not)
{
        DescriptorKind kind = DESCRIPTOR_KIND_UNKNOWN;
        uint64_t inode;
        int fd = make_eventfd();
        int pair[2];

        descriptor_kind_close();
        ck_assert_int_eq(descriptor_kind_classify(fd, &kind, &inode), -EOPNOTSUPP);
        ck_assert_str_eq(
                error_text(),
                "without /proc the daemon cannot tell what this is: wait in the program itself");
        unix_pair(SOCK_STREAM, pair);
        ck_assert_int_eq(descriptor_kind_classify(pair[0], &kind, &inode), 0);
        ck_assert_int_eq(kind, DESCRIPTOR_KIND_UNIX_STREAM);
}
END_TEST

TEST_SUITE(test_descriptor_kind)
{
        TCase *kinds = tcase_create("kinds");
        TCase *refusals = tcase_create("refusals");
        TCase *silent = tcase_create("silent");

        tcase_add_checked_fixture(kinds, descriptor_kind_open, descriptor_kind_close);
        tcase_add_loop_test(kinds, each_kind_is_told, 0, WAITABLES * 2);
        tcase_add_loop_test(kinds, an_eventfd_is_told_without_its_link, 0, WAITABLES);
        tcase_add_test(kinds, asking_does_nothing_to_an_eventfd);
        tcase_add_test(kinds, names_differ_and_every_number_has_one);
        tcase_set_timeout(kinds, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, kinds);

        tcase_add_checked_fixture(refusals, descriptor_kind_open, descriptor_kind_close);
        tcase_add_loop_test(refusals, each_refusal_says_why, 0,
                            (int)(sizeof(refused) / sizeof(refused[0])));
        tcase_add_test(refusals, without_proc_anonymous_files_are_refused_and_sockets_are_not);
        tcase_set_timeout(refusals, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, refusals);

        tcase_add_loop_test(silent, a_file_system_that_does_not_answer_is_not_asked, 0, 2);
        tcase_set_timeout(silent, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, silent);
}
