/*
 * kyron-iod in its surroundings: few descriptors, signals, the background, and what a service
 * manager passes and is told.
 */
#include "core/cleanup.h"
#include "core/readiness.h"
#include "daemon/closing/closer.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"
#include "tests/support/raw_client.h"
#include "tests/support/silent_fuse.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATH_SIZE = 256 };

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

/* ---- descriptors ---- */

static rlim_t hard_limit;

static void limit_open_files(void)
{
        const struct rlimit limit = {.rlim_cur = hard_limit, .rlim_max = hard_limit};

        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                _exit(126);
}

START_TEST(too_few_descriptors_to_serve_anybody_are_said)
{
        unsigned limit, least, enough;

        /* The least that is named is the least there is. */
        hard_limit = 100;
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(PROGRAM_RUN(&daemon_program, limit_open_files, "--foreground",
                                             "--max-sessions", "10", "--socket", socket_path),
                                 1);
                ck_assert_msg(sscanf(daemon_program.err,
                                     "kyron-iod: error: the limit of open files is %u: %u is the "
                                     "least, %u would do\n",
                                     &limit, &least, &enough) == 3,
                              "%s", daemon_program.err);
                ck_assert_uint_eq(limit, hard_limit);
                hard_limit = least - 1;
        }
        hard_limit = least;
        /* One session, which is had once it is known to serve. */
        program_serve(&daemon_program, socket_path, limit_open_files);
        program_stop(&daemon_program);
}
END_TEST

START_TEST(with_few_descriptors_there_are_as_many_sessions_as_they_suffice_for)
{
        static RawClient clients[64];
        unsigned long files;
        unsigned sessions, wanted, i;

        hard_limit = 1000;
        program_serve(&daemon_program, socket_path, limit_open_files);
        program_await_said(&daemon_program, "\n");
        ck_assert_msg(sscanf(daemon_program.err,
                             "kyron-iod: warning: the limit of %lu open files allows %u sessions, "
                             "not %u\n",
                             &files, &sessions, &wanted) == 3,
                      "%s", daemon_program.err);
        ck_assert_uint_eq(files, 1000);
        ck_assert_uint_gt(sessions, 20);
        ck_assert_uint_eq(wanted, 4096);
        ck_assert_uint_lt(sessions, 64);
        for (i = 0; i < sessions; i++)
                raw_client_open(&clients[i], socket_path);
        raw_client_connect(&clients[i], socket_path);
        raw_client_expect_goodbye(&clients[i], 0, EDQUOT,
                                  "the daemon is at its limit of %u sessions: try again later",
                                  sessions);
        program_stop(&daemon_program);
}
END_TEST

/* ---- stopping ---- */

START_TEST(a_signal_stops_it_cleanly_and_clients_are_told)
{
        static const int signals[] = {SIGTERM, SIGINT};
        static RawClient clients[2];

        program_serve(&daemon_program, socket_path, NULL);
        for (int i = 0; i < 2; i++)
                raw_client_open(&clients[i], socket_path);
        ck_assert_int_eq(kill(daemon_program.pid, signals[_i]), 0);
        for (int i = 0; i < 2; i++)
                raw_client_expect_goodbye(&clients[i], 0, ESHUTDOWN, "kyron-iod is stopping");
        ck_assert_int_eq(program_wait(&daemon_program), 0);
        ck_assert_int_lt(access(socket_path, F_OK), 0);
}
END_TEST

/* A process with a context of io_setup(2) ends some 30 ms later than another: the kernel waits
 * until nobody may use it, before it closes the sockets, and until then no client learns of it. */
START_TEST(the_kernel_has_nothing_to_wait_for_when_it_is_killed)
{
        CLEANUP(cleanup_fclose) FILE *maps = NULL;
        char path[PATH_SIZE], line[512];
        int lines = 0;

        program_serve(&daemon_program, socket_path, NULL);
        snprintf(path, sizeof(path), "/proc/%d/maps", (int)daemon_program.pid);
        maps = fopen(path, "re");
        ck_assert_ptr_nonnull(maps);
        for (; fgets(line, sizeof(line), maps); lines++)
                ck_assert_msg(!strstr(line, "[aio]"), "%s", line);
        ck_assert_int_gt(lines, 0);
        program_stop(&daemon_program);
}
END_TEST

