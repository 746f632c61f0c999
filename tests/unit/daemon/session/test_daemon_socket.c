/*
 * daemon/session/daemon_socket: a dead daemon's socket is replaced, a living one's is not, nothing
 * else is ever removed, and who may connect is right from the first moment.
 */
#include "core/error.h"
#include "daemon/session/daemon_socket.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *directory;
static char path[108];
static DaemonSocket listening;

static void set_up(void)
{
        unsetenv("LISTEN_FDS");
        directory = make_temp_dir();
        snprintf(path, sizeof(path), "%s/socket", directory);
}

static void tear_down(void)
{
        daemon_socket_close(&listening);
        remove_temp_dir(directory);
}

static int try_connect(int type)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r;

        strcpy(address.sun_path, path);
        r = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        close(fd);
        return r;
}

/* A socket file, with or without somebody who serves it. */
static int make_socket_file(int type, bool served)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        strcpy(address.sun_path, path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        if (served && type != SOCK_DGRAM)
                ck_assert_int_eq(listen(fd, 0), 0);
        if (!served)
                close(fd);
        return fd;
}

static mode_t mode_of(const char *file)
{
        struct stat status;

        ck_assert_int_eq(lstat(file, &status), 0);
        return status.st_mode;
}

START_TEST(clients_can_connect_and_the_listener_does_not_block)
{
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), 0);
        ck_assert_int_eq(fcntl(listening.fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_lt(accept(listening.fd, NULL, NULL), 0);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_int_eq(try_connect(SOCK_SEQPACKET), 0);
        ck_assert_int_ge(accept(listening.fd, NULL, NULL), 0);
}
END_TEST

START_TEST(who_may_connect_is_as_said_whatever_the_umask)
{
        umask(_i ? 0 : 0777);
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), 0);
        ck_assert_uint_eq(mode_of(path), S_IFSOCK | 0666);
        daemon_socket_close(&listening);
        ck_assert_int_eq(daemon_socket_open(&listening, path, true), 0);
        ck_assert_uint_eq(mode_of(path), S_IFSOCK | 0600);
}
END_TEST

START_TEST(closing_removes_the_file_and_opening_anew_works)
{
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(daemon_socket_open(&listening, path, false), 0);
                daemon_socket_close(&listening);
                ck_assert_int_eq(access(path, F_OK), -1);
                ck_assert_int_eq(listening.fd, -1);
        }
        /* Nobody else's, then. */
        make_socket_file(SOCK_SEQPACKET, true);
        daemon_socket_close(&listening);
        ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_file_that_took_its_place_is_not_removed)
{
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), 0);
        ck_assert_int_eq(unlink(path), 0);
        make_socket_file(SOCK_SEQPACKET, true);
        daemon_socket_close(&listening);
        ck_assert_int_eq(try_connect(SOCK_SEQPACKET), 0);
}
END_TEST

START_TEST(a_socket_left_by_a_dead_daemon_is_replaced)
{
        make_socket_file(SOCK_SEQPACKET, false);
        ck_assert_int_eq(try_connect(SOCK_SEQPACKET), -ECONNREFUSED);
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), 0);
        ck_assert_int_eq(try_connect(SOCK_SEQPACKET), 0);
}
END_TEST

static const int living[] = {SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM};

START_TEST(a_socket_somebody_serves_is_left_alone)
{
        char expected[256];
        size_t before;

        make_socket_file(living[_i], true);
        /* One more than its backlog holds, so that it can take no more. */
        for (int i = 0; i < 2; i++)
                try_connect(living[_i]);
        before = count_descriptors();
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), -EADDRINUSE);
        snprintf(expected, sizeof(expected), "%s is served by another daemon: stop it first", path);
        ck_assert_str_eq(error_text(), expected);
        ck_assert_int_eq(try_connect(living[_i]) == -ECONNREFUSED, 0);
        ck_assert_uint_eq(count_descriptors(), before);
        daemon_socket_close(&listening);
        ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
        char target[128];

        snprintf(target, sizeof(target), "%s/target", directory);
        switch (_i) {
        case 0:
                close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
                break;
        case 1:
                ck_assert_int_eq(mkfifo(path, 0600), 0);
                break;
        default:
                /* A link that leads nowhere yet: not followed. */
                ck_assert_int_eq(symlink(target, path), 0);
                break;
        }
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), -EEXIST);
        ck_assert_ptr_nonnull(strstr(error_text(), "is not a socket"));
        ck_assert(!S_ISSOCK(mode_of(path)));
        ck_assert_int_eq(access(target, F_OK), -1);
}
END_TEST

START_TEST(of_two_daemons_that_start_at_once_one_says_so)
{
        char lock_path[128];
        int lock;

        snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
        lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_eq(flock(lock, LOCK_EX), 0);
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), -EADDRINUSE);
        ck_assert_ptr_nonnull(strstr(error_text(), "another daemon is starting: it has locked"));
        ck_assert_int_eq(access(path, F_OK), -1);
        close(lock);
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), 0);
        /* The lock is for the start only. */
        ck_assert_int_eq(access(lock_path, F_OK), -1);
}
END_TEST

START_TEST(who_may_only_read_the_directory_keeps_no_daemon_from_starting)
{
        int lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        ck_assert_int_eq(flock(lock, LOCK_EX), 0);
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), 0);
}
END_TEST

START_TEST(a_lock_that_is_not_ours_is_said_and_left_alone)
{
        char lock_path[128];

        snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
        ck_assert_int_eq(mkfifo(lock_path, 0600), 0);
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), -EEXIST);
        ck_assert_ptr_nonnull(strstr(error_text(), "is not this user's file: move it away"));
        ck_assert(S_ISFIFO(mode_of(lock_path)));
        if (geteuid() != 0)
                SKIP_TEST("only root can make another user's file");
        ck_assert_int_eq(unlink(lock_path), 0);
        close(open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666));
        ck_assert_int_eq(chown(lock_path, 12345, 12345), 0);
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), -EEXIST);
}
END_TEST

