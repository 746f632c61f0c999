/*
 * What nobody reads holds up nobody: a log into a pipe that is full, a service manager that is
 * stopped. Clients are served, the daemon ends when it is told to, and who reads in the end learns
 * what happened.
 */
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"
#include "tests/support/raw_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NONSENSE = 400 };

static Program daemon_program;
static RawClient client;
static char *directory;
static char socket_path[128], notify_path[128];

static void set_up(void)
{
        directory = make_temp_dir();
        snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
        snprintf(notify_path, sizeof(notify_path), "%s/notify", directory);
}

static void tear_down(void)
{
        remove_temp_dir(directory);
}

/* ---- The log ------------------------------------------------------------------------------- */

static int log_pipe[2]; /* what the daemon writes blocks, as it does for whoever starts it in a
                           shell */

static void write_to_pipe(void)
{
        dup2(log_pipe[1], STDERR_FILENO);
}

static size_t fill_pipe(void)
{
        size_t size;

        ck_assert_int_eq(pipe2(log_pipe, O_CLOEXEC | O_NONBLOCK), 0);
        size = fill(log_pipe[1]);
        ck_assert_int_eq(fcntl(log_pipe[1], F_SETFL, 0), 0);
        return size;
}

/* Each ends with a line in the log. */
static void speak_nonsense(void)
{
        static const RawBytes nonsense = {.size = 1, .bytes = {0xff}};

        for (int i = 0; i < NONSENSE; i++) {
                raw_client_connect(&client, socket_path);
                ck_assert_int_eq(raw_client_send(&client, &nonsense, NULL, 0), 0);
                raw_client_expect(&client, IOD__FRAME__BODY_REFUSED);
                raw_client_close(&client);
        }
}

START_TEST(a_log_that_nobody_reads_holds_up_nobody)
{
        fill_pipe();
        program_start(&daemon_program,
                      (const char *const[]){"--foreground", "--socket", socket_path, NULL},
                      write_to_pipe);
        program_await_serving(socket_path);
        speak_nonsense();
        raw_client_open(&client, socket_path);
        raw_client_status(&client);
        raw_client_close(&client);
        program_stop(&daemon_program);
}
END_TEST

/* Reads until there is this text in what was read, which is the caller's. */
static char *read_log_until(const char *text)
{
        size_t size = 0, room = 1 << 20;
        char *log = calloc(1, room);
        ssize_t n;

        while (!strstr(log, text) && wait_readable(log_pipe[0], DEADLINE_MS)) {
                n = read(log_pipe[0], log + size, room - 1 - size);
                ck_assert_int_gt(n, 0);
                size += (size_t)n;
        }
        ck_assert_msg(strstr(log, text), "the log has no \"%s\"", text);
        return log;
}

static unsigned count(const char *text, const char *word)
{
        unsigned n = 0;

        while ((text = strstr(text, word))) {
                text += strlen(word);
                n++;
        }
        return n;
}

START_TEST(who_reads_the_log_at_last_learns_what_was_left_out)
{
        size_t filled = fill_pipe();
        char *bytes = malloc(filled), *log;

        program_start(&daemon_program,
                      (const char *const[]){"--foreground", "--socket", socket_path, NULL},
                      write_to_pipe);
        program_await_serving(socket_path);
        speak_nonsense();
        ck_assert_int_eq(read(log_pipe[0], bytes, filled), (ssize_t)filled);
        log = read_log_until("lines were left out of the log");
        ck_assert_ptr_nonnull(strstr(log, "kyron-iod: info: serving "));
        ck_assert_uint_ge(count(log, "): ends: "), 100);
        ck_assert_uint_lt(count(log, "): ends: "), NONSENSE);
        program_stop(&daemon_program);
        free(log);
        free(bytes);
}
END_TEST

/* ---- The service manager ------------------------------------------------------------------- */

#if HAVE_SYSTEMD

static int manager;

/* Its socket is full. */
static void stop_manager(void)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        ck_assert_uint_lt(strlen(notify_path), sizeof(address.sun_path));
        strcpy(address.sun_path, notify_path);
        manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        while (send(fd, "STATUS=before", strlen("STATUS=before"), 0) > 0) {
        }
        ck_assert_int_eq(errno, EAGAIN);
        close(fd);
}

static void point_and_watch(void)
{
        setenv("NOTIFY_SOCKET", notify_path, 1);
        setenv("WATCHDOG_USEC", "100000", 1);
}

/* Reads up to a message that begins so. */
static void read_until(const char *beginning)
{
        char text[512] = "";

        while (strncmp(text, beginning, strlen(beginning)) != 0) {
                ssize_t n;

                ck_assert_msg(wait_readable(manager, DEADLINE_MS), "no %s came", beginning);
                n = recv(manager, text, sizeof(text) - 1, 0);
                ck_assert_int_gt(n, 0);
                text[n] = '\0';
        }
}

START_TEST(a_manager_that_does_not_read_holds_up_nobody)
{
        stop_manager();
        program_serve(&daemon_program, socket_path, point_and_watch);
        raw_client_open(&client, socket_path);
        program_await_said(&daemon_program, "the watchdog's pings are left out");
        raw_client_status(&client);
        raw_client_close(&client);
        program_stop(&daemon_program);
        ck_assert_ptr_nonnull(
                strstr(daemon_program.err, "systemd did not read in time: 2 messages"));
}
END_TEST

START_TEST(it_learns_that_the_daemon_serves_when_it_reads_again)
{
        stop_manager();
        program_serve(&daemon_program, socket_path, point_and_watch);
        program_await_said(&daemon_program, "the watchdog's pings are left out");
        read_until("READY=1\nSTATUS=serving");
        read_until("WATCHDOG=1");
        program_stop(&daemon_program);
        read_until("STOPPING=1");
}
END_TEST

#else

START_TEST(no_service_manager_is_spoken_to)
{
        SKIP_TEST("built without systemd");
}
END_TEST

#endif

TEST_SUITE(test_unread)
{
        TCase *log = tcase_create("log");
        TCase *manager_case = tcase_create("service manager");

        tcase_add_checked_fixture(log, set_up, tear_down);
        tcase_add_test(log, a_log_that_nobody_reads_holds_up_nobody);
        tcase_add_test(log, who_reads_the_log_at_last_learns_what_was_left_out);
        tcase_set_timeout(log, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, log);

        tcase_add_checked_fixture(manager_case, set_up, tear_down);
#if HAVE_SYSTEMD
        tcase_add_test(manager_case, a_manager_that_does_not_read_holds_up_nobody);
        tcase_add_test(manager_case, it_learns_that_the_daemon_serves_when_it_reads_again);
#else
        tcase_add_test(manager_case, no_service_manager_is_spoken_to);
#endif
        tcase_set_timeout(manager_case, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, manager_case);
}
