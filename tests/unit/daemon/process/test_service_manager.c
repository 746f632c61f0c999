/*
 * daemon/service_manager: what systemd hands over is taken only if it is right, and what it wants
 * to be told is known. The tests are systemd: they set its variables.
 */
#include "core/error.h"
#include "daemon/process/service_manager.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what systemd passes ---- */

enum { FIRST_PASSED = 3 };

/* What a process that systemd started has to say. */
typedef struct Taken {
        int result;
        int fd;
        int status_flags;
        int descriptor_flags;
        bool still_said; /* LISTEN_FDS is set */
        char text[ERROR_TEXT_MAX];
} Taken;

/* Puts descriptors where systemd does and says so, as for this process. */
static void pass(int count, const int *borrow_fds)
{
        char number[32];
        int high[4];

        for (int i = 0; i < count; i++)
                high[i] = fcntl(borrow_fds[i], F_DUPFD_CLOEXEC, 100);
        for (int i = 0; i < count; i++)
                dup2(high[i], FIRST_PASSED + i);
        snprintf(number, sizeof(number), "%d", (int)getpid());
        setenv("LISTEN_PID", number, 1);
        snprintf(number, sizeof(number), "%d", count);
        setenv("LISTEN_FDS", number, 1);
}

/* Starts a process as systemd does, since its numbers are the test framework's here, and has it
 * take the socket. variable: one more to set, or NULL. */
static Taken start_and_take(int count, const int *borrow_fds, const char *variable,
                            const char *value, pid_t *pid)
{
        Taken taken = {.fd = -1};
        int pipe[2];
        pid_t child;

        pipe_pair(pipe);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                int out = fcntl(pipe[1], F_DUPFD_CLOEXEC, 100);

                pass(count, borrow_fds);
                if (variable)
                        setenv(variable, value, 1);
                taken.result = service_manager_take_socket(&taken.fd);
                taken.status_flags = fcntl(taken.fd, F_GETFL);
                taken.descriptor_flags = fcntl(taken.fd, F_GETFD);
                taken.still_said = getenv("LISTEN_FDS") != NULL;
                strcpy(taken.text, error_text());
                _exit(write(out, &taken, sizeof(taken)) == sizeof(taken) ? 0 : 1);
        }
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
        ck_assert_int_eq(read(pipe[0], &taken, sizeof(taken)), sizeof(taken));
        if (pid)
                *pid = child;
        return taken;
}

/* systemd's sockets block. */
static int blocking_listener(void)
{
        int fd = listen_unix(1).fd;

        ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
        return fd;
}

START_TEST(not_started_by_systemd_there_is_no_socket)
{
        int fd = -1;

        unsetenv("LISTEN_PID");
        unsetenv("LISTEN_FDS");
        ck_assert_int_eq(service_manager_take_socket(&fd), 0);
        ck_assert_int_eq(fd, -1);
}
END_TEST

#if HAVE_SYSTEMD

START_TEST(the_socket_of_systemd_is_taken_and_does_not_block)
{
        int listener = blocking_listener();
        Taken taken = start_and_take(1, &listener, NULL, NULL, NULL);

        ck_assert_msg(taken.result == 1, "%s", taken.text);
        ck_assert_int_eq(taken.fd, FIRST_PASSED);
        ck_assert(taken.status_flags & O_NONBLOCK);
        ck_assert_int_eq(taken.descriptor_flags, FD_CLOEXEC);
        ck_assert(!taken.still_said);
}
END_TEST

START_TEST(the_daemon_is_named_as_the_peer_not_who_opened_the_socket)
{
        TestListener listener = listen_unix(1);
        struct ucred peer;
        socklen_t size = sizeof(peer);
        pid_t daemon;
        int fd;

        ck_assert_int_eq(start_and_take(1, &listener.fd, NULL, NULL, &daemon).result, 1);
        fd = connect_unix(&listener);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
        ck_assert_int_eq(peer.pid, daemon);
}
END_TEST

START_TEST(a_socket_for_another_process_is_not_taken)
{
        int listener = blocking_listener();
        Taken taken = start_and_take(1, &listener, "LISTEN_PID", "1", NULL);

        ck_assert_int_eq(taken.result, 0);
        ck_assert_int_eq(taken.fd, -1);
}
END_TEST