START_TEST(a_private_instance_makes_its_directory)
{
        char inner[64], socket_path[80], other[80];

        snprintf(inner, sizeof(inner), "%s/inner", directory);
        snprintf(socket_path, sizeof(socket_path), "%s/socket", inner);
        ck_assert_int_eq(daemon_socket_open(&listening, socket_path, false), -ENOENT);
        ck_assert_int_eq(daemon_socket_open(&listening, socket_path, true), 0);
        ck_assert_uint_eq(mode_of(inner), S_IFDIR | 0700);
        daemon_socket_close(&listening);
        ck_assert_int_eq(access(inner, F_OK), -1);
        /* One that was there stays, and so does one that something else is in. */
        ck_assert_int_eq(mkdir(inner, 0700), 0);
        ck_assert_int_eq(daemon_socket_open(&listening, socket_path, true), 0);
        daemon_socket_close(&listening);
        ck_assert_int_eq(rmdir(inner), 0);
        ck_assert_int_eq(daemon_socket_open(&listening, socket_path, true), 0);
        snprintf(other, sizeof(other), "%s/other", inner);
        ck_assert_int_eq(mkdir(other, 0700), 0);
        daemon_socket_close(&listening);
        ck_assert_int_eq(rmdir(other), 0);
        ck_assert_int_eq(rmdir(inner), 0);
}
END_TEST

START_TEST(a_directory_that_cannot_be_used_is_said)
{
        char inside[128];

        snprintf(inside, sizeof(inside), "%s/file/socket", directory);
        strcpy(strrchr(inside, '/'), "");
        close(open(inside, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        strcat(inside, "/socket");
        ck_assert_int_eq(daemon_socket_open(&listening, inside, false), -ENOTDIR);
        ck_assert_ptr_nonnull(strstr(error_text(), "cannot open the directory"));
        ck_assert_int_eq(daemon_socket_open(&listening, inside, true), -ENOTDIR);

        if (geteuid() == 0)
                SKIP_TEST("nothing is unreadable for root");
        chmod(directory, 0600);
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), -EACCES);
        chmod(directory, 0500);
        ck_assert_int_eq(daemon_socket_open(&listening, path, false), -EACCES);
        chmod(directory, 0700);
}
END_TEST

START_TEST(a_path_too_long_is_said)
{
        char longer[109];

        memset(longer, 'x', sizeof(longer) - 1);
        longer[0] = '/';
        longer[108] = '\0';
        ck_assert_int_eq(daemon_socket_open(&listening, longer, false), -ENAMETOOLONG);
        ck_assert_str_eq(error_text(), "a socket path has at most 107 bytes");
}
END_TEST

START_TEST(a_path_in_the_working_directory_works)
{
        ck_assert_int_eq(chdir(directory), 0);
        ck_assert_int_eq(daemon_socket_open(&listening, "socket", false), 0);
        ck_assert_int_eq(try_connect(SOCK_SEQPACKET), 0);
}
END_TEST

#if HAVE_SYSTEMD
START_TEST(the_socket_of_systemd_comes_first_and_its_file_stays)
{
        int passed = make_socket_file(SOCK_SEQPACKET, true);
        char number[32];
        int status;
        pid_t child = fork();

        /* In a process of its own: systemd's number 3 is the test framework's here. */
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                dup2(passed, 3);
                snprintf(number, sizeof(number), "%d", (int)getpid());
                setenv("LISTEN_PID", number, 1);
                setenv("LISTEN_FDS", "1", 1);
                if (daemon_socket_open(&listening, "/elsewhere", false) < 0)
                        _exit(1);
                status = listening.fd == 3 && strcmp(listening.path, path) == 0 ? 0 : 2;
                daemon_socket_close(&listening);
                _exit(status);
        }
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST
#endif

TEST_SUITE(test_daemon_socket)
{
        TCase *opening = tcase_create("opening");

        tcase_add_checked_fixture(opening, set_up, tear_down);
        tcase_add_test(opening, clients_can_connect_and_the_listener_does_not_block);
        tcase_add_loop_test(opening, who_may_connect_is_as_said_whatever_the_umask, 0, 2);
        tcase_add_test(opening, closing_removes_the_file_and_opening_anew_works);
        tcase_add_test(opening, a_file_that_took_its_place_is_not_removed);
        tcase_add_test(opening, a_socket_left_by_a_dead_daemon_is_replaced);
        tcase_add_loop_test(opening, a_socket_somebody_serves_is_left_alone, 0, 3);
        tcase_add_loop_test(opening, what_is_no_socket_is_left_alone, 0, 3);
        tcase_add_test(opening, of_two_daemons_that_start_at_once_one_says_so);
        tcase_add_test(opening, who_may_only_read_the_directory_keeps_no_daemon_from_starting);
        tcase_add_test(opening, a_lock_that_is_not_ours_is_said_and_left_alone);
        tcase_add_test(opening, a_private_instance_makes_its_directory);
        tcase_add_test(opening, a_directory_that_cannot_be_used_is_said);
        tcase_add_test(opening, a_path_too_long_is_said);
        tcase_add_test(opening, a_path_in_the_working_directory_works);
#if HAVE_SYSTEMD
        tcase_add_test(opening, the_socket_of_systemd_comes_first_and_its_file_stays);
#endif
        tcase_set_timeout(opening, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, opening);
}
