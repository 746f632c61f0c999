/*
 * Where kyron-iod listens, and why it does not: every sentence is the whole of what it writes.
 */
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"
#include "tests/support/raw_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 256, NOBODY = 65534 };

static Program daemon_program;
static char *directory;
static char socket_path[PATH_SIZE];

static void set_up(void)
{
        directory = program_make_directory(socket_path, sizeof(socket_path));
}

static void tear_down(void)
{
        remove_temp_dir(directory);
}

static mode_t mode_of(const char *path)
{
        struct stat file;

        ck_assert_msg(lstat(path, &file) == 0, "%s: %s", path, strerror(errno));
        return file.st_mode;
}

/* ---- the socket ---- */

START_TEST(a_second_daemon_says_so_and_the_first_goes_on)
{
        static Program first;

        program_serve(&first, socket_path, NULL);
        for (int i = 0; i < 3; i++)
                program_expect_failure(socket_path, NULL,
                                       "%s is served by another daemon: stop it first",
                                       socket_path);
        ck_assert(program_serves(socket_path));
        program_stop(&first);
        ck_assert_str_eq(first.err, "");
        ck_assert_int_lt(access(socket_path, F_OK), 0);
}
END_TEST

START_TEST(the_socket_of_a_killed_daemon_is_replaced)
{
        static Program first, second;

        program_serve(&first, socket_path, NULL);
        ck_assert_int_eq(kill(first.pid, SIGKILL), 0);
        ck_assert(wait_exit(first.pid, DEADLINE_MS, NULL));
        ck_assert(S_ISSOCK(mode_of(socket_path)));
        program_serve(&second, socket_path, NULL);
        program_stop(&second);
}
END_TEST

START_TEST(a_daemon_that_stops_leaves_the_socket_of_another_alone)
{
        static Program first, second;

        program_serve(&first, socket_path, NULL);
        ck_assert_int_eq(unlink(socket_path), 0);
        program_serve(&second, socket_path, NULL);
        program_stop(&first);
        ck_assert(program_serves(socket_path));
        program_stop(&second);
        ck_assert_int_lt(access(socket_path, F_OK), 0);
}
END_TEST