START_TEST(a_signal_at_any_moment_of_its_start_leaves_no_socket)
{
        enum { STARTS = 50 };
        const char *const words[] = {"--foreground", "--log-level", "warning",
                                     "--socket",     socket_path,   NULL};

        for (int i = 0; i < STARTS; i++) {
                Deadline deadline = deadline_in(DEADLINE_MS);

                program_start(&daemon_program, words, NULL);
                /* Without a pause, to come before the daemon serves. */
                while (access(socket_path, F_OK) < 0)
                        ck_assert_int_gt(deadline_left(deadline), 0);
                ck_assert_int_eq(kill(daemon_program.pid, SIGTERM), 0);
                ck_assert_int_eq(program_wait(&daemon_program), 0);
                ck_assert_int_lt(access(socket_path, F_OK), 0);
        }
}
END_TEST

START_TEST(a_hangup_does_not_end_it)
{
        program_serve(&daemon_program, socket_path, NULL);
        ck_assert_int_eq(kill(daemon_program.pid, SIGHUP), 0);
        ck_assert(program_serves(socket_path));
        ck_assert(!program_has_ended(&daemon_program));
        program_stop(&daemon_program);
        ck_assert_int_lt(access(socket_path, F_OK), 0);
}
END_TEST

/* ---- the background ---- */

/* The process that serves, by its own word. */
static pid_t serving_pid(void)
{
        static RawClient client;
        pid_t pid;

        raw_client_open(&client, socket_path);
        pid = raw_client_status(&client)->pid;
        raw_client_close(&client);
        return pid;
}

START_TEST(in_the_background_it_serves_when_the_command_returns)
{
        char path[64], target[PATH_SIZE];
        pid_t pid;

        program_adopt_orphans();
        ck_assert_int_eq(PROGRAM_RUN(&daemon_program, NULL, "--socket", socket_path), 0);
        pid = serving_pid();
        ck_assert_int_ne(pid, daemon_program.pid);
        ck_assert_int_eq(getsid(pid), pid);
        for (int fd = -1; fd <= 2; fd++) {
                ssize_t n;

                if (fd < 0)
                        snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
                else
                        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
                n = readlink(path, target, sizeof(target) - 1);
                ck_assert_int_gt(n, 0);
                target[n] = '\0';
                ck_assert_str_eq(target, fd < 0 ? "/" : "/dev/null");
        }
        ck_assert_int_eq(kill(pid, SIGTERM), 0);
        ck_assert(wait_exit(pid, DEADLINE_MS, NULL));
        ck_assert_int_lt(access(socket_path, F_OK), 0);
}
END_TEST

START_TEST(in_the_background_a_failure_is_the_commands)
{
        char expected[PATH_SIZE * 2];

        snprintf(socket_path, sizeof(socket_path), "%s/missing/socket", directory);
        ck_assert_int_eq(PROGRAM_RUN(&daemon_program, NULL, "--socket", socket_path), 1);
        snprintf(expected, sizeof(expected),
                 "kyron-iod: error: cannot open the directory %s/missing: No such file or "
                 "directory\n",
                 directory);
        ck_assert_str_eq(daemon_program.err, expected);
}
END_TEST

/* ---- a service manager ---- */

#if HAVE_SYSTEMD

static int passed_fds[2] = {-1, -1};
static const char *passed_count;

/* The environment and the descriptors of a started service. */
static void pass_sockets(void)
{
        enum { FIRST = 3 };
        char pid[32];

        for (int i = 0; i < 2 && passed_fds[i] >= 0; i++) {
                if (dup2(passed_fds[i], FIRST + i) < 0)
                        _exit(126);
        }
        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", passed_count, 1);
}