static int make_stream_listener(void)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        return fd;
}

static int make_connection(void)
{
        int pair[2];

        unix_pair(SOCK_SEQPACKET, pair);
        return pair[0];
}

static int make_file(void)
{
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int (*const wrong[])(void) = {make_stream_listener, make_connection, make_file};

START_TEST(what_is_not_one_seqpacket_listener_is_refused)
{
        int passed = wrong[_i]();
        Taken taken = start_and_take(1, &passed, NULL, NULL, NULL);

        ck_assert_int_eq(taken.result, -EINVAL);
        ck_assert_str_eq(taken.text, "systemd has to pass one ListenSequentialPacket= socket");
}
END_TEST

START_TEST(two_sockets_are_one_too_many)
{
        int passed[2] = {blocking_listener(), blocking_listener()};

        ck_assert_int_eq(start_and_take(2, passed, NULL, NULL, NULL).result, -EINVAL);
}
END_TEST

START_TEST(what_is_no_number_is_an_error)
{
        int listener = blocking_listener();
        Taken taken = start_and_take(1, &listener, "LISTEN_FDS", "one", NULL);

        ck_assert_int_lt(taken.result, 0);
        ck_assert_ptr_nonnull(strstr(taken.text, "the sockets from systemd cannot be used"));
}
END_TEST

/* ---- what it wants to be told ---- */

START_TEST(the_watchdogs_time_is_what_systemd_says_for_this_process)
{
        char pid[32];

        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        ck_assert_uint_eq(service_manager_watchdog_usec(), 0);
        setenv("WATCHDOG_USEC", "30000000", 1);
        ck_assert_uint_eq(service_manager_watchdog_usec(), 30000000);
        setenv("WATCHDOG_PID", "1", 1);
        ck_assert_uint_eq(service_manager_watchdog_usec(), 0);
        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        setenv("WATCHDOG_PID", pid, 1);
        ck_assert_uint_eq(service_manager_watchdog_usec(), 30000000);
        setenv("WATCHDOG_USEC", "soon", 1);
        ck_assert_uint_eq(service_manager_watchdog_usec(), 0);
}
END_TEST

#else

START_TEST(what_systemd_passes_is_taken)
{
        SKIP_TEST("built without systemd");
}
END_TEST

START_TEST(built_without_systemd_a_socket_is_refused_and_the_rest_means_nothing)
{
        int listener = blocking_listener();

        ck_assert_int_eq(start_and_take(1, &listener, NULL, NULL, NULL).result, -ENOSYS);
        ck_assert_int_eq(start_and_take(1, &listener, "LISTEN_PID", "1", NULL).result, 0);
        setenv("WATCHDOG_USEC", "30000000", 1);
        ck_assert_uint_eq(service_manager_watchdog_usec(), 0);
}
END_TEST

#endif

TEST_SUITE(test_service_manager)
{
        TCase *sockets = tcase_create("sockets");
        TCase *notifications = tcase_create("notifications");

        tcase_add_test(sockets, not_started_by_systemd_there_is_no_socket);
#if HAVE_SYSTEMD
        tcase_add_test(sockets, the_socket_of_systemd_is_taken_and_does_not_block);
        tcase_add_test(sockets, the_daemon_is_named_as_the_peer_not_who_opened_the_socket);
        tcase_add_test(sockets, a_socket_for_another_process_is_not_taken);
        tcase_add_loop_test(sockets, what_is_not_one_seqpacket_listener_is_refused, 0,
                            (int)(sizeof(wrong) / sizeof(wrong[0])));
        tcase_add_test(sockets, two_sockets_are_one_too_many);
        tcase_add_test(sockets, what_is_no_number_is_an_error);
        tcase_add_test(notifications, the_watchdogs_time_is_what_systemd_says_for_this_process);
#else
        tcase_add_test(sockets, what_systemd_passes_is_taken);
        tcase_add_test(sockets,
                       built_without_systemd_a_socket_is_refused_and_the_rest_means_nothing);
#endif
        tcase_set_timeout(sockets, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(notifications, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, sockets);
        suite_add_tcase(suite, notifications);
}