START_TEST(what_is_not_a_socket_is_left_alone)
{
        close(open(socket_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        program_expect_failure(socket_path, NULL, "%s exists and is not a socket: move it away",
                               socket_path);
        ck_assert(S_ISREG(mode_of(socket_path)));
}
END_TEST

START_TEST(anybody_may_connect_whatever_the_umask)
{
        mode_t before = umask(0777);

        program_serve(&daemon_program, socket_path, NULL);
        umask(before);
        ck_assert_uint_eq(mode_of(socket_path), S_IFSOCK | 0666);
        program_stop(&daemon_program);
}
END_TEST

/* Starts two daemons at once; one has to win and the other to say so. */
static void race_for_the_socket(void)
{
        static Program racers[2];
        const char *const words[] = {"--foreground", "--log-level", "warning",
                                     "--socket",     socket_path,   NULL};
        char expected[PATH_SIZE * 2];
        int loser;

        for (int i = 0; i < 2; i++)
                program_start(&racers[i], words, NULL);
        ck_assert(WAIT_UNTIL(program_has_ended(&racers[0]) || program_has_ended(&racers[1]),
                             DEADLINE_MS));
        loser = program_has_ended(&racers[0]) ? 0 : 1;
        ck_assert_int_eq(program_wait(&racers[loser]), 1);
        snprintf(expected, sizeof(expected),
                 "kyron-iod: error: %s is served by another daemon: stop it first\n", socket_path);
        ck_assert_str_eq(racers[loser].err, expected);
        program_await_serving(socket_path);
        program_stop(&racers[1 - loser]);
        ck_assert_str_eq(racers[1 - loser].err, "");
}

START_TEST(of_two_that_start_at_once_exactly_one_serves)
{
        enum { RACES = 50 };

        for (int i = 0; i < RACES; i++)
                race_for_the_socket();
}
END_TEST

START_TEST(two_that_start_at_once_on_sockets_of_their_own_both_serve)
{
        enum { RACES = 20 };
        static Program racers[2];
        char paths[2][PATH_SIZE];

        for (int i = 0; i < 2; i++)
                snprintf(paths[i], PATH_SIZE, "%s/socket%d", directory, i);
        for (int race = 0; race < RACES; race++) {
                for (int i = 0; i < 2; i++)
                        program_start(&racers[i],
                                      (const char *const[]){"--foreground", "--log-level",
                                                            "warning", "--socket", paths[i], NULL},
                                      NULL);
                for (int i = 0; i < 2; i++)
                        program_await_serving(paths[i]);
                for (int i = 0; i < 2; i++)
                        program_stop(&racers[i]);
        }
}
END_TEST

/* ---- its directory ---- */

static char inner[PATH_SIZE];

static void use_inner_directory(mode_t mode)
{
        snprintf(inner, sizeof(inner), "%s/inner", directory);
        snprintf(socket_path, sizeof(socket_path), "%s/inner/socket", directory);
        if (mode)
                ck_assert_int_eq(mkdir(inner, mode), 0);
}

START_TEST(a_directory_that_is_missing_is_named)
{
        use_inner_directory(0);
        program_expect_failure(socket_path, NULL,
                               "cannot open the directory %s: No such file or directory", inner);
}
END_TEST

START_TEST(a_directory_that_cannot_be_entered_is_named)
{
        use_inner_directory(0700);
        if (geteuid() != 0)
                ck_assert_int_eq(chmod(inner, 0), 0);
        program_expect_failure(socket_path, become_nobody, "cannot make %s.lock: Permission denied",
                               socket_path);
        rmdir(inner);
}
END_TEST

START_TEST(a_directory_that_cannot_be_written_is_named)
{
        use_inner_directory(0555);
        program_expect_failure(socket_path, become_nobody, "cannot make %s.lock: Permission denied",
                               socket_path);
        rmdir(inner);
}
END_TEST

START_TEST(a_directory_that_is_none_is_named)
{
        use_inner_directory(0);
        close(open(inner, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        program_expect_failure(socket_path, NULL, "cannot open the directory %s: Not a directory",
                               inner);
}
END_TEST

/* ---- a private instance ---- */

static void point_runtime_directory(void)
{
        setenv("XDG_RUNTIME_DIR", directory, 1);
        setenv("XDG_CONFIG_HOME", directory, 1); /* root's is not nobody's to read */
        become_nobody();
}

START_TEST(a_private_instance_lets_only_its_user_connect)
{
        static RawClient client;
        char made[PATH_SIZE];
        int fd;

        snprintf(made, sizeof(made), "%s/kyron-iod", directory);
        snprintf(socket_path, sizeof(socket_path), "%s/kyron-iod/socket", directory);
        program_start(
                &daemon_program,
                (const char *const[]){"--user", "--foreground", "--log-level", "warning", NULL},
                point_runtime_directory);
        /* Its user, or root, who is turned away by nobody but libkyron. */
        ck_assert(WAIT_UNTIL((fd = raw_client_dial(socket_path)) >= 0, DEADLINE_MS));
        close(fd);
        raw_client_open(&client, socket_path);
        raw_client_close(&client);
        ck_assert_uint_eq(mode_of(made), S_IFDIR | 0700);
        ck_assert_uint_eq(mode_of(socket_path), S_IFSOCK | 0600);
        program_stop(&daemon_program);
        ck_assert_int_lt(access(made, F_OK), 0);
}
END_TEST

static void point_own_runtime_directory(void)
{
        setenv("XDG_RUNTIME_DIR", directory, 1);
        setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
}

static void expect_private_failure(const char *path, const char *why)
{
        char expected[PATH_SIZE * 2];

        ck_assert_int_eq(PROGRAM_RUN(&daemon_program, point_own_runtime_directory, "--user",
                                     "--foreground", "--log-level", "error"),
                         1);
        snprintf(expected, sizeof(expected), "kyron-iod: error: %s %s\n", path, why);
        ck_assert_str_eq(daemon_program.err, expected);
}

START_TEST(a_private_instance_makes_nothing_in_another_users_directory)
{
        char made[PATH_SIZE];

        if (geteuid() != 0)
                SKIP_TEST("only root can give a directory away");
        ck_assert_int_eq(chmod(directory, 0700), 0);
        ck_assert_int_eq(chown(directory, NOBODY, NOBODY), 0);
        expect_private_failure(directory,
                               "is user 65534's, not yours: use a directory of your own");
        snprintf(made, sizeof(made), "%s/kyron-iod", directory);
        ck_assert_int_lt(access(made, F_OK), 0);
        /* Nor in one that somebody has made there beforehand. */
        ck_assert_int_eq(chown(directory, 0, 0), 0);
        ck_assert_int_eq(mkdir(made, 0700), 0);
        ck_assert_int_eq(chown(made, NOBODY, NOBODY), 0);
        expect_private_failure(made, "is user 65534's, not yours: use a directory of your own");
        rmdir(made);
}
END_TEST

static const mode_t writable[] = {0777, 0770, 0702, 0720};

enum { WRITABLE = sizeof(writable) / sizeof(writable[0]) };

START_TEST(a_private_instance_makes_nothing_where_others_may_replace_it)
{
        char made[PATH_SIZE];

        ck_assert_int_eq(chmod(directory, writable[_i]), 0);
        expect_private_failure(directory,
                               "may be written by others: chmod go-w, or use another directory");
        snprintf(made, sizeof(made), "%s/kyron-iod", directory);
        ck_assert_int_lt(access(made, F_OK), 0);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
        return tcase;
}

TEST_SUITE(test_daemon_start)
{
        TCase *sockets = add_case(suite, "socket");
        TCase *directories = add_case(suite, "directory");
        TCase *private_instance = add_case(suite, "private");

        tcase_add_test(sockets, a_second_daemon_says_so_and_the_first_goes_on);
        tcase_add_test(sockets, the_socket_of_a_killed_daemon_is_replaced);
        tcase_add_test(sockets, a_daemon_that_stops_leaves_the_socket_of_another_alone);
        tcase_add_test(sockets, what_is_not_a_socket_is_left_alone);
        tcase_add_test(sockets, anybody_may_connect_whatever_the_umask);
        tcase_add_test(sockets, of_two_that_start_at_once_exactly_one_serves);
        tcase_add_test(sockets, two_that_start_at_once_on_sockets_of_their_own_both_serve);

        tcase_add_test(directories, a_directory_that_is_missing_is_named);
        tcase_add_test(directories, a_directory_that_cannot_be_entered_is_named);
        tcase_add_test(directories, a_directory_that_cannot_be_written_is_named);
        tcase_add_test(directories, a_directory_that_is_none_is_named);

        tcase_add_test(private_instance, a_private_instance_lets_only_its_user_connect);
        tcase_add_test(private_instance,
                       a_private_instance_makes_nothing_in_another_users_directory);
        tcase_add_loop_test(private_instance,
                            a_private_instance_makes_nothing_where_others_may_replace_it, 0,
                            WRITABLE);
}