/* A socket as systemd would make it: blocking. */
static int bind_socket(int type, int backlog)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        unlink(socket_path);
        ck_assert_uint_lt(strlen(socket_path), sizeof(address.sun_path));
        strcpy(address.sun_path, socket_path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        if (backlog > 0)
                ck_assert_int_eq(listen(fd, backlog), 0);
        return fd;
}

START_TEST(a_socket_that_is_passed_is_served_and_stays)
{
        static RawClient client;
        char serving[PATH_SIZE * 2];

        passed_fds[0] = bind_socket(SOCK_SEQPACKET, 8);
        passed_count = "1";
        /* One that comes before the daemon has to wait, no more. */
        raw_client_connect(&client, socket_path);
        raw_client_hello(&client, 1, "early");
        program_start(&daemon_program,
                      (const char *const[]){"--foreground", "--log-level", "info", NULL},
                      pass_sockets);
        raw_client_expect(&client, IOD__FRAME__BODY_WELCOME);
        program_stop(&daemon_program);
        /* Its own path is another one. */
        snprintf(serving, sizeof(serving), "kyron-iod: info: serving %s\n", socket_path);
        ck_assert_ptr_nonnull(strstr(daemon_program.err, serving));
        ck_assert_int_eq(access(socket_path, F_OK), 0);
}
END_TEST

START_TEST(a_socket_that_is_passed_is_served_from_the_background_too)
{
        static RawClient client;
        pid_t pid;

        program_adopt_orphans();
        passed_fds[0] = bind_socket(SOCK_SEQPACKET, 8);
        passed_count = "1";
        raw_client_connect(&client, socket_path);
        raw_client_hello(&client, 1, "early");
        ck_assert_msg(PROGRAM_RUN(&daemon_program, pass_sockets, "--config", "/dev/null") == 0,
                      "%s", daemon_program.err);
        raw_client_expect(&client, IOD__FRAME__BODY_WELCOME);
        pid = serving_pid();
        ck_assert_int_ne(pid, daemon_program.pid);
        ck_assert_int_eq(kill(pid, SIGTERM), 0);
        ck_assert(wait_exit(pid, DEADLINE_MS, NULL));
        ck_assert_int_eq(access(socket_path, F_OK), 0);
}
END_TEST

static const struct {
        int type;
        int backlog;
        const char *count;
} wrong_sockets[] = {
        {SOCK_STREAM, 8, "1"},
        {SOCK_DGRAM, 0, "1"},
        {SOCK_SEQPACKET, 0, "1"},
        {SOCK_SEQPACKET, 8, "2"},
};

START_TEST(another_kind_of_passed_socket_is_refused)
{
        passed_fds[0] = bind_socket(wrong_sockets[_i].type, wrong_sockets[_i].backlog);
        passed_fds[1] = dup(passed_fds[0]);
        passed_count = wrong_sockets[_i].count;
        program_expect_failure(socket_path, pass_sockets,
                               "systemd has to pass one ListenSequentialPacket= socket");
}
END_TEST

static int notify_fd;
static char notify_path[PATH_SIZE];

static void listen_for_notifications(void)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        snprintf(notify_path, sizeof(notify_path), "%s/notify", directory);
        ck_assert_uint_lt(strlen(notify_path), sizeof(address.sun_path));
        strcpy(address.sun_path, notify_path);
        notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(notify_fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void point_notifications(void)
{
        setenv("NOTIFY_SOCKET", notify_path, 1);
}

static void point_notifications_and_watch(void)
{
        setenv("NOTIFY_SOCKET", notify_path, 1);
        setenv("WATCHDOG_USEC", "100000", 1);
}

static void expect_notification(const char *expected)
{
        char text[256];
        ssize_t n;

        ck_assert_msg(wait_readable(notify_fd, DEADLINE_MS), "no %s came", expected);
        n = recv(notify_fd, text, sizeof(text) - 1, 0);
        ck_assert_int_gt(n, 0);
        text[n] = '\0';
        ck_assert_str_eq(text, expected);
}

START_TEST(the_service_manager_learns_when_it_serves_and_when_it_stops)
{
        listen_for_notifications();
        program_start(&daemon_program,
                      (const char *const[]){"--foreground", "--log-level", "warning", "--socket",
                                            socket_path, NULL},
                      point_notifications);
        expect_notification("READY=1\nSTATUS=serving");
        ck_assert(program_serves(socket_path));
        program_stop(&daemon_program);
        expect_notification("STOPPING=1");
        ck_assert(!wait_readable(notify_fd, 0));
}
END_TEST

START_TEST(the_watchdog_is_fed)
{
        listen_for_notifications();
        program_serve(&daemon_program, socket_path, point_notifications_and_watch);
        expect_notification("READY=1\nSTATUS=serving");
        for (int i = 0; i < 5; i++)
                expect_notification("WATCHDOG=1");
        program_stop(&daemon_program);
}
END_TEST

START_TEST(files_that_do_not_close_do_not_starve_the_watchdog)
{
        static RawClient client;
        const uint64_t source = raw_source(0, 1, READINESS_READABLE);
        int silent_fd;

        listen_for_notifications();
        program_serve(&daemon_program, socket_path, point_notifications_and_watch);
        expect_notification("READY=1\nSTATUS=serving");
        silent_fd = silent_fuse_open(S_IFREG);
        if (silent_fd < 0) {
                program_stop(&daemon_program);
                SKIP_TEST("no FUSE file system: %s", strerror(errno));
        }
        /* As many as there are threads for one user, and more. */
        raw_client_open(&client, socket_path);
        for (int i = 0; i < 2 * CLOSER_LANE_THREADS; i++) {
                raw_client_add(&client, 0, &source, &silent_fd, 1);
                raw_client_expect(&client, IOD__FRAME__BODY_REFUSED);
        }
        for (int i = 0; i < 8; i++)
                expect_notification("WATCHDOG=1");
        silent_fuse_end();
        close(silent_fd);
        raw_client_close(&client);
        program_stop(&daemon_program);
}
END_TEST

#else

START_TEST(no_service_manager_is_spoken_to)
{
        SKIP_TEST("built without systemd");
}
END_TEST

#endif

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_unchecked_fixture(tcase, program_adopt_orphans, program_end_orphans);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
        return tcase;
}

TEST_SUITE(test_daemon_life)
{
        TCase *descriptors = add_case(suite, "descriptors");
        TCase *stopping = add_case(suite, "stopping");
        TCase *background = add_case(suite, "background");
        TCase *manager = add_case(suite, "service manager");

        tcase_add_test(descriptors, too_few_descriptors_to_serve_anybody_are_said);
        tcase_add_test(descriptors,
                       with_few_descriptors_there_are_as_many_sessions_as_they_suffice_for);

        tcase_add_loop_test(stopping, a_signal_stops_it_cleanly_and_clients_are_told, 0, 2);

        tcase_add_test(stopping, the_kernel_has_nothing_to_wait_for_when_it_is_killed);

        tcase_add_test(stopping, a_signal_at_any_moment_of_its_start_leaves_no_socket);

        tcase_add_test(stopping, a_hangup_does_not_end_it);

        tcase_add_test(background, in_the_background_it_serves_when_the_command_returns);
        tcase_add_test(background, in_the_background_a_failure_is_the_commands);

#if HAVE_SYSTEMD
        tcase_add_test(manager, a_socket_that_is_passed_is_served_and_stays);
        tcase_add_test(manager, a_socket_that_is_passed_is_served_from_the_background_too);
        tcase_add_loop_test(manager, another_kind_of_passed_socket_is_refused, 0, 4);
        tcase_add_test(manager, the_service_manager_learns_when_it_serves_and_when_it_stops);
        tcase_add_test(manager, the_watchdog_is_fed);
        tcase_add_test(manager, files_that_do_not_close_do_not_starve_the_watchdog);
#else
        tcase_add_test(manager, no_service_manager_is_spoken_to);
#endif
}
